"""TD errors, generalised advantages and λ-returns, held against their definitions, one step at a time."""

from dataclasses import replace

import gymnasium as gym
import numpy as np
import pytest
import torch

import pgutils as pg

RUNS, EPISODES, STEPS = 2, 3, 5
LENGTHS = np.array([[5, 1, 3], [2, 4, 5]])


@pytest.fixture
def batch():
    """Episodes of various lengths, one of them truncated in each run; values on the padding are not 0."""
    rng = np.random.default_rng(0)
    mask = torch.from_numpy(np.arange(STEPS) < LENGTHS[..., None])
    truncated = torch.tensor([[True, False, False], [False, True, False]])
    rewards, values = torch.from_numpy(rng.normal(size=(2, RUNS, EPISODES, STEPS)))
    return pg.EpisodeBatch(
        obs=torch.zeros(RUNS, EPISODES, STEPS, 1),
        actions=torch.zeros(RUNS, EPISODES, STEPS, dtype=torch.int64),
        rewards=rewards * mask,
        mask=mask,
        final_obs=torch.zeros(RUNS, EPISODES, 1),
        terminated=~truncated,
        truncated=truncated,
        gamma=0.9,
        values=values,
        final_values=torch.from_numpy(rng.normal(size=(RUNS, EPISODES))) * truncated,
    )


def episodes(batch):
    """Yield where an episode is, its rewards, and its values with what lies beyond the end."""
    for place in np.ndindex(RUNS, EPISODES):
        length = LENGTHS[place]
        values = [*batch.values[place][:length].tolist(), batch.final_values[place].item()]
        yield place, batch.rewards[place][:length].tolist(), values


def n_step(rewards, values, gamma, t, n):
    """The n-step return: n rewards, or as many as there are, and the value behind them."""
    n = min(n, len(rewards) - t)
    return sum(gamma**k * rewards[t + k] for k in range(n)) + gamma**n * values[t + n]


def lambda_return(rewards, values, gamma, lam, t):
    """The mixture of all n-step returns; what remains of the weight goes to the longest."""
    longest = len(rewards) - t
    shares = [(1 - lam) * lam ** (n - 1) for n in range(1, longest)] + [lam ** (longest - 1)]
    return sum(share * n_step(rewards, values, gamma, t, n) for n, share in enumerate(shares, start=1))


@pytest.mark.parametrize("gamma", [None, 0.5, 1.0])
def test_td_errors(batch, gamma):
    found, discount = pg.td_errors(batch, gamma), 0.9 if gamma is None else gamma
    for place, rewards, values in episodes(batch):
        wanted = [r + discount * values[t + 1] - values[t] for t, r in enumerate(rewards)]
        assert found[place].tolist() == pytest.approx(wanted + [0.0] * (STEPS - len(rewards)))


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.95, 1.0])
@pytest.mark.parametrize("gamma", [None, 0.5])
def test_gae_is_the_mixture_of_all_n_step_returns_less_the_value(batch, lam, gamma):
    found, discount = pg.gae(lam, gamma)(batch), 0.9 if gamma is None else gamma
    for place, rewards, values in episodes(batch):
        wanted = [lambda_return(rewards, values, discount, lam, t) - values[t] for t in range(len(rewards))]
        assert found[place].tolist() == pytest.approx(wanted + [0.0] * (STEPS - len(rewards)))


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.95, 1.0])
def test_td_lambda_is_the_mixture_of_all_n_step_returns(batch, lam):
    found = pg.td_lambda(lam)(batch)
    for place, rewards, values in episodes(batch):
        wanted = [lambda_return(rewards, values, 0.9, lam, t) for t in range(len(rewards))]
        assert found[place].tolist() == pytest.approx(wanted + [0.0] * (STEPS - len(rewards)))


def test_with_lambda_one_the_target_is_the_reward_to_go_where_an_episode_has_terminated(batch):
    whole = replace(batch, final_values=torch.zeros(RUNS, EPISODES, dtype=torch.float64))
    assert torch.equal(pg.td_lambda(1.0)(whole), pg.rewards_to_go(batch))
    cut = pg.td_lambda(1.0)(batch)
    assert torch.equal((cut != pg.rewards_to_go(batch)).any(-1), batch.truncated)


@pytest.mark.parametrize("function", [pg.gae, pg.td_lambda])
@pytest.mark.parametrize("lam", [-0.1, 1.1, float("nan")])
def test_lambda_must_be_a_share(function, lam):
    with pytest.raises(ValueError, match=r"lam must lie in \[0, 1\], got"):
        function(lam)


@pytest.mark.parametrize("function", [pg.td_errors, pg.gae(0.5), pg.td_lambda(0.5)])
def test_values_are_needed(batch, function):
    with pytest.raises(ValueError, match="the batch has no values: train with value_steps"):
        function(replace(batch, values=None))


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_with_exact_values_the_expected_gradient_is_exact_at_every_lambda(lam):
    hike, logits = pg.mountain_hike(1.0), np.array([[0.2, -0.3], [0.6, -0.4], [-0.6, 2.0], [0.0, 0.0]])
    mean, _ = pg.gradient_moments(hike, logits, pg.gae(lam), horizon=3)
    np.testing.assert_allclose(mean, pg.exact_policy_gradient(hike, logits), atol=1e-14)


# Values in training


def training(**options):
    """Train a few iterations and return the batches that the weights have seen."""
    batches = []
    settings = {"runs": 2, "iterations": 3, "episodes": 4, "value_steps": 4, "hidden": (8,), **options}
    pg.train(weights=lambda batch: batches.append(batch) or pg.gae(0.9)(batch), **settings)
    return batches


def test_beyond_a_cut_lies_the_value_of_the_last_observation():
    first, *_, last = training(env_id="Pendulum-v1", gamma=0.99)
    assert last.truncated.all()
    assert (last.final_values != 0).all()
    # The value function of the first batch is the one it was made with: drawn from the same streams.
    rngs = pg.generator(0).spawn(2)
    pg.GaussianPolicy(3, 1, rngs, (8,))
    values = pg.ValueFunction(3, rngs, (8,))
    torch.testing.assert_close(first.final_values, values(first.final_obs).detach())
    torch.testing.assert_close(first.values, values(first.obs).detach())


def test_nothing_lies_beyond_an_end():
    for batch in training(env_id="CartPole-v1", gamma=0.99):
        assert batch.terminated.all()
        assert (batch.final_values == 0).all()


def test_without_discount_the_limit_belongs_to_the_task():
    for batch in training(env_id="Pendulum-v1", gamma=1.0):
        assert batch.truncated.all()
        assert (batch.final_values == 0).all()


def test_values_are_fitted_to_what_targets_says():
    batches = training(env_id="Pendulum-v1", targets=lambda b: torch.full_like(b.rewards, 7.0), gamma=0.9)
    assert (batches[0].values - 7).abs().mean() > 5
    torch.testing.assert_close(batches[-1].values, torch.full_like(batches[-1].values, 7.0), rtol=0, atol=1e-6)


def test_by_default_a_target_looks_beyond_the_cut():
    # Reward 1 for ever, γ = 0.9, cut after 4 steps: every state is worth 10, and not the 3.4 of the cut return.
    class Constant(gym.Env):
        observation_space, action_space = gym.spaces.Box(-1, 1, (1,)), gym.spaces.Discrete(2)

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.ones(1, np.float32), {}

        def step(self, action):
            return np.ones(1, np.float32), 1.0, False, False, {}

    def limited():
        return gym.wrappers.TimeLimit(Constant(), 4)

    options = {"env_id": limited, "gamma": 0.9, "iterations": 60, "value_steps": 4}
    merged = training(**options, targets=pg.rewards_to_go)[-1].values
    assert training(**options)[-1].values.mean().item() == pytest.approx(10, abs=0.5)
    assert merged.mean().item() < 3.5
