"""Proximal policy optimisation: many steps on one batch, and a clip that silences what has moved."""

from collections.abc import Callable, Iterator
from copy import deepcopy

import torch

from pgutils.policies import Policy
from pgutils.returns import normalize
from pgutils.rollouts import EpisodeBatch
from pgutils.settings import require_count


def clipped_loss(
    log_probs: torch.Tensor, old_log_probs: torch.Tensor, weights: torch.Tensor, mask: torch.Tensor, clip: float
) -> torch.Tensor:
    """Return the negative mean over the steps taken of min(ρ w, clip(ρ, 1-ε, 1+ε) w), with ρ the ratio π / π_old.

    Old log-probabilities and weights are constants: no gradient flows into them.

    Args:
        log_probs: log π(a_t | s_t) of the actions taken, shape (..., episodes, steps).
        old_log_probs: the same, of the policy that took them.
        weights: estimates of the advantage, the same shape.
        mask: where a step was really taken, the same shape.
        clip: ε; with ``math.inf`` nothing is clipped, and this is the surrogate of chapter 9.

    Returns:
        One loss for each run, shape (...); 0 where no step was taken.

    Source: Schulman et al. (2017), equation 7. *Introduced in chapter 10.*
    """
    ratio, weights = _ratio(log_probs, old_log_probs.detach(), mask), weights.detach()
    gain = torch.minimum(ratio * weights, ratio.clamp(1 - clip, 1 + clip) * weights)
    return -_mean_over(gain, mask)


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
        minibatches: parts of the batch, each with a step of the optimizer.
        entropy: β, the weight of the mean entropy in the objective.
        stop_kl: after an epoch that leaves the mean divergence KL(π_old ‖ π) of a run above this, its weights stay as
            they are until the next batch. Its optimizer is told of gradients of zero, so that its momentum fades.
        normalized: shift and scale the weights of each batch, as ``normalize`` does.

    Returns:
        An update as ``train`` wants it. Besides the losses and entropies from before it, which ``History`` knows, it
        reports what it has done, each of shape (runs,): ``kls``, the mean divergence KL(π_old ‖ π) over the states of
        the batch; ``outside``, the share of the steps whose ratio has left [1-ε, 1+ε]; ``clipped``, the share that has
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
            old = deepcopy(policy.distribution(batch.obs, batch.mask))  # no view of a parameter that will change
            old_log_probs, old_entropies = old.log_prob(batch.actions), _mean_over(old.entropy(), batch.mask)
        going, made = torch.ones(len(batch.mask), dtype=torch.bool), torch.zeros(len(batch.mask))
        for _ in range(epochs):
            made += going
            for part in _shares(batch.mask & going[:, None, None], minibatches):
                new = policy.distribution(batch.obs, part)
                loss = clipped_loss(new.log_prob(batch.actions), old_log_probs, weights, part, clip)
                optimizer.zero_grad()
                (loss - entropy * _mean_over(new.entropy(), part)).sum().backward()
                _step(policy, optimizer, part.flatten(1).any(1))
            if stop_kl is not None:
                going = going & (_movement(policy, batch, old)[1] <= stop_kl)
        log_probs, kls = _movement(policy, batch, old)
        losses = clipped_loss(old_log_probs, old_log_probs, weights, batch.mask, clip) - entropy * old_entropies
        found = _beyond_the_clip(_ratio(log_probs, old_log_probs, batch.mask), weights, batch.mask, clip)
        return {"losses": losses, "entropies": old_entropies, "kls": kls, **found, "epochs": made}

    return update


def _ratio(log_probs, old_log_probs, mask) -> torch.Tensor:
    """Return π(a_t | s_t) / π_old(a_t | s_t), and 1 where no step was taken."""
    return ((log_probs - old_log_probs) * mask).exp()


def _mean_over(numbers: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean of each run's numbers over the steps where ``mask`` is true; 0 where there are none."""
    return (numbers * mask).sum((-2, -1)) / mask.sum((-2, -1)).clamp(min=1)


def _shares(mask: torch.Tensor, count: int) -> Iterator[torch.Tensor]:
    """Yield ``count`` masks that share the steps taken out among them, diagonal by diagonal."""
    episode, step = (torch.arange(size) for size in mask.shape[1:])
    for k in range(count):
        yield mask & ((episode[:, None] + step) % count == k)


def _step(policy: Policy, optimizer: torch.optim.Optimizer, moving: torch.Tensor) -> None:
    """Take a step of the optimizer with the runs that are moving; the others are put back, whatever their momentum."""
    before = [parameter.detach().clone() for parameter in policy.parameters()]
    optimizer.step()
    with torch.no_grad():
        for parameter, kept in zip(policy.parameters(), before, strict=True):
            parameter[~moving] = kept[~moving]


@torch.no_grad()
def _movement(policy: Policy, batch: EpisodeBatch, old) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the log-probabilities of the actions taken as they are now, and the mean divergence from ``old``."""
    new = policy.distribution(batch.obs, batch.mask)
    return new.log_prob(batch.actions), _mean_over(old.kl(new), batch.mask)


def _beyond_the_clip(ratio, weights, mask, clip: float) -> dict[str, torch.Tensor]:
    """Return what has become of the ratios of a batch, each of shape (runs,)."""
    above, below = ratio > 1 + clip, ratio < 1 - clip
    return {
        "outside": _mean_over(above | below, mask),
        "clipped": _mean_over((above & (weights > 0)) | (below & (weights < 0)), mask),
        "largest_ratios": ratio.flatten(1).amax(1),
    }
