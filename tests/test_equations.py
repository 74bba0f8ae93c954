"""`pg.both_sides`, and that the chapters which promise it execute every numbered equation."""

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import pgutils as pg

BOOK = Path(__file__).parent.parent / "book"
CHAPTERS = sorted(path.stem for path in BOOK.glob("[0-9]*.ipynb"))


ROUNDED = {
    "a number": (1.35864, 1.35864 + 1e-11, "1.3586 = 1.3586"),
    "fewer digits": (0.5, 0.5 - 1e-11, "0.5 = 0.5"),
    "the edge of rounding": (0.123445, 0.123445 + 1e-12, "0.12344 = 0.12344"),
    "nearly zero": (-1e-17, 1e-12, "0 = 0"),
    "large": (1_000_000.0, 1_000_000.0, "1000000 = 1000000"),
    "small": (-0.000012, -0.000012, "-0.000012 = -0.000012"),
    "an array": ([1.0, -2.0], np.array([1.0, -2.0 + 1e-12]), "2 numbers, the largest -2 = -2"),
    "two that are largest": ([-0.5 + 1e-12, 0.5], [-0.5, 0.5], "2 numbers, the largest -0.5 = -0.5"),
    "zeros": (np.full((2, 3), -1e-16), np.zeros((2, 3)), "6 numbers, all 0 = 0"),
}


@pytest.mark.parametrize(("left", "right", "said"), ROUNDED.values(), ids=ROUNDED)
def test_the_numbers_are_announced_in_one_line(capsys, left, right, said):
    pg.both_sides("eq", left, right)
    assert capsys.readouterr().out == f"✓ eq: {said} (to 1e-10)\n"


@pytest.mark.parametrize("noise", [-9e-9, 0, 9e-9])
def test_digits_beyond_the_tolerance_are_not_shown(capsys, noise):
    pg.both_sides("eq", 0.00012342 + noise, 0.00012342, tolerance=1e-8)
    assert capsys.readouterr().out == "✓ eq: 0.0001234 = 0.0001234 (to 1e-08)\n"


def test_sides_that_round_apart_are_said_to_be_near(capsys):
    pg.both_sides("eq", 1.4, 1.6, tolerance=0.2)
    assert capsys.readouterr().out == "✓ eq: 1 ≈ 2 (to 2e-01)\n"


def test_numbers_that_depend_on_a_seed_are_not_shown(capsys):
    pg.both_sides("eq", [1.5, 2.5], [1.5, 2.5], sampled=True)
    pg.both_sides("eq", 1.5, 1.5, sampled=True)
    said = "✓ eq: 2 numbers, the same on both sides (to 1e-10)\n✓ eq: the same on both sides (to 1e-10)\n"
    assert capsys.readouterr().out == said


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
    with pytest.raises(ValueError, match=r"shapes \(0,\)"):
        pg.both_sides("nothing", [], [])


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_numbered_equation_is_executed(name):
    cells = nbformat.read(BOOK / f"{name}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    labels = re.findall(r"^\$\$ \(([\w-]+)\)$", text, re.MULTILINE)
    assert labels
    assert set(labels) == set(re.findall(r'pg\.both_sides\(\s*"([\w-]+)"', code))
