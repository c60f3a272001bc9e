"""What the checks of all pages share: the browser, and whether everybody can use a page."""

import json

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def chromium(playwright):
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required", "--mute-audio"],
    )


def accessible(page, axe, least):
    """axe finds nothing wrong, and more than `least` rules hold. `page.wrong` has what the page itself did wrong."""
    wrong = list(page.wrong)
    page.evaluate(open(axe).read())
    found = page.evaluate("(tags) => axe.run({ runOnly: tags })", TAGS)
    # axe itself tries a style, which the policy refuses.
    page.wait_for_timeout(100)
    page.wrong[:] = wrong
    short = [(it["id"], it["help"], [node["html"][:200] for node in it["nodes"]]) for it in found["violations"]]
    assert not short, json.dumps(short, indent=1)
    assert len(found["passes"]) > least, found["passes"]
