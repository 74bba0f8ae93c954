"""Exercises whose checker names the mistake; predictions; and what a reader has done so far."""

import linecache
import sys
from collections import Counter

from pgutils.exercises import record
from pgutils.exercises.arguments import convert_arguments
from pgutils.exercises.catalogue import EXERCISES, find
from pgutils.exercises.diagnosis import diagnose
from pgutils.exercises.overview import progress
from pgutils.exercises.predictions import PREDICTIONS, compare_with_guess, note_guess
from pgutils.exercises.wording import message

__all__ = ["EXERCISES", "PREDICTIONS", "check", "hint", "predict", "probe", "progress", "reveal", "solved"]

SOLUTION = ("def solution(", "# The answer")  # how a cell begins that holds the book's own answer

_hints_given = Counter()  # how often each exercise's hint was asked for
_solved = set()  # the exercises whose last answer in this process was right


def check(name: str, answer) -> None:
    """Check your answer to an exercise, and print what is right or wrong with it.

    The answer is run on several small problems, the probes. What it returns is compared with what is right and with
    what each known mistake would return, so a mistake is recognised however it was written. A wrong answer does not
    raise: the notebook runs on.

    Args:
        name: of the exercise, such as ``"rewards-to-go"``, or its label in the book, such as ``"ex-reward-to-go"``.
        answer: your function, not called; or a number or a list, where the exercise asks for that. Your function may
            return a NumPy array, a tensor or a list. It has 3 seconds for each probe.

    Raises:
        ValueError: there is no exercise of that name.

    *Introduced in chapter 1.*
    """
    exercise = find(name, EXERCISES, "check")
    verdict = diagnose(exercise, answer)
    print(verdict)
    caller = sys._getframe(1)
    if linecache.getline(caller.f_code.co_filename, 1).startswith(SOLUTION):
        return  # the book's answer is not the reader's
    right = verdict.startswith("✓")
    (_solved.add if right else _solved.discard)(exercise.name)
    if not verdict.startswith("○"):
        record.note(exercise.name, "done" if right else "tried")


def solved(name: str) -> bool:
    """Return whether the last answer to an exercise that was checked in this process was right.

    The solutions that come with the book do not count.

    Raises:
        ValueError: there is no exercise of that name.

    *Introduced in chapter 5.*
    """
    return find(name, EXERCISES, "solved").name in _solved


def hint(name: str, number: int | None = None) -> None:
    """Print a hint for an exercise: the next one, until there are no more. The solution is not among them.

    Args:
        name: of the exercise, or its label in the book.
        number: which hint, from 1 on, to read one again.

    Raises:
        ValueError: there is no exercise of that name, or no hint of that number.

    *Introduced in chapter 1.*
    """
    exercise = find(name, EXERCISES, "hint")
    hints = exercise.hints
    if number is None:
        _hints_given[exercise.name] += 1
        number = _hints_given[exercise.name]
    elif number not in range(1, len(hints) + 1):
        raise ValueError(f"{exercise.name} has hints 1 to {len(hints)}, got {number}")
    if number <= len(hints):
        print(message("→", exercise, f"hint {number} of {len(hints)}. {hints[number - 1]}"))
    else:
        what = "there are no more hints. Have another try before you open the solution;"
        print(message("→", exercise, f'{what} pg.hint("{exercise.name}", 1) shows the first hint again.'))


def probe(name: str, label: str | None = None) -> tuple:
    """Return the arguments of one of the probes of an exercise, to try your function on.

    ``your_function(*pg.probe("rewards-to-go", "a long episode"))`` is what the check runs. The arguments can also be
    read by name, such as ``pg.probe("rewards-to-go").gamma``.

    Args:
        name: of the exercise, or its label in the book.
        label: what the check calls the probe; the smallest one by default.

    Returns:
        A named tuple of fresh copies.

    Raises:
        ValueError: there is no exercise of that name, or no probe of that label.

    *Introduced in chapter 1.*
    """
    exercise = find(name, EXERCISES, "probe")
    if not exercise.parameters:
        raise ValueError(f"{exercise.name} asks for numbers: there is nothing to run on probes")
    label = next(iter(exercise.probes)) if label is None else label
    if label not in exercise.probes:
        raise ValueError(f"{exercise.name} has no probe {label!r}; there are {', '.join(map(repr, exercise.probes))}")
    return convert_arguments(exercise, exercise.probes[label], exercise.kinds[0])


def predict(name: str, guess) -> None:
    """Note what you expect before you find out, and print it.

    Only a guess from before the outcome was seen counts. Whatever is not a guess, such as ``...``, takes it back.

    Args:
        name: of the prediction, or the label of its exercise in the book.
        guess: a number or an interval ``[low, high]``; one of several answers, or a list of such; or an ordering. What
            is wanted is printed where it is something else.

    Raises:
        ValueError: there is no prediction of that name.

    *Introduced in chapter 1.*
    """
    print(note_guess(find(name, PREDICTIONS, "predict"), guess))


def reveal(name: str, outcome) -> None:
    """Print what came out, and how close your prediction was. Without a prediction, nothing is given away.

    Args:
        name: of the prediction, or the label of its exercise in the book.
        outcome: what came out; or a function without arguments that finds out, where that takes long. It is called only
            if there is a prediction.

    Raises:
        ValueError: there is no prediction of that name.

    *Introduced in chapter 1.*
    """
    print(compare_with_guess(find(name, PREDICTIONS, "reveal"), outcome))
