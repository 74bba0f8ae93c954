"""Exercises whose checker names the mistake: ``check`` and ``hint``, and the data of every chapter.

To add an exercise, add an ``Exercise`` to the module of its chapter; nothing else needs to know.
"""

from collections import Counter
from difflib import get_close_matches

import numpy as np

from pgutils.exercises import chapter1, chapter2, chapter3, chapter4, chapter5, chapter6
from pgutils.exercises.exercise import Exercise
from pgutils.exercises.running import Complaint, NotWritten, outcomes
from pgutils.exercises.wording import message, show_call, show_difference

CHAPTERS = (chapter1, chapter2, chapter3, chapter4, chapter5, chapter6)
EXERCISES = {exercise.name: exercise for chapter in CHAPTERS for exercise in chapter.EXERCISES}

_hints_given = Counter()  # how often each exercise's hint was asked for: the one thing that is remembered


def check(name: str, answer) -> None:
    """Check your answer to an exercise, and print what is right or wrong with it.

    The answer is run on several small problems, the probes. What it returns is compared with what is right and with
    what each known mistake would return, so a mistake is recognised however it was written. A wrong answer does not
    raise: the notebook runs on.

    Args:
        name: of the exercise, such as ``"rewards-to-go"``.
        answer: your function, not called; or a number or a list, where the exercise asks for that. Your function may
            return a NumPy array, a tensor or a list. It has 3 seconds for each probe.

    Raises:
        ValueError: there is no exercise of that name.

    *Introduced in chapter 1.*
    """
    print(diagnose(find(name), answer))


def hint(name: str) -> None:
    """Print the next hint for an exercise, until there are no more. The solution is not among them.

    Args:
        name: of the exercise.

    Raises:
        ValueError: there is no exercise of that name.

    *Introduced in chapter 1.*
    """
    exercise = find(name)
    number = _hints_given[name]
    if number < len(exercise.hints):
        _hints_given[name] += 1
        print(message("→", exercise, f"hint {number + 1} of {len(exercise.hints)}. {exercise.hints[number]}"))
    else:
        print(message("→", exercise, "there are no more hints. Have another try before you open the solution."))


def find(name: str) -> Exercise:
    """Return the exercise of that name; raise ValueError, naming the closest, if there is none."""
    if name not in EXERCISES:
        closest = get_close_matches(str(name), EXERCISES, n=1, cutoff=0)[0]
        raise ValueError(f"unknown exercise {name!r}: did you mean {closest!r}?")
    return EXERCISES[name]


def diagnose(exercise: Exercise, answer) -> str:
    """Return what ``check`` prints: at most four lines, never the solution."""
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


def _compare(exercise: Exercise, given: list) -> str:
    """Return the verdict on the outcomes of an answer: right, another convention, a known mistake, or unknown."""
    wanted = outcomes(exercise, exercise.solution)
    if _same(exercise, given, wanted, strict=True):
        probed = f" Probed: {', '.join(exercise.probes)}." if exercise.parameters else ""
        return message("✓", exercise, f"right.{probed}")
    for convention in exercise.conventions:
        if _same(exercise, given, outcomes(exercise, convention.right), strict=True):
            return message("✓", exercise, f"right, by another convention. {convention.explanation}")
    for mistake in exercise.mistakes:
        if _same(exercise, given, outcomes(exercise, mistake.wrong)):
            lines = mistake.diagnosis, f"Symptom: {mistake.symptom}", f"Hint: {mistake.hint}"
            return message("✗", exercise, *lines)
    return _unknown(exercise, given, wanted)


def _same(exercise: Exercise, given: list, wanted: list, strict: bool = False) -> bool:
    """Return whether the outcomes agree on all probes; unless strict, one number may stand for equal ones."""
    return all(
        _close(exercise, mine[part], theirs[part], strict)
        for mine, theirs in zip(given, wanted, strict=True)
        for part in theirs
    )


def _close(exercise: Exercise, given: np.ndarray, wanted: np.ndarray, strict: bool = True) -> bool:
    """Return whether two arrays agree up to the exercise's tolerance."""
    if given.shape != wanted.shape and (strict or given.ndim):
        return False
    return np.allclose(given, wanted, rtol=0, atol=_tolerance(exercise, wanted), equal_nan=True)


def _tolerance(exercise: Exercise, wanted: np.ndarray) -> float:
    """Return the largest difference from ``wanted`` that passes."""
    return exercise.tolerance * np.abs(wanted[np.isfinite(wanted)]).max(initial=1.0)


def _unknown(exercise: Exercise, given: list, wanted: list) -> str:
    """Return the message for an answer that is wrong in no known way: the smallest probe that fails."""
    if not exercise.parameters:
        return message("✗", exercise, f'not yet. pg.hint("{exercise.name}") helps.')
    for probe, mine, theirs in zip(exercise.probes.values(), given, wanted, strict=True):
        for part in theirs:
            if mine[part].shape != theirs[part].shape:
                shapes = f"shape {mine[part].shape}", f"shape {theirs[part].shape}"
                return _contrast(exercise, probe, part, *shapes)
            if not _close(exercise, mine[part], theirs[part]):
                texts = show_difference(mine[part], theirs[part], _tolerance(exercise, theirs[part]))
                return _contrast(exercise, probe, part, *texts)


def _contrast(exercise: Exercise, probe: tuple, part: str, given: str, wanted: str) -> str:
    """Return the message that shows a probe, what was given and what was wanted."""
    what = "the smallest probe that fails:" if part == "result" else f"the {part} is wrong."
    lines = f"Probe:  {show_call(exercise, probe)}", f"given:  {given}", f"wanted: {wanted}"
    return message("✗", exercise, f"not yet; {what}", *lines)
