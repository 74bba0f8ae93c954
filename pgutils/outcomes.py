"""What learning curves came to: where they ended, and how soon they were good enough."""

import numpy as np


def final_returns(env_steps, returns, budget: float, last: int = 5) -> np.ndarray:
    """Return the mean of each run's last iterations, up to the one that uses up a budget of steps; shape (runs,).

    Args:
        env_steps: steps taken by the end of each iteration, shape (runs, iterations).
        returns: shape (runs, iterations).
        budget: environment steps of a run.
        last: over how many iterations the mean is taken.

    Raises:
        ValueError: a run has not taken so many steps, or has taken them in fewer iterations than ``last``.

    *Introduced in chapter 10.*
    """
    env_steps, returns = np.asarray(env_steps), np.asarray(returns)
    there = env_steps >= budget
    if not there.any(1).all():
        raise ValueError(f"every run must have taken the budget of {budget} steps")
    end = there.argmax(1)
    if end.min() < last - 1:
        raise ValueError(f"the budget of {budget} steps is used up in fewer than {last} iterations")
    return np.stack([returns[np.arange(len(end)), end - back] for back in range(last)]).mean(0)


def steps_to_solve(env_steps, returns, threshold: float, window: int) -> np.ndarray:
    """Return after how many steps a task was solved, shape (runs,), and infinity where it never was.

    It is solved when the mean of so many returns in a row first reaches the threshold.

    Args:
        env_steps: steps taken by the time that a return was known, shape (runs, n).
        returns: of single episodes or of iterations, shape (runs, n); what a run has not played is NaN.
        threshold: of the mean return.
        window: how many returns in a row.

    *Introduced in chapter 10.*
    """
    env_steps, returns = np.asarray(env_steps, dtype=float), np.asarray(returns)
    if returns.shape[1] < window:
        return np.full(len(returns), np.inf)
    means = np.lib.stride_tricks.sliding_window_view(returns, window, axis=1).mean(-1)
    there = means >= threshold
    found = env_steps[np.arange(len(returns)), there.argmax(1) + window - 1]
    return np.where(there.any(1), found, np.inf)
