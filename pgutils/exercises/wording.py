"""Numbers and sentences, as a diagnosis shows them."""

import textwrap

import numpy as np

from pgutils.exercises.exercise import Exercise

WIDTH, NARROW = 84, 75  # of a page, and of the box in which a solution stands
SHORT = 71
ROUNDING = 1e-12


def message(sign: str, exercise: Exercise, *paragraphs: str, narrow: bool = False) -> str:
    """Return a message that starts with a sign and the exercise's name, one line or two for each paragraph.

    A tick, and what is ``narrow``, fits into the box of a solution.
    """
    first, *rest = [line for paragraph in paragraphs for line in paragraph.splitlines()]
    lines = [f"{sign} {exercise.name}: {first}", *(f"  {line}" for line in rest)]
    width = NARROW if sign == "✓" or narrow else WIDTH
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


def shorten(text: str, width: int = 120) -> str:
    """Return the beginning of a text, such as that of somebody else's error message."""
    return textwrap.shorten(text, width, placeholder=" …")


def listed(words: list[str]) -> str:
    """Return words joined by commas and an “and”."""
    return " and ".join([*([", ".join(words[:-1])] if words[1:] else []), words[-1]])


def show_call(exercise: Exercise, probe: tuple) -> str:
    """Return a probe's arguments with their names; where they are too long to read, how to get them."""
    label = next(label for label, args in exercise.probes.items() if args is probe)
    too_long = f'pg.probe("{exercise.name}", "{label}")'
    if any(isinstance(value, np.ndarray) and value.size > SHORT for value in probe):
        return too_long
    try:
        call = ", ".join(f"{name} = {show(value)}" for name, value in zip(exercise.parameters, probe, strict=True))
    except TypeError:  # something other than numbers
        return too_long
    return call if len(call) < SHORT else too_long


def show(value, digits: int = 4) -> str:
    """Return a number, an array or a list as it would be typed, to a few digits; what rounding left of 0 is 0."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        return f"[{', '.join(show(item, digits) for item in value)}]"
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    return f"{0.0 if abs(value) < ROUNDING else float(value):.{digits}g}"


def show_shape(array: np.ndarray) -> str:
    """Return the shape of an array in words."""
    return f"an array of shape {array.shape}" if array.ndim else "one number"


def show_difference(given: np.ndarray, wanted: np.ndarray, tolerance: float) -> tuple[str, str]:
    """Return two arrays of one shape as texts; where they are long, only the first entry in which they differ."""
    for digits in (4, 10):
        texts = show(given, digits), show(wanted, digits)
        if texts[0] != texts[1]:
            break
    if max(map(len, texts)) < SHORT:
        return texts
    entry = tuple(int(i) for i in np.argwhere(~np.isclose(given, wanted, rtol=0, atol=tolerance, equal_nan=True))[0])
    return tuple(f"{text} at {list(entry)}" for text in show_difference(given[entry], wanted[entry], tolerance))
