"""Copies of an environment that are stepped together as one array, each run's with random numbers of its own."""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode

from pgutils.one_by_one import OneByOne
from pgutils.spaces import action_dim, in_range
from pgutils.vector_forms import VectorMountainCarContinuous, VectorPendulum

TRIAL_STEPS = 30


class RunStreams:
    """Stands in for the generator of a vector environment: each run's copies draw from that run's own stream.

    A vector environment draws for all copies at once, from one generator, with the copies along the last axis. Without
    this, removing a run would change the random numbers of the others. Draws of another size, such as new starts for
    the copies that have ended, which nobody sees, come from a stream apart.
    """

    def __init__(self, streams: Sequence[np.random.Generator], copies: int):
        self.streams, self.copies, self.apart = streams, copies, streams[0].spawn(1)[0]

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)

        def draw(*args, size=None, **options):
            if size is None and args and isinstance(args[-1], tuple):
                *args, size = args
            *rest, last = np.atleast_1d(1 if size is None else size).tolist() or [1]
            if size is None or last != self.copies:
                return getattr(self.apart, name)(*args, size=size, **options)
            share = (*rest, last // len(self.streams))
            return np.concatenate([getattr(s, name)(*args, size=share, **options) for s in self.streams], axis=-1)

        return draw


def reset_envs(envs: gym.vector.VectorEnv, streams: Sequence[np.random.Generator]) -> np.ndarray:
    """Start an episode in every copy; all random numbers of a run's copies come from that run's own stream.

    Args:
        envs: from ``make_envs``, with the same number of copies for each run.
        streams: one generator for each run.

    Returns:
        The first observations, shape (copies, obs_dim).
    """
    if isinstance(envs.unwrapped, OneByOne):
        episodes = envs.num_envs // len(streams)
        return envs.reset(seed=np.concatenate([stream.integers(2**31, size=episodes) for stream in streams]))[0]
    envs.unwrapped.np_random = RunStreams(streams, envs.num_envs)
    return envs.reset()[0]


def vector_form(spec: EnvSpec):
    """Return this module's vector form of one of Gymnasium's own environments, or None."""
    forms = {
        "gymnasium.envs.classic_control.pendulum:PendulumEnv": VectorPendulum,
        "gymnasium.envs.classic_control.continuous_mountain_car:Continuous_MountainCarEnv": VectorMountainCarContinuous,
    }
    changed = spec.kwargs or spec.additional_wrappers or spec.max_episode_steps is None
    return None if changed or not isinstance(spec.entry_point, str) else forms.get(spec.entry_point)


def keeps_contract(spec: EnvSpec) -> bool:
    """Try whether an environment's vector entry point may be used: whether its episodes are those of single copies.

    It must give vectors for observations, a fresh array at each step and a final observation of its own, and all its
    noise must come from its ``np_random``. Two runs of two copies play a few steps, several times over: the same
    streams must give the same, and a run's episodes may not depend on the other run's stream.
    """
    try:
        envs = gym.make_vec(spec, num_envs=4, vectorization_mode="vector_entry_point")
        own_final = envs.metadata.get("autoreset_mode") in (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED)
        limited = spec.max_episode_steps is not None
        if not (own_final and limited and len(envs.single_observation_space.shape or ()) == 1):
            return False
        both, again, first, second = (_play(envs, seeds) for seeds in ((0, 1), (0, 1), (0, 2), (2, 1)))
        envs.close()
    except Exception:  # whatever goes wrong in it, single copies may be right
        return False
    return np.array_equal(both, again) and all(
        np.array_equal(both[:, run], other[:, run]) for run, other in enumerate((first, second))
    )


def _play(envs: gym.vector.VectorEnv, seeds: tuple[int, int]) -> np.ndarray:
    """Play a few steps; return observations and rewards (steps, runs, copies, obs_dim + 1), 0 after an end.

    Raises:
        ValueError: an array that was handed out has been changed since, or is not of the declared type.
    """
    space, actions, rng = envs.single_observation_space, envs.single_action_space, np.random.default_rng(0)
    if isinstance(actions, gym.spaces.Discrete):
        drawn = rng.integers(actions.n, size=(TRIAL_STEPS, 4))
    else:
        drawn = rng.normal(size=(TRIAL_STEPS, 4, action_dim(actions)))
    obs, alive, handed_out, rows = reset_envs(envs, [np.random.default_rng(s) for s in seeds]), np.ones(4, bool), [], []
    for step in range(TRIAL_STEPS):
        if obs.shape != (4, *space.shape) or obs.dtype != space.dtype:
            raise ValueError("not what is declared")
        handed_out.append((obs, obs.copy()))
        obs, rewards, terminated, truncated, _ = envs.step(in_range(actions, drawn[step]))
        rows.append(np.column_stack([obs, rewards]) * alive[:, None])
        alive = alive & ~(terminated | truncated)
    if any((now != then).any() for now, then in handed_out):
        raise ValueError("the same array is handed out again")
    return np.reshape(rows, (TRIAL_STEPS, 2, 2, -1))
