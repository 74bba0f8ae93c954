"""The book as the workflow publishes it, with the address of a repository."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
REPOSITORY, SITE = "https://github.com/someone/some-book", "https://someone.example/some-book/"
CHAPTER = "book/03-reinforce.ipynb"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A function that returns the text of a page of the published book."""
    folder = tmp_path_factory.mktemp("published")
    program = Path(sys.executable).with_name("jupyter-book")
    command = [program, "build", "--quiet", "-W", "-n", "--keep-going", "--path-output", folder, ROOT / "book"]
    addresses = {"BOOK_REPOSITORY": REPOSITORY, "BOOK_SITE": SITE}
    subprocess.run(command, env=os.environ | addresses, check=True, capture_output=True)
    return lambda name: (folder / "_build" / "html" / name).read_text(encoding="utf-8")


def test_buttons_lead_to_the_repository(published):
    links = re.findall(r'href="([^"]*)"', published("03-reinforce.html"))
    assert f"https://mybinder.org/v2/gh/someone/some-book/main?urlpath=lab/tree/{CHAPTER}" in links
    assert f"https://colab.research.google.com/github/someone/some-book/blob/main/{CHAPTER}" in links
    assert REPOSITORY in links
    assert any(link.startswith(f"{REPOSITORY}/issues/new") for link in links)


def test_commands_name_the_repository(published):
    commands = re.sub(r"<[^>]*>", "", published("intro.html"))
    assert f"git clone {REPOSITORY} policy-gradients" in commands
    assert f"!git clone --quiet --depth 1 {REPOSITORY} book" in commands


def test_social_card_names_the_site(published):
    card = dict(re.findall(r'<meta content="([^"]*)" property="og:([^"]*)"', published("03-reinforce.html")))
    card = {name: content for content, name in card.items()}
    assert card["title"] == "3. REINFORCE"
    assert card["url"] == f"{SITE}03-reinforce.html"
    assert card["image"] == f"{SITE}_static/lander.png"
    assert len(card["description"]) > 100
    assert card["site_name"] == "Policy Gradients, Executed and Measured"
