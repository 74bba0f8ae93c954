"""What is right or wrong with an answer, in a few lines."""

import inspect
from decimal import Decimal
from numbers import Real

import numpy as np

from pgutils.exercises.arguments import as_array
from pgutils.exercises.exercise import Exercise
from pgutils.exercises.matching import close, find_mistake, nearest, right_outcomes, same, tolerance
from pgutils.exercises.running import Complaint, NotWritten, Outcome, outcomes
from pgutils.exercises.wording import listed, message, show_call, show_difference, show_shape

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def diagnose(exercise: Exercise, answer) -> str:
    """Return what ``check`` prints about an answer: a few lines, the first of which starts with ✓, ✗ or ○."""
    asked, given = callable(exercise.solution), callable(answer)
    try:
        if answer is None or answer is ...:
            raise NotWritten
        if asked and not given:
            raise Complaint("hand over your function itself, its name without brackets after it.")
        if given and not asked:
            raise Complaint("wanted are numbers, and this is a function.")
        if not asked:
            answer = _numbers(answer, np.shape(exercise.solution))
        else:
            _require_order(exercise, answer)
        given = outcomes(exercise, answer)
        return _compare(exercise, given, lambda: outcomes(exercise, answer))
    except NotWritten:
        what = f"not written yet: {exercise.unwritten}" if asked else "not written yet"
        return message("○", exercise, f'{what}. pg.hint("{exercise.name}") helps.')
    except Complaint as complaint:
        return message("✗", exercise, str(complaint))


def _require_order(exercise: Exercise, answer) -> None:
    """Raise Complaint if an answer takes the arguments of the task, by their names, in another order."""
    try:
        names = list(inspect.signature(answer).parameters)
    except (TypeError, ValueError):
        return
    wanted = exercise.parameters
    if names != wanted and sorted(names) == sorted(wanted):
        order = f"it is called with ({', '.join(wanted)}), and takes ({', '.join(names)})."
        raise Complaint(f"the arguments stand in another order: {order}")


def _numbers(answer, shape: tuple[int, ...]) -> np.ndarray:
    """Return the numbers that were given as an answer; raise Complaint unless there are as many as are wanted."""
    entries = list(answer) if isinstance(answer, (list, tuple)) else [answer]
    if any(entry is None or entry is ... for entry in entries):
        raise Complaint("not all numbers are written yet.") if entries[1:] else NotWritten
    try:
        numbers = as_array(answer)
    except TypeError:
        odd = next((entry for entry in entries if not isinstance(entry, (Real, Decimal))), answer)
        text = "a text: leave the quotation marks out" if isinstance(odd, str) else f"of type {type(odd).__name__}"
        raise Complaint(f"wanted are numbers, and {odd!r} is {text}.") from None
    except ValueError:
        raise Complaint("wanted is one plain list of numbers.") from None
    if numbers.size != np.prod(shape, dtype=int):
        wanted = "one number" if not shape else f"{shape[0]} numbers"
        raise Complaint(f"wanted {'is' if not shape else 'are'} {wanted}, and you gave {numbers.size}.")
    return numbers.reshape(shape)


def _compare(exercise: Exercise, given: list[Outcome], again) -> str:
    """Return the verdict on an answer's outcomes: right, another convention, a known mistake, or unknown.

    ``again`` runs the answer once more.
    """
    report = (exercise.report([outcome["result"] for outcome in given]),) if exercise.report else ()
    rights = right_outcomes(exercise)
    for conventions, wanted in rights:
        if same(exercise, given, wanted):
            return message("✓", exercise, _right(exercise, conventions), *report)
    if exercise.accepts and exercise.accepts([outcome["result"] for outcome in given]):
        return message("✓", exercise, "right.", *report)
    if exercise.parameters and not same(exercise, given, again()):
        hint = "Hint: whatever is random is in the arguments already. Does it draw on its own, or remember something?"
        return message("✗", exercise, "called again with the same arguments, it returns something else.", hint)
    wanted = nearest(exercise, given, [wanted for _, wanted in rights])
    if exercise.broken and same(exercise, given, outcomes(exercise, exercise.broken)):
        return message("○", exercise, f'still does what it did. pg.hint("{exercise.name}") helps.', *report)
    if mistake := find_mistake(exercise, given, rights):
        lines = mistake.diagnosis, f"Symptom: {mistake.symptom}", f"Hint: {mistake.hint}"
        return message("✗", exercise, *lines, *report)
    return message("✗", exercise, *_unknown(exercise, given, wanted), *report)


def _right(exercise: Exercise, conventions: tuple) -> str:
    """Return the words for a right answer that follows some conventions."""
    if conventions:
        which = "another convention" if len(conventions) == 1 else f"{len(conventions)} other conventions"
        return " ".join([f"right, by {which}.", *(convention.explanation for convention in conventions)])
    probed = exercise.parameters and not exercise.report
    return f"right. Probed: {', '.join(exercise.probes)}." if probed else "right."


def _unknown(exercise: Exercise, given: list[Outcome], wanted: list[Outcome]) -> tuple[str, ...]:
    """Return the lines for an answer that is wrong in no known way: the smallest probe that fails."""
    if exercise.report:
        return (f'not yet. pg.hint("{exercise.name}") helps.',)
    if not exercise.parameters:
        return (_which_numbers(exercise, given[0]["result"], wanted[0]["result"]),)
    for probe, mine, theirs in zip(exercise.probes.values(), given, wanted, strict=True):
        for part in theirs:
            if mine[part].shape != theirs[part].shape:
                return _contrast(exercise, probe, part, show_shape(mine[part]), show_shape(theirs[part]))
            if not close(exercise, mine[part], theirs[part]):
                texts = show_difference(mine[part], theirs[part], tolerance(exercise, theirs[part]))
                return _contrast(exercise, probe, part, *texts)


def _which_numbers(exercise: Exercise, given: np.ndarray, wanted: np.ndarray) -> str:
    """Return which of several numbers are right."""
    agree = np.isclose(given, wanted, rtol=0, atol=tolerance(exercise, wanted)).ravel()
    right, helps = [ORDINALS[i] for i in np.flatnonzero(agree)], f'pg.hint("{exercise.name}") helps.'
    if not right:
        return f"not yet. {helps}"
    return f"not yet, but the {listed(right)} of {agree.size} {'are' if right[1:] else 'is'} right. {helps}"


def _contrast(exercise: Exercise, probe: tuple, part: str, given: str, wanted: str) -> tuple[str, ...]:
    """Return the lines that show a probe, what was given and what was wanted."""
    what = "the smallest probe that fails:" if part == "result" else f"the {part} is wrong."
    lines = f"Probe:  {show_call(exercise, probe)}", f"given:  {given}", f"wanted: {wanted}"
    return f"not yet; {what}", *lines
