"""The cells of the book that a reader's answer sets going, and that stand still as long as there is none."""

import ast
import re
from contextlib import redirect_stdout
from dataclasses import replace
from io import StringIO
from itertools import count, product
from pathlib import Path
from unittest.mock import patch

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from scipy.stats import binom

import pgutils as pg
from pgutils import exercises
from pgutils.exercises import predictions
from pgutils.exercises.predictions import PREDICTIONS

BOOK = Path(__file__).parent.parent / "book"
NOTEBOOKS = {int(path.stem[:2]): nbformat.read(path, as_version=4) for path in sorted(BOOK.glob("[01]*.ipynb"))}
CODE = {number: [c.source for c in book.cells if c.cell_type == "code"] for number, book in NOTEBOOKS.items()}
THETA = np.array([[0.2, -0.3], [0.6, -0.4], [-0.6, 2.0], [0.0, 0.0]])
GUESSES = {
    "better-start": (-0.2, 0.1485),
    "doubled-and-shifted": (["doubled"] * 3, ["doubled", "unchanged", "something else"]),
    "constant-return": (100, 1),
    "final-reward": (3, 1),
    "two-episodes": (0.2, [0.9, 1]),
    "three-seeds": (0.1, 0.33),
    "flips-without-waiting": (3.5, 0),
    "a-tenth-of-the-spread": (240, 1014),
    "a-hundred-times-rarer": (920, 18.4),
    "surrogate-maximum": (0.586, 1),
    "quietest-weights": (
        ["value", "batch mean", "reward-to-go", "total return"],
        ["batch mean", "value", "total return", "reward-to-go"],
    ),
    "difficulty-bias": (["hard prompts"] * 2, ["neither", "hard prompts"]),
}


def the_cell(chapter, *pieces):
    """The one code cell of a chapter that holds all pieces."""
    (cell,) = [source for source in CODE[chapter] if all(piece in source for piece in pieces)]
    return cell


def function(chapter, name):
    """The source of a function that a chapter defines."""
    for source in CODE[chapter]:
        for node in ast.parse(source).body:
            if getattr(node, "name", None) == name:
                return ast.get_source_segment(source, node)
    raise KeyError(name)


def chapter_names(chapter):
    """The names of a chapter that its exercises use."""
    tau = pg.mountain_hike().enumerate_trajectories(3)
    names = {
        "np": np,
        "pg": pg,
        "torch": torch,
        "nn": torch.nn,
        "product": product,
        "replace": replace,
        "hike": pg.mountain_hike(),
    }
    names |= {"theta": THETA, "tau": tau, "R": pg.total_return(tau.rewards, 0.9)}
    needed = {4: ["coin_flips"], 5: ["mean_subtracted"], 7: ["discounted", "coin_flips", "moments_of"], 9: ["kl"]}
    for name in needed.get(chapter, []):
        exec(function(chapter, name), names)
    if chapter == 8:
        exec(the_cell(8, "hermegauss"), names)
        exec(function(8, "one_step"), names)
    if chapter == 11:
        for piece in ("mdp, prefixes =", "tau = mdp", "def token_log_probs", "def kl("):
            exec(the_cell(11, piece), names)
        names |= {"binom": binom, "log_ref": names["log_probs"]}
        exec(function(11, "h"), names)
    return names


def run(source, names):
    """What a cell prints."""
    out = StringIO()
    with redirect_stdout(out):
        exec(compile(source, "<cell>", "exec"), names)
    return " ".join(out.getvalue().split())


def training(train=pg.train):
    """A ``pg.train`` with little to do, each call of which seems to reach a higher return than the one before."""
    level = count(1)

    def quick(*args, **options):
        history = train(*args, **{**options, "iterations": 2, "runs": 4})
        returns = np.full((4, 41), float(next(level)))
        returns[:, 0] *= 2, 0.5, 2, 0.5  # where the runs came from
        return replace(history, returns=returns)

    return quick


def test_each_prediction_is_tried():
    assert set(GUESSES) == set(PREDICTIONS)


@pytest.mark.parametrize("name", GUESSES)
def test_a_prediction_is_revealed_by_the_cell_of_the_book(name, monkeypatch):
    monkeypatch.setattr(predictions, "_guesses", {})
    monkeypatch.setattr(predictions, "_outcomes", {})
    chapter = PREDICTIONS[name].chapter
    stub, answer = the_cell(chapter, f'pg.predict("{name}"'), the_cell(chapter, f'pg.reveal("{name}"')
    names = chapter_names(chapter)
    with patch("pgutils.train", training()):
        assert run(stub, names).startswith(f"○ {name}: no prediction yet.")
        assert f"○ {name}: what do you expect?" in run(answer, names)
        for guess, sign in zip(GUESSES[name], "✗✓", strict=True):
            monkeypatch.setattr(predictions, "_outcomes", {})
            run(stub.replace("= ...", f"= {guess!r}", 1), names)
            assert f"{sign} {name}: you said " in run(answer, names)


@pytest.mark.parametrize(
    ("chapter", "name", "broken", "mended"),
    [
        (2, "rare-and-good", "she climbs with 1%", "she climbs with 88%"),
        (3, "a-mean-too-many", "the loss is 0.50, and with more padding 0.25", "is 1.50, and with more padding 1.50"),
        (4, "a-sum-that-runs-forwards", "it does not learn", "it learns"),
        (5, "two-losses-in-one", "settles at 10.35", "settles at 10.00"),
        (6, "one-mean-for-all-runs", "run 0 is another", "run 0 is as it was"),
        (7, "a-flag-too-few", "settles at 80", "settles at 100"),
        (8, "cut-and-kept", "settles at 0.82, and falls short by 0.17", "settles at 2.17, and falls short by 0.01"),
        (9, "a-step-too-far", "it moves by 0.768", "it moves by 0.006"),
        (10, "an-old-policy-too-new", "from 0.5 to 1.00", "from 0.5 to 0.60"),
        (11, "a-leash-of-air", "1.00, at a divergence of 2.2", "0.61, at a divergence of 0.5"),
    ],
)
def test_broken_code_shows_what_it_does_and_mended_code_what_it_should(chapter, name, broken, mended):
    stub, solution = (source for source in CODE[chapter] if f'pg.check("{name}"' in source)
    (called,) = re.findall(rf'pg\.check\("{name}", (\w+)\)', stub)
    names = chapter_names(chapter)
    assert broken in run(stub, names)
    below = stub.partition("pg.check")[2].partition("\n")[2]
    exec(solution, names)
    assert mended in run(below, {**names, called: names["solution"]})


def test_weights_of_ones_own_are_trained_with_once_they_are_right(monkeypatch):
    monkeypatch.setattr(exercises, "_solved", set())
    cell = the_cell(5, "def my_weights(")
    train = the_cell(5, 'pg.solved("your-weights")')
    names = chapter_names(5) | {"plt": plt}
    with patch("pgutils.train", training()):
        assert run(cell, names).startswith("○ your-weights: not written yet")
        assert run(train, names) == ""
        answer = the_cell(5, 'pg.check("your-weights", solution)').replace("solution", "my_weights")
        assert run(answer, names).startswith("✓ your-weights: right.")
        assert run(train, names).count("CartPole-v1") == 2
    plt.close("all")
