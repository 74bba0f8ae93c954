"""Whether two answers give the same: up to rounding, under several conventions, and where numbers are finite."""

import numpy as np

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.exercises.running import Complaint, Outcome, outcome_on, outcomes


def same(exercise: Exercise, given: list[Outcome], wanted: list[Outcome], parts=None) -> bool:
    """Return whether outcomes agree on all probes, in the given parts or in all."""
    return all(
        close(exercise, mine[part], theirs[part])
        for mine, theirs in zip(given, wanted, strict=True)
        for part in parts or theirs
    )


def close(exercise: Exercise, given: np.ndarray, wanted: np.ndarray) -> bool:
    """Return whether two arrays have the same shape and agree up to the exercise's tolerance."""
    if given.shape != wanted.shape:
        return False
    return np.allclose(given, wanted, rtol=0, atol=tolerance(exercise, wanted), equal_nan=True)


def tolerance(exercise: Exercise, wanted: np.ndarray) -> float | np.ndarray:
    """Return the largest difference from ``wanted`` that passes."""
    if exercise.digits:
        return exercise.tolerance * np.abs(wanted)
    return exercise.tolerance * np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)


def right_outcomes(exercise: Exercise) -> list[tuple[tuple, list[Outcome]]]:
    """Return what right answers give, one for each set of conventions, with that set; the book's own first."""
    return [(some, outcomes(exercise, exercise.right(some))) for some in exercise.followed]


def nearest(exercise: Exercise, given: list[Outcome], rights: list[list[Outcome]]) -> list[Outcome]:
    """Return the right outcomes that agree with the given ones on the most probes; the first of several."""

    def agreeing(wanted: list[Outcome]) -> int:
        return sum(same(exercise, [mine], [theirs]) for mine, theirs in zip(given, wanted, strict=True))

    return max(rights, key=agreeing)


def find_mistake(exercise: Exercise, given: list[Outcome], rights: list[tuple[tuple, list[Outcome]]]) -> Mistake | None:
    """Return the mistake that an answer makes, in any of its spellings, by the book or by another convention.

    ``rights`` is what right answers give, with the conventions that each of them follows.
    """
    for conventions, wanted in rights:
        for mistake in exercise.mistakes:
            for wrong in mistake.spellings if not conventions or conventions[0].wrap else ():
                theirs = _outcomes_while_alike(exercise, exercise.following(wrong, conventions), given)
                if theirs and _recognised(exercise, given, theirs, wanted):
                    return mistake
    return None


def _outcomes_while_alike(exercise: Exercise, wrong, given: list[Outcome]) -> list[Outcome] | None:
    """Return what a mistake gives on all probes; None as soon as its result differs from the given one, or is missing.

    It is missing where what the mistake gives cannot be brought under a convention.
    """
    found = []
    for probe, mine in zip(exercise.probes.values(), given, strict=True):
        try:
            theirs = outcome_on(exercise, wrong, probe, exercise.kinds[0])
        except Complaint:
            return None
        if theirs is None or not _same_with_gaps(exercise, [_filled(mine, theirs)], [theirs], ("result",), True):
            return None
        found.append(theirs)
    return found


def _recognised(exercise: Exercise, given: list[Outcome], wrong: list[Outcome], wanted: list[Outcome]) -> bool:
    """Return whether the answer makes a mistake: the same outcomes, or wrong results whatever the gradients.

    A single number may stand for equal ones.
    """
    filled = [_filled(mine, theirs) for mine, theirs in zip(given, wrong, strict=True)]
    parts = None if same(exercise, wrong, wanted, parts=("result",)) else ("result",)
    if not _finite_part_is_wrong(exercise, wrong, wanted, parts):
        return _same_with_gaps(exercise, filled, wrong, parts, anything=False)
    return _same_with_gaps(exercise, filled, wrong, parts, anything=True)


def _filled(mine: Outcome, theirs: Outcome) -> Outcome:
    """Return an outcome in which a single number takes the shape of the other's result."""
    return mine if mine["result"].ndim else {**mine, "result": np.broadcast_to(mine["result"], theirs["result"].shape)}


def _finite_part_is_wrong(exercise: Exercise, wrong: list[Outcome], wanted: list[Outcome], parts) -> bool:
    """Return whether a mistake differs from what is right where it gives finite numbers."""
    return not _same_with_gaps(exercise, wanted, wrong, parts, anything=True)


def _same_with_gaps(exercise: Exercise, given: list[Outcome], wrong: list[Outcome], parts, anything: bool) -> bool:
    """Return whether outcomes agree where ``wrong`` is finite, and are not finite (or may be anything) elsewhere."""
    for mine, theirs in zip(given, wrong, strict=True):
        for part in parts or theirs:
            a, b = mine[part], theirs[part]
            finite = np.isfinite(b)
            if a.shape != b.shape or not (anything or (np.isfinite(a) == finite).all()):
                return False
            if not np.allclose(a[finite], b[finite], rtol=0, atol=tolerance(exercise, b)):
                return False
    return True
