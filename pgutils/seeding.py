"""Where randomness begins."""

import os

import numpy as np


def generator(seed: int) -> np.random.Generator:
    """Return the NumPy generator that belongs to ``seed``.

    The environment variable ``PGUTILS_SEED_OFFSET`` (an integer, 0 by default) shifts every seed at once,
    so that a whole chapter can be run again on fresh random numbers.

    Args:
        seed: a non-negative integer.

    Raises:
        ValueError: ``seed`` is not a non-negative integer, or the offset is not an integer.

    *Introduced in chapter 1.*
    """
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}")
    offset = os.environ.get("PGUTILS_SEED_OFFSET", "0")
    try:
        return np.random.default_rng([seed, int(offset)])
    except ValueError:
        raise ValueError(f"PGUTILS_SEED_OFFSET must be a non-negative integer, got {offset!r}") from None
