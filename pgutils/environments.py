"""Gymnasium environments, many copies at once: what may be trained, and what an environment must keep to."""

from collections.abc import Callable
from importlib import import_module

import gymnasium as gym
from gymnasium.envs.registration import EnvSpec

from pgutils.one_by_one import OneByOne
from pgutils.spaces import action_dim
from pgutils.together import keeps_contract, vector_form

Env = str | EnvSpec | Callable[[], gym.Env]


def make_envs(env_id: Env, copies: int) -> gym.vector.VectorEnv:
    """Return ``copies`` of an environment, stepped together where that is safe, and one by one elsewhere.

    They are stepped together where Gymnasium has a vector entry point that keeps the contract of the page "Your own
    environment", and where this module has a vector form (Pendulum-v1, MountainCarContinuous-v0).

    Args:
        env_id: a registered environment such as ``"CartPole-v1"``, or a function without arguments that makes one.
        copies: how many.

    Raises:
        ValueError: ``env_id`` is unknown, or the environment does not do what it declares, or has other actions than
            ``Discrete`` or ``Box``, observations that cannot be flattened, or no limit on its steps.

    *Introduced in chapter 3.*
    """
    env = resolve(env_id)
    if isinstance(env, EnvSpec):
        form = vector_form(env)
        if form:
            return form(copies, env)
        if env.vector_entry_point and keeps_contract(env):
            return gym.make_vec(env, num_envs=copies, vectorization_mode="vector_entry_point")
    return OneByOne(lambda: make_env(env), copies, env_name(env))


def make_env(env: Env, **options) -> gym.Env:
    """Return one copy of an environment; the ``options``, such as ``render_mode``, are for ``gymnasium.make``."""
    env = resolve(env)
    return gym.make(env, disable_env_checker=True, **options) if isinstance(env, EnvSpec) else env()


def resolve(env: Env) -> EnvSpec | Callable[[], gym.Env]:
    """Return what makes the environment, also in another process, where the registrations of this one are unknown."""
    if isinstance(env, str):
        return environment_spec(env)
    if isinstance(env, (gym.Env, gym.vector.VectorEnv)) or not (isinstance(env, EnvSpec) or callable(env)):
        raise ValueError(f"env_id must be an environment's id, or a function that makes one (lambda: …), got {env!r}")
    return env


def environment_spec(env_id: str) -> EnvSpec:
    """Return what Gymnasium knows about an environment; raise ValueError, with its advice, if that is nothing."""
    module, colon, name = env_id.rpartition(":")
    try:
        if colon:
            import_module(module)
        return gym.spec(name)
    except (gym.error.Error, ImportError) as error:
        raise ValueError(f"unknown environment id {env_id!r}: {error}") from None


def env_name(env: Env) -> str:
    """Return what a message or a progress line calls the environment."""
    return env if isinstance(env, str) else getattr(env, "id", None) or getattr(env, "__name__", type(env).__name__)


def require_match(envs: gym.vector.VectorEnv, policy) -> None:
    """Raise ValueError unless the policy takes the environment's observations and gives actions of its kind."""
    space, dim = envs.single_action_space, envs.single_observation_space.shape[0]
    if not isinstance(space, policy.action_space) or policy.sizes[-1] != action_dim(space):
        raise ValueError(
            f"the policy has {policy.sizes[-1]} outputs for {policy.action_space.__name__} actions, the "
            f"environment wants {space}"
        )
    if policy.sizes[0] != dim:
        raise ValueError(f"the policy takes observations of {policy.sizes[0]} numbers, the environment gives {dim}")
