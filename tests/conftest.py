"""What all tests share: pictures without a screen, properties that are the same on every machine, and a browser."""

import os
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import matplotlib
import matplotlib.pyplot as plt
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from hypothesis import settings
from playwright.sync_api import sync_playwright

BOOK = Path(__file__).parent.parent / "book"
SITE = BOOK / "_build" / "html"
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 375, "height": 812}
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

matplotlib.use("Agg")

# The tensors here are so small that several threads would only wait for each other.
torch.set_num_threads(1)

# The same examples each time: a red test is red for everyone. No deadline: other work may share the processor.
settings.register_profile("pgutils", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("pgutils")


@pytest.fixture
def ax():
    """Fresh axes in the book's style, closed afterwards."""
    with plt.rc_context():
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


def need(thing, reason):
    """Skip, or fail where everything is meant to be checked, unless ``thing`` is there."""
    if not thing:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return thing


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def site():
    need(SITE.exists(), "the book has not been built: run `make book`")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=SITE)) as server:
        Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    found = shutil.which("chromium-headless-shell") or shutil.which("chromium")  # the first does the same in less time
    path = need(found, "no Chromium is installed: the pages are not tried in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def open_page(site, browser):
    """A function that opens a page and returns it with a list of everything that went wrong since."""

    files = SITE.as_uri() + "/"

    def open_page(name, from_file=False):
        context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
        page, complaints, sizes = context.new_page(), [], []

        def stay_here(route):
            if route.request.url.startswith((site, files, "data:", "blob:")):
                route.continue_()
            else:
                complaints.append(f"request to another host: {route.request.url}")
                route.abort()

        context.route("**/*", stay_here)
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on("response", lambda response: response.ok or complaints.append(f"{response.status}: {response.url}"))
        page.goto((files if from_file else site) + name, wait_until="networkidle")
        page.evaluate("() => window.MathJax?.startup?.promise")
        return SimpleNamespace(page=page, complaints=complaints, size=sum(sizes))

    return open_page


def serious_findings(page, within="html", **options):
    """What axe finds, less what is not the book's: the insides of MathJax, the role that docutils gives references.

    Of the words of highlighted code one of each kind stays, as all of a kind look the same and axe takes long for each.
    """
    page.evaluate(
        """() => {
            const seen = new Set();
            for (const word of document.querySelectorAll("pre span")) {
                if (seen.has(word.className)) word.replaceWith(...word.childNodes);
                seen.add(word.className);
            }
        }"""
    )
    page.evaluate("() => Promise.all(document.getAnimations().map(animation => animation.finished))")  # fading in
    options = {"resultTypes": ["violations"], **options}
    violations = (
        Axe()
        .run(page, context={"include": [within], "exclude": ["mjx-container"]}, options=options)
        .response["violations"]
    )
    serious = [found for found in violations if found["impact"] in ("serious", "critical")]
    nodes = [(found["id"], node) for found in serious for node in found["nodes"]]
    docutils = ("aria-required-children", [".citation-list"])
    return [(rule, node["html"]) for rule, node in nodes if (rule, node["target"]) != docutils]
