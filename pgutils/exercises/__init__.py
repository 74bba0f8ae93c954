"""Exercises whose checker names the mistake: ``check`` and ``hint``, and the data of every chapter.

To add an exercise, add an ``Exercise`` to the module of its chapter; nothing else needs to know.
"""

from collections import Counter
from difflib import get_close_matches

from pgutils.exercises import chapter1, chapter2, chapter3, chapter4, chapter5, chapter6
from pgutils.exercises.diagnosis import diagnose
from pgutils.exercises.exercise import Exercise
from pgutils.exercises.wording import message

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
