"""What is minimised."""

import torch


def policy_gradient_loss(log_probs: torch.Tensor, weights: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return -(1/N) Σ_i Σ_t log π(a_t | s_t) w_t, whose gradient estimates -∇J.

    The sum runs over the steps and the mean over the N episodes. The weights are constants: no gradient flows into
    them.

    Args:
        log_probs: log π(a_t | s_t) of the actions taken, shape (..., episodes, steps).
        weights: what multiplies each score, the same shape.
        mask: where a step was really taken, the same shape.

    Returns:
        One loss for each run, shape (...).

    Raises:
        ValueError: the shapes differ, or there are no episodes or steps.

    Source: Williams (1992). *Introduced in chapter 3.*
    """
    if not log_probs.shape == weights.shape == mask.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (log_probs, weights, mask))
        raise ValueError(f"log_probs, weights and mask must have the same shape, got {shapes}")
    if log_probs.ndim < 2 or 0 in log_probs.shape:
        raise ValueError(f"expected shape (..., episodes, steps), none of them 0, got {tuple(log_probs.shape)}")
    return -(log_probs * weights.detach() * mask).sum(-1).mean(-1)
