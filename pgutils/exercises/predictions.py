"""Predictions: a guess is noted before the cell that reveals, and compared with what came out."""

from collections.abc import Callable
from dataclasses import dataclass

from pgutils.exercises import record
from pgutils.exercises.guesses import Choice, Ordering, Quantity, Unclear
from pgutils.exercises.wording import message


@dataclass(frozen=True)
class Prediction:
    """Something to be predicted.

    Attributes:
        name: as given to ``predict`` and ``reveal``.
        chapter: where it is set.
        kind: what a guess looks like.
    """

    name: str
    chapter: int
    kind: Quantity | Choice | Ordering


PREDICTIONS = {
    prediction.name: prediction
    for prediction in (
        Prediction("better-start", 1, Quantity()),
        Prediction(
            "doubled-and-shifted",
            2,
            Choice(("unchanged", "doubled", "something else"), ("rewards doubled", "returns plus 1", "rewards plus 1")),
        ),
        Prediction("constant-return", 3, Quantity(near=0.25)),
        Prediction("final-reward", 4, Quantity(near=0.01)),
        Prediction("two-episodes", 5, Quantity(near=0.05)),
        Prediction(
            "quietest-weights",
            5,
            Ordering(
                ("total return", "batch mean", "reward-to-go", "value"),
                "from the smallest variance to the largest",
            ),
        ),
        Prediction("three-seeds", 6, Quantity(near=0.05)),
        Prediction("flips-without-waiting", 7, Quantity(near=0.01)),
        Prediction("a-tenth-of-the-spread", 8, Quantity(near=0.25)),
        Prediction("a-hundred-times-rarer", 9, Quantity(near=0.05)),
        Prediction("surrogate-maximum", 10, Quantity(near=0.02)),
        Prediction(
            "difficulty-bias",
            11,
            Choice(("hard prompts", "prompts in the middle", "neither"), ("groups of 2", "groups of 64")),
        ),
    )
}

_guesses: dict[str, object] = {}  # the guess that counts, for each prediction that was made in this process
_outcomes: dict[str, object] = {}  # what came out, where it was revealed


def note_guess(prediction: Prediction, guess) -> str:
    """Note a guess, and return what to say of it. Once the outcome was revealed, the guess before it counts."""
    name, kind, read = prediction.name, prediction.kind, None
    if guess is None or guess is ...:
        mark, words = "○", f"no prediction yet. Wanted is {kind.wanted}."
    else:
        try:
            read = kind.read(guess)
            mark, words = "→", f"noted: {kind.show(read)}. Now find out."
        except Unclear:
            mark, words = "✗", f"wanted is {kind.wanted}, and this is {guess!r}."
    if name in _outcomes and _guesses.get(name) != read:
        return message("→", prediction, "you have seen the outcome. What you predicted before it stays noted.")
    if read is None:
        _guesses.pop(name, None)
    else:
        _guesses[name] = read
        record.note(name, "tried", guess=read)
    return message(mark, prediction, words)


def compare_with_guess(prediction: Prediction, outcome) -> str:
    """Return how close the guess was to an outcome, which may be a function that has to be called to know it."""
    name, kind = prediction.name, prediction.kind
    if name not in _guesses:
        return message("○", prediction, f'what do you expect? pg.predict("{name}", …) comes first.', narrow=True)
    outcome = outcome() if isinstance(outcome, Callable) else outcome
    guess, _outcomes[name] = _guesses[name], outcome
    record.note(name, "done", guess=guess)
    good, words = kind.compare(guess, outcome)
    said = f"you said {kind.show(guess)}; it is {kind.show(outcome)}. {words}"
    return message("✓" if good else "✗", prediction, said.strip(), narrow=True)
