"""The glossary's terms are words of the chapters that it names."""

import re

import nbformat
import pytest
from conftest import BOOK

GLOSSARY = (BOOK / "glossary.md").read_text(encoding="utf-8").partition(":::{glossary}\n")[2]
ENTRIES = re.findall(r"^(\S.*)\n  (.*)$", GLOSSARY, re.MULTILINE)


@pytest.mark.parametrize(("term", "entry"), ENTRIES, ids=[term for term, _ in ENTRIES])
def test_a_term_occurs_in_the_chapter_that_introduces_it(term, entry):
    name = re.search(r"\(?(?:\[Chapter\xa0\d+\]\(|\{doc\}`Chapter\xa0\d+ <)([\w-]+)", entry)[1]
    cells = nbformat.read(BOOK / f"{name}.ipynb", as_version=4).cells
    prose = " ".join(cell.source for cell in cells if cell.cell_type == "markdown").replace("*", "")
    assert re.sub(r" \(.*\)", "", term).lower() in prose.lower()


def test_the_terms_are_in_order():
    terms = [term.lower() for term, _ in ENTRIES]
    assert len(terms) > 40
    assert terms == sorted(terms)
