"""The exact mean and variance of a gradient estimate, by enumeration."""

from collections.abc import Callable

import numpy as np
import torch

from pgutils.mdp import MAX_TRAJECTORIES, TabularMDP
from pgutils.policies import softmax_policy, softmax_score
from pgutils.rollouts import EpisodeBatch
from pgutils.trajectories import Trajectories


def gradient_moments(
    mdp: TabularMDP, logits: np.ndarray, weights: Callable[[EpisodeBatch], torch.Tensor], *, horizon: int, episodes=1
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact mean and variance of each component of the policy gradient estimate from a batch of episodes.

    Every batch that is possible is formed, its estimate computed, and weighted with the batch's probability.

    Args:
        mdp: the decision process; every episode must end within the horizon.
        logits: the parameters of the softmax policy, shape (S, A).
        weights: what multiplies the score, a function of the batch, just as ``train`` takes it. In the batch, an
            observation is a state as a one-hot vector, ``values`` are the exact values of the states, and the leading
            axis holds the possible batches.
        horizon: the most steps in one episode.
        episodes: episodes in a batch.

    Returns:
        Mean and variance, both of shape (S, A).

    Raises:
        ValueError: an episode may be longer than the horizon, or there are more than a million batches.

    *Introduced in chapter 4.*
    """
    policy = softmax_policy(np.asarray(logits, dtype=float))
    tau = mdp.enumerate_trajectories(horizon)
    if not mdp.terminal[tau.states[:, -1]].all():
        raise ValueError(f"every episode must end within the horizon, but some take more than {horizon} steps")
    if len(tau.states) ** episodes > MAX_TRAJECTORIES:
        raise ValueError(f"more than {MAX_TRAJECTORIES:,} batches: choose fewer episodes")
    members = np.indices((len(tau.states),) * episodes).reshape(episodes, -1).T
    weight = weights(_batches(mdp, tau, members, mdp.state_values(policy))).numpy()
    weight = weight[..., None] if weight.ndim == 2 else weight
    scores = softmax_score(policy, tau.states[:, :-1], tau.actions) * tau.mask[..., None, None]
    estimates = (weight[..., None, None] * scores[members]).sum(2).mean(1)
    chance = tau.probability(policy)[members].prod(-1)[:, None, None]
    mean = (chance * estimates).sum(0)
    return mean, (chance * (estimates - mean) ** 2).sum(0)


def _batches(mdp: TabularMDP, tau: Trajectories, members: np.ndarray, values: np.ndarray) -> EpisodeBatch:
    """Return the batches whose episodes are the trajectories ``members`` (batches, episodes)."""
    obs = np.eye(len(mdp.initial))[tau.states]
    ended = torch.ones(members.shape, dtype=torch.bool)
    return EpisodeBatch(
        obs=torch.from_numpy(obs[:, :-1][members]),
        actions=torch.from_numpy(tau.actions[members]),
        rewards=torch.from_numpy(tau.rewards[members]),
        mask=torch.from_numpy(tau.mask[members]),
        final_obs=torch.from_numpy(obs[:, -1][members]),
        terminated=ended,
        truncated=~ended,
        gamma=mdp.gamma,
        values=torch.from_numpy(values[tau.states[:, :-1]][members]),
        final_values=torch.zeros(members.shape, dtype=torch.float64),
    )
