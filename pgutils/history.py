"""What a training leaves behind."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import torch

from pgutils.networks import join_runs
from pgutils.policies import Policy


@dataclass(frozen=True, eq=False)
class History:
    """What happened in each iteration of each run; all arrays have the shape (runs, iterations).

    Attributes:
        returns: the mean return of the iteration's episodes, without discount.
        successes: the share of the episodes that succeeded, by the criterion given to ``train``; NaN without one.
        env_steps: environment steps taken so far.
        losses: the loss before the update; NaN where the update does not report it, as for the next three.
        entropies: the mean entropy of the policy over the steps taken, in nats.
        signals: an unbiased estimate of ‖∇J‖², which a noisy batch can make negative; NaN for a single episode.
        noises: an unbiased estimate of the total variance of the estimated gradient. Signal plus noise is the square of
            its norm, and their ratio, each averaged first, the signal-to-noise ratio.
        explained_variances: the share of the variance of the rewards-to-go that the values explained before they were
            fitted, at most 1; NaN without a value function.
        diagnostics: whatever else the update reports, by name.
        policy: the trained policies of all runs.
        initial_policy: the policies that they started from.

    *Introduced in chapter 3; what to look for in it, in chapter 6.*
    """

    returns: np.ndarray
    successes: np.ndarray
    env_steps: np.ndarray
    losses: np.ndarray
    entropies: np.ndarray
    signals: np.ndarray
    noises: np.ndarray
    explained_variances: np.ndarray
    diagnostics: Mapping[str, np.ndarray]
    policy: Policy
    initial_policy: Policy


def from_rows(rows: list[dict[str, torch.Tensor]], policy: Policy, initial_policy: Policy) -> History:
    """Return the history of a training whose iterations reported ``rows``, each a dict of tensors (runs,)."""
    columns = {name: torch.stack([row[name] for row in rows], -1).numpy() for name in rows[0]}
    usual = [field.name for field in fields(History) if field.type is np.ndarray]
    unknown = np.full(columns["returns"].shape, np.nan)
    return History(
        **{name: columns.pop(name, unknown) for name in usual},
        diagnostics=columns,
        policy=policy,
        initial_policy=initial_policy,
    )


def interleave(shares: list[History]) -> History:
    """Put the runs of several processes back in order: share j of n holds the runs j, j + n, j + 2n, …"""
    order = np.argsort(np.concatenate([np.arange(len(h.returns)) * len(shares) + j for j, h in enumerate(shares)]))

    def join(parts):
        if isinstance(parts[0], Mapping):
            return {name: join([part[name] for part in parts]) for name in parts[0]}
        return np.concatenate(parts)[order] if isinstance(parts[0], np.ndarray) else join_runs(parts, order)

    return History(**{field.name: join([getattr(share, field.name) for share in shares]) for field in fields(History)})
