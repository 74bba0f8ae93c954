"""`pg.both_sides`, and that the chapters which promise it execute every numbered equation."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import pgutils as pg

BOOK = Path(__file__).parent.parent / "book"
DERIVATIONS = ["02-log-derivative-trick", "04-reward-to-go", "05-baselines", "06-what-makes-it-hard"]


def test_equal_sides_are_announced_in_one_line(capsys):
    pg.both_sides("sum", [1.0, 2.0], np.array([1.0, 2.0 + 1e-12]))
    assert capsys.readouterr().out == "✓ sum: both sides are the same 2 numbers (to 1e-10)\n"


def test_the_tolerance_is_relative_to_large_numbers_and_absolute_for_small_ones():
    pg.both_sides("large", 1e6, 1e6 + 1e-5)
    with pytest.raises(AssertionError, match="small: the two sides differ by 1e-05"):
        pg.both_sides("small", 1e-6, 1.1e-5)


@pytest.mark.parametrize("wrong", [2.0, np.nan, np.inf])
def test_different_sides_are_caught(wrong):
    with pytest.raises(AssertionError, match="the two sides differ"):
        pg.both_sides("wrong", [1.0, 1.0], [1.0, wrong])


def test_different_shapes_are_caught():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(2, 1\)"):
        pg.both_sides("shape", np.zeros(2), np.zeros((2, 1)))


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_numbered_equation_is_executed(name):
    cells = nbformat.read(BOOK / f"{name}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    labels = re.findall(r"^\$\$ \(([\w-]+)\)$", text, re.MULTILINE)
    assert len(labels) >= 2
    assert set(labels) == set(re.findall(r'pg\.both_sides\(\s*"([\w-]+)"', code))
