"""Equations, executed."""

import numpy as np


def both_sides(label: str, left, right, tolerance: float = 1e-10) -> None:
    """Assert that both sides of a numbered equation are the same numbers, and say so in one line.

    Args:
        label: the label of the equation in the chapter's text.
        left: the left-hand side, a number or an array.
        right: the right-hand side, of the same shape.
        tolerance: the largest difference that is allowed, relative to the largest number (at least 1).

    Raises:
        ValueError: the shapes differ.
        AssertionError: the sides differ; the message says by how much.

    *Introduced in chapter 2.*
    """
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"{label}: the sides have shapes {left.shape} and {right.shape}")
    difference = np.abs(left - right).max()
    if not difference <= tolerance * max(1.0, np.abs(left).max()):
        raise AssertionError(f"{label}: the two sides differ by {difference:.2g}")
    count = "both sides are the same number" if left.size == 1 else f"both sides are the same {left.size} numbers"
    print(f"✓ {label}: {count} (to {tolerance:.0e})")
