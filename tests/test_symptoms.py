"""What the known mistakes are said to do, computed: by exact moments, by enumeration, or by a few steps of descent.

Each test names its exercise, its mistake and a piece of the sentence, so that no sentence can change unnoticed.
"""

import ast
import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import pgutils as pg
from pgutils.exercises.catalogue import EXERCISES

HIKE = pg.mountain_hike()
THETA = np.array([[0.2, -0.3], [0.6, -0.4], [-0.6, 2.0], [0.0, 0.0]])
GRADIENT = pg.exact_policy_gradient(HIKE, THETA)


def wrong(exercise, mistake, symptom, spelling=0):
    """One of a mistake's implementations, having made sure that its symptom is still said in these words."""
    found = next(known for known in EXERCISES[exercise].mistakes if known.name == mistake)
    assert symptom in found.symptom
    return found.spellings[spelling]


def moments(weights, episodes=1, mdp=HIKE, theta=THETA, horizon=3):
    """Exact mean and total variance of the estimate with weights that are a function of the batch."""
    mean, variance = pg.gradient_moments(mdp, theta, weights, horizon=horizon, episodes=episodes)
    return mean, variance.sum()


def of_returns(function):
    """Weights that are a function of the returns (batches, N), as in the exercise on leaving one out."""
    return lambda batch: torch.as_tensor(np.array(function(pg.total_return(batch).numpy())))


def of_rewards(function, gamma=None):
    """Weights that are a function of the rewards of one episode and γ, without what comes after the end."""

    def weights(batch):
        found = torch.zeros_like(batch.rewards)
        for batch_, episode in np.ndindex(batch.rewards.shape[:2]):
            steps = int(batch.mask[batch_, episode].sum())
            rewards = batch.rewards[batch_, episode, :steps].numpy()
            found[batch_, episode, :steps] = torch.as_tensor(np.array(function(rewards, gamma or batch.gamma)))
        return found

    return weights


def discounts(batch):
    """γᵗ, shape (T,)."""
    return batch.gamma ** torch.arange(batch.rewards.shape[-1], dtype=torch.float64)


def flips(count):
    """Coin flips in a row, heads pays 1; a state for each flip, and an end."""
    transitions, rewards = np.zeros((count + 1, 2, count + 1)), np.zeros((count + 1, 2))
    transitions[np.arange(count), :, np.arange(1, count + 1)] = transitions[count, :, count] = 1
    rewards[:count, 1] = 1
    return pg.TabularMDP(transitions, rewards, np.eye(count + 1)[0])


# One weight for each episode.


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("own episode included", "shrinks by 1 - 1/N", lambda N: 1 - 1 / N),
        ("own return left in the sum", "shrinks by 1 - 1/(N - 1)", lambda N: 1 - 1 / (N - 1)),
        ("first or last left out", "the expected gradient shrinks", lambda N: 1 - 1 / N),
        ("baseline alone", "the expected gradient is zero", lambda N: 0),
        ("divided by N", "still unbiased", lambda N: 1),
        ("sum, not difference", "unbiased", lambda N: 1),
        ("one neighbour", "unbiased", lambda N: 1),
        ("earlier episodes", "unbiased", lambda N: 1),
        ("median of the others", "unbiased", lambda N: 1),
        ("sign", "the return falls", lambda N: -1),
    ],
)
@pytest.mark.parametrize("N", [2, 3])
def test_the_expected_gradient_with_one_weight_for_each_episode(mistake, symptom, factor, N):
    mean, _ = moments(of_returns(wrong("leave-one-out", mistake, symptom)), episodes=N)
    np.testing.assert_allclose(mean, factor(N) * GRADIENT, atol=1e-12)


@pytest.mark.parametrize("mistake", ["standardised", "divided by the deviation", "median"])
def test_the_own_episode_biases(mistake):
    mean, _ = moments(of_returns(wrong("leave-one-out", mistake, "estimate is biased")), episodes=3)
    assert np.abs(np.outer(mean.ravel(), GRADIENT.ravel()) - np.outer(GRADIENT.ravel(), mean.ravel())).max() > 1e-4


@pytest.mark.parametrize("shift", [-5, 5])
def test_an_added_baseline_is_noisier_where_returns_have_the_same_sign(shift):
    added = wrong("leave-one-out", "sum, not difference", "where returns have the same sign, noisier")
    alone = moments(lambda batch: pg.total_return(batch) + shift, episodes=2)[1]
    assert moments(of_returns(lambda returns: added(returns + shift)), episodes=2)[1] > alone


def test_a_baseline_divided_by_n_leaves_weights_to_equal_returns():
    weights = wrong("leave-one-out", "divided by N", "too small by 1 - 1/N")
    np.testing.assert_allclose(weights(np.full((1, 4), 8.0)), 2.0)


def test_the_middle_one_is_its_own_baseline():
    weights = wrong("leave-one-out", "turned round", "if N is odd, the one in the middle is its own baseline")
    assert weights(np.array([[1.0, 5.0, 2.0]]))[0, 1] == 0


def test_one_episode_is_as_noisy_a_baseline_as_the_return_itself():
    one = moments(of_returns(wrong("leave-one-out", "one neighbour", "as noisy as the return itself")), episodes=3)[1]
    assert one > moments(lambda batch: pg.leave_one_out(pg.total_return(batch)), episodes=3)[1]


def test_all_but_the_best_weight_are_negative():
    weights = wrong("leave-one-out", "best of the others", "all weights but the best one's are negative")
    assert (weights(np.array([[3.0, 1.0, 7.0, 2.0]])) > 0).tolist() == [[False, False, True, False]]


def test_one_mean_for_all_runs_pushes_the_better_run_up():
    for mistake in ("mean of all runs", "others of all runs", "standardised over all runs"):
        weights = wrong("leave-one-out", mistake, "a run that does well is pushed up")(np.array([[9, 8.0], [1, 2.0]]))
        assert (weights[0] > 0).all()
        assert (weights[1] < 0).all()


# One weight for each step.


def test_the_gradient_of_j_has_the_factor_in_front():
    discounted = wrong("rewards-to-go", "weighted by γᵗ as well", "none for the gradient of J")
    np.testing.assert_allclose(moments(of_rewards(discounted))[0], GRADIENT, atol=1e-12)
    wrong("reinforce-update", "discounted reward-to-go", "none: the mean is the same")
    wrong("reinforce-update", "reward-to-go", "for γ < 1 a factor of γᵗ is missing, and the gradient is not that of J")
    assert np.abs(moments(pg.rewards_to_go)[0] - GRADIENT).max() > 0.005
    wrong("reinforce-update", "γᵗ in front", "the gradient is not that of J")
    late = moments(lambda batch: discounts(batch) * pg.total_return(batch)[..., None])[0]
    assert np.abs(late - GRADIENT).max() > 0.005


@pytest.mark.parametrize("mistake", ["forwards", "past", "plain cumulative sum"])
def test_the_past_of_equal_rewards_has_no_gradient(mistake):
    weights = wrong("rewards-to-go", mistake, "where every step earns 1, the expected gradient is zero")
    cart_pole = pg.TabularMDP(HIKE.transitions, 1.0 * ~HIKE.terminal[:, None] * np.ones((4, 2)), HIKE.initial, 0.9)
    mean, variance = moments(of_rewards(weights), mdp=cart_pole)
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    assert variance > 0.1


def test_past_rewards_leave_the_own_one_on_average():
    past = wrong("reward-to-go-gradient", "past", "only the own reward is left on average")
    tau = HIKE.enumerate_trajectories(3)
    policy = pg.softmax_policy(THETA)
    scores = pg.softmax_score(policy, tau.states[:, :-1], tau.actions) * tau.mask[..., None, None]
    chance = tau.probability(policy)
    mean = sum(
        p * past(s[None].reshape(1, 3, 8), r[None], 0.9) for p, s, r in zip(chance, scores, tau.rewards, strict=True)
    )
    own = np.einsum("n,ntsa,nt->sa", chance, scores, tau.rewards * 0.9 ** np.arange(3))
    np.testing.assert_allclose(mean.reshape(4, 2), own, atol=1e-12)


def test_the_total_return_doubles_the_variance_of_eight_flips():
    wrong("rewards-to-go", "total return", "with eight coin flips twice the variance and more")
    eight, even = flips(8), np.zeros((9, 2))
    total, future = (moments(w, mdp=eight, theta=even, horizon=8)[1] for w in (pg.total_return, pg.rewards_to_go))
    assert total > 2 * future


def test_far_rewards_that_count_in_full():
    for name in ("discounted-return", "rewards-to-go", "rewards-to-go-in-a-row"):
        wrong(name, "no discount", "of 500 noisy ones with γ = 0.9, 95 times the variance")
    assert round(500 / (0.81 ** np.arange(500)).sum()) == 95


def leaked(function, gamma):
    """Mean of the estimate from the first of two hikes in a row, with weights of the exercise on rows of episodes."""
    hike = pg.mountain_hike(gamma)
    tau, policy = hike.enumerate_trajectories(3), pg.softmax_policy(THETA)
    chance, mean = tau.probability(policy), np.zeros((4, 2))
    scores = pg.softmax_score(policy, tau.states[:, :-1], tau.actions)
    for i, j in itertools.product(range(len(chance)), repeat=2):
        first, second = tau.mask[i].sum(), tau.mask[j].sum()
        rewards = np.concatenate([tau.rewards[i, :first], tau.rewards[j, :second]])
        ends = np.isin(np.arange(first + second), [first - 1, first + second - 1])
        weights = np.array(function(rewards, ends, gamma))[:first] * gamma ** np.arange(first)
        mean += chance[i] * chance[j] * (weights[:, None, None] * scores[i, :first]).sum(0)
    return mean - pg.exact_policy_gradient(hike, THETA)


def test_what_leaks_from_the_next_episode_is_a_bias_if_rewards_are_discounted():
    leak = wrong("rewards-to-go-in-a-row", "leak across the end", "noise, and a bias if γ < 1")
    np.testing.assert_allclose(leaked(leak, 1.0), 0, atol=1e-12)
    assert np.abs(leaked(leak, 0.9)).max() > 0.005


def test_nothing_is_left_to_tell_good_episodes_from_bad():
    for mistake in ("standardised", "mean subtracted"):
        weights = wrong("rewards-to-go", mistake, "a bad episode gets as much praise as a good one")
        for rewards in (np.array([1.0, 2.0, 3.0]), np.array([-10.0, 0.0, -7.0])):
            assert abs(weights(rewards, 0.9).sum()) < 1e-9


def test_division_by_powers_of_gamma_ends_in_nan():
    weights = wrong("rewards-to-go", "divided by γᵗ", "all weights after step 1074 are NaN")
    with np.errstate(all="ignore"):
        assert np.isfinite(weights(np.ones(1200), 0.5)).tolist() == [True] * 1075 + [False] * 125
        assert np.isfinite(weights(np.ones(4), 0.0)).tolist() == [True, False, False, False]


def test_averages_of_ones_are_one():
    weights = wrong("rewards-to-go", "mean of what follows", "in CartPole with γ = 1 all weights are 1")
    np.testing.assert_allclose(weights(np.ones(7), 1.0), 1)
    for mistake, gamma in (("mean over steps", 1.0), ("mean with weights", 0.9)):
        assert wrong("discounted-return", mistake, "all returns are 1")(np.ones(7), gamma) == pytest.approx(1)


# Weights with values.


def of_values(function, *more):
    """Weights γᵗ times a function of rewards, values, what lies beyond, and γ, of one episode that terminated."""

    def weights(batch):
        found = torch.zeros_like(batch.rewards)
        for index in np.ndindex(batch.rewards.shape[:2]):
            steps = int(batch.mask[index].sum())
            rewards, values = (x[index][:steps].numpy() for x in (batch.rewards, batch.values))
            found[index][:steps] = torch.as_tensor(np.array(function(rewards, values, batch.gamma, *more)))
        return discounts(batch) * found

    return weights


def td(function):
    """TD errors of an episode that terminated, as a function of rewards, values and γ."""
    return lambda rewards, values, gamma: function(rewards, values, 0.0, True, gamma)


def mixed(function, lam):
    """A mixture of TD errors, as a function of rewards, values and γ."""
    right = td(EXERCISES["td-errors"].solution)
    return lambda rewards, values, gamma: function(right(rewards, values, gamma), gamma, lam)


def test_the_book_s_weights_with_exact_values_are_unbiased():
    for function in (td(EXERCISES["td-errors"].solution), mixed(EXERCISES["gae-sum"].solution, 0.7)):
        np.testing.assert_allclose(moments(of_values(function))[0], GRADIENT, atol=1e-12)


def test_without_its_baseline_a_target_has_the_same_mean_and_more_variance():
    target = td(wrong("td-errors", "target", "the same mean, but all the variance"))
    wrong("gae-batch", "targets", "the same mean, but all the variance")
    mean, variance = moments(of_values(target), mdp=flips(6), theta=np.zeros((7, 2)), horizon=6)
    right = moments(of_values(td(EXERCISES["td-errors"].solution)), mdp=flips(6), theta=np.zeros((7, 2)), horizon=6)
    np.testing.assert_allclose(mean, right[0], atol=1e-12)
    assert variance > 2 * right[1]


def test_errors_whose_mean_is_not_zero():
    policy = pg.softmax_policy(THETA)
    values, tau = HIKE.state_values(policy), HIKE.enumerate_trajectories(3)
    for mistake, symptom in (
        ("no discount", "where values are positive, so is the mean error"),
        ("γ on both values", "the mean of the errors is not 0 where the values are right"),
    ):
        errors, total = td(wrong("td-errors", mistake, symptom)), 0
        for chance, states, mask, rewards in zip(
            tau.probability(policy), tau.states, tau.mask, tau.rewards, strict=True
        ):
            total += chance * errors(rewards[mask], values[states[:-1][mask]], 0.9).sum()
        assert total > 0.01


def test_errors_of_earlier_steps_leave_the_own_one_on_average():
    backwards = wrong("gae-sum", "backwards in time", "only the own error is left on average")
    undiscounted = pg.mountain_hike(1.0)
    mean, _ = moments(of_values(mixed(backwards, 0.8)), mdp=undiscounted)
    own, _ = moments(of_values(td(EXERCISES["td-errors"].solution)), mdp=undiscounted)
    np.testing.assert_allclose(mean, own, atol=1e-12)


def test_lambda_one_is_noisier_than_lambda_zero():
    one = mixed(wrong("gae-sum", "λ forgotten", "unbiased, with all the variance"), 0.0)
    wrong("gae-batch", "γ where γλ is meant", "unbiased, with all the variance")
    zero = mixed(EXERCISES["gae-sum"].solution, 0.0)
    (mean, more), (_, less) = (
        moments(of_values(f), mdp=flips(6), theta=np.zeros((7, 2)), horizon=6) for f in (one, zero)
    )
    np.testing.assert_allclose(mean, pg.exact_policy_gradient(flips(6), np.zeros((7, 2))), atol=1e-12)
    assert more > 1.5 * less


def off(function, lam, error):
    """Bias of a mixture of TD errors with values that are wrong in one state."""

    def weights(rewards, values, gamma):
        wrong_values = values + error * (np.arange(len(values)) > 0)
        return mixed(function, lam)(rewards, wrong_values, gamma)

    return np.abs(moments(of_values(weights))[0] - GRADIENT).max()


@pytest.mark.parametrize(
    ("mistake", "symptom"),
    [
        ("γ forgotten", "with λ = 1 the sum is no longer a return minus a value"),
        ("mean in place of a sum", "no longer unbiased"),
    ],
)
def test_lambda_one_that_is_not_unbiased(mistake, symptom):
    assert off(EXERCISES["gae-sum"].solution, 1.0, 0.5) < 1e-12
    assert off(wrong("gae-sum", mistake, symptom), 1.0, 0.5) > 1e-3
    wrong("gae-batch", "λ where γλ is meant", "λ = 1 is not unbiased any more")


def test_td_errors_are_as_wrong_as_the_values():
    assert off(wrong("gae-sum", "error itself", "as wrong as the values are"), 1.0, 0.5) > 0.01
    np.testing.assert_allclose(moments(of_values(mixed(lambda d, g, lam: d, 1.0)))[0], GRADIENT, atol=1e-12)


def test_lambda_in_the_error_biases_even_exact_values():
    wrong("gae-batch", "γλ where γ is meant", "even exact values give a biased gradient")

    def weights(rewards, values, gamma):
        return pg.rewards_to_go(rewards + 0.8 * gamma * np.append(values[1:], 0) - values, 0.8 * gamma)

    assert np.abs(moments(of_values(weights))[0] - GRADIENT).max() > 1e-3


def test_a_baseline_that_depends_on_the_action_biases():
    late = wrong("advantage", "value of the next state", "so the gradient is biased")
    wrong("your-weights", "next value as baseline", "so the gradient is biased")

    def weights(rewards, values, gamma):
        return late(torch.as_tensor(rewards), torch.as_tensor(values)[:, None], gamma).numpy()

    assert np.abs(moments(of_values(weights))[0] - GRADIENT).max() > 1e-3


def pole(function, gamma):
    """The weights of a mistake on an episode of ten rewards of 1 whose values are right."""
    rewards = torch.ones(10, dtype=torch.float64)
    return function(rewards, pg.rewards_to_go(rewards, gamma)[:, None], gamma).detach().numpy().ravel()


@pytest.mark.parametrize(
    ("mistake", "symptom", "early", "late"),
    [
        ("no discount", "positive rewards make early steps look better", 1, 0),
        ("weighted by γᵗ as well", "positive rewards make late steps look worse", 0, -1),
        ("value discounted", "make every step look better than expected", 1, 1),
        ("mean of the values", "early steps look too good, late ones too bad", 1, -1),
        ("value of the start", "late steps look too bad", 0, -1),
        ("rewards instead of returns", "the weights are below 0 on average", -1, 0),
        ("return alone", "all actions are pushed up", 1, 1),
        ("sum, not difference", "all actions are pushed up", 1, 1),
        ("total return", "late actions look brilliant", 0, 1),
    ],
)
def test_weights_with_values_that_are_right(mistake, symptom, early, late):
    weights = pole(wrong("advantage", mistake, symptom), 0.9)
    assert np.sign(weights.round(12))[[0, -1]].tolist() == [early, late]


# Scores.


@pytest.mark.parametrize(
    "mistake",
    [
        "chosen features alone",
        "mean features alone",
        "plain mean",
        "plain sum",
        "chosen action's share alone",
        "logits for weights",
        "exponentials not normalised",
    ],
)
def test_the_mean_score_is_not_zero(mistake):
    score = wrong("softmax-score", mistake, "the mean score is not 0")
    theta, features = np.array([0.4, -0.2]), np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    policy = pg.softmax_policy(features @ theta)
    mean = sum(p * score(theta, features, action) for action, p in enumerate(policy))
    assert np.abs(mean).max() > 0.05
    drift = features @ mean  # how the logits move
    assert np.ptp(drift) > 0.05


@pytest.mark.parametrize("mistake", ["one-hot alone", "third alone"])
def test_scores_of_the_chosen_logit_alone_drift_away_from_even_odds(mistake):
    wrong("four-actions", mistake, "away from even odds the policy drifts")
    for policy, drifts in ((np.full(4, 0.25), False), (np.array([0.1, 0.2, 0.3, 0.4]), True)):
        scores = np.eye(4) if mistake == "one-hot alone" else np.diag(1 - policy)
        mean = policy @ scores
        assert (mean > 0).all()
        assert (np.ptp(mean) > 0.01) == drifts


@pytest.mark.parametrize("exercise", ["softmax-score", "policy-gradient-loss", "reinforce-update"])
def test_with_the_gradient_of_pi_equal_returns_favour_likely_actions(exercise):
    mistake = "π instead of log π" if exercise == "policy-gradient-loss" else "gradient of π"
    wrong(exercise, mistake, "likely ones gain from equal returns")
    policy = np.array([0.1, 0.2, 0.7])
    mean = policy @ (policy[:, None] * (np.eye(3) - policy))
    assert mean.argmax() == 2
    assert mean[2] > 0 > mean[0]


def test_the_likeliest_action_never_has_a_score():
    score = wrong("softmax-score", "less the most probable action", "the most probable action never gets a score")
    features = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])
    assert not score(np.array([0.4, -0.2]), features, 2).any()


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("σ not squared", "σ times too long", lambda sigma: sigma),
        ("σ forgotten", "σ² times too long", lambda sigma: sigma**2),
    ],
)
def test_the_steps_of_a_gaussian_s_mean(mistake, symptom, factor):
    score, right = wrong("gaussian-score", mistake, symptom), EXERCISES["gaussian-score"].solution
    for sigma in (0.5, 3.0):
        args = 2.0, 0.5, np.log(sigma)
        assert score(*args)[0] == pytest.approx(factor(sigma) * right(*args)[0])


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("with respect to σ", "1/σ times too long", lambda sigma: 1 / sigma),
        ("with respect to log σ²", "half as long", lambda sigma: 0.5),
    ],
)
def test_the_steps_of_a_gaussian_s_spread(mistake, symptom, factor):
    score, right = wrong("gaussian-score", mistake, symptom), EXERCISES["gaussian-score"].solution
    for sigma in (0.5, 3.0):
        args = 2.0, 0.5, np.log(sigma)
        assert score(*args)[1] == pytest.approx(factor(sigma) * right(*args)[1])


@pytest.mark.parametrize("mistake", ["normaliser forgotten", "sign of the normaliser"])
def test_every_action_widens_the_policy(mistake):
    score = wrong("gaussian-score", mistake, "every action widens the policy")
    assert all(score(action, 0.0, 0.3)[1] > 0 for action in np.linspace(-4, 4, 9) + 0.01)


def test_steps_of_the_wrong_length():
    for mistake, base, said in (("base 2", 2, "1.44"), ("base 10", 10, "0.43")):
        wrong("trajectory-log-probability", mistake, said)
        assert f"{1 / np.log(base):.2f}" == said
    right = np.array([-1, -1, 3, -1]) / 4
    np.testing.assert_allclose(wrong("four-actions", "one in full", "a third too long"), right * 4 / 3, atol=1e-12)
    np.testing.assert_allclose(wrong("four-actions", "gradient of π", "for a quarter"), right / 4)
    others = np.array(wrong("four-actions", "sign of the others", "half as long as it should be"))
    np.testing.assert_allclose(others - others.mean(), right / 2)


# Draws.


def shares(function, logits):
    """How often each action is drawn, for a fine grid of u; the last entry counts what is no action."""
    actions = [int(function(logits, u)) for u in (np.arange(4000) + 0.5) / 4000]
    actions = [a if 0 <= a < len(logits) else len(logits) for a in actions]
    return np.bincount(actions, minlength=len(logits) + 1) / len(actions)


@pytest.mark.parametrize("mistake", ["from the other end", "sorted"])
def test_draws_that_are_just_as_good(mistake):
    logits = np.array([1.0, 2.0, 0.5])
    found = shares(wrong("choose-action", mistake, "every action has its right probability"), logits)
    np.testing.assert_allclose(found[:3], pg.softmax_policy(logits), atol=1e-3)


@pytest.mark.parametrize(
    "mistake", [m.name for m in EXERCISES["choose-action"].mistakes if "no longer come as often" in m.symptom]
)
def test_draws_that_are_not(mistake):
    logits = np.array([1.0, 2.0, 0.5])
    found = shares(wrong("choose-action", mistake, "no longer come as often as their scores suppose"), logits)
    assert np.abs(found[:3] - pg.softmax_policy(logits)).max() > 0.05


@pytest.mark.parametrize(
    ("mistake", "symptom", "logits", "action"),
    [
        ("exponentials not normalised", "if the first logit is 0 or more, action 0 is taken always", [0.0, 1.0], 0),
        ("shifted exponentials not normalised", "largest, action 0 is taken always", [-1.0, -2.0, -3.0], 0),
    ],
)
def test_draws_of_one_action_alone(mistake, symptom, logits, action):
    assert shares(wrong("choose-action", mistake, symptom), np.array(logits))[action] == 1


def spellings(exercise, mistake, symptom):
    """All implementations of a mistake: what is said has to hold for each."""
    wrong(exercise, mistake, symptom)
    return next(known for known in EXERCISES[exercise].mistakes if known.name == mistake).spellings


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("mistake", "symptom", "logits"),
    [
        ("logits taken for probabilities", "with negative logits alone, u makes no difference", [-1.0, -2.0, -0.5]),
        ("overflow", "the action no longer depends on u", [998.0, 1000.0, 999.0]),
    ],
)
def test_draws_without_a_say_of_u(mistake, symptom, logits):
    for draw in spellings("choose-action", mistake, symptom):
        assert len({int(draw(np.array(logits), u)) for u in np.linspace(0, 0.99, 12)}) == 1


def test_long_episodes_on_the_floor():
    path = np.zeros(2001, int), np.zeros(2000, int)
    likely, unlikely = ((*path, np.full((1, 2), chance), np.ones(1), np.ones((1, 2, 1))) for chance in (0.5, 0.3))
    for logarithm in spellings("trajectory-log-probability", "a floor under the product", "look equally probable"):
        assert logarithm(*likely) == logarithm(*unlikely)


def test_rare_actions_below_the_floor_have_no_gradient():
    said = "an action rarer than the floor has next to no gradient"
    for loss in spellings("policy-gradient-loss", "a floor under π", said):
        logits = torch.tensor([[60.0, 0.0]], dtype=torch.float64, requires_grad=True)
        loss(logits, torch.tensor([1]), torch.tensor([1.0], dtype=torch.float64), 1).backward()
        assert logits.grad.abs().max() < 1e-10


def test_logarithms_after_rounding():
    said = "a rare action makes the loss infinite"
    for loss in spellings("policy-gradient-loss", "logarithm after rounding", said):
        logits = torch.tensor([[1000.0, 0.0]], dtype=torch.float64)
        assert not loss(logits, torch.tensor([1]), torch.tensor([1.0], dtype=torch.float64), 1).isfinite()


def test_the_mean_score_of_a_half_mended_line():
    said = "the mean score is not 0: logits move though all returns are alike"
    policy = np.array([0.2, 0.8])
    for estimate in spellings("rare-and-good", "one of two factors", said):
        scores = [estimate(np.log([policy]), np.array([[0]]), np.array([[action]]), np.ones(1)) for action in (0, 1)]
        assert np.abs(policy @ np.reshape(scores, (2, 2))).max() > 0.1


def test_powers_of_the_episode():
    wrong_estimate = wrong("reward-to-go-gradient", "power of the episode", "the later ones of a batch count for less")
    scores, rewards = np.zeros((2, 1, 2)), np.ones((2, 1))
    scores[0, 0, 0] = scores[1, 0, 1] = 1
    first, second = wrong_estimate(scores, rewards, 0.5)
    assert second == first / 2


def test_shares_of_sigmoids_and_of_two_softmaxes():
    sigmoid = wrong("choose-action", "sigmoid", "where all logits are 0, of three actions the third never comes")
    assert shares(sigmoid, np.zeros(3))[2] == 0
    normalised = wrong("choose-action", "sigmoids normalised", "one gets 99.3% in place of 99.995%")
    certain = np.array([5.0, -5.0])
    assert f"{shares(normalised, certain)[0]:.1%}" == "99.3%"
    assert f"{pg.softmax_policy(certain)[0]:.3%}" == "99.995%"
    twice = wrong("choose-action", "softmax twice", "of two actions none gets more than 73%")
    assert shares(twice, np.array([50.0, -50.0]))[0] == pytest.approx(0.731, abs=1e-3)
    by_sum = wrong("choose-action", "logits divided by their sum", "the lowest gets the longest piece")
    assert shares(by_sum, np.array([-1.0, -5.0, -2.0])).argmax() == 1


# Losses: a few steps of descent.


def descend(loss, start, steps=200, rate=0.1):
    """What a parameter is after some steps downhill."""
    parameter = torch.tensor(start, requires_grad=True)
    for _ in range(steps):
        (slope,) = torch.autograd.grad(loss(parameter), parameter)
        parameter.data -= rate * slope
    return parameter.detach()


def test_weights_with_a_gradient_drive_right_values_up():
    sentence = "drives the values up"
    loss = wrong("a-mean-too-many", "not detached", sentence)
    log_probs, mask = torch.tensor([[-0.7, -0.7]]), torch.ones(1, 2)
    found = descend(lambda values: loss(log_probs, 10 - values, mask), [[10.0, 10.0]], steps=1)
    assert (found > 10).all()
    row = wrong("policy-gradient-loss", "weights not detached", sentence)
    logits, actions = torch.zeros(2, 2), torch.tensor([0, 1])
    assert (descend(lambda values: row(logits, actions, 10 - values, 1), [10.0, 10.0], steps=1) > 10).all()
    advantage = wrong("advantage", "gradient into the values", sentence)
    loss = lambda values: -(log_probs[0] * advantage(torch.ones(2), values, 1.0)).sum()  # noqa: E731
    assert (descend(loss, [[2.0], [1.0]], steps=1) > torch.tensor([[2.0], [1.0]])).all()


def test_values_without_a_regression_rise_without_limit():
    loss = wrong("two-losses-in-one", "the wrong one detached", "they rise without limit")
    log_probs, returns = torch.tensor([-0.7]), torch.tensor([10.0])
    early, late = (descend(lambda v: loss(log_probs, v, returns), [0.0], steps=n) for n in (1000, 10_000))
    assert late > 10 * returns > 0
    assert late == pytest.approx(10 * early.item(), rel=0.01)


def test_two_softmaxes_leave_no_gradient_to_a_rare_action():
    loss = wrong("policy-gradient-loss", "softmax twice", "a rare action that turns out well changes nothing")
    right = EXERCISES["policy-gradient-loss"].solution
    logits = torch.tensor([[12.0, 0.0]], requires_grad=True)
    slopes = [
        torch.autograd.grad(f(logits, torch.tensor([1]), torch.tensor([5.0]), 1), logits)[0].abs().max().item()
        for f in (loss, right)
    ]
    assert slopes[0] < 1e-3 < 1 < slopes[1]


def test_without_a_softmax_the_steps_stay_as_long():
    loss = wrong("policy-gradient-loss", "no softmax", "however certain the policy is")
    for certain in (0.0, 20.0):
        logits = torch.tensor([[certain, 0.0]], requires_grad=True)
        (slope,) = torch.autograd.grad(loss(logits, torch.tensor([0]), torch.tensor([1.0]), 1), logits)
        assert slope.tolist() == [[-1.0, 0.0]]


# Values by iteration, and values from truncated episodes.


def test_what_is_left_after_the_last_change():
    wrong("state-values", "stops too soon", "with γ = 0.97 what is left to come may be 32 times the last change")
    assert round(0.97 / 0.03) == 32


def test_bootstrapped_values_that_are_not_discounted_grow():
    for mistake in ("not discounted", "nothing discounted"):
        estimate = wrong("truncated-return", mistake, "grow and grow, where rewards are positive")
        values = [0.0]
        for _ in range(50):
            values.append(estimate(np.ones(10), 0.9, False, values[-1]))
        assert values[50] - values[49] == pytest.approx(values[1] - values[0])


def test_one_power_in_place_of_460():
    wrong(
        "truncated-return",
        "discounted once",
        "after 460 steps with γ = 0.99 the future counts a hundred times too much",
    )
    assert round(0.99 / 0.99**460) == 101


def test_shares_of_a_mixture_that_do_not_add_up():
    target = wrong("lambda-return", "shares that do not add up", "where γ(1 + λ) > 1 and rewards go on")
    for lam, grows in ((0.05, False), (0.5, True)):
        value, history = 0.0, []
        for _ in range(200):
            value = target(np.ones(50), np.full(50, value), value, 0.9, lam).mean()
            history.append(value)
        assert (history[-1] > 1.1 * history[-2] > 0) == grows


@pytest.mark.parametrize(
    ("mistake", "symptom"),
    [
        ("a reward beyond the value", "one reward counts twice, by itself and in the value"),
        ("value of the state before", "the last reward counts twice, by itself and in the value"),
    ],
)
def test_a_reward_that_counts_twice(mistake, symptom):
    target, gamma = wrong("n-step-return", mistake, symptom), 0.5
    doubled = 1 if mistake == "a reward beyond the value" else 0
    rewards = np.eye(3)[doubled]  # with exact values
    assert target(rewards, pg.rewards_to_go(rewards, gamma), 1, gamma)[0] == gamma**doubled + gamma
    np.testing.assert_allclose(pg.rewards_to_go(rewards, gamma)[0], gamma**doubled)


def test_values_beyond_the_end_and_errors_that_fade():
    target = wrong("n-step-return", "the last value for ever", "the fatal action is paid for a future that never comes")
    assert target(np.array([0.0]), np.array([5.0]), 1, 0.9)[0] == 4.5
    for spelling in (0, 1):
        mix = wrong("gae-sum", "λ counted once", "fade no faster than in a reward-to-go", spelling)
        shares = [mix(np.eye(9)[k], 0.9, 0.5)[0] for k in range(1, 9)]
        np.testing.assert_allclose(np.divide(shares[1:], shares[:-1]), 0.9)


@pytest.mark.parametrize(
    ("mistake", "symptom", "sign"),
    [
        ("value not discounted", "where values are positive, the targets are too large", 1),
        ("value discounted once", "with positive values and n > 1 the targets are too large", 1),
        ("exponent too small", "with positive values the targets are too large", 1),
        ("exponent too large", "with positive values the targets are too small", -1),
        ("rewards not discounted", "where rewards are positive, the targets are too large", 1),
    ],
)
def test_targets_of_the_wrong_size(mistake, symptom, sign):
    target, right = wrong("n-step-return", mistake, symptom), EXERCISES["n-step-return"].solution
    args = np.ones(6), np.full(6, 5.0), 3, 0.9
    difference = (target(*args) - right(*args)).round(12)
    assert (sign * difference >= 0).all()
    assert (sign * difference).max() > 0


# Baselines of the bandit, and of components.


def bandit_variance(baseline, shift=0.0):
    """Variance of the estimate for the bandit's second logit, with all rewards larger by ``shift``."""
    chance, score, rewards = np.array([0.1, 0.9]), np.array([-0.9, 0.1]), np.array([0.0, 1.0]) + shift
    estimate = score * (rewards - baseline)
    return chance @ estimate**2 - (chance @ estimate) ** 2


def test_variances_of_the_bandit():
    for exercise, mistake, said, baseline in (
        ("optimal-baseline", "mean return", "64 times", 0.9),
        ("optimal-baseline", "plain mean", "16 times", 0.5),
        ("bandit-baseline", "the value", "64 times", 0.9),
        ("bandit-baseline", "middle", "16 times", 0.5),
    ):
        wrong(exercise, mistake, said)
        assert bandit_variance(baseline) / bandit_variance(0.0) == pytest.approx(int(said.split()[0]))
    wrong("bandit-baseline", "no baseline", "it would be 10,000 times as large")
    assert bandit_variance(0.0, shift=10) / bandit_variance(0.0) == pytest.approx(10_000, rel=0.03)
    wrong("bandit-baseline", "sign of the score", "more variance than without a baseline")
    assert bandit_variance(-0.1) > bandit_variance(0.0)


@pytest.mark.parametrize(
    "mistake", [m.name for m in EXERCISES["optimal-baseline"].mistakes if "not the lowest" in m.symptom]
)
def test_variances_that_are_not_the_lowest(mistake):
    baselines = wrong("optimal-baseline", mistake, "the variance is not the lowest")
    for scores, returns, chance in list(EXERCISES["optimal-baseline"].probes.values())[3:]:
        found, best = (
            chance @ (scores * (returns[:, None] - f(scores, returns, chance))) ** 2
            for f in (baselines, EXERCISES["optimal-baseline"].solution)
        )
        assert (found > best).all()


# Statistics.


def test_explained_variances():
    returns, constant = np.array([1.0, 2.0, 3.0]), np.full(3, 2.0)
    said = "for three steps it gets a third, or -½"
    found = {
        round(float(wrong("explained-variance", "two kinds of variance", said, i)(constant, returns)), 9)
        for i in (0, 1)
    }
    assert found == {round(1 / 3, 9), -0.5}
    wild = pg.generator(0).normal(size=3000) * 100
    noise = pg.generator(1).normal(size=3000)
    share = wrong("explained-variance", "divided by the wrong variance", "values that vary wildly get about 0")
    assert abs(share(wild, noise)) < 0.05
    assert EXERCISES["explained-variance"].solution(wild, noise) < -1000
    far = returns + 100
    share = wrong("explained-variance", "mean square of the returns", "returns far from 0 make their mean")
    assert share(np.full(3, far.mean()), far) > 0.999
    share = wrong("explained-variance", "mean square below the line", "returns far from 0 make their mean")
    assert share(np.full(3, far.mean()), far) > 0.999
    share = wrong("explained-variance", "covariance over variance", "ten times too large, get ten times the number")
    assert share(10 * returns, returns) == pytest.approx(10 * share(returns, returns))
    for mistake, other in (("squared correlation", -returns), ("correlation", 10 * returns)):
        assert wrong("explained-variance", mistake, "look perfect")(other, returns) == pytest.approx(1)
    share = wrong("explained-variance", "standard deviations", "seem to explain less than they do")
    values = returns + np.array([0.5, -0.5, 0.5])
    assert 0 < share(values, returns) < EXERCISES["explained-variance"].solution(values, returns)


def test_the_median_of_eight_varies_more_than_the_iqm():
    wrong("iqm-interval", "median", "of eight normal scores it varies more than the IQM")
    scores = np.sort(pg.generator(0).normal(size=(100_000, 8)))
    assert np.median(scores, axis=1).var() > 1.02 * scores[:, 2:6].mean(1).var()


def test_ties():
    wins, both = "probability-of-improvement", np.full(4, 500.0)
    assert wrong(wins, "ties lose", "neither ever seems to beat the other")(both, both) == 0
    assert wrong(wins, "ties win", "each beat the other")(both, both) == 1
    assert wrong(wins, "ties left out", "seems to win always")(np.array([2.0, 1.0]), np.array([1.0])) == 1
    assert wrong(wins, "wins less losses", "two equal methods get 0")(both, both) == 0


# On paper.


def test_hikes():
    climb, leave = (lambda g: -g + 4 * g**2), (lambda g: g)
    wrong("hike-returns", "no discount", "for γ < ½ she would still climb, though it is better then to leave")
    assert climb(0.4) < leave(0.4)
    assert climb(0.6) > leave(0.6)
    wrong("hike-returns", "break-even at one", "for less than half of the return")
    assert leave(0.9) < climb(0.9) / 2
    crossing = wrong("hike-returns", "the path's reward not discounted", "though it is better to climb")[2]
    assert climb(crossing) == pytest.approx(1)
    zero = wrong("hike-returns", "where the climb is worth nothing", "between ¼ and ½ she would climb")[2]
    assert climb(zero) == pytest.approx(0)


def test_corridors():
    value = EXERCISES["corridor-value"].solution
    wrong("corridor-best", "even odds", "the value at the start is -12 there")
    assert value(0.5) == pytest.approx(-12)
    best = 2 - np.sqrt(2)
    wrong("corridor-best", "probability of left", "-13.1 in place of -11.7")
    assert (round(value(1 - best), 1), round(value(best), 1)) == (-13.1, -11.7)
    middle = wrong("corridor-value", "value of the middle state", "1/p of them on average")
    last = wrong("corridor-value", "value of the last state", "always better than where an episode starts")
    for p in (0.1, 0.5, 0.9):
        assert middle(p) - value(p) == pytest.approx(1 / p)
        assert last(p) > value(p)
    one_higher = wrong("corridor-value", "last step free", "all values are 1 too high; the best p is the same")
    assert one_higher(0.3) - value(0.3) == pytest.approx(1)


def test_shares_of_slow_copies():
    wrong("four-copies", "two copies", "more copies make it worse")
    assert 0.5 > 0.375 > 0.3125 > EXERCISES["four-copies"].solution


# Language models.


def test_k_estimates():
    policy, reference = np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.3, 0.5])
    divergence = policy @ np.log(policy / reference)

    def mean(mistake, symptom):
        penalty, args = wrong("k3-penalty", mistake, symptom), (torch.tensor(np.log(x)) for x in (policy, reference))
        log_probs, log_ref = args
        return sum(
            p * penalty(log_probs[None, [i]], log_ref[None, [i]], torch.ones(1, 1, dtype=bool)).item()
            for i, p in enumerate(policy)
        )

    assert mean("KL's sign", "its mean is minus the divergence") == pytest.approx(-divergence)
    assert abs(mean("upside down", "the mean is no longer the divergence") - divergence) > 0.05
    assert abs(mean("k2", "the wrong mean") - divergence) > 0.005
    assert mean("no one subtracted", "too large by the length") == pytest.approx(divergence + 1)


def test_the_length_of_a_leash():
    log_probs = torch.full((2, 4), -1.0, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[True, False, False, False], [True] * 4])

    def pull(mistake, symptom, rows=slice(None)):
        penalty = wrong("k3-penalty", mistake, symptom)(log_probs[rows], log_probs[rows].detach() - 0.3, mask[rows])
        return torch.autograd.grad(penalty, log_probs)[0]

    looser = pull(
        "mean over the tokens of each answer", "the leash of a long answer is looser than that of a short one"
    )
    assert looser[0, 0] == pytest.approx(4 * looser[1, 0])
    larger = "the larger the group, the shorter the leash"
    assert pull("sum over the answers", larger)[0, 0] == pytest.approx(pull("sum over the answers", larger, [0])[0, 0])
    assert pull("k1", "")[0, 0] == pytest.approx(pull("ρ detached", "the gradient of k₁: no leash at all")[0, 0])


def test_rho_of_whole_answers_varies_more():
    wrong("k3-penalty", "whole answers", "the ρ of an answer is a product, and varies far more than that of a token")
    rho = np.array([0.4, 0.6]) / 0.5
    variances = [np.multiply.reduce(list(itertools.product(rho, repeat=n)), 1).var() for n in (1, 8)]
    assert variances[1] > 8 * variances[0]


def test_k3_of_whole_answers_as_a_leash():
    wrong("a-leash-of-air", "k3 as a loss", "99.8% of the best at β = ½, 96% at ⅕")
    mdp, _ = pg.language_mdp("ab", longest=3, reward=lambda y: float(y.endswith(".") and y.count("a") == 1))
    rows = [[2, 6, 2], [-9, 6, 3], [-4, 4, 3], [2, 0, 4], [-5, -1, -3], [4, 0, -2], [-5, -2, 0], [0, 0, 0]]
    theta = np.array(rows) / 10  # of chapter 11
    tau = mdp.enumerate_trajectories(horizon=3)
    r, where = tau.rewards.sum(-1), (tau.states[:, :-1], tau.actions)
    reference = tau.probability(pg.softmax_policy(theta))
    for beta, said in ((0.5, 0.998), (0.2, 0.96)):
        logits = theta.copy()
        for _ in range(2000):
            policy = pg.softmax_policy(logits)
            model, visits = tau.probability(policy), np.zeros(policy.shape)
            weights = model * (r - beta * (1 - reference / model))
            np.add.at(visits, where, weights[:, None] * tau.mask)
            logits += 0.5 * (visits - policy * visits.sum(-1, keepdims=True))
        model = tau.probability(pg.softmax_policy(logits))
        reached = model @ r - beta * model @ np.log(model / reference)
        share = reached / (beta * np.log(reference @ np.exp(r / beta)))
        assert round(share, 3 if said > 0.99 else 2) == said


def test_leashes_that_are_none_or_too_strong_or_too_short():
    rewards = torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)
    reference = torch.tensor([-1.0, -2.0, -0.5], dtype=torch.float64)

    def slope(loss, beta):
        log_probs = torch.tensor([-0.5, -1.0, -2.0], dtype=torch.float64, requires_grad=True)
        return torch.autograd.grad(loss(rewards, log_probs, reference, beta), log_probs)[0]

    name = "a-leash-of-air"
    right, k2 = EXERCISES[name].solution, EXERCISES[name].conventions[0].right
    nothing = wrong(name, "as a number in the loss", "just what the broken code does, in expectation")
    torch.testing.assert_close(slope(nothing, 0.5), slope(nothing, 0.0))
    torch.testing.assert_close(slope(wrong(name, "k2 without its half", "a leash of 2β"), 0.5), slope(k2, 1.0))
    shrunk = wrong(name, "mean of the group", "the expected gradient shrinks by 1 - 1/G")
    torch.testing.assert_close(slope(shrunk, 0.5), slope(right, 0.5) * 2 / 3)


def test_three_means_of_a_padded_group():
    f = wrong("three-means", "padding in the third", "the more padding a group has, the shorter the step")
    args = np.full((2, 2), -1.0), np.ones(2), np.ones((2, 2), bool)
    padded = [np.pad(x, ((0, 0), (0, 6))) if np.ndim(x) == 2 else x for x in args]
    assert f(*padded)[2] == f(*args)[2] / 4
    f = wrong("three-means", "mean of the means", "a token of a long answer counts less")
    mask, weights = np.array([[True, False, False], [True, True, True]]), np.ones(2)
    each = [f(-np.eye(3)[[k]] * np.array([[row == 0], [row == 1]]), weights, mask)[2] for row, k in ((0, 0), (1, 0))]
    assert each[0] == pytest.approx(3 * each[1])


def test_k1_as_a_loss_has_no_expected_gradient():
    wrong("k3-penalty", "k1", "as a loss it has an expected gradient of exactly zero")
    logits = torch.tensor([0.3, -0.2, 1.0], dtype=torch.float64, requires_grad=True)
    log_pi = logits.log_softmax(-1)
    (slope,) = torch.autograd.grad((log_pi.detach().exp() * (log_pi - np.log(1 / 3))).sum(), logits)
    np.testing.assert_allclose(slope, 0, atol=1e-12)


def test_pass_at_k_from_an_estimated_p():
    from scipy.stats import binom

    n, k, p, counts = 10, 4, 0.3, np.arange(11)
    chance = binom.pmf(counts, n, p)
    low = wrong("pass-at-k", "with the estimated p", "too low on average")
    right = EXERCISES["pass-at-k"].solution
    mean = lambda f: chance @ [f(np.array([c]), n, k) for c in counts]  # noqa: E731
    assert mean(low) < mean(right) - 0.01
    assert mean(right) == pytest.approx(1 - (1 - p) ** k)
    high = wrong("pass-at-k", "mean before the formula", "too high where prompts differ")
    assert high(np.array([0, n]), n, k) > right(np.array([0, n]), n, k)
    assert mean(high) < mean(right)  # of a single prompt
    hopeless = wrong("pass-at-k", "none missing", "the prompts that are solved best count as if they were hopeless")
    assert hopeless(np.array([n - k + 1]), n, k) == 0


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("own answer included", "shrinks by 1 - 1/G", 2 / 3),
        ("own reward in the sum", "shrinks by 1 - 1/(G - 1)", 1 / 2),
        ("batch mean", "a step that is a little short", 5 / 6),
        ("divided by G", "unbiased", 1),
        ("all prompts in one mean", "unbiased", 1),
        ("groups interleaved", "unbiased", 1),
        ("baseline alone", "the expected gradient is zero", 0),
    ],
)
def test_the_expected_weight_of_an_answer(mistake, symptom, factor):
    weights, chance, total = wrong("rloo", mistake, symptom), np.array([0.2, 0.7]), np.zeros(2)
    for answers in itertools.product((0.0, 1.0), repeat=6):  # two prompts, three answers each
        right = np.reshape(answers, (2, 3))
        probability = np.where(right, chance[:, None], 1 - chance[:, None])
        scores = right - chance[:, None]  # of the logit of a right answer
        total += probability.prod() * (scores * np.reshape(weights(np.array(answers), 3), (2, 3))).mean(1)
    np.testing.assert_allclose(total, factor * chance * (1 - chance), atol=1e-12)


# None is left out.


def test_each_symptom_is_named_by_a_test():
    files = Path(__file__).parent.glob("test_symptoms*.py")
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    pieces = {text for text in texts if len(text) > 7 or (len(text) > 3 and any(map(str.isdigit, text)))}
    for exercise in EXERCISES.values():
        for mistake in exercise.mistakes:
            told = mistake.symptom
            assert told.startswith("none") or any(text in told for text in pieces), (exercise.name, mistake.name)
