"""How good a policy is, and what a handful of independent runs say: the statistics are all SciPy's."""

import numpy as np
import torch
from scipy import stats

from pgutils.environments import Env, make_envs
from pgutils.policies import Policy
from pgutils.returns import rewards_to_go
from pgutils.rollouts import EpisodeBatch, collect_episodes
from pgutils.seeding import generator


def evaluate(env_id: Env, policy: Policy, *, episodes: int = 100, greedy: bool = False, seed: int = 0) -> EpisodeBatch:
    """Play complete episodes with trained policies, without training them further.

    Args:
        env_id: the environment, as for ``train``.
        policy: the policies of all runs.
        episodes: for each run.
        greedy: take the most probable action instead of sampling.
        seed: for the starts and the actions, apart from those of ``train``.

    Returns:
        A batch whose ``returns`` have the shape (runs, episodes).

    Raises:
        ValueError: ``episodes`` is less than 1, the environment is unknown, or the policy does not fit it.

    *Introduced in chapter 5.*
    """
    if episodes < 1:
        raise ValueError(f"episodes must be at least 1, got {episodes}")
    envs = make_envs(env_id, policy.runs * episodes)
    batch = collect_episodes(envs, policy, generator(seed).spawn(2 * policy.runs)[policy.runs :], greedy=greedy)
    envs.close()
    return batch


def landed(batch: EpisodeBatch) -> torch.Tensor:
    """Return which episodes of LunarLander ended at rest on the ground, shape (runs, episodes).

    The environment pays +100 for coming to rest and -100 for crashing or flying away, so the last reward tells them
    apart. It does not ask where the lander stands: between the flags or beside them.

    *Introduced in chapter 5.*
    """
    last = batch.rewards.gather(-1, batch.lengths[..., None] - 1).squeeze(-1)
    return batch.terminated & (last > 0)


def explained_variance(batch: EpisodeBatch) -> torch.Tensor:
    """Return the share of the variance of the rewards-to-go that ``batch.values`` explains, shape (runs,).

    1 is to foretell every return, chance included, which not even the exact values do; 0 is as good as a constant, and
    a negative number worse.

    *Introduced in chapter 6.*
    """
    returns = rewards_to_go(batch)
    errors = returns - batch.values

    def variance(x):
        count = batch.mask.sum((-2, -1), keepdim=True)
        centred = (x - (x * batch.mask).sum((-2, -1), keepdim=True) / count) * batch.mask
        return centred.square().sum((-2, -1))

    return 1 - variance(errors) / variance(returns)


def interquartile_mean(scores, axis: int = 0):
    """Return the mean of the middle half of the runs.

    The lowest and the highest quarter are left out: how far out they lie makes no difference, how many there are does.

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
        The lower and the upper end, two arrays of shape (...).

    Raises:
        ValueError: there are fewer than two runs, a score is NaN, or ``level`` does not lie between 0 and 1.

    Source: Efron (1979). *Introduced in chapter 3.*
    """
    scores = _checked(scores)
    if len(scores) < 2:
        raise ValueError(f"an interval needs at least 2 runs, got {len(scores)}")
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, such as 0.95, got {level}")
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
