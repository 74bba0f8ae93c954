"""Trajectories of a tabular MDP, and the checks that tables of probabilities must pass."""

from dataclasses import dataclass

import numpy as np


def as_probabilities(name: str, array: np.ndarray) -> np.ndarray:
    """Return an array whose rows sum to 1 as closely as rounding allows.

    Raises:
        ValueError: the last axis of ``array`` does not hold probabilities that sum to 1 within 1e-8; names the row.
    """
    array = np.array(array, dtype=float)
    total = array.sum(-1, keepdims=True)
    bad = np.argwhere(~((array >= 0).all(-1) & (np.abs(total[..., 0] - 1) <= 1e-8)))
    if len(bad):
        row = tuple(int(i) for i in bad[0])
        place = f"{name}[{', '.join(map(str, row))}]" if row else name
        raise ValueError(f"{place} must be probabilities that sum to 1, got {array[row].tolist()}")
    return array / total


def require_shape(name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless ``array`` has the given shape."""
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")


@dataclass(frozen=True, eq=False)
class Trajectories:
    """N trajectories of a tabular MDP, each padded to the same number of steps H.

    Attributes:
        states: the states visited, shape (N, H + 1), integers.
        actions: the actions taken, shape (N, H), integers.
        rewards: the rewards received, shape (N, H); 0 after the end.
        mask: where a step was really taken, shape (N, H), booleans.
        dynamics: the factor of a trajectory's probability that does not depend on the policy,
            the start probability times all transition probabilities, shape (N,).

    *Introduced in chapter 1.*
    """

    states: np.ndarray
    actions: np.ndarray
    rewards: np.ndarray
    mask: np.ndarray
    dynamics: np.ndarray

    def probability(self, policy: np.ndarray) -> np.ndarray:
        """Return each trajectory's probability under ``policy`` (S, A), shape (N,)."""
        chosen = np.where(self.mask, policy[self.states[:, :-1], self.actions], 1.0)
        return self.dynamics * chosen.prod(-1)
