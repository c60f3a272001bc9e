"""What the checks of all pages share: the browser, whether everybody can use a page, and pictures.

With SCREENSHOTS=FOLDER, pictures of all pages are left in that folder. With UPDATE_PICTURES=1, those of the documentation are
written to docs/src/images."""

import json
import os
from pathlib import Path

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


def chromium(playwright):
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
    )


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
        page.screenshot(path=IMAGES / f"{documented}.png", **more)
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", **more)


def accessible(page, axe, least):
    """axe finds nothing wrong, and more than `least` rules hold."""
    page.evaluate(open(axe).read())
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", TAGS)
    short = [(it["id"], it["help"], [node["html"][:200] for node in it["nodes"]]) for it in found["violations"]]
    assert not short, json.dumps(short, indent=1)
    assert len(found["passes"]) > least, found["passes"]
