"""The pages under /ops in Chromium: ops.py URL TOKEN CALL LIVEKIT LIVEKIT_TOKEN light|dark AXE

CALL is a complete call with words."""

import json
import re
import sys
import urllib.request

from playwright.sync_api import expect

import shared
from shared import PATIENCE, accessible, check, is_wrong, leads, waits

URL, TOKEN, CALL, LIVEKIT, LIVEKIT_TOKEN, THEME, AXE = sys.argv[1:]
CALL_PAGE = f"{URL}/ops/calls/{CALL}"
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


def new_context(browser, **options):
    return shared.new_context(browser, **{"viewport": {"width": 1440, "height": 900}, "color_scheme": THEME} | options)


def signed_in(browser, **options):
    context = new_context(browser, **options)
    page = context.new_page()
    page.goto(f"{URL}/ops")
    expect(page).to_have_url(re.compile("/ops/login"))
    page.fill("#token", TOKEN)
    leads(page, f"{URL}/ops", lambda: page.click("button[type=submit]"))
    page.close()
    return context


def opened(context, path):
    """A page, and what went wrong in it."""
    page = context.new_page()
    page.wrong = []
    page.on("console", lambda it: page.wrong.append(it.text) if is_wrong(it) and not is_of_picture(it) else None)
    page.on("pageerror", lambda it: page.wrong.append(str(it)))
    page.goto(f"{URL}{path}")
    return page


def is_of_picture(message):
    return shared.takes_pictures() and "inline style" in message.text


def picture(page, name, **more):
    shared.picture(page, f"{name}-{THEME}", **more)


def works_without_javascript(browser):
    context = signed_in(browser, java_script_enabled=False)
    page = opened(context, "/ops")
    leads(page, re.compile("status=failed"), lambda: page.click(".tabs >> text=Failed"))
    expect(page.locator("tbody tr")).to_have_count(1)
    # The reason of a failed call: one click, and it is in the list.
    expect(page.locator("tbody tr .reason")).to_contain_text("the recorder ran out of disk space")
    leads(page, re.compile("/ops/calls/"), lambda: page.click("tbody th a"))
    expect(page.locator(".notice.bad")).to_contain_text("the recorder ran out of disk space")
    page.goto(f"{URL}/ops")
    page.fill("#q", "5551234567")
    leads(page, re.compile("q=5551234567"), lambda: page.press("#q", "Enter"))
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto(CALL_PAGE)
    expect(page.locator("audio").first).to_be_visible()
    assert "A table for two." not in page.content()
    leads(page, re.compile("/ops/words/"), lambda: page.click("text=Show the words"))
    expect(page.locator("section.transcript")).to_contain_text("A table for two.")
    leads(page, re.compile("/ops/redrive"), lambda: page.click("text=Rewrite the row completely"))
    expect(page.locator("h1")).to_contain_text("Rewrite the row completely?")
    leads(page, CALL_PAGE, lambda: page.click("text=Rewrite now"))
    leads(page, f"{URL}/ops/login", lambda: page.click("text=Sign out"))
    page.goto(f"{URL}/ops")
    expect(page).to_have_url(re.compile("/ops/login"))
    context.close()


def are_accessible(browser):
    context = signed_in(browser)
    for name, path in [
        ("list", "/ops"),
        ("list-failed", "/ops?status=failed&q=back"),
        ("list-empty", "/ops?q=nothing-has-this-name"),
        ("call", f"/ops/calls/{CALL}"),
        ("words", f"/ops/words/{CALL}"),
        ("redrive", f"/ops/redrive?call={CALL}&whole=1"),
        ("health", "/ops/health"),
        ("attention", "/ops/attention"),
        ("schema", "/ops/schema"),
        ("not-found", "/ops/calls/RM_none"),
    ]:
        page = opened(context, path)
        picture(page, name, full_page=True)
        accessible(page, AXE, 15)
        wrong = [it for it in page.wrong if "404" not in it]
        assert not wrong, (path, wrong)
        page.close()
    outside = new_context(browser)
    page = opened(outside, "/ops/login")
    picture(page, "login")
    accessible(page, AXE, 15)
    outside.close()
    context.close()


def need_keys_only(browser):
    context = signed_in(browser)
    page = opened(context, "/ops")
    press = page.keyboard.press
    press("?")
    expect(page.locator("#keys")).to_be_visible()
    accessible(page, AXE, 15)
    picture(page, "keys")
    press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    rows, selected = page.locator("#calls tbody tr"), ("aria-selected", "true")
    press("j")
    press("j")
    expect(rows.nth(1)).to_have_attribute(*selected)
    accessible(page, AXE, 15)
    press("k")
    expect(rows.nth(0)).to_have_attribute(*selected)
    press("e")
    expect(page.locator("tr[aria-selected=true] [data-status=failed]")).to_have_count(1)
    leads(page, re.compile("/ops/calls/"), lambda: press("Enter"))
    page.go_back()
    expect(rows.first).to_be_visible()
    press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("table for two")
    leads(page, re.compile(r"q=table\+for\+two"), lambda: press("Enter"))
    expect(rows).to_have_count(1)
    press("j")
    expect(rows.first).to_have_attribute(*selected)
    leads(page, CALL_PAGE, lambda: press("Enter"))
    plays_by_key(page)
    number = page.locator("[data-private]").first
    number.focus()
    expect(number).to_have_class(re.compile("veiled"))
    press("Enter")
    expect(number).not_to_have_class(re.compile("veiled"))
    context.close()


def plays_by_key(page):
    """The recording may be at its end before a busy machine has looked: what counts is what the browser said."""
    page.evaluate("""() => {
        window.said = [];
        const audio = document.querySelector("audio");
        for (const name of ["play", "pause"]) audio.addEventListener(name, () => window.said.push(name));
        audio.playbackRate = 0.25;
    }""")
    page.keyboard.press("Space")
    waits(page, "() => window.said.includes('play')")
    page.keyboard.press("Space")
    waits(page, "() => window.said.includes('pause')")


def ask_before_a_retry(browser):
    context = signed_in(browser)
    page = opened(context, f"/ops/calls/{CALL}")
    dialog = page.locator("dialog.ask")
    page.click("text=Rewrite the row completely")
    expect(dialog).to_contain_text("costs about 1 request to Airtable")
    accessible(page, AXE, 15)
    picture(page, "dialog")
    dialog.locator("text=Cancel").click()
    expect(dialog).to_have_count(0)
    page.click("text=Rewrite the row completely")
    leads(page, CALL_PAGE, lambda: dialog.locator("text=Rewrite now").click())
    page.goto(f"{URL}/ops")
    page.click("text=Retry selected")
    expect(page.locator("#live")).to_have_text("Select at least one call")
    expect(dialog).to_have_count(0)
    page.check("input[name=call]:enabled >> nth=0")
    page.click("text=Retry selected")
    expect(dialog).to_be_visible()
    assert not page.wrong, page.wrong
    context.close()


def show_what_changes(browser):
    context = signed_in(browser)
    page = opened(context, "/ops")
    waits(page, "() => document.documentElement.hasAttribute('data-live')")
    before = int(page.inner_text("[data-count=all]"))
    other = context.new_page()
    other.goto(f"{URL}/ops?status=live")
    waits(other, "() => document.documentElement.hasAttribute('data-live')")
    new_room()
    expect(page.locator("[data-count=all]")).to_have_text(str(before + 1))
    for one in (page, other):
        expect(one.locator("#news")).to_have_text("1 new")
    other.close()
    picture(page, "news")
    accessible(page, AXE, 15)
    leads(page, f"{URL}/ops", lambda: page.click("#news a"))
    expect(page.locator("#calls tbody tr")).to_have_count(before + 1)
    assert not page.wrong, page.wrong
    context.close()


def offer_what_begins_to_wait(browser):
    """A call can be selected as soon as one of its deliveries waits, while the list is open."""
    context = signed_in(browser)
    row = f"#call-{CALL}"
    page = opened(context, "/ops")
    waiting = """(it) => {
        const row = it.cloneNode(true);
        row.querySelector("td.select").remove();
        row.querySelector("td.deliveries").innerHTML = '<span class="pill" data-delivery="parked">Airtable parked</span>';
        return row.outerHTML;
    }"""
    changed = {"id": CALL, "status": "complete", "started": None, "html": page.locator(row).evaluate(waiting)}
    event = json.dumps({"counts": {}, "rows": [changed], "many": False})
    context.route("**/ops/events**", lambda route: route.fulfill(content_type="text/event-stream", body=f"event: calls\ndata: {event}\n\n"))
    page.goto(f"{URL}/ops")
    expect(page.locator(f"{row} [data-delivery=parked]")).to_be_visible()
    expect(page.locator(f"{row} input")).to_be_enabled()
    expect(page.locator("#selection button")).to_be_enabled()
    context.close()


def new_room():
    """Asks the stand-in's API for a room, which it reports by a webhook."""
    request = urllib.request.Request(
        f"{LIVEKIT}/twirp/livekit.RoomService/CreateRoom",
        data=json.dumps({"name": "call-new"}).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {LIVEKIT_TOKEN}"},
    )
    urllib.request.urlopen(request, timeout=PATIENCE / 1e3).read()


def ask_nothing_when_hidden(browser):
    context = signed_in(browser)
    page = opened(context, "/ops")
    waits(page, "() => document.documentElement.hasAttribute('data-live')")
    hide = """(hidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    asked = []
    page.evaluate(hide, True)
    waits(page, "() => !document.documentElement.hasAttribute('data-live')")
    page.on("request", lambda it: asked.append(it.url))
    # Nothing says that nothing comes: a while of it must do.
    page.wait_for_timeout(3_000)
    assert asked == [], asked
    page.evaluate(hide, False)
    waits(page, "() => document.documentElement.hasAttribute('data-live')")
    expect(page.locator("#news")).to_have_text("Calls may have changed")
    context.close()


def fit_a_phone(browser):
    context = signed_in(browser, **PHONE)
    for name, path in [
        ("list", "/ops"),
        ("call", f"/ops/words/{CALL}"),
        ("redrive", f"/ops/redrive?call={CALL}&whole=1"),
        ("filtered", "/ops?q=back&from=30d"),
        ("health", "/ops/health"),
        ("attention", "/ops/attention"),
        ("schema", "/ops/schema"),
    ]:
        page = opened(context, path)
        # Neither the page nor a table in it is wider than the screen.
        wide = "[document.documentElement, ...document.querySelectorAll('.scroll')].filter((it) => it.scrollWidth > it.clientWidth)"
        assert page.evaluate(f"{wide}.map((it) => it.outerHTML.slice(0, 80))") == [], path
        assert page.evaluate("document.documentElement.clientWidth") == 360, path
        # The way around is one line, and what is to be filtered stands together, with its buttons below.
        tops = lambda selector: set(page.evaluate("(it) => [...document.querySelectorAll(it)].map((it) => Math.round(it.getBoundingClientRect().top))", selector))
        assert len(tops(".top nav a")) == 1, (path, tops(".top nav a"))
        if path.startswith("/ops?"):
            assert tops("#from") == tops("#to"), path
            assert max(tops("#from")) - max(tops("#agent")) < 80, (tops("#agent"), tops("#from"))
            assert min(tops(".filters .actions > *")) > max(tops("#from")), path
        picture(page, f"phone-{name}", full_page=True)
        accessible(page, AXE, 15)
        page.close()
    page = opened(context, f"/ops/words/{CALL}")
    page.emulate_media(media="print")
    picture(page, "print", full_page=True)
    expect(page.locator(".top")).to_be_hidden()
    context.close()


check(
    works_without_javascript,
    are_accessible,
    need_keys_only,
    ask_before_a_retry,
    show_what_changes,
    offer_what_begins_to_wait,
    ask_nothing_when_hidden,
    fit_a_phone,
)
