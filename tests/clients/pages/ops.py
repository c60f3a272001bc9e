"""The pages under /ops in Chromium: ops.py URL TOKEN CALL LIVEKIT LIVEKIT_TOKEN light|dark AXE

CALL is a complete call with words."""

import json
import sys

from playwright.sync_api import sync_playwright

import shared
from shared import accessible, chromium, is_wrong

URL, TOKEN, CALL, LIVEKIT, LIVEKIT_TOKEN, THEME, AXE = sys.argv[1:]


def main():
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        works_without_javascript(browser)
        context = signed_in(browser)
        pages_are_accessible(context)
        keys_are_enough(context)
        asks_before_a_retry(context)
        shows_what_changes(context)
        a_hidden_page_asks_nothing(browser)
        fits_a_phone(browser)
        browser.close()
    print("fine")


def new_context(browser, **more):
    return browser.new_context(**{"viewport": {"width": 1440, "height": 900}, "color_scheme": THEME} | more)


def signed_in(browser, **more):
    context = new_context(browser, **more)
    page = context.new_page()
    page.goto(f"{URL}/ops")
    assert page.url.startswith(f"{URL}/ops/login"), page.url
    page.fill("#token", TOKEN)
    page.click("button[type=submit]")
    page.wait_for_url(f"{URL}/ops")
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
    page.click("text=Failed >> nth=0")
    assert "status=failed" in page.url
    assert page.locator("tbody tr").count() == 1
    # The reason of a failed call: one click, and it is in the list.
    assert "told by the test" in page.inner_text("tbody tr .reason")
    page.click("tbody th a")
    assert "told by the test" in page.inner_text(".notice.bad")
    page.goto(f"{URL}/ops")
    page.fill("#q", "5551234567")
    page.press("#q", "Enter")
    assert page.locator("tbody tr").count() == 2, page.url
    page.goto(f"{URL}/ops/calls/{CALL}")
    assert page.locator("audio").first.is_visible()
    assert "A table for two." not in page.content()
    page.click("text=Show the words")
    assert "A table for two." in page.inner_text(".transcript")
    page.click("text=Rewrite the row completely")
    assert "Retry 1 delivery?" in page.inner_text("h1")
    page.click("text=Retry now")
    page.wait_for_url(f"{URL}/ops/calls/{CALL}")
    page.click("text=Sign out")
    page.wait_for_url(f"{URL}/ops/login")
    page.goto(f"{URL}/ops")
    assert "/ops/login" in page.url
    context.close()


def pages_are_accessible(context):
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
        page.wait_for_timeout(200)
        picture(page, name, full_page=True)
        accessible(page, AXE, 15)
        wrong = [it for it in page.wrong if "404" not in it]
        assert not wrong, (path, wrong)
        page.close()
    page = opened(new_context(context.browser), "/ops/login")
    picture(page, "login")
    accessible(page, AXE, 15)


def keys_are_enough(context):
    page = opened(context, "/ops")
    press = page.keyboard.press
    press("?")
    assert page.locator("#keys").is_visible()
    accessible(page, AXE, 15)
    picture(page, "keys")
    press("Escape")
    press("j")
    press("j")
    rows = "[...document.querySelectorAll('#calls tbody tr')].findIndex((it) => it.matches('[aria-selected=true]'))"
    assert page.evaluate(rows) == 1
    press("k")
    assert page.evaluate(rows) == 0
    press("e")
    selected = page.locator("tr[aria-selected=true]")
    assert selected.locator("[data-status=failed]").count() == 1
    press("Enter")
    page.wait_for_url(f"{URL}/ops/calls/*")
    page.go_back()
    press("/")
    page.keyboard.type("table for two")
    press("Enter")
    page.wait_for_url("**q=table+for+two*")
    press("j")
    press("Enter")
    page.wait_for_url(f"{URL}/ops/calls/{CALL}")
    audio = "document.querySelector('audio')"
    press("Space")
    page.wait_for_function(f"() => !{audio}.paused")
    press("Space")
    page.wait_for_function(f"() => {audio}.paused")
    number = page.locator("[data-private]").first
    number.focus()
    assert "veiled" in number.get_attribute("class")
    press("Enter")
    assert "veiled" not in number.get_attribute("class")
    page.close()


def asks_before_a_retry(context):
    page = opened(context, f"/ops/calls/{CALL}")
    page.click("text=Rewrite the row completely")
    dialog = page.locator("dialog.ask")
    dialog.wait_for()
    assert "costs about 1 request to Airtable" in dialog.inner_text()
    accessible(page, AXE, 15)
    picture(page, "dialog")
    dialog.locator("text=Cancel").click()
    assert page.locator("dialog.ask").count() == 0
    page.click("text=Rewrite the row completely")
    page.locator("dialog.ask >> text=Retry now").click()
    page.wait_for_url(f"{URL}/ops/calls/{CALL}")
    page.goto(f"{URL}/ops")
    page.click("text=Retry selected")
    assert page.locator("dialog.ask").count() == 0, "nothing is selected"
    page.check("input[name=call] >> nth=0")
    page.click("text=Retry selected")
    page.locator("dialog.ask").wait_for()
    assert not page.wrong, page.wrong
    page.close()



def shows_what_changes(context):
    page = opened(context, "/ops")
    page.wait_for_selector("html[data-live]")
    before = int(page.inner_text("[data-count=all]"))
    with context.new_page() as other:
        other.goto(f"{URL}/ops?status=live")
        other.wait_for_selector("html[data-live]")
        new_room()
        page.wait_for_function(f"() => document.querySelector('[data-count=all]').textContent === '{before + 1}'", timeout=30_000)
        page.wait_for_selector("#news >> text=1 new")
        other.wait_for_selector("#news >> text=1 new")
    picture(page, "news")
    accessible(page, AXE, 15)
    page.click("#news a")
    page.wait_for_function("() => document.querySelectorAll('tbody tr').length > 3")
    assert not page.wrong, page.wrong
    page.close()


def new_room():
    """Asks the stand-in's API for a room, which it reports by a webhook."""
    import urllib.request

    request = urllib.request.Request(
        f"{LIVEKIT}/twirp/livekit.RoomService/CreateRoom",
        data=json.dumps({"name": "call-new"}).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {LIVEKIT_TOKEN}"},
    )
    urllib.request.urlopen(request).read()


def a_hidden_page_asks_nothing(browser):
    context = signed_in(browser)
    page = opened(context, "/ops")
    page.wait_for_selector("html[data-live]")
    hide = """(hidden) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
        document.dispatchEvent(new Event('visibilitychange'));
    }"""
    asked = []
    page.evaluate(hide, True)
    page.wait_for_selector("html:not([data-live])")
    page.on("request", lambda it: asked.append(it.url))
    page.wait_for_timeout(3_000)
    assert asked == [], asked
    page.evaluate(hide, False)
    page.wait_for_selector("html[data-live]")
    page.wait_for_selector("#news >> text=Calls may have changed")
    context.close()


def fits_a_phone(browser):
    context = signed_in(browser, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    for name, path in [("list", "/ops"), ("call", f"/ops/words/{CALL}"), ("health", "/ops/health")]:
        page = opened(context, path)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, (path, wide)
        picture(page, f"phone-{name}", full_page=True)
        accessible(page, AXE, 15)
        page.close()
    page = opened(context, f"/ops/words/{CALL}")
    page.emulate_media(media="print")
    picture(page, "print", full_page=True)
    assert not page.locator(".top").is_visible()
    context.close()


main()
