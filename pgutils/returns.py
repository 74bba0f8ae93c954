"""What multiplies the score: returns of various kinds, over the last axis, for NumPy arrays and tensors alike."""

import numpy as np
import torch

from pgutils.rollouts import EpisodeBatch


def _as_floats(rewards):
    """Return an array or a tensor of floating-point numbers, at least one of them, all of them finite."""
    if isinstance(rewards, EpisodeBatch):
        raise ValueError("expected numbers such as rewards_to_go(batch), got the batch itself")
    if not torch.is_tensor(rewards):
        rewards = np.asarray(rewards)
    floating = rewards.is_floating_point() if torch.is_tensor(rewards) else np.issubdtype(rewards.dtype, np.floating)
    if not floating:
        rewards = rewards.double() if torch.is_tensor(rewards) else rewards.astype(float)
    if rewards.ndim == 0 or 0 in rewards.shape:
        raise ValueError(f"rewards must hold at least one step, got shape {tuple(rewards.shape)}")
    if not (abs(rewards) < float("inf")).all():
        raise ValueError("rewards must be finite numbers, got NaN or infinity")
    return rewards


def require_share(name: str, number: float) -> None:
    """Raise ValueError unless a number such as gamma lies in [0, 1]."""
    if not 0 <= number <= 1:
        raise ValueError(f"{name} must lie in [0, 1], got {number}")


def _discount(rewards, gamma):
    """Return ``(rewards, gamma)`` ready for arithmetic, taking both from an EpisodeBatch where one is given."""
    if isinstance(rewards, EpisodeBatch):
        rewards, gamma = rewards.rewards, rewards.gamma if gamma is None else gamma
    rewards, gamma = _as_floats(rewards), 1.0 if gamma is None else float(gamma)
    require_share("gamma", gamma)
    return rewards, gamma


def rewards_to_go(rewards, gamma: float | None = None):
    """Return the discounted sum of the rewards from each step on, Gₜ = rₜ + γ Gₜ₊₁.

    Args:
        rewards: shape (..., steps), 0 after the end of an episode; or an ``EpisodeBatch``, which brings its own gamma.
        gamma: the discount factor, in [0, 1]; by default that of the batch, and 1 where there is none.

    Returns:
        An array or tensor of the same shape.

    Raises:
        ValueError: there are no rewards, one of them is NaN or infinite, or ``gamma`` is outside [0, 1].

    *Introduced in chapter 4.*
    """
    rewards, gamma = _discount(rewards, gamma)
    stack = torch.stack if torch.is_tensor(rewards) else np.stack
    following, from_last = 0.0, []
    for step in reversed(range(rewards.shape[-1])):
        following = rewards[..., step] + gamma * following
        from_last.append(following)
    return stack(from_last[::-1], -1)


def total_return(rewards, gamma: float | None = None):
    """Return the discounted sum of all rewards of each trajectory, R(τ) = Σₜ γᵗ rₜ.

    Args, errors and source are those of ``rewards_to_go``; the steps axis is summed away: shape (...).

    *Introduced in chapter 1.*
    """
    return rewards_to_go(rewards, gamma)[..., 0]


def leave_one_out(returns):
    """Subtract from each episode's returns the mean of the *other* episodes' returns at the same step.

    An episode that has already ended counts as 0. Because the mean does not contain the episode itself, the expected
    gradient stays what it was (chapter 5).

    Args:
        returns: shape (..., episodes, steps), such as ``rewards_to_go(batch)``.

    Returns:
        An array or tensor of the same shape.

    Raises:
        ValueError: there are fewer than two episodes, or a return is NaN or infinite.

    Source: Kool et al. (2019). *Introduced in chapter 5.*
    """
    returns = _as_floats(returns)
    episodes = returns.shape[-2] if returns.ndim > 1 else 1
    if episodes < 2:
        raise ValueError(f"leave_one_out needs at least 2 episodes, got {episodes}")
    returns = returns - returns[..., :1, :]  # changes nothing, and makes equal returns exactly 0
    others = (returns.sum(-2)[..., None, :] - returns) / (episodes - 1)
    return returns - others


def normalize(weights: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Shift and scale each run's weights to mean 0 and standard deviation 1 over the steps that were taken.

    Weights that differ by no more than the rounding of a sum over the steps are taken to be equal, and give 0.

    Args:
        weights: shape (..., episodes, steps).
        mask: where a step was taken, the same shape.

    Returns:
        A tensor of the same shape, 0 where no step was taken.

    Raises:
        ValueError: a run has fewer than two steps, whose standard deviation does not exist.

    *Introduced in chapter 6.*
    """
    count = mask.sum((-2, -1), keepdim=True)
    if (count < 2).any():
        raise ValueError("normalize needs at least 2 steps in each run, got fewer")
    dtype, rounding = weights.dtype, torch.finfo(weights.dtype).eps * weights.shape[-1]
    weights = torch.where(mask, weights, 0.0).double()
    centred = (weights - weights.sum((-2, -1), keepdim=True) / count) * mask
    deviation = (centred.square().sum((-2, -1), keepdim=True) / (count - 1)).sqrt()
    equal = deviation <= rounding * weights.abs().amax((-2, -1), keepdim=True)
    return torch.where(equal, 0.0, centred / (deviation + 1e-8)).to(dtype)
