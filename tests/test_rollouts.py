"""Complete episodes: what a batch must hold, and what it must be a sample of."""

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.envs.classic_control import CartPoleEnv
from scipy import stats
from strategies import FALSE_ALARM

import pgutils as pg

MDP_POLICY = np.array([[0.3, 0.7], [0.6, 0.4], [0.1, 0.9], [0.5, 0.5]])


class Countdown(gym.Env):
    """An episode whose length is drawn at its start: 1 to 6 steps, of which the limit allows 4. Step t pays t + 1."""

    observation_space = gym.spaces.Box(0, 10, (2,), np.float64)
    action_space = gym.spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.length, self.time = int(self.np_random.integers(1, 7)), 0
        return self.obs(), {}

    def step(self, action):
        self.time += 1
        return self.obs(), float(self.time), self.time == self.length, False, {}

    def obs(self):
        return np.array([self.length, self.time], float)


@pytest.fixture(scope="module")
def countdown():
    gym.register("Countdown-v0", Countdown, max_episode_steps=4)
    yield "Countdown-v0"
    del gym.registry["Countdown-v0"]


class Recorder(gym.vector.VectorWrapper):
    """Keeps what decides the start states: the seeds, or the state of the vector environment."""

    def reset(self, *, seed=None, options=None):
        result = super().reset(seed=seed, options=options)
        self.seeds, self.start = seed, getattr(self.unwrapped, "state", np.zeros(0)).copy()
        return result


def streams(runs, seed=0):
    return np.random.default_rng(seed).spawn(runs)


def policy_for(envs, runs, scale=0.3, hidden=(8,)):
    """A policy that is far from indifferent."""
    policy = pg.CategoricalPolicy(
        envs.single_observation_space.shape[0], envs.single_action_space.n, streams(runs), hidden
    )
    rng = np.random.default_rng(1)
    for parameter in policy.parameters():
        parameter.data = torch.from_numpy(rng.normal(scale=scale, size=parameter.shape))
    return policy


def collect(env_id, runs=3, episodes=5, seed=0, **options):
    envs = Recorder(pg.make_envs(env_id, runs * episodes))
    policy = policy_for(envs, runs)
    return envs, policy, pg.collect_episodes(envs, policy, streams(runs, seed), **options)


def balancing_policy(runs=1):
    """A linear controller that keeps CartPole's pole up."""
    policy = pg.CategoricalPolicy(4, 2, streams(runs), hidden=())
    gains = torch.tensor([0.1, 0.5, 2.0, 1.0], dtype=torch.float64)
    policy.weights[0].data = torch.stack([-gains, gains], -1).expand(runs, 4, 2).clone()
    return policy


# Complete episodes


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Countdown-v0"])
def test_each_slot_holds_one_complete_episode(env_id, countdown):
    _, _, batch = collect(env_id)
    assert batch.mask.dtype == batch.terminated.dtype == batch.truncated.dtype == torch.bool
    assert batch.actions.dtype == torch.int64
    assert batch.mask.shape[:2] == (3, 5)
    assert batch.mask.shape == batch.actions.shape == batch.rewards.shape == batch.obs.shape[:3]
    assert batch.final_obs.shape == (*batch.mask.shape[:2], batch.obs.shape[-1])
    assert (batch.terminated ^ batch.truncated).all()
    for slot in np.ndindex(3, 5):
        length = int(batch.lengths[slot])
        assert 0 < length <= batch.mask.shape[-1]
        assert batch.mask[slot].tolist() == [True] * length + [False] * (batch.mask.shape[-1] - length)
        for name in ("obs", "actions", "rewards"):
            assert (getattr(batch, name)[slot][length:] == 0).all()
        wanted = sum(batch.rewards[slot][t].item() for t in range(length))
        assert batch.returns[slot].item() == pytest.approx(wanted, rel=1e-12)
    assert batch.mask.any(0).any(0).all(), "no padding beyond the longest episode"


def test_cartpole_replayed_in_a_plain_environment():
    envs, _, batch = collect("CartPole-v1", runs=4, episodes=8)
    assert batch.lengths.max() < 200
    for copy, slot in enumerate(np.ndindex(4, 8)):
        env = gym.make("CartPole-v1")
        env.reset()
        env.unwrapped.state = envs.start[:, copy]
        for t in range(int(batch.lengths[slot])):
            before = np.array(env.unwrapped.state)
            np.testing.assert_allclose(batch.obs[slot][t].numpy(), before, rtol=1e-6, atol=1e-6)
            obs, reward, terminated, truncated, _ = env.step(int(batch.actions[slot][t]))
            assert batch.rewards[slot][t] == reward
            assert (terminated or truncated) == (t == batch.lengths[slot] - 1)
        np.testing.assert_allclose(batch.final_obs[slot].numpy(), obs, rtol=1e-6, atol=1e-6)
        assert (bool(batch.terminated[slot]), bool(batch.truncated[slot])) == (terminated, truncated)


@pytest.mark.parametrize("env_id", ["Countdown-v0", "MountainCar-v0"])
def test_single_environments_replayed_from_their_seeds(env_id, countdown):
    envs, _, batch = collect(env_id, runs=2, episodes=6 if env_id == "Countdown-v0" else 1)
    for copy, slot in enumerate(np.ndindex(*batch.terminated.shape)):
        env = gym.make(env_id)
        obs, _ = env.reset(seed=int(envs.seeds[copy]))
        for t in range(int(batch.lengths[slot])):
            np.testing.assert_array_equal(batch.obs[slot][t].numpy(), obs)
            obs, reward, terminated, truncated, _ = env.step(int(batch.actions[slot][t]))
            assert batch.rewards[slot][t] == reward
            assert (terminated or truncated) == (t == batch.lengths[slot] - 1)
        np.testing.assert_array_equal(batch.final_obs[slot].numpy(), obs)
        assert batch.terminated[slot] == terminated


def test_an_episode_that_ends_at_its_limit_is_terminated_and_not_truncated(countdown):
    _, _, batch = collect(countdown, runs=2, episodes=60)
    drawn = batch.obs[:, :, 0, 0]
    assert set(drawn.flatten().tolist()) == {1, 2, 3, 4, 5, 6}
    assert torch.equal(batch.lengths, drawn.clamp(max=4).long())
    assert torch.equal(batch.terminated, drawn <= 4)
    assert torch.equal(batch.truncated, drawn > 4)


def test_a_balanced_pole_is_truncated_at_the_limit():
    batch = pg.collect_episodes(pg.make_envs("CartPole-v1", 4), balancing_policy(), streams(1), greedy=True)
    assert (batch.lengths == 500).all()
    assert batch.truncated.all()
    assert not batch.terminated.any()
    assert (batch.returns == 500).all()


def test_a_fallen_pole_is_terminated():
    _, _, batch = collect("CartPole-v1")
    assert batch.terminated.all()
    assert (batch.final_obs[..., 2].abs() > CartPoleEnv().theta_threshold_radians).all()
    assert (batch.obs[..., 2].abs() < CartPoleEnv().theta_threshold_radians).all()


def test_returns_do_not_depend_on_the_padding():
    # How far an episode is padded depends on the other runs: a curve must not, down to the last digit.
    rewards = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 30, 41)))
    flat = rewards.new_zeros(())
    for padding in range(60):
        padded = torch.nn.functional.pad(rewards, (0, padding))
        batch = pg.EpisodeBatch(flat, flat, padded, padded != 0, flat, flat, flat)
        assert (batch.lengths == 41).all()
        for run, episode in np.ndindex(2, 30):
            assert batch.returns[run, episode].item() == pytest.approx(sum(rewards[run, episode].tolist()), rel=1e-12)
        assert torch.equal(batch.returns, pg.EpisodeBatch(flat, flat, rewards, rewards != 0, flat, flat, flat).returns)


def test_gamma_travels_with_the_batch():
    assert collect("CartPole-v1")[2].gamma == 1
    assert collect("CartPole-v1", gamma=0.9)[2].gamma == 0.9
    assert collect("CartPole-v1")[2].values is None


def test_lengths_are_not_biased_towards_short_episodes():
    # Mann-Whitney against episodes played one after another: rejects a right collector with probability 1e-6.
    envs = pg.make_envs("CartPole-v1", 800)
    policy = policy_for(envs, 1, scale=0)
    lengths = pg.collect_episodes(envs, policy, streams(1)).lengths.flatten().numpy()
    env, rng, wanted = CartPoleEnv(), np.random.default_rng(3), []
    env.reset(seed=0)
    for _ in range(800):
        env.reset()
        steps, ended = 0, False
        while not ended:
            _, _, ended, _, _ = env.step(int(rng.integers(2)))
            steps += 1
        wanted.append(steps)
    assert stats.mannwhitneyu(lengths, wanted).pvalue > FALSE_ALARM


# Actions


def test_actions_are_sampled_from_the_policy():
    # For each of 3 runs, Σ (1[a = 1] - p) over all steps is a martingale; divided by its standard deviation it is
    # standard normal, and beyond 4.9 with probability 1e-6.
    _, policy, batch = collect("CartPole-v1", episodes=300)
    p = policy.distribution(batch.obs).log_probs.exp()[..., 1].detach()
    assert p[batch.mask].std() > 0.01
    surprise = ((batch.actions - p) * batch.mask).sum((-2, -1))
    deviation = (p * (1 - p) * batch.mask).sum((-2, -1)).sqrt()
    assert (batch.mask.sum((-2, -1)) > 1000).all()
    assert (surprise / deviation).abs().max() < stats.norm.isf(FALSE_ALARM / 2)


def test_greedy_actions_are_the_most_probable_ones():
    _, policy, batch = collect("CartPole-v1", greedy=True)
    wanted = policy.distribution(batch.obs).log_probs.argmax(-1)
    assert torch.equal(batch.actions[batch.mask], wanted[batch.mask])
    _, _, sampled = collect("CartPole-v1")
    wanted = policy.distribution(sampled.obs).log_probs.argmax(-1)
    assert (sampled.actions[sampled.mask] != wanted[sampled.mask]).any()


# Randomness


def same(one, other):
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in ("obs", "actions", "final_obs"))


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Countdown-v0"])
def test_the_same_generators_give_the_same_batch(env_id, countdown):
    assert same(collect(env_id)[2], collect(env_id)[2])
    assert not same(collect(env_id)[2], collect(env_id, seed=1)[2])


def test_each_call_takes_a_fresh_stream():
    envs = pg.make_envs("CartPole-v1", 4)
    policy, rngs = policy_for(envs, 2), streams(2)
    one, other = (pg.collect_episodes(envs, policy, rngs) for _ in range(2))
    assert (one.obs[:, :, 0] != other.obs[:, :, 0]).all()


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Countdown-v0"])
def test_episodes_of_a_run_do_not_depend_on_the_other_runs(env_id, countdown):
    _, policy, together = collect(env_id)
    for run in range(3):
        envs = pg.make_envs(env_id, 5)
        alone_policy = policy_for(envs, 1)
        for alone, parameter in zip(alone_policy.parameters(), policy.parameters(), strict=True):
            alone.data = parameter.data[run : run + 1]
        rngs = streams(3)[run : run + 1]
        alone = pg.collect_episodes(envs, alone_policy, rngs)
        steps = alone.mask.shape[-1]
        assert torch.equal(alone.lengths[0], together.lengths[run])
        for name in ("obs", "actions", "rewards", "mask"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[run, :, :steps])
        for name in ("final_obs", "terminated", "truncated"):
            assert torch.equal(getattr(alone, name)[0], getattr(together, name)[run])
        assert rngs[0].random() == streams(3)[run].random(), (
            "how many numbers were drawn depends on the longest episode"
        )


@pytest.mark.parametrize(("copies", "runs"), [(5, 2), (2, 3)])
def test_copies_must_be_shared_out_evenly(copies, runs):
    envs = pg.make_envs("CartPole-v1", copies)
    with pytest.raises(ValueError, match=f"{copies} environments cannot be shared out evenly among {runs} runs"):
        pg.collect_episodes(envs, policy_for(envs, runs), streams(runs))


# Tabular episodes


def test_sampled_trajectories_are_distributed_as_enumerated():
    # Chi-square over the twelve trajectories of the hike: rejects a right sampler with probability 1e-6.
    mdp, episodes = pg.mountain_hike(), 20_000
    every = mdp.enumerate_trajectories(3)
    sampled = pg.sample_trajectories(mdp, MDP_POLICY, episodes, 3, np.random.default_rng(0))
    paths = [
        (*states, *actions[mask]) for states, actions, mask in zip(every.states, every.actions, every.mask, strict=True)
    ]
    number = {path: i for i, path in enumerate(paths)}
    counts = np.zeros(12)
    for states, actions, mask in zip(sampled.states, sampled.actions, sampled.mask, strict=True):
        counts[number[(*states, *actions[mask])]] += 1
    expected = every.probability(MDP_POLICY) * episodes
    assert (expected > 5).all()
    assert stats.chisquare(counts, expected).pvalue > FALSE_ALARM


def test_sampled_start_states_are_distributed_as_given():
    # Chi-square: rejects a right sampler with probability 1e-6.
    transitions = np.broadcast_to(np.eye(3)[:, None], (3, 1, 3))
    mdp = pg.TabularMDP(transitions, np.zeros((3, 1)), [0.2, 0.5, 0.3])
    sampled = pg.sample_trajectories(mdp, np.ones((3, 1)), 10_000, 1, np.random.default_rng(0))
    assert not sampled.mask.any()
    counts = np.bincount(sampled.states[:, 0])
    assert stats.chisquare(counts, mdp.initial * 10_000).pvalue > FALSE_ALARM


def test_sampled_trajectories_fit_together():
    mdp, horizon = pg.mountain_hike(), 5
    sampled = pg.sample_trajectories(mdp, MDP_POLICY, 200, horizon, np.random.default_rng(0))
    assert sampled.states.shape == (200, horizon + 1)
    assert sampled.actions.shape == sampled.rewards.shape == sampled.mask.shape == (200, horizon)
    for n in range(200):
        dynamics, chosen = mdp.initial[sampled.states[n, 0]], 1.0
        for t in range(horizon):
            state, action, following = sampled.states[n, t], sampled.actions[n, t], sampled.states[n, t + 1]
            assert sampled.mask[n, t] == (state != 3)
            assert sampled.rewards[n, t] == mdp.rewards[state, action]
            if state != 3:
                dynamics *= mdp.transitions[state, action, following]
                chosen *= MDP_POLICY[state, action]
            assert mdp.transitions[state, action, following] > 0
        assert sampled.dynamics[n] == pytest.approx(dynamics, rel=1e-13)
        assert sampled.probability(MDP_POLICY)[n] == pytest.approx(dynamics * chosen, rel=1e-13)


def test_sampled_mean_return_is_the_expected_return():
    # Within 5 standard errors: fails for a right sampler with probability 6e-7.
    mdp = pg.mountain_hike(gamma=0.9)
    sampled = pg.sample_trajectories(mdp, MDP_POLICY, 20_000, 3, np.random.default_rng(2))
    returns = pg.total_return(sampled.rewards, mdp.gamma)
    error = returns.std(ddof=1) / len(returns) ** 0.5
    assert abs(returns.mean() - mdp.expected_return(MDP_POLICY)) < 5 * error


def test_sampling_is_decided_by_the_generator():
    def sample(seed):
        return pg.sample_trajectories(pg.mountain_hike(), MDP_POLICY, 50, 3, np.random.default_rng(seed)).states

    np.testing.assert_array_equal(sample(0), sample(0))
    assert (sample(0) != sample(1)).any()


class Extreme:
    """Stands in for a generator that draws the same number, in [0, 1), again and again."""

    def __init__(self, number):
        self.number = number

    def random(self, shape):
        return np.full(shape, self.number)


@pytest.mark.parametrize("number", [0.0, np.nextafter(1, 0)], ids=["lowest", "highest"])
def test_impossible_steps_are_never_taken(number):
    mdp = pg.short_corridor()
    sampled = pg.sample_trajectories(mdp, np.eye(2)[[1, 0, 1, 1]], 1, 3, Extreme(number))
    assert sampled.states.tolist() == [[0, 1, 2, 3]]
    assert sampled.dynamics.tolist() == [1]


@pytest.mark.parametrize(("episodes", "horizon"), [(0, 3), (3, 0), (-1, 3)])
def test_sampling_needs_episodes_and_steps(episodes, horizon):
    with pytest.raises(ValueError, match=f"episodes and horizon must be at least 1, got {episodes} and {horizon}"):
        pg.sample_trajectories(pg.mountain_hike(), MDP_POLICY, episodes, horizon, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.array([[0.5, 0.5], [0.5, 0.2], [1, 0], [1, 0]]), r"policy\[1\] must be .* sum to 1, got \[0.5, 0.2\]"),
        (np.full((4, 3), 1 / 3), r"policy must have shape \(4, 2\), got \(4, 3\)"),
        (np.full((5, 2), 1 / 2), r"policy must have shape \(4, 2\), got \(5, 2\)"),
    ],
)
def test_sampling_needs_a_policy(policy, message):
    with pytest.raises(ValueError, match=message):
        pg.sample_trajectories(pg.mountain_hike(), policy, 3, 3, np.random.default_rng(0))
