"""Many copies of an environment, each run's with a random stream of its own."""

import gymnasium as gym
import numpy as np
import pytest
from scipy import stats
from strategies import FALSE_ALARM

import pgutils as pg
from pgutils.environments import OneByOne, RunStreams, reset_envs


def streams(runs, seed=0):
    return np.random.default_rng(seed).spawn(runs)


class Endless(gym.Env):
    """An environment without a limit on its steps."""

    observation_space = gym.spaces.Box(-1, 1, (2,))
    action_space = gym.spaces.Discrete(2)


@pytest.fixture
def endless():
    gym.register("Endless-v0", Endless)
    yield "Endless-v0"
    del gym.registry["Endless-v0"]


# make_envs


def test_cartpole_is_stepped_as_one_array():
    envs = pg.make_envs("CartPole-v1", 6)
    assert envs.num_envs == 6
    assert type(envs.unwrapped).__name__ == "CartPoleVectorEnv"
    assert envs.max_episode_steps == gym.spec("CartPole-v1").max_episode_steps == 500


@pytest.mark.parametrize("env_id", ["MountainCar-v0", "Acrobot-v1"])
def test_other_environments_are_stepped_one_by_one(env_id):
    envs = pg.make_envs(env_id, 3)
    assert isinstance(envs, OneByOne)
    assert envs.num_envs == 3
    assert envs.single_observation_space == gym.make(env_id).observation_space
    assert envs.single_action_space == gym.make(env_id).action_space


@pytest.mark.parametrize(
    "env_id", ["NoSuchThing-v0", "CartPole-v99", "nowhere/CartPole-v1", "CartPole", "LunarLander-v2", "cart pole!"]
)
def test_unknown_environments_are_refused_by_name(env_id):
    with pytest.raises(ValueError, match=f"unknown environment id '{env_id}'"):
        pg.make_envs(env_id, 2)


@pytest.mark.parametrize(
    ("env_id", "message"),
    [
        ("Pendulum-v1", r"Pendulum-v1 must have discrete actions, got Box\("),
        ("FrozenLake-v1", r"FrozenLake-v1 must have vectors as observations, got Discrete\(16\)"),
        ("Blackjack-v1", r"Blackjack-v1 must have vectors as observations, got Tuple\("),
    ],
)
def test_unsuitable_environments_are_refused(env_id, message):
    with pytest.raises(ValueError, match=message):
        pg.make_envs(env_id, 2)


def test_an_environment_without_a_limit_is_refused(endless):
    with pytest.raises(ValueError, match=r"Endless-v0 must have a limit on its steps: .*max_episode_steps"):
        pg.make_envs(endless, 2)


# OneByOne


def test_one_by_one_does_what_single_environments_do():
    seeds, rng = [3, 1, 4], np.random.default_rng(0)
    envs, singles = pg.make_envs("Acrobot-v1", 3), [gym.make("Acrobot-v1") for _ in range(3)]
    obs, _ = envs.reset(seed=seeds)
    np.testing.assert_array_equal(
        obs, [single.reset(seed=seed)[0] for single, seed in zip(singles, seeds, strict=True)]
    )
    for _ in range(30):
        actions = rng.integers(3, size=3)
        obs, rewards, terminated, truncated, _ = envs.step(actions)
        for i, (single, action) in enumerate(zip(singles, actions, strict=True)):
            wanted = single.step(action)
            np.testing.assert_array_equal(obs[i], wanted[0])
            assert (rewards[i], terminated[i], truncated[i]) == wanted[1:4]


def test_a_copy_that_has_ended_rests_until_the_reset():
    envs = pg.make_envs("MountainCar-v0", 2)
    first, _ = envs.reset(seed=[1, 2])
    envs.envs[0].unwrapped.state = np.array([0.5, 0.05])  # one step from the goal
    obs, rewards, terminated, truncated, _ = envs.step(np.array([2, 2]))
    assert terminated.tolist() == [True, False]
    assert rewards.tolist() == [-1, -1]
    for _ in range(3):
        following, rewards, terminated, truncated, _ = envs.step(np.array([2, 2]))
        np.testing.assert_array_equal(following[0], obs[0])
        assert (following[1] != obs[1]).any()
        assert rewards.tolist() == [0, -1]
        assert not terminated.any()
        assert not truncated.any()
    np.testing.assert_array_equal(envs.reset(seed=[1, 2])[0], first)
    assert envs.step(np.array([2, 2]))[1].tolist() == [-1, -1]


def test_a_copy_that_was_cut_off_rests_too():
    envs = pg.make_envs("MountainCar-v0", 1)
    envs.reset(seed=[1])
    for _ in range(199):
        assert not envs.step(np.array([1]))[3].any()
    last, _, terminated, truncated, _ = envs.step(np.array([1]))
    assert (terminated.tolist(), truncated.tolist()) == ([False], [True])
    following, rewards, terminated, truncated, _ = envs.step(np.array([1]))
    np.testing.assert_array_equal(following, last)
    assert (rewards.tolist(), terminated.tolist(), truncated.tolist()) == ([0], [False], [False])


def test_observations_handed_out_do_not_change_later():
    envs = pg.make_envs("MountainCar-v0", 2)
    first, _ = envs.reset(seed=[1, 2])
    kept = first.copy()
    second = envs.step(np.array([2, 0]))[0]
    assert (second != kept).any()
    np.testing.assert_array_equal(first, kept)


# Random streams


def test_run_streams_share_the_last_axis_out():
    together = RunStreams(streams(3)).uniform(-1, 1, (4, 6))
    alone = [stream.uniform(-1, 1, (4, 2)) for stream in streams(3)]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))


@pytest.mark.parametrize("env_id", ["CartPole-v1", "MountainCar-v0"])
def test_start_states_of_a_run_do_not_depend_on_the_other_runs(env_id):
    together = reset_envs(pg.make_envs(env_id, 6), streams(3))
    for run in range(3):
        alone = reset_envs(pg.make_envs(env_id, 2), streams(3)[run : run + 1])
        np.testing.assert_array_equal(alone, together[2 * run : 2 * run + 2])
    assert len(np.unique(together[:, 0])) == 6


def test_a_second_reset_starts_elsewhere():
    envs, runs = pg.make_envs("CartPole-v1", 4), streams(2)
    assert (reset_envs(envs, runs) != reset_envs(envs, runs)).all()


def test_cartpole_starts_evenly_in_its_box():
    # Kolmogorov-Smirnov, for each of the 4 numbers of a state: rejects a right sampler with probability 4e-6.
    obs = reset_envs(pg.make_envs("CartPole-v1", 4000), streams(4))
    assert obs.shape == (4000, 4)
    for column in obs.T:
        assert stats.kstest(column, stats.uniform(-0.05, 0.1).cdf).pvalue > FALSE_ALARM


def test_mountain_car_starts_evenly_in_its_valley():
    # Kolmogorov-Smirnov: rejects a right sampler with probability 1e-6.
    obs = reset_envs(pg.make_envs("MountainCar-v0", 500), streams(5))
    assert stats.kstest(obs[:, 0], stats.uniform(-0.6, 0.2).cdf).pvalue > FALSE_ALARM
    assert (obs[:, 1] == 0).all()
