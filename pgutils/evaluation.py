"""Statistics for a handful of independent runs, all from SciPy."""

import numpy as np
from scipy import stats

from pgutils.seeding import generator


def interquartile_mean(scores, axis: int = 0):
    """Return the mean of the middle half of the runs, which a few lucky or hopeless runs cannot move.

    Args:
        scores: an array with the runs along ``axis``.
        axis: the axis of the runs.

    Returns:
        An array with ``axis`` removed.

    Raises:
        ValueError: there are no scores, or one is NaN.

    Source: Agarwal et al. (2021). *Introduced in chapter 3.*
    """
    return stats.trim_mean(_checked(scores), 0.25, axis=axis)


def bootstrap_interval(scores, statistic=interquartile_mean, *, seed: int = 0, level: float = 0.95, resamples=2000):
    """Return a percentile bootstrap interval for a statistic of independent runs.

    Args:
        scores: shape (runs, ...).
        statistic: a function of ``(scores, axis)`` that removes the axis of the runs.
        seed: for the resampling.
        level: the confidence level.
        resamples: how many times the runs are drawn again, with replacement.

    Returns:
        Two arrays of shape (...): the lower and the upper end.

    Raises:
        ValueError: there are fewer than two runs, or a score is NaN.

    Source: Efron (1979). *Introduced in chapter 3.*
    """
    scores = _checked(scores)
    if len(scores) < 2:
        raise ValueError(f"an interval needs at least 2 runs, got {len(scores)}")
    result = stats.bootstrap(
        (scores,),
        statistic,
        n_resamples=resamples,
        batch=100,
        confidence_level=level,
        method="percentile",
        rng=generator(seed),
    )
    return result.confidence_interval.low, result.confidence_interval.high


def probability_of_improvement(scores, baseline) -> float:
    """Return the chance that a random run of one method beats a random run of another, counting ties as half.

    Args:
        scores: shape (runs,).
        baseline: shape (other runs,).

    Source: Agarwal et al. (2021); it is the Mann-Whitney U statistic divided by the number of pairs.
    *Introduced in chapter 4.*
    """
    scores, baseline = _checked(scores), _checked(baseline)
    return float(stats.mannwhitneyu(scores, baseline).statistic / (len(scores) * len(baseline)))


def _checked(scores) -> np.ndarray:
    scores = np.asarray(scores, dtype=float)
    if not scores.size:
        raise ValueError(f"scores must hold at least one run, got shape {scores.shape}")
    if np.isnan(scores).any():
        raise ValueError("scores must be numbers, got NaN")
    return scores
