"""The book as the workflow publishes it, with the address of a repository."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml
from draw_landings import SOLVED, draw, final_returns
from PIL import Image

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


def test_the_opening_page_and_the_readme_say_what_the_recorded_landers_earn(tmp_path):
    counts = [f"{(returns > SOLVED).sum()} of {len(returns)}" for returns in final_returns().values()]
    for page in "book/intro.md", "README.md":
        assert re.findall(r"\b\d+ of 16\b", (ROOT / page).read_text(encoding="utf-8").replace("runs ", "")) == counts
    with plt.rc_context():
        figure = draw()
        figure.savefig(tmp_path / "landings.png", dpi=210)
        plt.close(figure)
    with Image.open(tmp_path / "landings.png") as new, Image.open(ROOT / "book/_static/landings.png") as stored:
        difference = np.abs(np.asarray(new, dtype=float) - np.asarray(stored, dtype=float))
    assert difference.mean() < 1


def test_the_citation_agrees_with_the_book_and_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    book = yaml.safe_load((ROOT / "book/_config.yml").read_text(encoding="utf-8"))
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["title"] == citation["preferred-citation"]["title"] == book["title"]
    assert str(citation["preferred-citation"]["year"]) == book["copyright"]
    assert citation["version"] == package["version"]
    assert citation["authors"] == citation["preferred-citation"]["authors"] == package["authors"]
    page = (ROOT / "book/intro.md").read_text(encoding="utf-8")
    assert f"author = {{{{{package['authors'][0]['name']}}}}}" in page
