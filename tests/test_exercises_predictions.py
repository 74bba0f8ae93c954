"""Predictions: what counts as a guess, how close it was, and that nothing is given away without one."""

import json
import re

import numpy as np
import pytest

import pgutils as pg
from pgutils.exercises import predictions, record
from pgutils.exercises.guesses import Choice, Ordering, Quantity, Unclear

NUMBER, ORDER = Quantity(), Ordering(("a", "b", "c"), "small to large")
ONE, MANY = Choice(("yes", "no")), Choice(("up", "down"), ("this", "that", "the rest"))


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """A process in which nothing was predicted."""
    monkeypatch.setattr(predictions, "_guesses", {})
    monkeypatch.setattr(predictions, "_outcomes", {})
    monkeypatch.setattr(record, "_unsaved", {})


def printed(capsys, function, *args):
    capsys.readouterr()
    assert function(*args) is None
    return " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("kind", "guess", "read"),
    [
        (NUMBER, 3, 3.0),
        (NUMBER, np.float32(0.5), 0.5),
        (NUMBER, (2, 1), [1.0, 2.0]),
        (NUMBER, np.array([1, 2]), [1.0, 2.0]),
        (ONE, " Yes", "yes"),
        (MANY, ("up", "UP", "down"), ["up", "up", "down"]),
        (ORDER, ("c", "a", "b"), ["c", "a", "b"]),
    ],
)
def test_a_guess_is_read(kind, guess, read):
    assert kind.read(guess) == read


@pytest.mark.parametrize(
    ("kind", "guess"),
    [
        *((NUMBER, guess) for guess in ("3", [1, 2, 3], np.nan, [1, "2"], {}, [[1], [2, 3]], np.inf)),
        *((ONE, guess) for guess in ("maybe", 1, ["yes"], True)),
        *((MANY, guess) for guess in (["up", "down"], "up", ["up", "down", "left"], 3)),
        *((ORDER, guess) for guess in ("abc", ["a", "b"], ["a", "b", "b"], ["a", "b", "c", "d"], 3)),
    ],
)
def test_what_is_not_a_guess_is_refused(kind, guess):
    with pytest.raises(Unclear):
        kind.read(guess)


@pytest.mark.parametrize(
    ("kind", "guess", "outcome", "good", "words"),
    [
        (NUMBER, 2.1, 2.0, True, "You were close."),
        (NUMBER, 0.05, 0.0, True, "You were close."),
        (NUMBER, -2.0, 2.0, False, "Your number has the other sign."),
        (NUMBER, 3.0, 2.0, False, "You were off by 1."),
        (NUMBER, [1.0, 3.0], 2.0, True, "It lies in your interval. It is 1 times as wide as the number is large."),
        (NUMBER, [0.0, 1.0], 0.5, True, "It lies in your interval. It is 2 times as wide as the number is large."),
        (NUMBER, [0.0, 0.1], 1e-16, True, "It lies in your interval."),
        (NUMBER, [-1.0, 1.0], 0.0, True, "It lies in your interval."),
        (NUMBER, [3.0, 4.0], 2.0, False, "Your interval misses it by 1."),
        (ONE, "yes", "yes", True, "So you said."),
        (ONE, "yes", "no", False, ""),
        (MANY, ["up", "up", "up"], ["up", "down", "down"], False, "You were wrong about that and the rest."),
        (MANY, ["up"] * 3, ["up"] * 3, True, "So you said, each time."),
        (ORDER, ["a", "b", "c"], ["a", "b", "c"], True, "Of 3 pairs you had 3 in the right order."),
        (ORDER, ["a", "c", "b"], ["a", "b", "c"], False, "Of 3 pairs you had 2 in the right order."),
        (ORDER, ["c", "b", "a"], ["a", "b", "c"], False, "Of 3 pairs you had 0 in the right order."),
    ],
)
def test_how_close_it_was(kind, guess, outcome, good, words):
    assert kind.compare(guess, outcome) == (good, words)


@pytest.mark.parametrize("name", predictions.PREDICTIONS)
def test_without_a_prediction_nothing_is_given_away(name, capsys):
    def dear():
        raise AssertionError("it was called")

    text = printed(capsys, pg.predict, name, ...)
    assert text.startswith(f"○ {name}: no prediction yet. Wanted is ")
    assert (
        printed(capsys, pg.reveal, name, dear) == f'○ {name}: what do you expect? pg.predict("{name}", …) comes first.'
    )
    assert record.load() == {}


def test_a_prediction_is_noted_and_compared(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PGUTILS_PROGRESS", str(tmp_path / "record.json"))
    assert printed(capsys, pg.predict, "final-reward", 3) == "→ final-reward: noted: 3. Now find out."
    assert record.load()["final-reward"] == {"guess": 3.0, "state": "tried"}
    said = printed(capsys, pg.reveal, "final-reward", lambda: np.float64(1.0))
    assert said == "✗ final-reward: you said 3; it is 1. You were off by 2."
    assert json.loads((tmp_path / "record.json").read_text())["final-reward"] == {"guess": 3.0, "state": "done"}


def test_a_guess_after_the_outcome_does_not_count(capsys):
    pg.predict("final-reward", 3)
    pg.reveal("final-reward", 1)
    assert "you have seen the outcome" in printed(capsys, pg.predict, "final-reward", 1)
    assert printed(capsys, pg.predict, "final-reward", 3) == "→ final-reward: noted: 3. Now find out."
    assert "you said 3; it is 1" in printed(capsys, pg.reveal, "final-reward", 1)


@pytest.mark.parametrize("later", [1, "one", None, ..., [1, 2, 3]])
def test_nothing_takes_a_guess_back_after_the_outcome(later, capsys):
    pg.predict("final-reward", 3)
    pg.reveal("final-reward", 1)
    assert "What you predicted before it stays noted." in printed(capsys, pg.predict, "final-reward", later)
    assert "you said 3; it is 1" in printed(capsys, pg.reveal, "final-reward", 1)


def test_an_unclear_guess_is_told_what_is_wanted(capsys):
    text = printed(capsys, pg.predict, "quietest-weights", ["value"])
    assert text.startswith("✗ quietest-weights: wanted is a list of 'total return', ")
    assert text.endswith("from the smallest variance to the largest, and this is ['value'].")


@pytest.mark.parametrize("function", [pg.predict, pg.reveal])
def test_names_are_explained(function):
    with pytest.raises(ValueError, match=r"unknown exercise 'final reward': did you mean 'final-reward'\?"):
        function("final reward", 1)
    with pytest.raises(ValueError, match=re.escape('pg.check("rewards-to-go", …) is what it asks for')):
        function("rewards-to-go", 1)
    with pytest.raises(ValueError, match="the name comes first"):
        function(1, "final-reward")
