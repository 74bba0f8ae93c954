"""Take the picture of every live figure, which stands in its place where scripts do not run.

Usage: picture_explorables.py [NAME...], by default all, after `make book`; needs Chromium

What has the class ``pictured`` is taken, with the question answered, after a press of whatever is marked with
``data-pictured``, and when the status line has said what came of it.
"""

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, sync_playwright

BOOK = Path(__file__).parent.parent / "book"
COLOURS = 64


def picture(live: Locator, path: Path) -> None:
    """Write the picture of one live figure."""
    live.locator(".question + .buttons button").first.click()
    for button in live.locator("[data-pictured]").all():
        button.click()
        live.locator("[role=status]:not(:empty)").wait_for(timeout=300_000)
    live.locator(".pictured").first.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)  # a third of the size


def main(names: list[str]) -> None:
    """Open each page with live figures and write _explorables/NAME.png; the first page of a name decides."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1600}, device_scale_factor=2)
        taken = set()
        for path in sorted((BOOK / "_build" / "html").glob("*.html")):
            page.goto(path.as_uri(), wait_until="networkidle")
            for live in page.locator(".explorable[data-name]").all():
                name = live.get_attribute("data-name")
                if name not in taken and name in (names or [name]):
                    picture(live, BOOK / "_explorables" / f"{name}.png")
                    taken.add(name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
