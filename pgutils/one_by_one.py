"""Copies of an environment that are stepped one by one, and held to what they declare."""

from collections.abc import Callable, Sequence

import gymnasium as gym
import numpy as np


class OneByOne(gym.vector.VectorEnv):
    """Copies that are stepped one by one; a copy whose episode has ended rests until the reset.

    Observations are flattened to vectors by Gymnasium's own rules: a number counts as a vector of length 1, one of n
    discrete observations as a row of n with a single 1.

    Args:
        make: makes one copy.
        copies: how many.
        name: what messages call the environment.

    Raises:
        ValueError: what a copy declares, or does in one trial step, is not what is needed; the message says what is.
    """

    def __init__(self, make: Callable[[], gym.Env], copies: int, name: str):
        self.envs, self.num_envs, self.name = [make() for _ in range(copies)], copies, name
        first = self.envs[0]
        if len({id(env) for env in self.envs}) < copies or not isinstance(first, gym.Env):
            raise self.fault(f"its function must make a new gymnasium.Env at each call, got {first!r}")
        self.spec, self.single_action_space, self.space = first.spec, first.action_space, first.observation_space
        if not self.space.is_np_flattenable:
            raise self.fault(f"its observations must fit into a vector of fixed length, got {self.space}")
        self.single_observation_space = gym.spaces.flatten_space(self.space)
        self._require_actions()
        self._require_limit(first)
        self._try(first.unwrapped)

    def fault(self, message: str) -> ValueError:
        """Return an error that names the environment."""
        return ValueError(f"{self.name}: {message}")

    def _require_actions(self) -> None:
        space = self.single_action_space
        if isinstance(space, gym.spaces.Box) and np.issubdtype(space.dtype, np.floating):
            return
        if not isinstance(space, gym.spaces.Discrete):
            raise self.fault(f"its actions must be Discrete or a Box of floats, got {space}")

    def _require_limit(self, env: gym.Env) -> None:
        limited = env.spec is not None and env.spec.max_episode_steps is not None
        while isinstance(env, gym.Wrapper):
            limited, env = limited or isinstance(env, gym.wrappers.TimeLimit), env.env
        if not limited:
            raise self.fault(
                "its episodes must have a limit: register it with max_episode_steps=…, or wrap it in "
                "gymnasium.wrappers.TimeLimit"
            )

    def _try(self, env: gym.Env) -> None:
        """Reset and step one bare copy, to see whether it speaks Gymnasium's present language."""
        try:
            start = env.reset(seed=0)
        except TypeError as error:
            raise self.fault(f"its reset must accept seed and options as keywords ({error})") from error
        if not (isinstance(start, tuple) and len(start) == 2 and isinstance(start[1], dict)):
            raise self.fault("its reset must return two things, the observation and a dict of information")
        step = env.step(env.action_space.sample())
        if not (isinstance(step, tuple) and len(step) == 5):
            wanted = "observation, reward, terminated, truncated and a dict of information"
            raise self.fault(f"its step must return five things: {wanted}")

    def reset(self, *, seed: Sequence[int], options=None):
        """Start an episode in every copy, each from its own seed."""
        rows = [self._row(env.reset(seed=int(s))[0]) for env, s in zip(self.envs, seed, strict=True)]
        self.obs, self.alive = np.stack(rows), np.ones(self.num_envs, bool)
        return self.obs.copy(), {}

    def step(self, actions):
        """Step the copies that have not ended; the others repeat their last observation with reward 0."""
        rewards = np.zeros(self.num_envs)
        terminated, truncated = np.zeros((2, self.num_envs), bool)
        for i in np.flatnonzero(self.alive):
            obs, reward, terminated[i], truncated[i], _ = self.envs[i].step(actions[i])
            self.obs[i], rewards[i] = self._row(obs), self._number(reward)
        self.alive &= ~(terminated | truncated)
        return self.obs.copy(), rewards, terminated, truncated, {}

    def _row(self, obs) -> np.ndarray:
        """Return one observation as a vector of the declared type."""
        space = self.space
        if isinstance(space, gym.spaces.Box):
            array = np.asarray(obs)
            if array.shape != space.shape:
                raise self.fault(f"an observation has shape {array.shape}, its space declares {space.shape}")
            row = array.astype(space.dtype)
            if array.dtype != space.dtype and np.issubdtype(space.dtype, np.integer) and (row != array).any():
                raise self.fault(f"the observation {array.tolist()} does not fit the declared type {space.dtype}")
            return row.ravel()
        if not space.contains(obs):
            raise self.fault(f"the observation {obs!r} does not lie in the declared {space}")
        return gym.spaces.flatten(space, obs)

    def _number(self, reward) -> float:
        try:
            return float(reward)
        except (TypeError, ValueError):
            raise self.fault(f"a reward must be a number, got {reward!r}") from None

    def close_extras(self, **kwargs):
        """Close every copy."""
        for env in self.envs:
            env.close()
