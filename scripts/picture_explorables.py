"""Take the picture of every live figure, which stands in its place where scripts do not run.

Usage: picture_explorables.py [NAME...], by default all, after `make book`; needs Chromium

A figure is taken with its question answered, and after a press of whatever it marks with ``data-pictured``.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

BOOK = Path(__file__).parent.parent / "book"


def main(names: list[str]) -> None:
    """Open each page with live figures and write _explorables/NAME.png; the first page of a name decides."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": 1280, "height": 1600}, device_scale_factor=2, reduced_motion="reduce"
        )
        taken = set()
        for path in sorted((BOOK / "_build" / "html").glob("*.html")):
            page.goto(path.as_uri(), wait_until="networkidle")
            for live in page.locator(".explorable[data-name]").all():
                name = live.get_attribute("data-name")
                if name in taken or (names and name not in names):
                    continue
                for button in live.locator(".question + .buttons button:first-child, [data-pictured]").all():
                    button.click()
                live.locator(".pictured").first.screenshot(path=BOOK / "_explorables" / f"{name}.png")
                taken.add(name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
