"""What may be predicted, how a guess is read, and how close it was, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pgutils.exercises.arguments import as_array
from pgutils.exercises.wording import ROUNDING, listed, show


class Unclear(Exception):
    """A guess that cannot be compared with any outcome; the message says what is wanted."""


@dataclass(frozen=True)
class Quantity:
    """A number that may be guessed as a number or as an interval.

    Attributes:
        near: the largest error of a good guess, relative to the outcome (or to 1, if that is smaller).
    """

    near: float = 0.1

    @property
    def wanted(self) -> str:
        """What a guess looks like."""
        return "a number, or an interval [low, high]"

    def read(self, guess) -> float | list[float]:
        """Return a guess as a number or as two, the lower first; raise Unclear if it is neither."""
        try:
            numbers = as_array(guess)
        except (TypeError, ValueError):
            raise Unclear from None
        if numbers.shape not in ((), (2,)) or not np.isfinite(numbers).all():
            raise Unclear
        return sorted(numbers.tolist()) if numbers.ndim else float(numbers)

    def compare(self, guess, outcome) -> tuple[bool, str]:
        """Return whether the guess was good, and how close it was."""
        outcome = float(outcome)
        scale = max(abs(outcome), 1.0)
        if isinstance(guess, list):
            low, high = guess
            share = show((high - low) / abs(outcome), 2) if abs(outcome) > ROUNDING else ""
            width = f"It is {share} times as wide as the number is large." if share else ""
            if low <= outcome <= high:
                return True, f"It lies in your interval. {width}".strip()
            return False, f"Your interval misses it by {show(max(low - outcome, outcome - high), 2)}."
        if abs(guess - outcome) <= self.near * scale:
            return True, "You were close."
        if guess * outcome < 0:
            return False, "Your number has the other sign."
        return False, f"You were off by {show(abs(guess - outcome), 2)}."

    def show(self, value) -> str:
        """Return a guess or an outcome in words."""
        return show(value, 3)


@dataclass(frozen=True)
class Choice:
    """One of several answers, to one question or to several.

    Attributes:
        options: the answers.
        questions: in a few words each, where there are several.
    """

    options: tuple[str, ...]
    questions: tuple[str, ...] = ()

    @property
    def wanted(self) -> str:
        """What a guess looks like."""
        options = f"one of {', '.join(map(repr, self.options))}"
        return f"a list of {len(self.questions)}, each {options}" if self.questions else options

    def read(self, guess) -> str | list[str]:
        """Return a guess as written among the options; raise Unclear if it is not one of them."""
        if not self.questions:
            return self._option(guess)
        if isinstance(guess, str) or not isinstance(guess, Sequence) or len(guess) != len(self.questions):
            raise Unclear
        return [self._option(entry) for entry in guess]

    def _option(self, entry) -> str:
        """Return one of the options, however its letters were written."""
        for option in self.options:
            if isinstance(entry, str) and entry.strip().lower() == option.lower():
                return option
        raise Unclear

    def compare(self, guess, outcome) -> tuple[bool, str]:
        """Return whether the guess was right, and where it was not."""
        if not self.questions:
            return guess == outcome, "So you said." if guess == outcome else ""
        missed = [q for q, mine, theirs in zip(self.questions, guess, outcome, strict=True) if mine != theirs]
        return not missed, f"You were wrong about {listed(missed)}." if missed else "So you said, each time."

    def show(self, value) -> str:
        """Return a guess or an outcome in words."""
        return value if isinstance(value, str) else ", ".join(value)


@dataclass(frozen=True)
class Ordering:
    """Several things in an order, the smallest or the worst first.

    Attributes:
        items: the things.
        order: what comes first, and what last.
    """

    items: tuple[str, ...]
    order: str

    @property
    def wanted(self) -> str:
        """What a guess looks like."""
        return f"a list of {', '.join(map(repr, self.items))}, {self.order}"

    def read(self, guess) -> list[str]:
        """Return a guess as a list; raise Unclear unless it holds each thing once."""
        if isinstance(guess, str) or not isinstance(guess, Sequence) or sorted(map(str, guess)) != sorted(self.items):
            raise Unclear
        return list(guess)

    def compare(self, guess, outcome) -> tuple[bool, str]:
        """Return whether the guess was right, and how many pairs were in the right order."""
        pairs = list(combinations(outcome, 2))
        right = sum(guess.index(first) < guess.index(second) for first, second in pairs)
        return right == len(pairs), f"Of {len(pairs)} pairs you had {right} in the right order."

    def show(self, value) -> str:
        """Return a guess or an outcome in words."""
        return " < ".join(value)
