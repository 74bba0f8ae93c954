"""Equations, executed."""

import math

import numpy as np


def both_sides(label: str, left, right, tolerance: float = 1e-10, *, sampled: bool = False) -> None:
    """Assert that both sides of a numbered equation are the same numbers, and print them in one line.

    Of an array the line says how many numbers it has, and the largest (in absolute value) on either side. Five
    significant digits are shown at most, and none beyond the tolerance, so that every machine prints the same.

    Args:
        label: the label of the equation in the chapter's text.
        left: the left-hand side, a number or an array.
        right: the right-hand side, of the same shape.
        tolerance: the largest difference that is allowed, relative to the largest number (at least 1).
        sampled: whether the numbers depend on a seed; then the line says only that they are the same.

    Raises:
        ValueError: the shapes differ, or there is nothing to compare.
        AssertionError: the sides differ; the message says by how much.

    *Introduced in chapter 1.*
    """
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape != right.shape or not left.size:
        raise ValueError(f"{label}: the sides have shapes {left.shape} and {right.shape}")
    allowed = tolerance * max(1.0, np.abs(left).max())
    difference = np.abs(left - right).max()
    if not difference <= allowed:
        raise AssertionError(f"{label}: the two sides differ by {difference:.2g}")
    count = "" if left.size == 1 else f"{left.size} numbers, "
    numbers = "the same on both sides" if sampled else _largest(left, right, allowed)
    print(f"✓ {label}: {count}{numbers} (to {tolerance:.0e})")


def _largest(left: np.ndarray, right: np.ndarray, allowed: float) -> str:
    """Write the largest number of each side, less the digits in which the sides, or two machines, may differ."""
    decimals = max(0, math.floor(-math.log10(allowed)) - 1)
    left, right = (np.round(side.ravel(), decimals) + 0.0 for side in (left, right))  # no negative zero
    where = np.abs(left).argmax()  # of several, the first
    one, other = (
        np.format_float_positional(side[where], precision=5, fractional=False, trim="-") for side in (left, right)
    )
    which = "" if left.size == 1 else "the largest " if left[where] else "all "
    return f"{which}{one} {'=' if one == other else '≈'} {other}"
