"""Complete episodes, collected side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch

from pgutils.environments import reset_envs
from pgutils.mdp import TabularMDP, Trajectories, require_probabilities, require_shape
from pgutils.policies import CategoricalPolicy


@dataclass(frozen=True, eq=False)
class EpisodeBatch:
    """Complete episodes of several independent runs, padded with zeros to the length of the longest.

    Attributes:
        obs: the observation before each step, shape (runs, episodes, steps, obs_dim).
        actions: shape (runs, episodes, steps), integers.
        rewards: shape (runs, episodes, steps); 0 after the end.
        mask: where a step was really taken, shape (runs, episodes, steps), booleans.
        final_obs: the observation after the last step, shape (runs, episodes, obs_dim).
        terminated: whether the episode came to its own end, shape (runs, episodes).
        truncated: whether it was cut off by the limit on its steps, shape (runs, episodes).
        gamma: the discount factor.
        values: V(s) before each step where a value function is being learned, shape (runs, episodes, steps).

    *Introduced in chapter 3.*
    """

    obs: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    mask: torch.Tensor
    final_obs: torch.Tensor
    terminated: torch.Tensor
    truncated: torch.Tensor
    gamma: float = 1.0
    values: torch.Tensor | None = None

    @property
    def lengths(self) -> torch.Tensor:
        """Steps in each episode, shape (runs, episodes)."""
        return self.mask.sum(-1)

    @property
    def returns(self) -> torch.Tensor:
        """The sum of the rewards of each episode, without discount, shape (runs, episodes)."""
        return self.rewards.cumsum(-1)[..., -1]  # unlike sum, the same to the last digit whatever the padding


def collect_episodes(
    envs: gym.vector.VectorEnv,
    policy: CategoricalPolicy,
    rngs: Sequence[np.random.Generator],
    gamma: float = 1.0,
    greedy: bool = False,
) -> EpisodeBatch:
    """Play one complete episode in every copy of an environment.

    A copy that has ended waits, masked, until all have ended. Filling the batch with whichever episodes end first would
    favour short ones (chapter 3).

    Args:
        envs: from ``make_envs``; the copies are shared out evenly among the runs.
        policy: the policies of all runs.
        rngs: one generator for each run; each call takes a fresh stream from each.
        gamma: the discount factor that the batch carries along.
        greedy: take the most probable action instead of sampling.

    Raises:
        ValueError: the copies cannot be shared out evenly.

    *Introduced in chapter 3.*
    """
    runs = len(rngs)
    if not runs or envs.num_envs % runs:
        raise ValueError(f"{envs.num_envs} environments cannot be shared out evenly among {runs} runs")
    episodes = envs.num_envs // runs
    streams = [rng.spawn(1)[0] for rng in rngs]
    obs, alive = reset_envs(envs, streams), np.ones(envs.num_envs, bool)
    act, noise = policy.actor(greedy), _gumbel_noise(streams, (episodes, envs.single_action_space.n))
    record = []
    while alive.any():
        actions = act(obs.reshape(runs, episodes, -1), next(noise)).ravel()
        following, rewards, terminated, truncated, _ = envs.step(actions)
        record.append((obs, actions, rewards, terminated, truncated, alive))
        obs, alive = following, alive & ~(terminated | truncated)
    return _as_batch(record, obs, (runs, episodes), gamma)


def _gumbel_noise(streams: Sequence[np.random.Generator], shape: tuple[int, ...], block: int = 64):
    """Yield Gumbel noise (runs, *shape) step after step, drawn in blocks, each run's from its own stream."""
    while True:
        yield from np.stack([stream.gumbel(size=(block, *shape)).astype(np.float32) for stream in streams], axis=1)


def _as_batch(record, last_obs, slots, gamma) -> EpisodeBatch:
    """Turn a list of steps, each a tuple of arrays (copies, ...), into an EpisodeBatch."""
    every_obs, *columns = zip(*record, strict=True)
    every_obs = np.stack([*every_obs, last_obs], axis=1)
    actions, rewards, terminated, truncated, mask = (np.stack(column, axis=1) for column in columns)
    terminated, truncated = (terminated & mask).any(1), (truncated & mask).any(1)

    def tensor(array):
        return torch.from_numpy(array).unflatten(0, slots)

    return EpisodeBatch(
        obs=tensor(every_obs[:, :-1] * mask[..., None]),
        actions=tensor(actions * mask),
        rewards=tensor(np.where(mask, rewards, 0.0)),
        mask=tensor(mask),
        final_obs=tensor(every_obs[np.arange(len(mask)), mask.sum(1)]),
        terminated=tensor(terminated),
        truncated=tensor(truncated & ~terminated),
        gamma=gamma,
    )


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
    policy = np.asarray(policy, dtype=float)
    require_shape("policy", policy, mdp.rewards.shape)
    require_probabilities("policy", policy)
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
