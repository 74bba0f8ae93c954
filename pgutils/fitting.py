"""How values are learned beside the policy."""

from collections.abc import Callable
from dataclasses import replace

import torch

from pgutils.losses import value_loss
from pgutils.networks import ValueFunction
from pgutils.rollouts import EpisodeBatch


def value_fitter(values: ValueFunction, targets: Callable, learning_rate: float, steps: int, epochs: int = 1):
    """Return a function that adds the values to a batch, and then fits them to the batch's targets by steps of Adam.

    Neighbouring time steps say nearly the same, so each step of Adam sees only every ``steps``-th of them, and of each
    episode others.

    Args:
        values: the value function of all runs; changed in place.
        targets: a function of the batch, such as ``td_lambda(1.0)``, that returns what V(sₜ) is fitted to, shape
            (runs, episodes, steps).
        learning_rate: of Adam.
        steps: how many of its steps there are in a pass over the batch.
        epochs: how many passes.

    *Introduced in chapter 5.*
    """
    optimizer = torch.optim.Adam(values.parameters(), lr=learning_rate)

    def fit(batch: EpisodeBatch) -> EpisodeBatch:
        batch = with_values(batch, values)
        wanted = targets(batch)
        taken = [target[mask] for target, mask in zip(wanted, batch.mask, strict=True)]
        values.shift.copy_(torch.stack([x.mean() for x in taken]))
        values.scale.copy_(torch.stack([x.std(correction=0) for x in taken]) + 1e-8)
        episode, step = (torch.arange(size) for size in batch.mask.shape[1:])
        for k in range(epochs * steps):
            share = batch.mask & ((episode[:, None] + step - k) % steps == 0)
            loss = value_loss(values(batch.obs, share), wanted, share) / values.scale**2
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
        return batch

    return fit


def with_values(batch: EpisodeBatch, values: ValueFunction) -> EpisodeBatch:
    """Return the batch with ``values`` and ``final_values``, as they are before they have seen it."""
    with torch.no_grad():
        seen = values(batch.obs, batch.mask)
        beyond = values(batch.final_obs, batch.truncated & (batch.gamma < 1))
    return replace(batch, values=seen, final_values=beyond)
