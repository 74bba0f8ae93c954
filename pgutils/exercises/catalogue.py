"""What can be checked and predicted, and how its name is found.

To add an exercise, add an ``Exercise`` to the module of its chapter and its name to ``INDEX``; nothing else need know.
"""

from collections.abc import Mapping
from difflib import SequenceMatcher

from pgutils.exercises import (
    chapter1,
    chapter2,
    chapter3,
    chapter4,
    chapter5,
    chapter6,
    chapter7,
    chapter8,
    chapter9,
    chapter10,
    chapter11,
    mending,
    paper,
    testing,
    toy,
    weights,
)
from pgutils.exercises.index import INDEX

MODULES = (
    chapter1,
    chapter2,
    chapter3,
    chapter4,
    chapter5,
    chapter6,
    chapter7,
    chapter8,
    chapter9,
    chapter10,
    chapter11,
    paper,
    mending,
    weights,
    testing,
    toy,
)
EXERCISES = {exercise.name: exercise for module in MODULES for exercise in module.EXERCISES}
LIKENESS = 0.6  # how alike two names must be for one to be suggested in place of the other


def find(name: str, known: Mapping, function: str):
    """Return what is known under a name, or under the label by which the book refers to it.

    Args:
        name: as the reader gave it.
        known: the things that ``function`` works with.
        function: what was called, such as ``"check"``.

    Raises:
        ValueError: there is no such thing; the message says what was meant.
    """
    if not isinstance(name, str):
        raise ValueError(f'the name comes first: pg.{function}("name", …), got {type(name).__name__} in its place')
    if name in known:
        return known[name]
    entry = next((entry for entry in INDEX if name in (entry.label, *entry.names)), None)
    names = [part for part in entry.names if part in known] if entry and name == entry.label else []
    if len(names) == 1:
        return known[names[0]]
    if names:
        raise ValueError(f"{name} has several parts: {', '.join(map(repr, names))}")
    if entry:
        raise ValueError(f"{name} has nothing for pg.{function}: {_elsewhere(name, entry.names)}")
    raise ValueError(f"unknown exercise {name!r}: {_suggestion(name, known)}")


def _elsewhere(name: str, names: tuple[str, ...]) -> str:
    """Return what to do with an exercise that has other parts, or none."""
    if not names:
        return "compare your answer with its solution"
    part = name if name in names else names[0]
    return f'pg.{"check" if part in EXERCISES else "predict"}("{part}", …) is what it asks for'


def _suggestion(name: str, known: Mapping) -> str:
    """Return what may have been meant by a name: what is most like it by name, label or title."""
    aliases = {known_name: [known_name] for known_name in known}
    for entry in INDEX:
        for part in entry.names:
            aliases.get(part, []).extend([entry.label.removeprefix("ex-"), entry.title])

    def likeness(known_name: str) -> float:
        return max(SequenceMatcher(None, _plain(name), _plain(alias)).ratio() for alias in aliases[known_name])

    best = max(known, key=likeness)
    return f"did you mean {best!r}?" if likeness(best) >= LIKENESS else f"there are {', '.join(known)}"


def _plain(name: str) -> str:
    """Return a name in small letters, its words joined by hyphens."""
    return name.lower().removeprefix("ex-").replace("_", "-").replace(" ", "-")
