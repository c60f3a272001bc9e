"""What the checks of all pages share: the browser, how they wait, whether everybody can use a page, and pictures.

Nothing is read once and compared: a click or a key may lead to another page, and a busy machine shows it later. `expect` and
the waits below ask until it is so.

With SCREENSHOTS=FOLDER, pictures of all pages are left in that folder. With UPDATE_PICTURES=1, those of the documentation are
written to docs/src/images."""

import json
import os
import sys
import traceback
from pathlib import Path

from playwright.sync_api import Error, expect, sync_playwright


# axe itself tries two styles, which the policy refuses; the browser names them by their hashes.
AXES_STYLES = ["sha256-fF0LBso7Nz75zaFRDBUefBDvPe19hjaiDnnc8lt+2Js=", "sha256-EbQRT+1/o6noeZTUfkkbORH8zUyteVqmj7YFvRqOVrw="]
IMAGES = Path(__file__).parents[3] / "docs/src/images"
# The pictures of the documentation: what a check calls a picture, with the theme, and its name in docs/src/images.
DOCUMENTED = {
    "list-light": "pages-list",
    "play-heard-light": "play-page-light",
    "play-heard-dark": "play-page-dark",
    "play-phone-light": "play-page-phone",
}
SCREENSHOTS = os.environ.get("SCREENSHOTS")
UPDATE_PICTURES = os.environ.get("UPDATE_PICTURES")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# How long what must come may take, in milliseconds: much longer than it does, for machines that are busy with other things.
PATIENCE = 180_000
# Characters of a page that are printed when a check fails.
SHOWN = 3_000

expect.set_options(timeout=PATIENCE)


def check(*steps):
    """Runs the steps with a browser and prints `fine`; a step that fails says what its pages showed."""
    with sync_playwright() as playwright:
        browser = chromium(playwright)
        for step in steps:
            try:
                step(browser)
            except Exception:
                report(step.__name__, browser)
                sys.exit(1)
        browser.close()
    print("fine")


def chromium(playwright):
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
        timeout=PATIENCE,
    )


def report(step, browser):
    """What failed, and every open page, to stderr."""
    print(f"{step} failed:\n{traceback.format_exc()}", file=sys.stderr)
    for context in browser.contexts:
        for page in context.pages:
            try:
                text = page.locator("body").inner_text(timeout=10_000)
            except Error as error:
                text = f"(not readable: {error.message})"
            print(f"--- {page.url}, wrong: {getattr(page, 'wrong', [])}\n{text[:SHOWN]}", file=sys.stderr)


def new_context(browser, **options):
    """Without motion: in the middle of a transition colours have another contrast."""
    context = browser.new_context(**{"reduced_motion": "reduce"} | options)
    context.set_default_timeout(PATIENCE)
    context.set_default_navigation_timeout(PATIENCE)
    return context


def waits(page, what, *given):
    """Until this is true in the page, which may be behind another."""
    return page.wait_for_function(what, arg=list(given), polling=20)


def leads(page, address, act):
    """Does what loads another page, also one with the address of this one, and waits for it."""
    with page.expect_navigation(url=address):
        act()


def is_wrong(message):
    """Whether a page itself did something wrong."""
    is_of_axe = any(style in message.text for style in AXES_STYLES)
    return message.type in ("error", "warning") and not is_of_axe


def takes_pictures():
    """Taking a picture adds a style of its own, which the policy of a page refuses."""
    return bool(SCREENSHOTS or UPDATE_PICTURES)


def picture(page, name, **more):
    """A picture of what the page shows now, if one is wanted. The name ends with the theme."""
    documented = DOCUMENTED.get(name)
    if UPDATE_PICTURES and documented:
        page.screenshot(path=IMAGES / f"{documented}.png", clip=content(page), full_page=True)
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", **more)


def content(page):
    """The part of a page that has something in it."""
    bottoms = "[...document.querySelectorAll('main > *')].map((it) => it.getBoundingClientRect().bottom)"
    bottom = page.evaluate(f"Math.max(...{bottoms}) + scrollY")
    return {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": bottom + 24}


def accessible(page, axe, least):
    """axe finds nothing wrong, and more than `least` rules hold."""
    page.evaluate(open(axe).read())
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", TAGS)
    short = [(it["id"], it["help"], [node["html"][:200] for node in it["nodes"]]) for it in found["violations"]]
    assert not short, json.dumps(short, indent=1)
    assert len(found["passes"]) > least, found["passes"]
