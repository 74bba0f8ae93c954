"""What is minimised."""

import torch


def policy_gradient_loss(log_probs: torch.Tensor, weights: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return −(1/N) Σᵢ Σₜ log π(aₜ | sₜ) wₜ, whose gradient estimates −∇J.

    The sum runs over the steps and the mean over the N episodes. The weights are constants: no gradient flows into
    them.

    Args:
        log_probs: log π(aₜ | sₜ) of the actions taken, shape (..., episodes, steps).
        weights: what multiplies each score, the same shape.
        mask: where a step was really taken, the same shape.

    Returns:
        One loss for each run, shape (...).

    Raises:
        ValueError: the shapes differ, or there are no episodes or steps.

    Source: Williams (1992). *Introduced in chapter 3.*
    """
    _require_same_shape(log_probs=log_probs, weights=weights, mask=mask)
    return -(log_probs * weights.detach() * mask).sum(-1).mean(-1)


def clipped_loss(
    log_probs: torch.Tensor, old_log_probs: torch.Tensor, weights: torch.Tensor, mask: torch.Tensor, clip: float
) -> torch.Tensor:
    """Return the negative mean over the steps taken of min(ρ w, clip(ρ, 1−ε, 1+ε) w), with ρ the ratio π / old π.

    Old log-probabilities and weights are constants: no gradient flows into them.

    Args:
        log_probs: log π(aₜ | sₜ) of the actions taken, shape (..., episodes, steps).
        old_log_probs: the same, of the policy that took them.
        weights: estimates of the advantage, the same shape.
        mask: where a step was really taken, the same shape.
        clip: ε; with ``math.inf`` nothing is clipped, and this is the surrogate of chapter 9.

    Returns:
        One loss for each run, shape (...); 0 where no step was taken.

    Raises:
        ValueError: the shapes differ, or there are no episodes or steps.

    Source: Schulman et al. (2017), equation 7. *Introduced in chapter 10.*
    """
    _require_same_shape(log_probs=log_probs, old_log_probs=old_log_probs, weights=weights, mask=mask)
    ratio, weights = ((log_probs - old_log_probs.detach()) * mask).exp(), weights.detach()
    gain = torch.minimum(ratio * weights, ratio.clamp(1 - clip, 1 + clip) * weights)
    return -(gain * mask).sum((-2, -1)) / mask.sum((-2, -1)).clamp(min=1)


def value_loss(values: torch.Tensor, returns: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean squared error of the values over the steps that were taken.

    Args:
        values: V(sₜ), shape (..., episodes, steps).
        returns: what they should predict, such as the reward-to-go, the same shape; a constant.
        mask: where a step was really taken, the same shape.

    Returns:
        One loss for each run, shape (...); 0 where no step was taken.

    Raises:
        ValueError: the shapes differ, or there are no episodes or steps.

    *Introduced in chapter 5.*
    """
    _require_same_shape(values=values, returns=returns, mask=mask)
    return ((values - returns.detach()).square() * mask).sum((-2, -1)) / mask.sum((-2, -1)).clamp(min=1)


def _require_same_shape(**arrays: torch.Tensor) -> None:
    """Raise ValueError unless all arrays have the same shape (..., episodes, steps) and hold a step."""
    shapes = [tuple(array.shape) for array in arrays.values()]
    if len(set(shapes)) > 1:
        raise ValueError(f"{', '.join(arrays)} must have the same shape, got {', '.join(map(str, shapes))}")
    if len(shapes[0]) < 2 or 0 in shapes[0]:
        raise ValueError(f"expected shape (..., episodes, steps), none of them 0, got {shapes[0]}")
