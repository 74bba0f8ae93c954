"""What is right or wrong with an answer, in at most four lines."""

import numpy as np

from pgutils.exercises.exercise import Exercise
from pgutils.exercises.running import Complaint, NotWritten, Outcome, outcomes
from pgutils.exercises.wording import message, show_call, show_difference, show_shape


def diagnose(exercise: Exercise, answer) -> str:
    """Return what ``check`` prints about an answer: at most four lines, never the solution."""
    asked, given = callable(exercise.solution), callable(answer)
    try:
        if answer is None or answer is ...:
            raise NotWritten
        if asked and not given:
            raise Complaint("hand over your function itself, its name without brackets after it.")
        if given and not asked:
            raise Complaint("wanted are numbers, and this is a function.")
        return _compare(exercise, outcomes(exercise, answer))
    except NotWritten:
        what = "not written yet: nothing is returned" if asked else "not written yet"
        return message("○", exercise, f'{what}. pg.hint("{exercise.name}") helps.')
    except Complaint as complaint:
        return message("✗", exercise, str(complaint))


def _compare(exercise: Exercise, given: list[Outcome]) -> str:
    """Return the verdict on the outcomes of an answer: right, another convention, a known mistake, or unknown."""
    wanted = outcomes(exercise, exercise.solution)
    if same(exercise, given, wanted):
        probed = f" Probed: {', '.join(exercise.probes)}." if exercise.parameters else ""
        return message("✓", exercise, f"right.{probed}")
    for convention in exercise.conventions:
        if same(exercise, given, outcomes(exercise, convention.right)):
            return message("✓", exercise, f"right, by another convention. {convention.explanation}")
    for mistake in exercise.mistakes:
        if _recognised(exercise, given, outcomes(exercise, mistake.wrong), wanted):
            lines = mistake.diagnosis, f"Symptom: {mistake.symptom}", f"Hint: {mistake.hint}"
            return message("✗", exercise, *lines)
    return _unknown(exercise, given, wanted)


def _recognised(exercise: Exercise, given: list[Outcome], wrong: list[Outcome], wanted: list[Outcome]) -> bool:
    """Return whether the answer makes a mistake: the same outcomes, or wrong results whatever the gradients.

    A single number may stand for equal ones.
    """
    filled = [
        {**mine, "result": np.broadcast_to(mine["result"], theirs["result"].shape)} if not mine["result"].ndim else mine
        for mine, theirs in zip(given, wrong, strict=True)
    ]
    if same(exercise, wrong, wanted, parts=("result",)):
        return same(exercise, filled, wrong)
    return same(exercise, filled, wrong, parts=("result",))


def same(exercise: Exercise, given: list[Outcome], wanted: list[Outcome], parts=None) -> bool:
    """Return whether outcomes agree on all probes, in the given parts or in all."""
    return all(
        _close(exercise, mine[part], theirs[part])
        for mine, theirs in zip(given, wanted, strict=True)
        for part in parts or theirs
    )


def _close(exercise: Exercise, given: np.ndarray, wanted: np.ndarray) -> bool:
    """Return whether two arrays have the same shape and agree up to the exercise's tolerance."""
    if given.shape != wanted.shape:
        return False
    return np.allclose(given, wanted, rtol=0, atol=_tolerance(exercise, wanted), equal_nan=True)


def _tolerance(exercise: Exercise, wanted: np.ndarray) -> float:
    """Return the largest difference from ``wanted`` that passes."""
    return exercise.tolerance * np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)


def _unknown(exercise: Exercise, given: list[Outcome], wanted: list[Outcome]) -> str:
    """Return the message for an answer that is wrong in no known way: the smallest probe that fails."""
    if not exercise.parameters:
        return message("✗", exercise, f'not yet. pg.hint("{exercise.name}") helps.')
    for probe, mine, theirs in zip(exercise.probes.values(), given, wanted, strict=True):
        for part in theirs:
            if mine[part].shape != theirs[part].shape:
                return _contrast(exercise, probe, part, show_shape(mine[part]), show_shape(theirs[part]))
            if not _close(exercise, mine[part], theirs[part]):
                texts = show_difference(mine[part], theirs[part], _tolerance(exercise, theirs[part]))
                return _contrast(exercise, probe, part, *texts)


def _contrast(exercise: Exercise, probe: tuple, part: str, given: str, wanted: str) -> str:
    """Return the message that shows a probe, what was given and what was wanted."""
    what = "the smallest probe that fails:" if part == "result" else f"the {part} is wrong."
    lines = f"Probe:  {show_call(exercise, probe)}", f"given:  {given}", f"wanted: {wanted}"
    return message("✗", exercise, f"not yet; {what}", *lines)
