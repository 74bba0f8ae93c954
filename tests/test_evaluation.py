"""Statistics of independent runs, against sums by hand and against the coverage that theory promises."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from strategies import FALSE_ALARM

import pgutils as pg

SCORES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


def interquartile_mean_by_hand(scores):
    """Sort, leave out a quarter (rounded down) at each end, and take the mean."""
    left_out = len(scores) // 4
    middle = sorted(scores)[left_out : len(scores) - left_out]
    return sum(middle) / len(middle)


# Interquartile mean


@given(SCORES)
def test_interquartile_mean_is_the_mean_of_the_middle_half(scores):
    wanted = interquartile_mean_by_hand(scores)
    assert pg.interquartile_mean(scores) == pytest.approx(wanted, rel=1e-12, abs=1e-9)
    assert pg.interquartile_mean(np.array(scores)) == pytest.approx(wanted, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([100, 1, 2, 3, 4, 5, 6, -100], 3.5),
        ([0, 10, 20, 30, 400], 20),
        ([1, 2, 6], 3),
        ([7], 7),
        ([0, 0, 1, 2, 3, 4, 5, 6, 99, 99], 3.5),
    ],
)
def test_interquartile_mean_by_hand(scores, wanted):
    assert pg.interquartile_mean(scores) == pytest.approx(wanted, rel=1e-14)


def test_interquartile_mean_removes_the_axis_that_it_is_told():
    scores = np.random.default_rng(0).normal(size=(8, 6, 5))
    for axis in range(3):
        result, rows = pg.interquartile_mean(scores, axis=axis), np.moveaxis(scores, axis, -1)
        assert result.shape == rows.shape[:-1]
        for index in np.ndindex(*result.shape):
            assert result[index] == pytest.approx(interquartile_mean_by_hand(rows[index]), rel=1e-12)
    np.testing.assert_array_equal(pg.interquartile_mean(scores), pg.interquartile_mean(scores, axis=0))


def test_hopeless_runs_do_not_move_the_interquartile_mean():
    assert pg.interquartile_mean([1, 2, 3, 4]) == pg.interquartile_mean([-1e9, 2, 3, 1e9]) == 2.5


# Probability of improvement


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_probability_of_improvement_counts_pairs(scores, baseline):
    wins = sum((x > y) + 0.5 * (x == y) for x in scores for y in baseline)
    result = pg.probability_of_improvement(scores, baseline)
    assert isinstance(result, float)
    assert result == pytest.approx(wins / (len(scores) * len(baseline)), rel=1e-12)
    assert result + pg.probability_of_improvement(baseline, scores) == pytest.approx(1, rel=1e-12)


# Bootstrap interval


@pytest.mark.parametrize("rest", [(), (4,), (2, 3)])
def test_interval_has_the_shape_of_the_statistic(rest):
    scores = np.random.default_rng(0).normal(size=(10, *rest))
    low, high = pg.bootstrap_interval(scores)
    assert np.shape(low) == np.shape(high) == rest
    middle = pg.interquartile_mean(scores)
    assert (scores.min(0) <= low).all()
    assert (low < middle).all()
    assert (middle < high).all()
    assert (high <= scores.max(0)).all()


def test_interval_is_that_of_resampling_by_hand():
    # Each end is a quantile of 20,000 resampled means, with standard error 0.3 / 0.175 / √20000 = 0.012 in units of
    # σ / √n, and the difference of two has 0.017. The tolerance is more than 5 of them: false alarms below 1e-6.
    rng = np.random.default_rng(1)
    scores = rng.exponential(size=12)
    means = rng.choice(scores, (20_000, 12)).mean(-1)
    low, high = pg.bootstrap_interval(scores, np.mean, level=0.8, resamples=20_000)
    close = 0.1 * scores.std() / 12**0.5
    assert low == pytest.approx(np.quantile(means, 0.1), abs=close)
    assert high == pytest.approx(np.quantile(means, 0.9), abs=close)


def test_interval_covers_the_mean_as_often_as_theory_says():
    # For n normal scores the percentile interval of the mean is nearly mean ± 1.96 σ̂ / √n with the biased σ̂, which
    # covers with the probability below; 0.01 is allowed for that "nearly". Rejects with probability 1e-6 at most.
    n, samples = 20, 1000
    scores = np.random.default_rng(2).normal(size=(n, samples))
    low, high = pg.bootstrap_interval(scores, np.mean, resamples=1000)
    covered = int(((low <= 0) & (high >= 0)).sum())
    theory = 2 * stats.t(n - 1).cdf(stats.norm.isf(0.025) * ((n - 1) / n) ** 0.5) - 1
    assert stats.binomtest(covered, samples, theory - 0.01, alternative="less").pvalue > FALSE_ALARM
    assert stats.binomtest(covered, samples, theory + 0.01, alternative="greater").pvalue > FALSE_ALARM


def test_interval_covers_the_interquartile_mean():
    # The interval at 16 runs is a little narrow: over 20,000 samples it covered 94.1% of the time. Rejects with
    # probability 1e-6 at most.
    samples = 1000
    scores = np.random.default_rng(3).normal(size=(16, samples))
    low, high = pg.bootstrap_interval(scores, resamples=1000)
    covered = int(((low <= 0) & (high >= 0)).sum())
    assert stats.binomtest(covered, samples, 0.93, alternative="less").pvalue > FALSE_ALARM
    assert stats.binomtest(covered, samples, 0.95, alternative="greater").pvalue > FALSE_ALARM


def test_interval_widens_with_its_level_and_narrows_with_the_runs():
    scores = np.random.default_rng(4).normal(size=64)
    width = {level: np.ptp(pg.bootstrap_interval(scores, level=level)) for level in (0.5, 0.9, 0.99)}
    assert width[0.5] < width[0.9] < width[0.99]
    assert np.ptp(pg.bootstrap_interval(scores)) < np.ptp(pg.bootstrap_interval(scores[:8]))


def test_interval_is_decided_by_its_seed():
    scores = np.random.default_rng(5).normal(size=10)
    assert pg.bootstrap_interval(scores) == pg.bootstrap_interval(scores, seed=0)
    assert pg.bootstrap_interval(scores) != pg.bootstrap_interval(scores, seed=1)


def test_interval_of_equal_scores_is_a_point():
    assert pg.bootstrap_interval([3.0] * 8) == (3, 3)


def test_scores_are_left_alone():
    scores = np.random.default_rng(6).normal(size=(8, 2))
    before = scores.copy()
    pg.interquartile_mean(scores)
    pg.bootstrap_interval(scores)
    pg.probability_of_improvement(scores[:, 0], scores[:, 1])
    np.testing.assert_array_equal(scores, before)


# Bad input


def test_an_interval_needs_two_runs():
    with pytest.raises(ValueError, match="an interval needs at least 2 runs, got 1"):
        pg.bootstrap_interval(np.ones((1, 5)))
    with pytest.raises(ValueError, match=r"at least .*, got .*0"):
        pg.bootstrap_interval([])


@pytest.mark.parametrize(
    "function",
    [
        pg.interquartile_mean,
        pg.bootstrap_interval,
        lambda scores: pg.probability_of_improvement(scores, [1, 2]),
        lambda scores: pg.probability_of_improvement([1, 2], scores),
    ],
)
def test_nan_is_refused(function):
    with pytest.raises(ValueError, match="scores must be numbers, got NaN"):
        function([1.0, float("nan"), 2.0])


@pytest.mark.parametrize(
    "function",
    [
        pg.interquartile_mean,
        lambda scores: pg.probability_of_improvement(scores, [1, 2]),
        lambda scores: pg.probability_of_improvement([1, 2], scores),
    ],
)
def test_no_scores_are_refused(function):
    with pytest.raises(ValueError, match=r"scores must .*got .*0"):
        function([])


# Evaluation of a policy


@pytest.fixture(scope="module")
def policy():
    return pg.CategoricalPolicy(4, 2, pg.generator(0).spawn(3))


def test_evaluation_has_a_row_for_each_run_and_is_decided_by_its_seed(policy):
    batch = pg.evaluate("CartPole-v1", policy, episodes=7, seed=1)
    assert batch.returns.shape == (3, 7)
    assert batch.returns.tolist() == pg.evaluate("CartPole-v1", policy, episodes=7, seed=1).returns.tolist()
    assert batch.returns.tolist() != pg.evaluate("CartPole-v1", policy, episodes=7, seed=2).returns.tolist()


def test_greedy_evaluation_takes_the_most_probable_action(policy):
    batch = pg.evaluate("CartPole-v1", policy, episodes=4, greedy=True)
    most_probable = policy.distribution(batch.obs).log_probs.argmax(-1)
    assert torch.equal(batch.actions[batch.mask], most_probable[batch.mask])
    batch = pg.evaluate("CartPole-v1", policy, episodes=4)
    most_probable = policy.distribution(batch.obs).log_probs.argmax(-1)
    assert not torch.equal(batch.actions[batch.mask], most_probable[batch.mask])


def test_evaluation_starts_elsewhere_than_training():
    starts = []

    def weights(batch):
        starts.append(batch.obs[:, :, 0])
        return batch.rewards

    history = pg.train("CartPole-v1", weights=weights, runs=1, iterations=1, episodes=4)
    batch = pg.evaluate("CartPole-v1", history.initial_policy, episodes=4)
    assert not np.isin(batch.obs[:, :, 0], starts[0]).any()


def test_evaluation_needs_an_episode(policy):
    with pytest.raises(ValueError, match="episodes must be at least 1, got 0"):
        pg.evaluate("CartPole-v1", policy, episodes=0)


def episodes_with(last_rewards, terminated):
    """A batch of one run whose episodes have 1, 2, … steps and end as told."""
    count = len(last_rewards)
    mask = torch.ones(count, count).tril().bool()[None]
    rewards = torch.full((1, count, count), 0.5, dtype=torch.float64)
    for i, reward in enumerate(last_rewards):
        rewards[0, i, i] = reward
    ends = torch.tensor([terminated])
    nothing = torch.zeros(1, count, count, 1)
    return pg.EpisodeBatch(nothing, mask.long(), rewards * mask, mask, nothing[:, :, 0], ends, ~ends)


def test_landed_is_at_rest_not_crashed_and_not_out_of_time():
    batch = episodes_with([100.0, -100.0, 3.0], [True, True, False])
    assert pg.landed(batch).tolist() == [[True, False, False]]


@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__ attribute:DeprecationWarning")
def test_a_lander_that_never_fires_does_not_land():
    policy = pg.CategoricalPolicy(8, 4, pg.generator(0).spawn(1))
    policy.biases[-1].data[..., 0] = 100.0
    batch = pg.evaluate("LunarLander-v3", policy, episodes=3)
    assert batch.terminated.all()
    assert not pg.landed(batch).any()


def test_explained_variance_by_hand():
    batch = replace(episodes_with([1.0, 2.0, -3.0], [True] * 3), gamma=0.5)
    values = torch.tensor(np.random.default_rng(0).normal(size=(1, 3, 3)))
    returns = pg.rewards_to_go(batch)[batch.mask]
    for guess in (values, 0 * values + 7, values + 5):
        explained = pg.explained_variance(replace(batch, values=guess * batch.mask))
        wanted = 1 - np.var((returns - guess[batch.mask]).numpy()) / np.var(returns.numpy())
        assert explained.tolist() == pytest.approx([wanted], abs=1e-12)


@pytest.mark.parametrize("level", [95, 0, 1, -0.5])
def test_a_level_lies_between_zero_and_one(level):
    with pytest.raises(ValueError, match=f"level must lie between 0 and 1, such as 0.95, got {level}"):
        pg.bootstrap_interval([1.0, 2.0, 3.0], level=level)
