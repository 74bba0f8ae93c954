"""The exact moments of gradient estimates, against loops, closed forms and simulation."""

import itertools

import numpy as np
import pytest
import torch

import pgutils as pg

THETA = np.array([[0.2, -0.3], [0.6, -0.4], [-0.6, 2.0], [0.0, 0.0]])


def discounted(returns, batch):
    return returns * batch.gamma ** torch.arange(returns.shape[-1], dtype=torch.float64)


UNBIASED = {
    "total return": (pg.total_return, 1),
    "reward-to-go": (lambda batch: discounted(pg.rewards_to_go(batch), batch), 1),
    "value baseline": (lambda batch: discounted(pg.rewards_to_go(batch) - batch.values, batch), 1),
    "leave one out": (lambda batch: discounted(pg.leave_one_out(pg.rewards_to_go(batch)), batch), 3),
}


@pytest.mark.parametrize(("weights", "episodes"), UNBIASED.values(), ids=UNBIASED)
def test_unbiased_weights_have_the_gradient_as_their_mean(weights, episodes):
    hike = pg.mountain_hike()
    mean, variance = pg.gradient_moments(hike, THETA, weights, horizon=3, episodes=episodes)
    np.testing.assert_allclose(mean, pg.exact_policy_gradient(hike, THETA), atol=1e-12)
    assert (variance[:3] > 0).all()
    assert (variance[3] == 0).all()


def test_against_explicit_loops_over_batches_of_two():
    hike = pg.mountain_hike()
    policy = pg.softmax_policy(THETA)
    tau = hike.enumerate_trajectories(3)
    chance = tau.probability(policy)
    terms = []
    for n in range(len(chance)):
        score = np.zeros((4, 2))
        for t in np.flatnonzero(tau.mask[n]):
            score[tau.states[n, t]] -= policy[tau.states[n, t]]
            score[tau.states[n, t], tau.actions[n, t]] += 1
        terms.append(score * sum(0.9**t * tau.rewards[n, t] for t in range(3)))
    first, second = np.zeros((4, 2)), np.zeros((4, 2))
    for i, j in itertools.product(range(len(chance)), repeat=2):
        estimate = (terms[i] + terms[j]) / 2
        first += chance[i] * chance[j] * estimate
        second += chance[i] * chance[j] * estimate**2
    mean, variance = pg.gradient_moments(hike, THETA, pg.total_return, horizon=3, episodes=2)
    np.testing.assert_allclose(mean, first, atol=1e-12)
    np.testing.assert_allclose(variance, second - first**2, atol=1e-12)


def test_the_variance_of_an_independent_mean_falls_as_one_over_n():
    one = pg.gradient_moments(pg.mountain_hike(), THETA, pg.total_return, horizon=3)[1]
    three = pg.gradient_moments(pg.mountain_hike(), THETA, pg.total_return, horizon=3, episodes=3)[1]
    np.testing.assert_allclose(three, one / 3, atol=1e-12)


def bandit():
    """Two arms that pay 0 and 1."""
    return pg.TabularMDP([[[0, 1], [0, 1]], [[0, 1], [0, 1]]], [[0, 1], [0, 0]], [1, 0])


@pytest.mark.parametrize(("baseline", "variance"), [(0.0, 0.0009), (0.9, 0.0576), (0.1, 0.0)])
def test_the_bandit_in_which_the_value_is_a_terrible_baseline(baseline, variance):
    theta = np.log([[0.1, 0.9], [0.5, 0.5]])
    moments = pg.gradient_moments(bandit(), theta, lambda batch: batch.rewards - baseline, horizon=1)
    np.testing.assert_allclose(moments[0][0], [-0.09, 0.09], atol=1e-12)
    np.testing.assert_allclose(moments[1][0], variance, atol=1e-12)


def test_the_mean_of_the_batch_as_baseline_shrinks_the_gradient():
    hike = pg.mountain_hike()
    exact = pg.exact_policy_gradient(hike, THETA)

    def batch_mean(batch):
        returns = pg.total_return(batch)
        return returns - returns.mean(-1, keepdim=True)

    for episodes in (2, 3):
        mean, _ = pg.gradient_moments(hike, THETA, batch_mean, horizon=3, episodes=episodes)
        np.testing.assert_allclose(mean, exact * (1 - 1 / episodes), atol=1e-12)


def test_episodes_that_may_be_longer_than_the_horizon_are_refused():
    with pytest.raises(ValueError, match="must end within the horizon, but some take more than 2 steps"):
        pg.gradient_moments(pg.mountain_hike(), THETA, pg.total_return, horizon=2)


def test_too_many_batches_are_refused():
    with pytest.raises(ValueError, match="more than 1,000,000 batches: choose fewer episodes"):
        pg.gradient_moments(pg.mountain_hike(), THETA, pg.total_return, horizon=3, episodes=6)
