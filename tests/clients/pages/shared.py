"""What the checks of all pages share: the browser, and whether everybody can use a page."""

import json

# axe itself tries two styles, which the policy refuses; the browser names them by their hashes.
AXES_STYLES = ["sha256-fF0LBso7Nz75zaFRDBUefBDvPe19hjaiDnnc8lt+2Js=", "sha256-EbQRT+1/o6noeZTUfkkbORH8zUyteVqmj7YFvRqOVrw="]
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium(playwright):
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
    )


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
