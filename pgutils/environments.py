"""Gymnasium environments, many copies at once, with a random stream for each run."""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec


def make_envs(env_id: str, copies: int) -> gym.vector.VectorEnv:
    """Return ``copies`` of an environment, stepped together where Gymnasium can, and one by one elsewhere.

    Args:
        env_id: a registered environment such as ``"CartPole-v1"``.
        copies: how many.

    Raises:
        ValueError: ``env_id`` is unknown, or the environment has other than vector observations, discrete actions
            and a limit on its steps.

    *Introduced in chapter 3.*
    """
    spec = environment_spec(env_id)
    if spec.vector_entry_point is None:
        envs = OneByOne(env_id, copies)
    else:
        envs = gym.make_vec(env_id, num_envs=copies, vectorization_mode="vector_entry_point")
    if not isinstance(envs.single_action_space, gym.spaces.Discrete):
        raise ValueError(f"{env_id} must have discrete actions, got {envs.single_action_space}")
    if len(envs.single_observation_space.shape or ()) != 1:
        raise ValueError(f"{env_id} must have vectors as observations, got {envs.single_observation_space}")
    if spec.max_episode_steps is None:
        raise ValueError(f"{env_id} must have a limit on its steps: register it with max_episode_steps")
    return envs


def environment_spec(env_id: str) -> EnvSpec:
    """Return what Gymnasium knows about an environment; raise ValueError, with its advice, if that is nothing."""
    try:
        return gym.spec(env_id)
    except gym.error.Error as error:
        raise ValueError(f"unknown environment id {env_id!r}: {error}") from None


class OneByOne(gym.vector.VectorEnv):
    """Copies of an environment that are stepped one by one; a copy whose episode has ended rests until the reset."""

    def __init__(self, env_id: str, copies: int):
        self.envs = [gym.make(env_id, disable_env_checker=True) for _ in range(copies)]
        self.num_envs, self.spec = copies, self.envs[0].spec
        self.single_observation_space = self.envs[0].observation_space
        self.single_action_space = self.envs[0].action_space

    def reset(self, *, seed: Sequence[int], options=None):
        """Start an episode in every copy, each from its own seed."""
        self.obs = np.stack([env.reset(seed=int(s))[0] for env, s in zip(self.envs, seed, strict=True)])
        self.alive = np.ones(self.num_envs, bool)
        return self.obs.copy(), {}

    def step(self, actions):
        """Step the copies that have not ended; the others repeat their last observation with reward 0."""
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), bool)
        for i in np.flatnonzero(self.alive):
            self.obs[i], rewards[i], terminated[i], truncated[i], _ = self.envs[i].step(actions[i])
        self.alive &= ~(terminated | truncated)
        return self.obs.copy(), rewards, terminated, truncated, {}

    def close_extras(self, **kwargs):
        """Close every copy."""
        for env in self.envs:
            env.close()


class RunStreams:
    """Stands in for the generator of a vector environment: each run's copies start from that run's own stream.

    A vector environment draws the start states of all copies at once, from one generator, with the copies along the
    last axis. Without this, removing a run would change the start states of the others.
    """

    def __init__(self, streams: Sequence[np.random.Generator]):
        self.streams = streams

    def uniform(self, low, high, size):
        """Draw ``size`` numbers, the last axis shared out among the runs."""
        *rest, copies = size
        share = (*rest, copies // len(self.streams))
        return np.concatenate([stream.uniform(low, high, share) for stream in self.streams], axis=-1)


def reset_envs(envs: gym.vector.VectorEnv, streams: Sequence[np.random.Generator]) -> np.ndarray:
    """Start an episode in every copy, drawing each run's start states from its own stream.

    Args:
        envs: from ``make_envs``, with the same number of copies for each run.
        streams: one generator for each run.

    Returns:
        The first observations, shape (copies, obs_dim).
    """
    if isinstance(envs.unwrapped, OneByOne):
        episodes = envs.num_envs // len(streams)
        return envs.reset(seed=np.concatenate([stream.integers(2**31, size=episodes) for stream in streams]))[0]
    envs.unwrapped.np_random = RunStreams(streams)
    obs, _ = envs.reset()
    envs.unwrapped.np_random = np.random.default_rng(0)
    return obs
