"""Complete episodes, collected side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch

from pgutils.environments import require_match
from pgutils.policies import Policy
from pgutils.spaces import in_range
from pgutils.together import reset_envs


@dataclass(frozen=True, eq=False)
class EpisodeBatch:
    """Complete episodes of several independent runs, padded with zeros to the length of the longest.

    Attributes:
        obs: the observation before each step, shape (runs, episodes, steps, obs_dim).
        actions: as the policy drew them: shape (runs, episodes, steps), integers; or (runs, episodes, steps, D).
        rewards: shape (runs, episodes, steps); 0 after the end.
        mask: where a step was really taken, shape (runs, episodes, steps), booleans.
        final_obs: the observation after the last step, shape (runs, episodes, obs_dim).
        terminated: whether the episode came to its own end, shape (runs, episodes).
        truncated: whether it was cut off by the limit on its steps, shape (runs, episodes).
        gamma: the discount factor.
        values: V(s) before each step where a value function is being learned, shape (runs, episodes, steps).
        final_values: what lies beyond an episode's last step, shape (runs, episodes): V(final_obs) where it was
            truncated and gamma is below 1, and 0 elsewhere. With gamma = 1 a task without end has no value, and the
            limit on the steps belongs to the task.

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
    final_values: torch.Tensor | None = None

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
    policy: Policy,
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
        ValueError: the copies cannot be shared out evenly, the policy does not fit the environment, or an observation
            or a reward is not a finite number.

    *Introduced in chapter 3.*
    """
    runs = len(rngs)
    if not runs or envs.num_envs % runs:
        raise ValueError(f"{envs.num_envs} environments cannot be shared out evenly among {runs} runs")
    require_match(envs, policy)
    episodes = envs.num_envs // runs
    streams = [rng.spawn(1)[0] for rng in rngs]
    obs, alive = reset_envs(envs, streams), np.ones(envs.num_envs, bool)
    act, noise = policy.actor(greedy), _noise(policy, streams, episodes)
    record = []
    while alive.any():
        actions = act(obs.reshape(runs, episodes, -1), next(noise))
        actions = actions.reshape(envs.num_envs, *actions.shape[2:])
        received = in_range(envs.single_action_space, actions)
        following, rewards, terminated, truncated, _ = envs.step(received)
        record.append((obs, actions, rewards, terminated, truncated, alive))
        obs, alive = following, alive & ~(terminated | truncated)
    batch = _as_batch(record, obs, (runs, episodes), gamma)
    _require_finite(batch, getattr(envs, "name", None) or envs.spec.id)
    return batch


def _noise(policy: Policy, streams: Sequence[np.random.Generator], episodes: int, block: int = 64):
    """Yield the policy's noise (runs, episodes, ...) step after step, drawn in blocks, each run's from its stream."""
    while True:
        yield from np.stack([policy.noise(stream, (block, episodes)) for stream in streams], axis=1)


def _as_batch(record, last_obs, slots, gamma) -> EpisodeBatch:
    """Turn a list of steps, each a tuple of arrays (copies, ...), into an EpisodeBatch."""
    every_obs, *columns = zip(*record, strict=True)
    every_obs = np.stack([*every_obs, last_obs], axis=1)
    actions, rewards, terminated, truncated, mask = (np.stack(column, axis=1) for column in columns)
    terminated, truncated = (terminated & mask).any(1), (truncated & mask).any(1)
    final_obs = every_obs[np.arange(len(mask)), mask.sum(1)]

    def tensor(array):
        return torch.from_numpy(array).unflatten(0, slots)

    return EpisodeBatch(
        obs=tensor(np.where(mask[..., None], every_obs[:, :-1], 0)),
        actions=tensor(actions * mask.reshape(*mask.shape, *(1,) * (actions.ndim - 2))),
        rewards=tensor(np.where(mask, rewards, 0.0).astype(float)),
        mask=tensor(mask),
        final_obs=tensor(final_obs),
        terminated=tensor(terminated),
        truncated=tensor(truncated & ~terminated),
        gamma=gamma,
    )


def _require_finite(batch: EpisodeBatch, name: str) -> None:
    """Raise ValueError, naming the environment, where it gave NaN or infinity."""
    given = {"an observation": (batch.obs, batch.final_obs), "a reward": (batch.rewards,)}
    for what, arrays in given.items():
        for array in arrays:
            bad = array[~array.isfinite()]
            if len(bad):
                raise ValueError(f"{name}: gave {bad[0].item()} in {what}")
