"""Proximal policy optimisation: many steps on one batch, and a clip that silences what has moved."""

from collections.abc import Callable

import torch

from pgutils.losses import clipped_loss
from pgutils.natural import constant, mean_over_steps
from pgutils.policies import Policy
from pgutils.returns import normalize
from pgutils.rollouts import EpisodeBatch
from pgutils.settings import require_count


def ppo(
    *,
    clip: float = 0.2,
    epochs: int = 10,
    minibatches: int = 4,
    entropy: float = 0.0,
    stop_kl: float | None = None,
    normalized: bool = True,
) -> Callable:
    """Return an ``update``: several passes over the batch, in minibatches, each a step on the clipped surrogate.

    Neighbouring steps say nearly the same, so each minibatch takes every ``minibatches``-th step, and of each episode
    others. Nothing about it is random, and it depends on no other run.

    Args:
        clip: ε, how far the ratio may leave 1 before a step that pushes it on loses its gradient; ``math.inf``: never.
        epochs: passes over the batch.
        minibatches: parts of the batch, each with a step of the optimizer. A policy that reads whole episodes, such as
            the ``Transformer``, needs a single one.
        entropy: β, the weight of the mean entropy in the objective.
        stop_kl: after an epoch that leaves the mean divergence KL(π_old ‖ π) of a run above this, its weights stay as
            they are until the next batch. Its optimizer is told of gradients of zero, so that its momentum fades.
        normalized: shift and scale the weights of each batch, as ``normalize`` does.

    Returns:
        An update as ``train`` wants it. Besides the losses and entropies from before it, which ``History`` knows, it
        reports what it has done, each of shape (runs,): ``kls``, the mean divergence KL(old ‖ new) over the states of
        the batch; ``outside``, the share of the steps whose ratio has left [1−ε, 1+ε]; ``clipped``, the share that has
        lost its gradient, which is no more than that; ``largest_ratios``; and ``epochs``, how many were made.

    Raises:
        ValueError: an argument is not what it must be; when called, as ``normalize``.

    Source: Schulman et al. (2017). *Introduced in chapter 10.*
    """
    require_count(epochs=epochs, minibatches=minibatches)
    if not clip > 0:
        raise ValueError(f"clip must be positive, got {clip}")
    if not 0 <= entropy < float("inf"):
        raise ValueError(f"entropy must be a finite number of at least 0, got {entropy}")
    if stop_kl is not None and not stop_kl > 0:
        raise ValueError(f"stop_kl must be positive or None, got {stop_kl}")

    def update(
        policy: Policy, optimizer: torch.optim.Optimizer, batch: EpisodeBatch, weights: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        weights = normalize(weights, batch.mask) if normalized else weights
        with torch.no_grad():
            old = constant(policy.distribution(batch.obs, batch.mask))
            old_log_probs = old.log_prob(batch.actions)
        parts = _parts(minibatches, batch.mask, batch.obs, batch.actions, old_log_probs, weights)
        going, made = torch.ones(len(batch.mask), dtype=torch.bool), torch.zeros(len(batch.mask))
        for _ in range(epochs):
            made += going
            for taken, obs, *data in parts:
                mask = taken & going[:, None, None]
                loss = _loss(policy.distribution(obs, mask), *data, mask, clip, entropy)
                optimizer.zero_grad()
                loss.sum().backward()
                _step(policy, optimizer, mask.flatten(1).any(1))
            if stop_kl is not None:
                going = going & (_movement(policy, batch, old)[1] <= stop_kl)
        log_probs, kls = _movement(policy, batch, old)
        losses = _loss(old, batch.actions, old_log_probs, weights, batch.mask, clip, entropy)
        found = _beyond_the_clip(log_probs - old_log_probs, weights, batch.mask, clip)
        return {
            "losses": losses,
            "entropies": mean_over_steps(old.entropy(), batch.mask),
            "kls": kls,
            **found,
            "epochs": made,
        }

    return update


def _parts(count: int, mask: torch.Tensor, *arrays: torch.Tensor) -> list[list[torch.Tensor]]:
    """Share the steps out among ``count`` parts, diagonal by diagonal; return the mask and the arrays of each part."""
    episodes, steps = mask.shape[1:]
    episode, parts = torch.arange(episodes)[:, None], []
    for k in range(count):
        step = count * torch.arange(-(-steps // count)) + (k - episode) % count
        at = episode, step.clamp(max=steps - 1)
        parts.append([mask[:, *at] & (step < steps), *(x[:, *at] for x in arrays)])
    return parts


def _loss(distribution, actions, old_log_probs, weights, mask, clip: float, entropy: float) -> torch.Tensor:
    """Return the clipped loss of each run, less the entropy bonus."""
    loss = clipped_loss(distribution.log_prob(actions), old_log_probs, weights, mask, clip)
    return loss - entropy * mean_over_steps(distribution.entropy(), mask) if entropy else loss


def _step(policy: Policy, optimizer: torch.optim.Optimizer, moving: torch.Tensor) -> None:
    """Take a step of the optimizer with the runs that are moving; the others are put back, whatever their momentum."""
    before = [] if moving.all() else [parameter.detach().clone() for parameter in policy.parameters()]
    optimizer.step()
    with torch.no_grad():
        for parameter, kept in zip(policy.parameters(), before, strict=False):
            parameter[~moving] = kept[~moving]


@torch.no_grad()
def _movement(policy: Policy, batch: EpisodeBatch, old) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the log-probabilities of the actions taken as they are now, and the mean divergence from ``old``."""
    new = policy.distribution(batch.obs, batch.mask)
    return new.log_prob(batch.actions), mean_over_steps(old.kl(new), batch.mask)


def _beyond_the_clip(log_ratio, weights, mask, clip: float) -> dict[str, torch.Tensor]:
    """Return what has become of the ratios of a batch, each of shape (runs,)."""
    ratio = (log_ratio * mask).exp()
    above, below = ratio > 1 + clip, ratio < 1 - clip
    return {
        "outside": mean_over_steps(above | below, mask),
        "clipped": mean_over_steps((above & (weights > 0)) | (below & (weights < 0)), mask),
        "largest_ratios": ratio.flatten(1).amax(1),
    }
