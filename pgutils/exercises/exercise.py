"""What an exercise is made of. All of it is data; ``pgutils.exercises`` knows what to do with it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """A mistake that has a name.

    Attributes:
        name: what it is, in a few words.
        wrong: a small implementation that makes it; for an exercise whose answer is a number, that number.
        diagnosis: what the reader seems to have done.
        symptom: what it does in training.
        hint: a question or a pointer that leads on and does not give the solution.
    """

    name: str
    wrong: Any
    diagnosis: str
    symptom: str
    hint: str


@dataclass(frozen=True)
class Convention:
    """Another answer that can be defended: it is accepted, and the difference is explained.

    Attributes:
        name: what it is, in a few words.
        right: an implementation of it.
        explanation: how it differs from the book's, and why that does or does not matter.
    """

    name: str
    right: Callable
    explanation: str


@dataclass(frozen=True)
class Exercise:
    """An exercise that can be checked.

    Attributes:
        name: as given to ``check``, words joined by hyphens.
        chapter: where it is set.
        solution: a function that is right; or a number or a list of them, where no function is asked for.
        probes: for each thing that is probed, in a few words, the arguments; the smallest first. Arrays are NumPy's.
        mistakes: those that are known; no two of them give the same on all probes.
        hints: what ``hint`` says, one at a time.
        conventions: other answers that can be defended.
        gradients: names of arguments that are tensors with a gradient; the gradients of the answer's sum with respect
            to them are compared as well as the answer itself.
        tolerance: the largest difference that passes, relative to the largest number (at least 1).
    """

    name: str
    chapter: int
    solution: Any
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    probes: Mapping[str, tuple] = field(default_factory=lambda: {"your answer": ()})
    conventions: tuple[Convention, ...] = ()
    gradients: tuple[str, ...] = ()
    tolerance: float = 1e-5

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments."""
        return list(inspect.signature(self.solution).parameters) if callable(self.solution) else []

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of input to try, in this order, until the answer can work with one."""
        return ("tensor",) if self.gradients else ("array", "tensor", "list")
