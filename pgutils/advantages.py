"""What a value says of a step: TD errors, advantages for the policy, and targets for the values themselves."""

import torch

from pgutils.returns import require_share, rewards_to_go
from pgutils.rollouts import EpisodeBatch


def td_errors(batch: EpisodeBatch, gamma: float | None = None) -> torch.Tensor:
    """Return δₜ = rₜ + γ V(sₜ₊₁) − V(sₜ) of each step.

    What follows the last step of an episode is ``batch.final_values``: nothing where it terminated.

    Args:
        batch: with values.
        gamma: the discount factor, by default that of the batch.

    Returns:
        Shape (runs, episodes, steps), 0 where no step was taken.

    Raises:
        ValueError: the batch has no values.

    Source: Sutton (1988). *Introduced in chapter 7.*
    """
    gamma = batch.gamma if gamma is None else gamma
    return (batch.rewards + gamma * _next_values(batch) - batch.values) * batch.mask


def gae(lam: float, gamma: float | None = None):
    """Return a ``weights`` function: generalised advantage estimation, Σₖ (γλ)ᵏ δₜ₊ₖ.

    Args:
        lam: in [0, 1]. With 0 it is the TD error; with 1 it is the reward-to-go minus the value, and unbiased whatever
            the values.
        gamma: the discount factor, by default that of the batch.

    Raises:
        ValueError: ``lam`` or ``gamma`` is outside [0, 1]; when called, as ``td_errors``.

    Source: Schulman et al. (2016). *Introduced in chapter 7.*
    """
    require_share("lam", lam)

    def weights(batch: EpisodeBatch) -> torch.Tensor:
        return rewards_to_go(td_errors(batch, gamma), lam * (batch.gamma if gamma is None else gamma))

    return weights


def td_lambda(lam: float):
    """Return a ``targets`` function: the λ-return, Gₜ = rₜ + γ ((1−λ) V(sₜ₊₁) + λ Gₜ₊₁).

    It is V(sₜ) plus the advantage that ``gae(lam)`` estimates. With ``lam`` 1 it is the reward-to-go, with
    V(final_obs) added beyond the cut where an episode was truncated, which is what ``train`` fits values to by default.

    Args:
        lam: in [0, 1].

    Raises:
        ValueError: ``lam`` is outside [0, 1]; when called, as ``td_errors``.

    Source: Sutton and Barto (2018), section 12.1. *Introduced in chapter 7.*
    """
    require_share("lam", lam)

    def targets(batch: EpisodeBatch) -> torch.Tensor:
        following, last = _next_values(batch), _last_step(batch)
        target, from_last = torch.zeros_like(following[..., 0]), []
        for step in reversed(range(following.shape[-1])):
            beyond = (1 - lam) * following[..., step] + lam * target
            beyond = torch.where(last[..., step], following[..., step], beyond)
            target = (batch.rewards[..., step] + batch.gamma * beyond) * batch.mask[..., step]
            from_last.append(target)
        return torch.stack(from_last[::-1], -1)

    return targets


def _last_step(batch: EpisodeBatch) -> torch.Tensor:
    """Return which step is the last of its episode, shape (runs, episodes, steps)."""
    return torch.arange(batch.mask.shape[-1]) == batch.lengths[..., None] - 1


def _next_values(batch: EpisodeBatch) -> torch.Tensor:
    """Return V(sₜ₊₁), shape (runs, episodes, steps), and ``final_values`` after the last step of an episode."""
    if batch.values is None:
        raise ValueError("the batch has no values: train with value_steps of at least 1")
    following = torch.cat([batch.values[..., 1:], torch.zeros_like(batch.values[..., :1])], -1)
    return torch.where(_last_step(batch), batch.final_values[..., None], following)
