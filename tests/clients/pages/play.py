"""The page of a recording's link in Chromium: play.py URL BUCKET light|dark AXE

With ASSETS=FOLDER the page gets its style sheet and its script from there."""

import os
import re
import sys

from playwright.sync_api import expect

import shared
from shared import accessible, check, is_wrong, leads, waits

URL, BUCKET, THEME, AXE = sys.argv[1:]
ASSETS = os.environ.get("ASSETS")
# How far the marked line may be from what is heard, in seconds.
FAR = 0.3
AUDIO = "document.querySelector('audio')"
MARKED = "[...document.querySelectorAll('[data-start]')].findIndex((it) => it.hasAttribute('aria-current'))"
# Plays from a second to another and gives what was marked when. A machine that is busy with other things gives the page no time
# now and then: what is seen first after such a pause says nothing of the page.
LISTEN = f"""async ([from, until]) => {{
    const audio = {AUDIO}, samples = [];
    await new Promise((done) => {{
        audio.addEventListener("seeked", () => setTimeout(done, 100), {{ once: true }});
        audio.currentTime = from;
    }});
    for (let before = performance.now(); audio.currentTime < until; ) {{
        await new Promise((done) => setTimeout(done, 25));
        const now = performance.now();
        if (now - before < 100) samples.push([audio.currentTime, {MARKED}]);
        before = now;
    }}
    return samples;
}}"""


def opened(browser, url=URL, **more):
    """A page, and what went wrong in it."""
    options = {"viewport": {"width": 1280, "height": 900}, "color_scheme": THEME} | more
    page = shared.new_context(browser, **options).new_page()
    page.wrong = []
    page.served = []
    page.on("console", lambda it: page.wrong.append(it.text) if is_wrong(it) else None)
    page.on("pageerror", lambda it: page.wrong.append(str(it)))
    page.on("response", lambda it: page.served.append((it.status, it.url)))
    for name in ("app.css", "player.js") if ASSETS else ():
        page.route(f"**/{name}", lambda route, _, name=name: route.fulfill(path=f"{ASSETS}/{name}"))
    page.goto(url)
    return page


def picture(page, name, **more):
    shared.picture(page, f"play-{name}-{THEME}", **more)


def plays(browser):
    page = opened(browser)
    drawn = "document.querySelector('[data-wave]').firstElementChild.shadowRoot.querySelectorAll('canvas').length > 0"
    waits(page, f"() => {drawn}")
    assert not any(BUCKET in url for _, url in page.served), "nothing is loaded before somebody plays"
    accessible(page, AXE, 20)
    picture(page, "still", full_page=True)
    page.click("[data-play]")
    waits(page, f"() => {AUDIO}.currentTime > 0.5")
    ranges = [status for status, url in page.served if url.startswith(BUCKET)]
    assert ranges and set(ranges) == {206}, page.served
    marks_what_is_heard(page)
    page.keyboard.press("Space")
    waits(page, f"() => {AUDIO}.paused")
    expect(page.locator("[data-play]")).to_have_attribute("aria-label", "Play")
    picture(page, "heard", full_page=True)
    accessible(page, AXE, 20)
    page.keyboard.press("Space")
    waits(page, f"() => !{AUDIO}.paused")
    assert not page.wrong, page.wrong


def marks_what_is_heard(page):
    starts = page.evaluate("[...document.querySelectorAll('[data-start]')].map((it) => Number(it.dataset.start))")
    heard = lambda at: max((n for n, start in enumerate(starts) if start <= at), default=-1)
    lines, samples = set(), []
    while not {1, 2, 3} <= lines or len(samples) <= 50:
        part = page.evaluate(LISTEN, [starts[1] - 1, starts[3] + 1])
        wrong = [(at, line) for at, line in part if not heard(at - FAR) <= line <= heard(at + FAR)]
        assert not wrong, (wrong, starts)
        samples += part
        lines |= {line for _, line in part}


def seeks(browser):
    page = opened(browser)
    line = page.locator("[data-start]").nth(3)
    start = float(line.get_attribute("data-start"))
    line.locator(".words").click()
    at = page.evaluate(f"{AUDIO}.currentTime")
    assert abs(at - (start - 0.3)) < 0.01, (at, start)
    assert page.evaluate(MARKED) == 3
    is_address_of(page, at, 0.05)
    for key, step in [(".", 5), (".", 5), (",", -5)]:
        page.keyboard.press(key)
        at += step
        now = page.evaluate(f"{AUDIO}.currentTime")
        assert abs(now - at) < 0.01, (key, now, at)
    page.locator("[data-seek]").focus()
    page.keyboard.press("Home")
    assert page.evaluate(f"{AUDIO}.currentTime") == 0
    lane = page.locator(".lane").first.bounding_box()
    page.mouse.click(lane["x"] + lane["width"] / 2, lane["y"] + lane["height"] / 2)
    length = page.evaluate("Number(document.querySelector('[data-length]').dataset.length)")
    assert abs(page.evaluate(f"{AUDIO}.currentTime") - length / 2) < length / 50
    wave = page.locator("[data-wave]").bounding_box()
    page.mouse.click(wave["x"] + wave["width"] / 4, wave["y"] + wave["height"] / 2)
    waits(page, f"([length]) => Math.abs({AUDIO}.currentTime - length / 4) < length / 50", length)
    # Who sends the address on sends the place.
    is_address_of(page, length / 4, length / 50)
    page.goto(page.url)
    assert abs(page.evaluate(f"{AUDIO}.currentTime") - length / 4) < length / 50
    page.goto(f"{URL}?t={start}")
    assert page.evaluate(MARKED) == 3
    page.evaluate(f"{AUDIO}.addEventListener('playing', () => {{ window.began = {AUDIO}.currentTime; }}, {{ once: true }})")
    page.click("[data-play]")
    waits(page, f"([start]) => {AUDIO}.currentTime > start + 0.2", start)
    began = page.evaluate("window.began")
    assert start - 0.1 <= began < start + 5, (began, start)
    assert not page.wrong, page.wrong


def is_address_of(page, second, near):
    """The address follows at most three times a second."""
    place = "Number(new URL(location).searchParams.get('t') ?? -1)"
    waits(page, f"([second, near]) => Math.abs({place} - second) <= near", second, near)


def works_without_javascript(browser):
    page = opened(browser, java_script_enabled=False)
    audio = page.locator("audio")
    assert audio.get_attribute("controls") is not None
    expect(audio).to_be_visible()
    expect(page.locator("[data-play]")).to_be_hidden()
    link = page.locator("[data-start] a").nth(2)
    at = link.get_attribute("href").split("=")[1]
    leads(page, f"{URL}?t={at}", link.click)
    expect(audio).to_have_attribute("src", re.compile(re.escape(f"#t={at}") + "$"))
    picture(page, "without-javascript", full_page=True)


def fits_a_phone(browser):
    page = opened(browser, f"{URL}?t=8", viewport={"width": 360, "height": 740}, device_scale_factor=2, has_touch=True)
    waits(page, "() => document.querySelector('[data-wave]').firstElementChild")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    accessible(page, AXE, 20)
    picture(page, "phone", full_page=True)
    assert not page.wrong, page.wrong


def a_wrong_link_is_as_light_as_the_others(browser):
    """The page of a link that does not work follows the theme; its policy permits its style."""
    page = opened(browser, f"{URL}x")
    expect(page.locator("p")).to_contain_text("does not exist")
    back = page.evaluate("(it => (it.style.backgroundColor = 'Canvas', getComputedStyle(it).backgroundColor))(document.documentElement)")
    assert (back == "rgb(255, 255, 255)") == (THEME == "light"), back
    picture(page, "wrong-link")
    assert [it for it in page.wrong if "404" not in it] == [], page.wrong


def is_printed(browser):
    page = opened(browser)
    page.emulate_media(media="print")
    expect(page.locator(".player")).to_be_hidden()
    expect(page.locator(".lines")).to_be_visible()
    picture(page, "print", full_page=True)


check(plays, seeks, works_without_javascript, fits_a_phone, a_wrong_link_is_as_light_as_the_others, is_printed)
