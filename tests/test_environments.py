"""Many copies of an environment, each run's with a random stream of its own."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from scipy import stats
from strategies import FALSE_ALARM

import pgutils as pg
from pgutils.one_by_one import OneByOne
from pgutils.spaces import action_dim, in_range
from pgutils.together import RunStreams, keeps_contract, reset_envs


def streams(runs, seed=0):
    return np.random.default_rng(seed).spawn(runs)


class Own(gym.Env):
    """A reader's own environment, without a limit on its steps; the tests change what it declares or does."""

    observation_space = gym.spaces.Box(-1, 1, (2,))
    action_space = gym.spaces.Discrete(2)
    seen, reward = np.array([0.5, -0.5], np.float32), 1.0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.seen, {}

    def step(self, action):
        return self.seen, self.reward, False, False, {}


def own(limit=3, **attributes):
    """Return a function that makes the environment with some attributes changed."""

    def make_own():
        env = type("Changed", (Own,), attributes)()
        return gym.wrappers.TimeLimit(env, limit) if limit else env

    return make_own


def play(env, policy=None):
    """Collect one episode in each of four copies, with two runs."""
    envs, rngs = pg.make_envs(env, 4), streams(2)
    kind = policy or pg.CategoricalPolicy
    dim = envs.single_observation_space.shape[0]
    return pg.collect_episodes(envs, kind(dim, action_dim(envs.single_action_space), rngs), rngs)


@pytest.fixture
def registered():
    """Return a function that registers a class as Mine-v0, for the length of a test."""

    def register(entry_point, **options):
        gym.register("Mine-v0", entry_point, **options)
        return "Mine-v0"

    yield register
    gym.registry.pop("Mine-v0", None)


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
    ("env", "message"),
    [
        (own(limit=None), "make_own: its episodes must have a limit: .*max_episode_steps.*TimeLimit"),
        ("Blackjack-v1", "Blackjack-v1: its episodes must have a limit"),
        (own(action_space=gym.spaces.MultiDiscrete([2, 2])), r"its actions must be Discrete or a Box of floats"),
        (own(action_space=gym.spaces.Box(0, 5, (1,), np.int64)), r"its actions must be Discrete or a Box of floats"),
        (
            own(observation_space=gym.spaces.Sequence(gym.spaces.Discrete(2))),
            "observations must fit into a vector of fixed length, got Sequence",
        ),
        (own(reset=lambda self, **_: self.seen), "its reset must return two things"),
        (own(reset=lambda self: (self.seen, {})), "its reset must accept seed and options as keywords"),
        (own(step=lambda self, action: (self.seen, 1.0, False, {})), "its step must return five things"),
        (lambda: None, "its function must make a new gymnasium.Env at each call, got None"),
        (gym.make("CartPole-v1"), "env_id must be an environment's id, or a function that makes one"),
        (7, "env_id must be an environment's id, or a function that makes one .*, got 7"),
    ],
)
def test_unsuitable_environments_are_refused(env, message):
    with pytest.raises(ValueError, match=message):
        pg.make_envs(env, 2)


def test_a_function_must_make_a_new_environment_each_time():
    one = gym.wrappers.TimeLimit(Own(), 3)
    with pytest.raises(ValueError, match=r"must make a new gymnasium\.Env at each call"):
        pg.make_envs(lambda: one, 2)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"seen": np.zeros(3, np.float32)}, r"an observation has shape \(3,\), its space declares \(2,\)"),
        ({"seen": np.float32(0.5)}, r"an observation has shape \(\), its space declares \(2,\)"),
        ({"seen": np.array([300, 0]), "observation_space": gym.spaces.Box(0, 255, (2,), np.uint8)}, "300.*uint8"),
        ({"seen": 5, "observation_space": gym.spaces.Discrete(3)}, r"observation 5 does not lie in .*Discrete\(3\)"),
        ({"reward": np.ones(2)}, "a reward must be a number"),
        ({"reward": None}, "a reward must be a number, got None"),
        ({"reward": np.nan}, "make_own: gave nan in a reward"),
        ({"reward": np.inf}, "make_own: gave inf in a reward"),
        ({"seen": np.array([0, np.nan], np.float32)}, "make_own: gave nan in an observation"),
    ],
)
def test_what_does_not_fit_the_declaration_is_named(attributes, message):
    with pytest.raises(ValueError, match=message):
        play(own(**attributes))


def test_a_last_observation_that_is_no_number_is_named():
    def step(self, action):
        return np.full(2, np.nan, np.float32), 1.0, True, False, {}

    with pytest.raises(ValueError, match="make_own: gave nan in an observation"):
        play(own(step=step))


@pytest.mark.parametrize(
    ("space", "seen", "row"),
    [
        (gym.spaces.Box(-1, 1, ()), np.float32(0.5), [0.5]),
        (gym.spaces.Box(0, 255, (2, 2), np.uint8), np.array([[1, 2], [3, 255]], np.uint8), [1, 2, 3, 255]),
        (gym.spaces.Box(0, 255, (2,), np.uint8), [7, 200], [7, 200]),
        (gym.spaces.Discrete(3), 1, [0, 1, 0]),
        (gym.spaces.Discrete(3, start=5), 7, [0, 0, 1]),
        (gym.spaces.Tuple([gym.spaces.Discrete(2), gym.spaces.Box(0, 9, (1,))]), (1, np.float32([4.0])), [0, 1, 4]),
        (
            gym.spaces.Dict(a=gym.spaces.Discrete(2), b=gym.spaces.MultiBinary(1)),
            {"a": 0, "b": np.int8([1])},
            [1, 0, 1],
        ),
    ],
)
def test_observations_are_flattened(space, seen, row):
    batch = play(own(observation_space=space, seen=seen))
    assert (batch.obs == torch.tensor(row)).all()
    assert (batch.final_obs == torch.tensor(row)).all()


def test_the_policy_receives_what_the_environment_gave_and_no_less():
    # Observations of the declared type, whatever the type of the first one: 300 is 300, and 0.25 is 0.25.
    seen = iter([np.array([0, 0]), np.array([300, 0.25])] * 99)
    space = gym.spaces.Box(-np.inf, np.inf, (2,))
    batch = play(own(observation_space=space, seen=property(lambda self: next(seen)), limit=1))
    assert {tuple(row) for row in torch.cat([batch.obs.flatten(0, 2), batch.final_obs.flatten(0, 1)]).tolist()} <= {
        (0.0, 0.0),
        (300.0, 0.25),
    }


@pytest.mark.parametrize("start", [0, 1, -3])
def test_discrete_actions_are_counted_from_their_start(start):
    received = []

    def step(self, action):
        received.append(int(action))
        return self.seen, 1.0, False, False, {}

    batch = play(own(limit=50, action_space=gym.spaces.Discrete(2, start=start), step=step))
    assert set(received) <= {start, start + 1}
    assert set(batch.actions.unique().tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("low", "high", "drawn", "received"),
    [
        (-2, 2, [0.5, -0.25], [1.0, -0.5]),
        (0, 10, [0.0, 1.0], [5.0, 10.0]),
        (0, 10, [7.0, -7.0], [10.0, 0.0]),
        (-np.inf, np.inf, [7.0, -7.0], [7.0, -7.0]),
        (0, np.inf, [7.0, -7.0], [7.0, 0.0]),
    ],
)
def test_continuous_actions_are_scaled_and_cut_to_their_range(low, high, drawn, received):
    space = gym.spaces.Box(low, high, (2, 1))
    given = in_range(space, np.array([drawn]))
    assert given.shape == (1, 2, 1)
    assert given.dtype == space.dtype
    assert given.ravel().tolist() == received


def test_a_gaussian_policy_keeps_the_action_as_it_was_drawn():
    received = []

    def step(self, action):
        received.append(action)
        return self.seen, 1.0, False, False, {}

    batch = play(own(limit=50, action_space=gym.spaces.Box(-1, 1, (3,)), step=step), pg.GaussianPolicy)
    assert batch.actions.shape == (2, 2, 50, 3)
    assert batch.actions.abs().max() > 1
    assert np.abs(received).max() == 1


@pytest.mark.parametrize(
    ("env_id", "policy", "message"),
    [
        ("CartPole-v1", pg.CategoricalPolicy(4, 3, streams(2)), "the policy has 3 outputs for Discrete actions"),
        ("CartPole-v1", pg.GaussianPolicy(4, 2, streams(2)), "outputs for Box actions, the environment wants D"),
        (
            "CartPole-v1",
            pg.CategoricalPolicy(5, 2, streams(2)),
            "observations of 5 numbers, the environment gives 4",
        ),
        ("Pendulum-v1", pg.GaussianPolicy(3, 2, streams(2)), "the policy has 2 outputs for Box actions"),
    ],
)
def test_a_policy_must_fit_the_environment(env_id, policy, message):
    with pytest.raises(ValueError, match=message):
        pg.evaluate(env_id, policy, episodes=1)


def test_an_id_may_name_the_module_that_registers_it(tmp_path, monkeypatch, registered):
    (tmp_path / "reader_envs.py").write_text(
        "import gymnasium as gym\n"
        "gym.register('Mine-v0', 'gymnasium.envs.classic_control:MountainCarEnv', max_episode_steps=5)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert pg.make_envs("reader_envs:Mine-v0", 2).spec.max_episode_steps == 5


# Vector entry points


class Together(gym.vector.VectorEnv):
    """A vector environment that keeps the contract: noisy steps, drawn from its own generator."""

    metadata = {"autoreset_mode": gym.vector.AutoresetMode.NEXT_STEP}  # noqa: RUF012
    single_observation_space = gym.spaces.Box(-9, 9, (1,), np.float64)
    single_action_space = gym.spaces.Discrete(2)

    def __init__(self, num_envs=1, **options):
        self.num_envs = num_envs

    def draw(self):
        return self.np_random.normal(0.0, 1.0, (self.num_envs,))

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.state = 0, self.draw()[:, None]
        return self.state, {}

    def step(self, actions):
        self.state = self.draw()[:, None]
        self.steps += 1
        nothing = np.zeros(self.num_envs, bool)
        return self.state, actions.astype(float), nothing, nothing | (self.steps >= 40), {}


class OneOfThem(Own):
    observation_space = gym.spaces.Box(-9, 9, (1,), np.float64)
    seen = np.array([0.25])


class SameBuffer(Together):
    def step(self, actions):
        kept = self.state
        state, *others = super().step(actions)
        kept[:], self.state = state, kept
        return kept, *others


class SameStep(Together):
    metadata = {"autoreset_mode": gym.vector.AutoresetMode.SAME_STEP}  # noqa: RUF012


class Undeclared(Together):
    metadata = {}  # noqa: RUF012


class OwnNoise(Together):
    own = np.random.default_rng(0)

    def draw(self):
        return self.own.normal(size=self.num_envs)


class SharedNoise(Together):
    def draw(self):
        return np.repeat(self.np_random.normal(), self.num_envs)


class WrongType(Together):
    single_observation_space = gym.spaces.Box(-9, 9, (1,), np.float32)


@pytest.mark.parametrize(
    ("kind", "together"),
    [
        (Together, True),
        *((bad, False) for bad in (SameBuffer, SameStep, Undeclared, OwnNoise, SharedNoise, WrongType)),
    ],
)
def test_a_vector_entry_point_is_used_if_it_keeps_the_contract(registered, kind, together):
    env_id = registered(OneOfThem, vector_entry_point=kind, max_episode_steps=40)
    envs = pg.make_envs(env_id, 4)
    assert isinstance(envs.unwrapped, kind if together else OneByOne)


def test_noise_in_the_steps_differs_between_iterations_seeds_and_runs(registered):
    env_id = registered(OneOfThem, vector_entry_point=Together, max_episode_steps=40)
    seen, size = [], {"runs": 2, "iterations": 2, "episodes": 2}
    for seed in (0, 1):
        pg.train(env_id, lambda batch: seen.append(batch.obs) or batch.rewards, **size, seed=seed)
    noise = torch.cat([batch.flatten() for batch in seen])
    assert len(noise.unique()) == len(noise) == 2 * 2 * 4 * 40


def test_noise_in_the_steps_does_not_depend_on_the_other_runs(registered):
    env_id = registered(OneOfThem, vector_entry_point=Together, max_episode_steps=40)
    one, three = [], []
    for runs, seen in {1: one, 3: three}.items():
        pg.train(env_id, lambda b, seen=seen: seen.append(b.obs) or b.rewards, runs=runs, iterations=1, episodes=2)
    assert torch.equal(one[0], three[0][:1])


@pytest.mark.parametrize("env_id", ["CartPole-v1", "CartPole-v0"])
def test_gymnasiums_own_vector_environments_keep_the_contract(env_id):
    assert keeps_contract(gym.spec(env_id))


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


def test_run_streams_draw_other_sizes_from_a_stream_apart():
    together = RunStreams(streams(3), 6)
    kept = [stream.bit_generator.state for stream in together.streams]
    assert together.uniform(-1, 1, (4, 5)).shape == (4, 5)
    assert together.normal(size=()).shape == ()
    assert [stream.bit_generator.state for stream in together.streams] == kept
    assert together.integers(9, size=6).shape == (6,)
    assert [stream.bit_generator.state for stream in together.streams] != kept


def test_run_streams_share_the_last_axis_out():
    together = RunStreams(streams(3), 6).uniform(-1, 1, (4, 6))
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
