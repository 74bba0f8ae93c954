"""Gymnasium's environments with all copies in one array, held step by step against the originals."""

import gymnasium as gym
import numpy as np
import pytest

import pgutils as pg
from pgutils.together import reset_envs
from pgutils.vector_forms import VectorMountainCarContinuous, VectorPendulum

FORMS = {"Pendulum-v1": VectorPendulum, "MountainCarContinuous-v0": VectorMountainCarContinuous}
COPIES = 8


@pytest.mark.parametrize("env_id", FORMS)
def test_a_thousand_steps_are_those_of_the_originals(env_id):
    envs, rng, steps = pg.make_envs(env_id, COPIES), np.random.default_rng(0), 0
    assert type(envs) is FORMS[env_id]
    singles = [gym.make(env_id) for _ in range(COPIES)]
    limit, reached = gym.spec(env_id).max_episode_steps, np.zeros(COPIES, bool)
    while steps < 1000:
        if steps % limit == 0:
            obs, ended = reset_envs(envs, rng.spawn(2)), np.zeros(COPIES, bool)
            for single in singles:
                single.reset(seed=0)
        for single, state in zip(singles, envs.state.T, strict=True):
            single.unwrapped.state = state.copy()  # a pendulum that stands upside down multiplies the last digit
        force = envs.single_action_space.high[0]
        actions = rng.uniform(-force, force, (COPIES, 1)).astype(np.float32)
        if env_id.startswith("MountainCar"):  # with the swing, so that the goal and the wall are reached
            actions[:4] = np.where(obs[:4, 1:] > 0, 1.0, -1.0)
        obs, rewards, terminated, truncated, _ = envs.step(actions)
        steps += 1
        for i in np.flatnonzero(~ended):
            wanted = singles[i].step(actions[i])
            np.testing.assert_allclose(obs[i], wanted[0], rtol=0, atol=2e-7)
            assert rewards[i] == pytest.approx(wanted[1], abs=2e-9)  # torques are float32
            assert (terminated[i], truncated[i]) == wanted[2:4]
        ended |= terminated | truncated
        reached |= terminated
    assert reached.any() == env_id.startswith("MountainCar")


@pytest.mark.parametrize("still", [True, False], ids=["at rest on the goal", "past the end of the world"])
def test_the_edges_of_the_mountain_are_those_of_the_original(still):
    envs, single = pg.make_envs("MountainCarContinuous-v0", 1), gym.make("MountainCarContinuous-v0")
    reset_envs(envs, np.random.default_rng(0).spawn(1))
    single.reset(seed=0)
    state, idle = np.array([0.5, 0.0] if still else [0.58, 0.07], np.float32), np.zeros((1, 1), np.float32)
    single.unwrapped.state = state.copy()
    if still:  # it stands still if its velocity is what the slope takes away
        state[1] = -single.step(idle[0])[0][1]
        single.unwrapped.state = state.copy()
    envs.state = state[:, None].copy()
    obs, rewards, terminated, *_ = envs.step(idle)
    wanted = single.step(idle[0])
    np.testing.assert_array_equal(obs[0], wanted[0])
    assert (rewards[0], terminated[0]) == wanted[1:3] == (100.0, True)
    assert (obs[0, 1] == 0) == still
    assert still or obs[0, 0] == np.float32(0.6)


@pytest.mark.parametrize("env_id", FORMS)
def test_spaces_and_limits_are_those_of_the_originals(env_id):
    envs, single = pg.make_envs(env_id, 2), gym.make(env_id)
    assert envs.single_observation_space == single.observation_space
    assert envs.single_action_space == single.action_space
    assert envs.limit == single.spec.max_episode_steps


@pytest.mark.parametrize("env_id", FORMS)
def test_start_states_of_a_run_do_not_depend_on_the_other_runs(env_id):
    streams = np.random.default_rng(0).spawn(3)
    together = reset_envs(pg.make_envs(env_id, 6), streams)
    alone = reset_envs(pg.make_envs(env_id, 2), np.random.default_rng(0).spawn(3)[1:2])
    np.testing.assert_array_equal(alone, together[2:4])


def test_another_registration_of_the_same_id_is_not_replaced():
    gym.register(
        "Mine-v0", "gymnasium.envs.classic_control.pendulum:PendulumEnv", max_episode_steps=9, kwargs={"g": 2.0}
    )
    try:
        assert type(pg.make_envs("Mine-v0", 2)) is not VectorPendulum
    finally:
        del gym.registry["Mine-v0"]
