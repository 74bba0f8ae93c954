"""Trajectories of a tabular MDP, drawn at random."""

import numpy as np

from pgutils.mdp import TabularMDP
from pgutils.trajectories import Trajectories, as_probabilities, require_shape


def sample_trajectories(
    mdp: TabularMDP, policy: np.ndarray, episodes: int, horizon: int, rng: np.random.Generator
) -> Trajectories:
    """Play ``episodes`` episodes of a tabular MDP, each cut off after ``horizon`` steps.

    Args:
        mdp: the decision process.
        policy: π(a | s), shape (S, A).
        episodes: how many.
        horizon: the most steps in one episode.
        rng: from ``generator``.

    Raises:
        ValueError: ``episodes`` or ``horizon`` is less than 1, or ``policy`` is not a policy.

    *Introduced in chapter 1.*
    """
    if episodes < 1 or horizon < 1:
        raise ValueError(f"episodes and horizon must be at least 1, got {episodes} and {horizon}")
    policy = as_probabilities("policy", policy)
    require_shape("policy", policy, mdp.rewards.shape)
    states = np.zeros((episodes, horizon + 1), dtype=int)
    actions = np.zeros((episodes, horizon), dtype=int)
    states[:, 0] = _draw(np.broadcast_to(mdp.initial, (episodes, len(mdp.initial))), rng)
    for t in range(horizon):
        actions[:, t] = _draw(policy[states[:, t]], rng)
        states[:, t + 1] = _draw(mdp.transitions[states[:, t], actions[:, t]], rng)
    mask = ~mdp.terminal[states[:, :-1]]
    dynamics = mdp.initial[states[:, 0]] * mdp.transitions[states[:, :-1], actions, states[:, 1:]].prod(-1)
    return Trajectories(states, actions, mdp.rewards[states[:, :-1], actions], mask, dynamics)


def _draw(probabilities: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw one index from each row of probabilities (N, K), by inverting the cumulative distribution."""
    below = probabilities.cumsum(-1)[:, :-1] <= rng.random((len(probabilities), 1))
    return below.sum(-1)
