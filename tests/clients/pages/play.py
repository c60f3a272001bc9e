"""The page of a recording's link in Chromium: play.py URL BUCKET light|dark AXE

With ASSETS=FOLDER the page gets its style sheet and its script from there."""

import os
import re
import sys
import time

from playwright.sync_api import sync_playwright

import shared
from shared import accessible, chromium, is_wrong

URL, BUCKET, THEME, AXE = sys.argv[1:]
ASSETS = os.environ.get("ASSETS")
# How far the marked line may be from what is heard, in seconds.
FAR = 0.3
AUDIO = "document.querySelector('audio')"
MARKED = "[...document.querySelectorAll('[data-start]')].findIndex((it) => it.hasAttribute('aria-current'))"


def main():
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        plays(browser)
        seeks(browser)
        works_without_javascript(browser)
        fits_a_phone(browser)
        is_printed(browser)
        browser.close()
    print("fine")


def context(browser, **more):
    return browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "color_scheme": THEME} | more)


def opened(browser, url=URL, **more):
    """A page, and what went wrong in it."""
    page = context(browser, **more).new_page()
    page.wrong = []
    page.served = []
    page.on("console", lambda it: page.wrong.append(it.text) if is_wrong(it) else None)
    page.on("pageerror", lambda it: page.wrong.append(str(it)))
    page.on("response", lambda it: page.served.append((it.status, it.url)))
    for name in ("app.css", "player.js") if ASSETS else ():
        page.route(f"**/{name}", lambda route, _, name=name: route.fulfill(path=f"{ASSETS}/{name}"))
    page.goto(url)
    return page


def waits(page, what, *given):
    page.wait_for_function(what, arg=list(given), timeout=30_000, polling=20)


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
    starts = page.evaluate("[...document.querySelectorAll('[data-start]')].map((it) => Number(it.dataset.start))")
    page.evaluate(f"""new Promise((done) => {{
        {AUDIO}.addEventListener("seeked", () => setTimeout(done, 100), {{ once: true }});
        {AUDIO}.currentTime = {starts[1] - 1};
    }})""")
    # Asked in one step, many times while three lines are heard.
    samples = page.evaluate(f"""async (until) => {{
        const samples = [];
        while ({AUDIO}.currentTime < until) {{
            samples.push([{AUDIO}.currentTime, {MARKED}]);
            await new Promise((done) => setTimeout(done, 25));
        }}
        return samples;
    }}""", starts[3] + 1)
    heard = lambda at: max((n for n, start in enumerate(starts) if start <= at), default=-1)
    wrong = [(at, line) for at, line in samples if not heard(at - FAR) <= line <= heard(at + FAR)]
    assert len(samples) > 50 and not wrong, (wrong, starts)
    assert {line for _, line in samples} >= {1, 2, 3}, samples
    page.keyboard.press("Space")
    waits(page, f"() => {AUDIO}.paused")
    assert page.get_attribute("[data-play]", "aria-label") == "Play"
    picture(page, "heard", full_page=True)
    accessible(page, AXE, 20)
    page.keyboard.press("Space")
    waits(page, f"() => !{AUDIO}.paused")
    assert not page.wrong, page.wrong


def seeks(browser):
    page = opened(browser)
    line = page.locator("[data-start]").nth(3)
    start = float(line.get_attribute("data-start"))
    line.locator(".words").click()
    at = page.evaluate(f"{AUDIO}.currentTime")
    assert abs(at - (start - 0.3)) < 0.01, (at, start)
    assert page.evaluate(MARKED) == 3
    shown = float(re.search(r"[?&]t=([\d.]+)", page.url)[1])
    assert abs(shown - at) <= 0.05, page.url
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
    # Who sends the address on sends the place. The address follows at most three times a second.
    shown = lambda url: abs(float(re.search(r"[?&]t=([\d.]+)", url)[1]) - length / 4) < length / 50
    page.wait_for_url(shown)
    page.goto(page.url)
    assert abs(page.evaluate(f"{AUDIO}.currentTime") - length / 4) < length / 50
    page.goto(f"{URL}?t={start}")
    assert page.evaluate(MARKED) == 3
    page.click("[data-play]")
    waits(page, f"([start]) => {AUDIO}.currentTime > start + 0.2", start)
    assert page.evaluate(f"{AUDIO}.currentTime") < start + 5
    assert not page.wrong, page.wrong


def works_without_javascript(browser):
    page = opened(browser, java_script_enabled=False)
    assert page.locator("audio").get_attribute("controls") is not None
    assert page.locator("audio").is_visible() and not page.locator("[data-play]").is_visible()
    link = page.locator("[data-start] a").nth(2)
    at = link.get_attribute("href").split("=")[1]
    link.click()
    page.wait_for_url(f"{URL}?t={at}")
    assert page.locator("audio").get_attribute("src").endswith(f"#t={at}")
    picture(page, "without-javascript", full_page=True)


def fits_a_phone(browser):
    page = opened(browser, f"{URL}?t=8", viewport={"width": 360, "height": 740}, device_scale_factor=2, has_touch=True)
    waits(page, "() => document.querySelector('[data-wave]').firstElementChild")
    time.sleep(0.3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    accessible(page, AXE, 20)
    picture(page, "phone", full_page=True)
    assert not page.wrong, page.wrong


def is_printed(browser):
    page = opened(browser)
    page.emulate_media(media="print")
    assert not page.locator(".player").is_visible() and page.locator(".lines").is_visible()
    picture(page, "print", full_page=True)


main()
