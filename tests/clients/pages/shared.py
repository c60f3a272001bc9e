"""What the checks of all pages share: the browser, how they wait, and whether everybody can use a page.

Nothing is read once and compared: a click or a key may lead to another page, and a busy machine shows it later. `expect` and
the waits below ask until it is so."""

import json
import sys
import traceback

from playwright.sync_api import Error, expect, sync_playwright

# axe itself tries two styles, which the policy refuses; the browser names them by their hashes.
AXES_STYLES = ["sha256-fF0LBso7Nz75zaFRDBUefBDvPe19hjaiDnnc8lt+2Js=", "sha256-EbQRT+1/o6noeZTUfkkbORH8zUyteVqmj7YFvRqOVrw="]
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


def accessible(page, axe, least):
    """axe finds nothing wrong, and more than `least` rules hold."""
    page.evaluate(open(axe).read())
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", TAGS)
    short = [(it["id"], it["help"], [node["html"][:200] for node in it["nodes"]]) for it in found["violations"]]
    assert not short, json.dumps(short, indent=1)
    assert len(found["passes"]) > least, found["passes"]
