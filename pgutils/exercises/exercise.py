"""What an exercise is made of. All of it is data; ``pgutils.exercises`` knows what to do with it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """A mistake that has a name.

    Attributes:
        name: what it is, in a few words.
        wrong: a small implementation that makes it; for an exercise whose answer is a number, that number. Where it
            gives something that is not finite, any such thing will do; and anything at all, if its finite results are
            wrong enough to tell it from a right answer.
        diagnosis: what the reader seems to have done.
        symptom: what it does in training.
        hint: a question or a pointer that leads on and does not give the solution.
        also: other implementations that make the same mistake and give other results.
    """

    name: str
    wrong: Any
    diagnosis: str
    symptom: str
    hint: str
    also: tuple[Any, ...] = ()

    @property
    def spellings(self) -> tuple[Any, ...]:
        """All implementations of the mistake."""
        return self.wrong, *self.also


@dataclass(frozen=True)
class Convention:
    """Another answer that can be defended: it is accepted, and the difference is explained.

    Attributes:
        name: what it is, in a few words.
        right: an implementation of it; not needed where there is ``wrap``.
        explanation: how it differs from the book's, and why that does or does not matter.
        wrap: turns a function that follows the book into one that follows this convention. Then it may be combined
            with other conventions of this kind, and mistakes are recognised in answers that follow it.
    """

    name: str
    right: Callable | None = None
    explanation: str = ""
    wrap: Callable[[Callable], Callable] | None = None


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
        inputs: the kinds of input to try, in this order, until the answer can work with one.
        gradients: names of arguments that are tensors with a gradient; the gradients of the answer's sum with respect
            to them are compared as well as the answer itself.
        tolerance: the largest difference that passes, relative to the largest number (at least 1).
        digits: whether the tolerance is relative to each number instead, as where some digits of it are asked for.
        broken: the function that stands in the reader's cell and is to be mended. As long as an answer does what it
            does, the reader is only told that nothing has changed.
        prepare: turns an answer, the solution or a mistake into the function that is run on the probes.
        accepts: whether the results on all probes are right, where more than one answer may be.
        report: a few lines about the results on all probes, shown below every verdict.
        unwritten: what shows that a function has not been written yet.
    """

    name: str
    chapter: int
    solution: Any
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    probes: Mapping[str, tuple] = field(default_factory=lambda: {"your answer": ()})
    conventions: tuple[Convention, ...] = ()
    inputs: tuple[str, ...] = ("array", "tensor", "list")
    gradients: tuple[str, ...] = ()
    tolerance: float = 1e-5
    digits: bool = False
    broken: Callable | None = None
    prepare: Callable[[Callable], Callable] | None = None
    accepts: Callable[[list], bool] | None = None
    report: Callable[[list], str] | None = None
    unwritten: str = "nothing is returned"

    @property
    def parameters(self) -> list[str]:
        """The names of the arguments."""
        if not callable(self.solution):
            return []
        return list(inspect.signature(self.prepare(self.solution) if self.prepare else self.solution).parameters)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of input to try; where there are gradients, only tensors."""
        return ("tensor",) if self.gradients else self.inputs

    @property
    def followed(self) -> list[tuple[Convention, ...]]:
        """The sets of conventions that an answer may follow at once, none of them first."""
        wraps = [convention for convention in self.conventions if convention.wrap]
        together = [some for size in range(len(wraps) + 1) for some in combinations(wraps, size)]
        return [*together, *((convention,) for convention in self.conventions if not convention.wrap)]

    def right(self, conventions: tuple[Convention, ...] = ()) -> Any:
        """Return the solution that follows some conventions."""
        if conventions and not conventions[0].wrap:
            return conventions[0].right
        return self.following(self.solution, conventions)

    @staticmethod
    def following(function: Any, conventions: tuple[Convention, ...]) -> Any:
        """Return a function changed so that it follows some conventions."""
        for convention in conventions:
            function = convention.wrap(function)
        return function
