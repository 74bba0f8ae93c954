"""Natural gradient steps that the divergence from the old policy limits: an update for ``train``."""

from collections.abc import Callable

import numpy as np
import torch

from pgutils.distributions import Distribution
from pgutils.losses import policy_gradient_loss
from pgutils.natural import conjugate_gradient, constant, fisher_product, flat, mean_over_steps, move
from pgutils.policies import Policy
from pgutils.rollouts import EpisodeBatch
from pgutils.settings import require_count


def trust_region(
    max_kl: float = 0.01,
    *,
    damping: float = 0.1,
    cg_steps: int = 10,
    every: int = 8,
    shrink: float = 0.8,
    tries: int = 10,
) -> Callable:
    """Return the update that goes along the natural gradient as far as a divergence of ``max_kl`` allows.

    The natural gradient is found by conjugate gradient; then a line search shortens the step until the surrogate has
    gained and the mean divergence over the steps of the batch is at most ``max_kl``. Each run has a step of its own.
    The optimizer of ``train`` is not used, nor its ``learning_rate``, except by a value function.

    Args:
        max_kl: the largest mean KL(old ‖ new), in nats.
        damping: what is added to the diagonal of the Fisher matrix.
        cg_steps: steps of conjugate gradient. With 0 the direction is the gradient itself, its length as for the rest.
        every: the Fisher matrix is averaged over one of so many time steps of the batch.
        shrink: by what the line search multiplies a step that was refused.
        tries: how many lengths it tries; if all are refused, the policy of that run stays as it is.

    Returns:
        An update, which changes the policy in place and returns tensors of shape (runs,). They are losses and entropies
        from before the step, as ``History`` has them, and for its ``diagnostics`` ``kls``, the mean divergence from the
        old policy; ``fractions``, what the line search left of the step, 0 where all was refused; and ``gains``, how
        far the surrogate has risen, per episode.

    Raises:
        ValueError: a setting is out of its range.
        FloatingPointError: in the update, where the square of a gradient is beyond what a float can hold.

    Source: Schulman et al. (2015); the natural policy gradient, Kakade (2001). *Introduced in chapter 9.*
    """
    if not 0 < max_kl < np.inf:
        raise ValueError(f"max_kl must be positive and finite, got {max_kl}")
    require_count(every=every, tries=tries)
    require_count(least=0, cg_steps=cg_steps)
    if not 0 <= damping < np.inf:
        raise ValueError(f"damping must be finite and at least 0, got {damping}")
    if not 0 < shrink < 1:
        raise ValueError(f"shrink must lie between 0 and 1, got {shrink}")

    def update(
        policy: Policy, optimizer: torch.optim.Optimizer, batch: EpisodeBatch, weights: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        old, losses, gradient = _ascent(policy, batch, weights)
        product = fisher_product(policy, batch, damping, every)
        direction = conjugate_gradient(product, gradient, cg_steps) if cg_steps else gradient
        curvature = (direction * product(direction)).sum(1, keepdim=True)
        step = torch.where(curvature > 0, direction * (2 * max_kl / curvature).sqrt(), 0.0)
        found = _line_search(policy, batch, weights, old, step, max_kl, [shrink**k for k in range(tries)])
        return {"losses": losses, "entropies": mean_over_steps(old.entropy(), batch.mask), **found}

    return update


def _ascent(policy, batch, weights) -> tuple[Distribution, torch.Tensor, torch.Tensor]:
    """Return what the policy says now, the losses (runs,) and the gradients of the surrogate (runs, parameters)."""
    now = policy.distribution(batch.obs, batch.mask)
    losses = policy_gradient_loss(now.log_prob(batch.actions), weights, batch.mask)
    gradient = -flat(torch.autograd.grad(losses.sum(), list(policy.parameters())))
    if gradient.square().sum(1).isinf().any():
        raise FloatingPointError("the square of the gradient is too large for a float: scale the rewards down")
    return constant(now), losses.detach(), gradient


@torch.no_grad()
def _line_search(policy, batch, weights, old, step, max_kl, fractions) -> dict[str, torch.Tensor]:
    """Set each run to start + fraction · step for the first fraction that is accepted, or back to the start."""
    start, old_log_prob = flat(policy.parameters()), old.log_prob(batch.actions)
    kls, gains, taken = torch.zeros(3, len(step), dtype=step.dtype)
    for fraction in fractions:
        waiting = taken == 0
        move(policy, start + torch.where(waiting, fraction, taken)[:, None] * step)
        new = policy.distribution(batch.obs, batch.mask)
        ratio = (new.log_prob(batch.actions) - old_log_prob).exp()
        gain = -policy_gradient_loss(ratio - 1, weights, batch.mask)
        kl = mean_over_steps(old.kl(new), batch.mask)
        accepted = waiting & (gain > 0) & (kl <= max_kl)
        kls, gains = torch.where(accepted, kl, kls), torch.where(accepted, gain, gains)
        taken = torch.where(accepted, fraction, taken)
        if taken.all():
            break
    move(policy, start + taken[:, None] * step)
    return {"kls": kls, "fractions": taken, "gains": gains}
