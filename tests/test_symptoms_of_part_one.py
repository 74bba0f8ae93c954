"""What the known mistakes of chapters 0 to 6 are said to do, computed as in ``test_symptoms``."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import norm
from test_symptoms import (
    GRADIENT,
    HIKE,
    THETA,
    flips,
    shares,
    spellings,
    wrong,
)
from test_symptoms_of_updates import gradient, right, slope

import pgutils as pg

POLICY = pg.softmax_policy(THETA)


# Chapter 0.


def test_running_means_of_positive_numbers():
    x = np.array([2.0, 4.0, 9.0, 1.0])
    means = right("running-mean")(x)
    assert (np.diff(wrong("running-mean", "running sum", "of positive numbers, the later, the larger")(x)) > 0).all()
    short = wrong(
        "running-mean", "divided by the whole length", "the first means are too small, and only the last is right"
    )
    assert (short(x) < means).tolist() == [True, True, True, False]
    long = wrong("running-mean", "one short", "too large, the early ones most")(x)[1:] / means[1:]
    assert (long > 1).all()
    assert (np.diff(long) < 0).all()
    ahead = wrong("running-mean", "from the end", "the first number already knows the last")
    assert ahead(x)[0] != ahead(np.append(x[:-1], 5.0))[0]


# Chapter 1. What a reward counts for in the return, by its step.


def counts(function, gamma=0.9, steps=12):
    """What a reward of 1 at each step adds to a return, shape (steps,)."""
    return np.array([function(reward, gamma) for reward in np.eye(steps)])


def each(name, mistake, symptom, of=counts, **kwargs):
    """The same for each spelling of a mistake."""
    return [of(function, **kwargs) for function in spellings(name, mistake, symptom)]


FAR = 0.9 ** np.arange(12)


@pytest.mark.parametrize(
    ("mistake", "symptom", "expected"),
    [
        ("discounted once too often", "too small by a factor of γ", 0.9 * FAR),
        ("same discount for all", "no longer cares when a reward comes", np.full(12, 0.9)),
        ("same discount for all but the first", "after the first step the agent no longer cares", [1] + 11 * [0.9]),
        ("only the first reward", "what comes later does not count", np.eye(12)[0]),
        ("only the last term", "whatever is earned before the end of an episode does not", np.eye(12)[-1] * FAR),
        ("squares of γ", "half as far ahead", 0.9 ** (2 * np.arange(12))),
        ("last reward left out", "a prize at the very end, often the only one, is never", np.append(FAR[:-1], 0)),
        ("first reward left out", "what the first action earns at once does not count", np.append(0, FAR[1:])),
    ],
)
def test_what_rewards_count_for_in_a_return(mistake, symptom, expected):
    for found in each("discounted-return", mistake, symptom):
        np.testing.assert_allclose(found, expected)


def test_what_rewards_count_for_with_other_discounts():
    nothing = wrong("discounted-return", "discounted once too often", "with γ = 0 nothing is left")
    assert not counts(nothing, 0.0).any()
    assert not counts(wrong("discounted-return", "times 1 - γ", "with γ = 1 all returns are 0"), 1.0).any()
    for name in ("discounted-return", "rewards-to-go"):
        for own in spellings(name, "γ of your own", "whatever γ is asked for, the agent looks equally far ahead"):
            np.testing.assert_array_equal(own(np.ones(5), 0.1), own(np.ones(5), 0.8))
    for tenth in each("discounted-return", "a discount that grows", "the tenth reward counts for less than a hund"):
        assert 0 < tenth[9] < 0.01


@pytest.mark.parametrize(
    ("mistake", "symptom", "first"),
    [
        ("from the wrong end", "puts rewards off instead of collecting them", 0),
        ("divided by the powers of γ", "the longer one has to wait for a reward, the more it counts", 0),
        ("factor, not power", "from the second step on, a reward counts the more the later it comes", 1),
    ],
)
def test_rewards_that_count_the_more_the_later_they_come(mistake, symptom, first):
    for found in each("discounted-return", mistake, symptom):
        assert (np.diff(found[first:]) > 0).all()


def test_returns_cut_off_or_not_added_up():
    truncated = wrong("discounted-return", "whole numbers truncate", "only the first is left")
    assert truncated(np.array([1, 0, 1, 1]), 0.9) == 1
    assert truncated(np.array([0, 1, 1, 1]), 0.9) == 0
    own = wrong("discounted-return", "not added up", "judged by its own reward alone")
    assert (own(np.eye(5)[3], 0.9) > 0).tolist() == [False, False, False, True, False]
    rewards = np.array([1.0, 3.0, -2.0])
    for mistake, symptom, which in (
        ("one for each step", "none, if one takes the first of them", 0),
        ("one for each step, from the start", "none, if one takes the last of them", -1),
    ):
        found = wrong("discounted-return", mistake, symptom)(rewards, 0.5)[which]
        assert found == pytest.approx(right("discounted-return")(rewards, 0.5))


def test_returns_of_the_hike():
    returns = np.array(right("hike-returns")[:2])
    early = wrong("hike-returns", "discounted once too often", "all returns shrink by γ")[:2]
    np.testing.assert_allclose(early, returns * [0.9, 0.5])
    wrong("hike-returns", "same discount for all", "it does not matter any more when a reward comes")
    np.testing.assert_allclose(wrong("hike-returns", "same discount for all", "")[:2], np.array([0.9, 0.5]) * (4 - 1))
    wrong("hike-returns", "the other crossing", "for γ between 0 and ½ she would climb, though it is better to leave")
    assert all(-gamma + 4 * gamma**2 < gamma for gamma in np.linspace(0.01, 0.49, 20))


# Values of states.

HIKE_ARGS = np.array(HIKE.transitions), np.array(HIKE.rewards)


def richer(state, action, by=1.0):
    """The hike's rewards with one of them raised."""
    rewards = np.array(HIKE.rewards)
    rewards[state, action] += by
    return rewards


@pytest.mark.parametrize(
    ("mistake", "symptom"),
    [
        ("one sweep", "judged by its next reward alone"),
        ("γ to the power of the round", "in the end only the next reward is left"),
    ],
)
def test_states_that_are_judged_by_their_next_reward(mistake, symptom):
    values = wrong("state-values", mistake, symptom)
    np.testing.assert_allclose(values(*HIKE_ARGS, POLICY, 0.9), (POLICY * HIKE.rewards).sum(-1), atol=1e-12)


def test_nobody_climbs_for_a_summit_that_is_not_seen():
    values = wrong("state-values", "one sweep", "nobody climbs for a summit")
    policies = [np.array([[p, 1 - p], [0.7, 0.3], [0.1, 0.9], [0.5, 0.5]]) for p in (0.9, 0.1)]
    path, climb = (values(*HIKE_ARGS, policy, 0.9)[0] for policy in policies)
    assert path > climb
    path, climb = (HIKE.state_values(policy)[0] for policy in policies)
    assert path < climb


def test_two_sweeps_see_two_steps():
    values = wrong("state-values", "two sweeps", "whatever comes later than the second step is not seen")
    chain = flips(3)
    for step, seen in ((1, True), (2, False)):
        rewards = np.array(chain.rewards)
        rewards[step] += 5
        found = [values(chain.transitions, r, np.full((4, 2), 0.5), 0.9)[0] for r in (chain.rewards, rewards)]
        assert (found[0] != found[1]) == seen


def test_values_that_shrink_or_grow_or_are_fed_by_the_past():
    args = *HIKE_ARGS, POLICY, 0.9
    shrunk = wrong("state-values", "reward discounted", "all values shrink by γ")(*args)
    np.testing.assert_allclose(shrunk, 0.9 * HIKE.state_values(POLICY), atol=1e-6)
    grown = wrong("state-values", "added, not replaced", "the values grow with every round")(*args)
    assert (np.abs(grown[:3]) > 50 * np.abs(HIKE.state_values(POLICY)[:3])).all()
    back = wrong("state-values", "arrived from, not going to", "does not reach the states that lead to it")
    low, high = (back(HIKE_ARGS[0], rewards, POLICY, 0.9) for rewards in (HIKE.rewards, richer(2, 1)))
    np.testing.assert_allclose(high[:2], low[:2])
    assert high[2] > low[2]


@pytest.mark.parametrize("mistake", ["best action", "policy ignored", "actions added up"])
def test_every_policy_gets_the_same_values(mistake):
    for values in spellings("state-values", mistake, "every policy gets the same values, however bad it is"):
        np.testing.assert_allclose(values(*HIKE_ARGS, POLICY, 0.9), values(*HIKE_ARGS, POLICY[:, ::-1], 0.9))


def test_values_of_the_likeliest_action():
    values = wrong("state-values", "likeliest action", "may change a good deal without any change in its values")
    policies = [np.array([[p, 1 - p]] * 4) for p in (0.55, 0.999)]
    assert len({values(*HIKE_ARGS, policy, 0.9)[0] for policy in policies}) == 1
    assert np.ptp([HIKE.state_values(policy)[0] for policy in policies]) > 0.2


def test_action_values_as_a_baseline_bias_the_gradient():
    Q = wrong("state-values", "action values", "as a baseline they would depend on the action, which biases")
    tau, table = HIKE.enumerate_trajectories(3), Q(*HIKE_ARGS, POLICY, 0.9)
    states, actions = tau.states[:, :-1], tau.actions
    weights = tau.mask * FAR[:3] * (pg.rewards_to_go(tau.rewards, 0.9) - table[states, actions])
    scores = pg.softmax_score(POLICY, states, actions)
    found = np.einsum("n,nt,ntsa->sa", tau.probability(POLICY), weights, scores)
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert np.abs(GRADIENT).max() > 0.01


def test_values_without_a_discount_grow_with_every_round():
    said = "where episodes do not end and rewards are positive, the values grow with every round"
    endless, policy, rewards = np.full((2, 2, 2), 0.5), np.full((2, 2), 0.5), np.array([[1.0, 2.0], [3.0, 6.0]])
    rounds = spellings("state-values", "no discount", said)
    found = np.sort([values(endless, rewards, policy, 0.9)[0] for values in rounds])
    np.testing.assert_allclose(np.diff(found[:3]), 3)  # after 3, 4 and 5 rounds
    assert (np.diff(found) >= 3).all()
    assert found[-1] > 50 * right("state-values")(endless, rewards, policy, 0.9)[0]
    assert np.ptp([values(endless, rewards - 3, policy, 0.9)[0] for values in rounds]) == 0


# Returns of episodes that were cut.


def cut(mistake, symptom, spelling=0):
    """The return with a mistake, less the rewards', of a cut and of a terminated episode; and the right one."""
    rewards, gamma, value = np.array([1.0, 2.0, 4.0]), 0.5, 16.0
    function, seen = wrong("truncated-return", mistake, symptom, spelling), right("discounted-return")(rewards, gamma)
    return [f(rewards, gamma, end, value) - seen for f in (function, right("truncated-return")) for end in (0, 1)]


@pytest.mark.parametrize(
    ("mistake", "symptom", "after_cut", "after_end"),
    [
        ("nothing after the cut", "is judged as if the pole had fallen", 0, 0),
        ("always a future", "believes that life goes on after a crash", 1, 1),
        ("the wrong way round", "where the future is worth something, failing is rewarded", 0, 1),
        ("~ of a bool", "the future is subtracted, and after a failure twice", -1, -2),
        ("discounted once too little", "too much, by a factor of 1/γ", 2, 0),
        ("discounted once too often", "too little, by a factor of γ", 0.5, 0),
    ],
)
def test_what_the_future_counts_for(mistake, symptom, after_cut, after_end):
    found = cut(mistake, symptom)
    assert found[2:] == [2.0, 0.0]
    assert found[:2] == [2.0 * after_cut, 2.0 * after_end]


def test_rewards_before_a_cut_that_do_not_count():
    for spelling in (0, 1):
        alone = wrong("truncated-return", "the future alone", "what was earned before the cut does not", spelling)
        assert alone(np.array([1.0, 2.0]), 0.5, False, 8.0) == alone(np.array([7.0, -5.0]), 0.5, False, 8.0)
    instead = wrong("truncated-return", "in place of the last reward", "what the last step before the cut earned")
    assert instead(np.array([1.0, 2.0]), 0.5, False, 8.0) == instead(np.array([1.0, -5.0]), 0.5, False, 8.0)


def test_rewards_and_values_in_different_coins():
    said = "a reward at t = 100 and the value at t = 101 are measured in different coins"

    def worth(function):
        """How many times as much a reward at t = 100 counts as the same value at t = 101, with γ = 0.99."""
        reward = function(np.eye(101)[100], 0.99, False, 0.0)
        return reward / function(np.zeros(101), 0.99, False, 1.0)

    assert worth(right("truncated-return")) == pytest.approx(1 / 0.99)
    for function in spellings("truncated-return", "rewards not discounted", said):
        assert worth(function) > 2.7


# Chapter 2. The slope of log P(τ | θ).

WALK = np.array([0, 1, 2, 3]), np.array([1, 1, 0])
START = np.array([0.5, 0.3, 0.2, 0.0])


def slopes(function, transitions=HIKE.transitions, walk=WALK, theta=THETA):
    """The derivatives of a function of the policy with respect to all logits, shape (S, A)."""
    found = np.zeros(theta.shape)
    for index in np.ndindex(theta.shape):
        step = np.zeros(theta.shape)
        step[index] = 1e-5
        up, down = (function(*walk, pg.softmax_policy(theta + s), START, transitions) for s in (step, -step))
        found[index] = (up - down) / 2e-5
    return found


LOG_P = "trajectory-log-probability"


@pytest.mark.parametrize(
    "mistake",
    ["start left out", "start not in logarithms", "dynamics left out", "policy alone", "last move left out"],
)
def test_what_has_no_part_in_the_gradient(mistake):
    function = wrong(LOG_P, mistake, "none")
    np.testing.assert_allclose(slopes(function), slopes(right(LOG_P)), atol=1e-8)
    uncertain = 0.9 * HIKE.transitions + 0.1 / 4
    args = *WALK, POLICY, START, uncertain
    assert function(*args) != pytest.approx(right(LOG_P)(*args))


def test_moves_backwards_have_no_part_in_the_gradient_either():
    function = wrong(LOG_P, "moves backwards", "none, for the gradient")
    both_ways = np.full((4, 2, 4), 0.25) + 0.05 * np.array([1, -1, 2, -2])
    np.testing.assert_allclose(slopes(function, both_ways), slopes(right(LOG_P), both_ways), atol=1e-8)


def test_scores_that_are_missing_or_land_elsewhere():
    scores = slopes(right(LOG_P))
    assert not slopes(wrong(LOG_P, "policy left out", "nothing in it depends on θ, and its gradient is zero")).any()
    last = wrong(LOG_P, "last step left out", "the last action of an episode never gets a score")
    np.testing.assert_allclose(slopes(last), scores * [[1], [1], [0], [0]], atol=1e-8)
    first = wrong(LOG_P, "first step left out", "the first action of an episode never gets a score")
    np.testing.assert_allclose(slopes(first), scores * [[0], [1], [1], [0]], atol=1e-8)
    late = wrong(LOG_P, "actions of the next state", "each action's score lands in the row of the wrong state")
    rows = np.abs(slopes(late)).max(1) > 1e-6
    assert rows.tolist() == [False, True, True, True]


def test_the_derivative_of_a_probability_contains_the_dynamics():
    product = wrong(LOG_P, "probability, not its logarithm", "its derivative contains the dynamics")
    other = np.array(HIKE.transitions)
    other[0, 1] = [0, 0.8, 0.2, 0]
    np.testing.assert_allclose(slopes(product, other), 2 * slopes(product), atol=1e-9)
    np.testing.assert_allclose(slopes(right(LOG_P), other), slopes(right(LOG_P)), atol=1e-8)


def test_a_long_product_has_neither_a_logarithm_nor_a_gradient():
    product = wrong(LOG_P, "logarithm of a product", "makes the loss infinite and its gradient NaN")
    path = np.zeros(2001, int), np.zeros(2000, int)
    with np.errstate(divide="ignore"):
        assert np.isinf(product(*path, np.full((1, 2), 0.5), np.ones(1), np.ones((1, 2, 1))))
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    torch.softmax(logits, -1)[torch.zeros(2000, dtype=int)].prod().log().backward()
    assert logits.grad.isnan().all()


def test_the_logarithm_of_a_sum_makes_scores_too_small():
    for function in spellings(LOG_P, "logarithm of a sum", "each factor's score is too small"):
        assert (np.abs(slopes(function)[:3]) < np.abs(slopes(right(LOG_P))[:3])).all()


def scores_of_hikes(function):
    """The slopes of all trajectories, (trajectories, S, A), and their numbers of steps."""
    tau = HIKE.enumerate_trajectories(3)
    steps = tau.mask.sum(1)
    walks = [(states[: n + 1], actions[:n]) for states, actions, n in zip(tau.states, tau.actions, steps, strict=True)]
    return np.array([slopes(function, walk=walk) for walk in walks]), steps


def expected_score(scores):
    """The mean of the scores times the returns, which should be the gradient."""
    tau = HIKE.enumerate_trajectories(3)
    return np.einsum("n,n,nsa->sa", tau.probability(POLICY), pg.total_return(tau.rewards, 0.9), scores)


def test_the_mean_over_the_steps_of_a_trajectory():
    true, steps = scores_of_hikes(right(LOG_P))
    np.testing.assert_allclose(expected_score(true), GRADIENT, atol=1e-8)
    for function in spellings(LOG_P, "mean over steps", "long episodes count for less, and the estimate is biased"):
        scores, _ = scores_of_hikes(function)
        counted = np.abs(scores).sum((1, 2)) / np.abs(true).sum((1, 2))
        assert counted[steps == 3].max() < counted[steps == 2].min()
        products = np.outer(expected_score(scores), GRADIENT)
        assert np.abs(products - products.T).max() > 1e-4  # another direction, too


def test_a_step_along_minus_the_slope():
    for function in spellings(LOG_P, "sign", "ascent becomes descent, and the return falls"):
        before, after, climbed = (
            HIKE.expected_return(pg.softmax_policy(THETA + 0.1 * step))
            for step in (0, *(expected_score(scores_of_hikes(f)[0]) for f in (function, right(LOG_P))))
        )
        assert after < before < climbed


# Scores.

FEATURES = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])


def test_scores_without_a_say_of_the_action_or_without_the_length_of_theta():
    theta = np.array([0.4, -0.2])
    tried = wrong("softmax-score", "most probable action", "exploring is useless")
    np.testing.assert_array_equal(tried(theta, FEATURES, 0), tried(theta, FEATURES, 1))
    all_of_them = wrong("softmax-score", "all actions", "does not have the length of θ, and the action taken has no")
    np.testing.assert_array_equal(all_of_them(theta, FEATURES, 0), all_of_them(theta, FEATURES, 1))
    for mistake, symptom in (
        ("all actions", "it does not have the length of θ"),
        ("the logarithm itself", "it does not have the length of θ"),
        ("one-hot minus π", "it does not even have the length of θ, unless d = A"),
    ):
        score = wrong("softmax-score", mistake, symptom)
        assert np.shape(score(theta, FEATURES, 0)) != theta.shape
    assert wrong("softmax-score", "one-hot minus π", "unless d = A")(theta, FEATURES[:2], 0).shape == theta.shape


@pytest.mark.parametrize("action", [-4.0, 1.0, 6.0])
def test_a_gaussian_s_steps_of_the_wrong_sign(action):
    for mistake in ("sign", "sign of μ"):
        score = wrong("gaussian-score", mistake, "runs away from good actions")
        assert score(action, 0.5, 0.3)[0] * (action - 0.5) < 0
    narrowing = wrong("gaussian-score", "sign of the spread", "a good action far from the mean narrows the policy")
    assert (narrowing(action, 0.5, 0.0)[1] < 0) == (abs(action - 0.5) > 1)


def test_a_gaussian_s_spread():
    explodes = wrong("gaussian-score", "with respect to σ²", "as the policy narrows the spread's steps explode")
    steps = [explodes(0.5 + 2 * sigma, 0.5, np.log(sigma))[1] for sigma in (1.0, 0.1, 0.01)]
    np.testing.assert_allclose(np.divide(steps[1:], steps[:-1]), 100)
    for score in spellings("gaussian-score", "log σ taken for σ", "a policy of σ = 1 divides by zero"):
        with np.errstate(all="ignore"):
            assert not np.isfinite(score(0.7, 0.5, 0.0)).any()
    twice = wrong("gaussian-score", "exp taken twice for σ²", "σ = 3 is taken for 9, and σ = ½ for ¼")
    for sigma, other in ((3, 9), (1 / 2, 1 / 4)):
        np.testing.assert_allclose(twice(2.0, 0.5, np.log(sigma)), right("gaussian-score")(2.0, 0.5, np.log(other)))
    for score in spellings("gaussian-score", "for μ alone", "the spread is never learned"):
        assert np.size(score(0.7, 0.5, 0.1)) == 1


def test_good_actions_become_less_probable():
    """The last of three actions, or the third of four at even odds, is the only one that earns anything."""
    said = "good actions become less probable, and the return falls"
    theta = np.array([0.4, -0.2])
    before = pg.softmax_policy(FEATURES @ theta)[2]

    def after(score):
        return pg.softmax_policy(FEATURES @ (theta + 0.1 * before * score(theta, FEATURES, 2)))[2]

    for score in spellings("softmax-score", "sign", said):
        assert after(score) < before < after(right("softmax-score"))
    for score in spellings("four-actions", "sign", said):
        found, wanted = (pg.softmax_policy(np.array(x))[2] for x in (score, right("four-actions")))
        assert found < 1 / 4 < wanted


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_logits_that_have_grown_too_large():
    def ascent(score):
        theta, history = np.zeros(2), []
        for _ in range(4):
            theta = theta + 300 * score(theta, FEATURES, 2)
            history.append(np.isfinite(theta).tolist())
        return history

    said = "after some progress the logits grow, and one NaN spoils all weights"
    assert np.all(ascent(right("softmax-score")))
    for score in spellings("softmax-score", "overflow", said):
        assert ascent(score) == [[True, True]] + 3 * [[False, False]]


def log_density(action, mean, log_sigma):
    return norm.logpdf(action, mean, np.exp(log_sigma))


def test_a_gaussian_s_deviation_is_taken_for_its_root():
    said = "σ = 9 is taken for 3, and σ = ¼ for ½"
    for score in spellings("gaussian-score", "log σ taken for log σ²", said):
        for sigma, taken in ((9, 3), (1 / 4, 1 / 2)):
            assert score(2.0, 0.5, np.log(sigma))[0] == pytest.approx(1.5 / taken**2)
            spread = [score(0.5 + z * taken, 0.5, np.log(sigma))[1] for z in (0.9, 1.0, 1.1)]
            assert np.sign(np.round(spread, 9)).tolist() == [-1, 0, 1]


@pytest.mark.parametrize("action", [-4.0, 1.0, 6.0])
def test_a_gaussian_s_steps_change_places(action):
    score = wrong("gaussian-score", "order", "the mean takes the spread's steps, and the spread the mean's")
    of_mean = slope(lambda mean: log_density(action, mean, 0.3), 0.5)
    of_spread = slope(lambda log_sigma: log_density(action, 0.5, log_sigma), 0.3)
    np.testing.assert_allclose(score(action, 0.5, 0.3), [of_spread, of_mean], atol=1e-6)
    assert of_mean != pytest.approx(of_spread, abs=0.1)


def test_four_logits_that_move_alike_and_one_that_is_taken_for_another():
    for mistake in ("the probabilities", "minus the probabilities"):
        step = np.array(wrong("four-actions", mistake, "all logits move alike, and the policy stays what it is"))
        logits = np.array([0.3, -1.0, 0.5, 0.0])
        np.testing.assert_allclose(pg.softmax_policy(logits + step), pg.softmax_policy(logits))
    fourth = wrong("four-actions", "counting from zero", "the wrong action gets the credit")
    assert np.argmax(fourth) == 3 != np.argmax(right("four-actions"))


# Chapter 3. Draws.

LOGITS = np.array([1.0, 2.0, 0.5])


@pytest.mark.parametrize(
    ("mistake", "symptom", "expected"),
    [
        ("most probable action", "nothing is explored", [0, 1, 0, 0]),
        ("evenly", "acts at random for ever, however much it has learned", [1 / 3, 1 / 3, 1 / 3, 0]),
        ("one too far", "the first action is never taken, and the last one does not exist", None),
    ],
)
def test_how_often_actions_are_drawn(mistake, symptom, expected):
    expected = [0, *pg.softmax_policy(LOGITS)] if expected is None else expected
    np.testing.assert_allclose(shares(wrong("choose-action", mistake, symptom), LOGITS), expected, atol=1e-3)


def test_the_mean_score_of_the_most_probable_action():
    drawn = wrong("choose-action", "most probable action", "the mean of the scores is no longer zero")
    mean = shares(drawn, LOGITS)[:3] @ (np.eye(3) - pg.softmax_policy(LOGITS))
    assert np.abs(mean).max() > 0.1


def test_each_action_is_mistaken_for_the_next():
    early = wrong("choose-action", "one too early", "-1 stands for the last action in Python")
    taken = [range(3)[early(LOGITS, u)] for u in (np.arange(4000) + 0.5) / 4000]
    found = np.bincount(taken, minlength=3) / 4000
    np.testing.assert_allclose(found, np.roll(pg.softmax_policy(LOGITS), -1), atol=1e-3)


def test_an_environment_wants_one_action():
    for draw in spellings("choose-action", "the probabilities", "does not know what to do with them"):
        found = draw(LOGITS, 0.3)
        assert np.size(found) > 1 or found % 1


# The loss.

LOSS = "policy-gradient-loss"
ROWS = torch.tensor([[0.3, -0.2, 1.0], [0.5, 0.1, -0.4]], dtype=torch.float64)
TAKEN = torch.tensor([0, 1])


def uphill(loss, logits=ROWS, actions=TAKEN, weights=(1.0, 1.0), episodes=1):
    """The step that a loss asks for, minus its gradient, shape of the logits."""
    return -gradient(loss, logits, actions, torch.tensor(weights, dtype=torch.float64), episodes)


def test_a_loss_of_the_wrong_sign_goes_downhill():
    torch.testing.assert_close(uphill(wrong(LOSS, "sign", "the return falls from the first")), -uphill(right(LOSS)))


@pytest.mark.parametrize("mistake", ["mean times sum", "sum times sum", "mean of a broadcast product"])
def test_all_actions_share_one_weight(mistake):
    for loss in spellings(LOSS, mistake, "all actions share one weight: good ones are not told from bad"):
        torch.testing.assert_close(uphill(loss, weights=(5.0, -1.0)), uphill(loss, weights=(-1.0, 5.0)))


@pytest.mark.parametrize(
    ("mistake", "symptom"),
    [
        ("all actions", "which action was taken makes no difference to the step"),
        ("most probable action", "exploring is useless: what was tried is never learned from"),
    ],
)
def test_losses_without_a_say_of_the_actions(mistake, symptom):
    for loss in spellings(LOSS, mistake, symptom):
        torch.testing.assert_close(uphill(loss), uphill(loss, actions=torch.tensor([2, 0])))


def test_credit_in_the_wrong_rows_and_columns():
    competing = wrong(LOSS, "softmax over the steps", "the actions of different steps compete with each other")
    assert uphill(competing, weights=(1.0, 0.0))[1, 0] < 0
    for loss in spellings(LOSS, "every step with every action", "credited in states where they were not taken"):
        assert uphill(loss, logits=0 * ROWS)[0, 1] > 0 > uphill(right(LOSS), logits=0 * ROWS)[0, 1]
    alone = wrong(LOSS, "sigmoid", "the logits of the actions that were not taken do not move")
    assert ((uphill(alone) != 0) == torch.eye(3, dtype=bool)[TAKEN]).all()


def test_losses_that_teach_nothing_or_fail():
    for loss in spellings(LOSS, "logarithm of the logits", "one negative logit can make the loss NaN"):
        assert loss(torch.tensor([[-1.0, 3.0]]), torch.tensor([0]), torch.tensor([1.0]), 1).isnan()
    one_step = {"logits": ROWS[:1], "actions": TAKEN[:1], "weights": (2.0,)}
    centred = wrong(LOSS, "weights centred", "with one episode of one step nothing is learned")
    assert not uphill(centred, **one_step).any()
    for loss in spellings(LOSS, "weights normalised", "a batch of a single step has no deviation to divide by"):
        assert not (uphill(loss, **one_step).abs() > 0).any()
    for loss in spellings(LOSS, "not added up", "`backward` wants one number, and says so"):
        with pytest.raises(RuntimeError, match="scalar"):
            loss(ROWS.clone().requires_grad_(), TAKEN, torch.ones(2), 1).backward()
    printed = wrong(LOSS, "log-probabilities detached", "can be printed, and nothing is ever learned")
    args = ROWS, TAKEN, torch.ones(2, dtype=torch.float64), 1
    assert printed(*args) == right(LOSS)(*args)
    assert not uphill(printed).any()
    swapped = wrong(LOSS, "log-probabilities detached, weights not", "what should be constant gets a gradient")
    assert not uphill(swapped).any()
    assert gradient(swapped, *args, of=2).all()


def test_the_mean_score_with_a_factor_as_in_an_entropy():
    loss = wrong(LOSS, "entropy-like", "the mean score is not 0: the policy drifts though all returns are alike")
    policy = torch.softmax(ROWS[:1], -1)[0]
    mean = sum(p * uphill(loss, ROWS[:1], torch.tensor([a]), (1.0,)) for a, p in enumerate(policy))
    assert np.ptp(mean.numpy()) > 0.02


# The fork: a short road of one step that earns 1, and a long one of four steps that earns 2.


def mean_step(step, episodes):
    """The expected step of a batch of some episodes towards the long road, whose probability is a half."""
    chances = np.array([[1.0]])
    for _ in range(episodes):
        chances = np.append(chances, 0) / 2 + np.append(0, chances) / 2
    return sum(chance * step(episodes - long, long) for long, chance in enumerate(chances))


def of_loss(loss):
    """The step that a loss asks for, at the fork, after so many short and long episodes."""

    def step(short, long):
        actions = torch.tensor([0] * short + [1, 0, 0, 0] * long)
        weights = [1.0] * short + [2.0] * 4 * long
        moved = uphill(loss, torch.zeros(len(actions), 2), actions, weights, short + long)
        fork = torch.tensor([True] * short + [True, False, False, False] * long)
        return moved[fork, 1].sum().item()

    return step


def of_update(update):
    """The same of an update; the long road's later states are 1, 2 and 3."""

    def step(short, long):
        episodes = [[np.array([0]), np.array([0]), np.array([1.0])]] * short
        episodes += [[np.arange(4), np.array([1, 0, 0, 0]), np.array([0.0, 0.0, 0.0, 2.0])]] * long
        return update(np.zeros((4, 2)), episodes, 1.0, 1.0)[0, 1]

    return step


@pytest.mark.parametrize(
    ("name", "mistake", "of"),
    [
        (LOSS, "mean over steps", of_loss),
        (LOSS, "divided by both", of_loss),
        ("reinforce-update", "mean over steps", of_update),
    ],
)
def test_a_small_batch_may_favour_the_worse_road(name, mistake, of):
    said = "batches with long episodes count for less; a small batch may favour the worse road"
    step = of(wrong(name, mistake, said))
    assert abs(step(0, 2)) < 2 * abs(step(2, 0))
    assert mean_step(step, 1) < 0 < mean_step(step, 20)
    assert mean_step(of(right(name)), 1) > 0


def test_a_batch_of_any_size_may_favour_the_worse_road():
    said = "long episodes count for less, and the worse road may be favoured"
    step = of_update(wrong("reinforce-update", "mean over the steps of each", said))
    assert mean_step(step, 1) < 0
    assert mean_step(step, 20) == pytest.approx(mean_step(step, 1))


# The update: its expected step, exactly.

UPDATE = "reinforce-update"


def hikes(mdp=HIKE, horizon=3):
    """All episodes of a problem as the exercise takes them, and a function that gives their probabilities."""
    tau = mdp.enumerate_trajectories(horizon)
    played = [
        [s[:-1][m], a[m], r[m]] for s, a, r, m in zip(tau.states, tau.actions, tau.rewards, tau.mask, strict=True)
    ]
    return played, tau.probability


def expected_step(update, episodes=1, mdp=HIKE, theta=THETA, alpha=1e-3, horizon=3):
    """The expected step of an update, divided by α, shape (S, A)."""
    played, probability = hikes(mdp, horizon)
    chance, total = probability(pg.softmax_policy(theta)), 0
    for which in itertools.product(range(len(played)), repeat=episodes):
        batch = [played[i] for i in which]
        total += chance[list(which)].prod() * (update(theta, batch, mdp.gamma, alpha) - theta) / alpha
    return total


def test_the_expected_step_of_the_book_s_update():
    np.testing.assert_allclose(expected_step(right(UPDATE)), GRADIENT, atol=1e-9)
    downhill = wrong(UPDATE, "downhill", "the return falls from the first iteration on")
    np.testing.assert_allclose(expected_step(downhill), -GRADIENT, atol=1e-9)
    undiscounted = wrong(UPDATE, "no discount", "another objective is climbed than the one that was asked for")
    other = pg.exact_policy_gradient(pg.mountain_hike(1.0), THETA)
    np.testing.assert_allclose(expected_step(undiscounted), other, atol=1e-9)
    assert np.abs(other - GRADIENT).max() > 0.01


@pytest.mark.parametrize(
    ("mistake", "symptom"),
    [
        ("one episode after the other", "the second episode's scores are another policy's: a bias"),
        ("one step after the other", "the later steps' scores are another policy's: a bias"),
    ],
)
def test_steps_taken_in_between_bias(mistake, symptom):
    found = expected_step(wrong(UPDATE, mistake, symptom), episodes=2, alpha=0.5)
    assert np.abs(found - GRADIENT).max() > 1e-3


def test_with_the_own_reward_nobody_climbs_for_a_summit():
    assert GRADIENT[0, 1] > 0
    for update in spellings(UPDATE, "own reward", "nobody climbs for a summit: what comes later does not count"):
        assert expected_step(update)[0, 1] < 0


def test_from_a_single_episode_nothing_is_learned():
    centred = wrong(UPDATE, "returns centred", "from a single episode nothing is learned")
    np.testing.assert_allclose(expected_step(centred), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("mistake", "symptom", "two", "three"),
    [
        ("score without π", "away from even odds the policy drifts though returns are alike", True, True),
        ("own logit alone", "of three uneven actions the policy drifts though returns are alike", False, True),
        ("softmax along the states", "the policy drifts though all returns are alike", True, True),
    ],
)
def test_the_policy_drifts(mistake, symptom, two, three):
    update = wrong(UPDATE, mistake, "the mean score is not 0")
    wrong(UPDATE, mistake, symptom)
    for theta, drifts in ((np.array([[0.5, -0.5], [1.0, 0.2]]), two), (np.array([[0.5, -0.5, 1], [0, 2, 1]]), three)):
        policy, mean = pg.softmax_policy(theta)[0], 0
        for action, p in enumerate(policy):
            episode = [np.array([0]), np.array([action]), np.array([1.0])]
            mean += p * (update(theta, [episode], 1.0, 1.0) - theta)[0]
        assert np.abs(mean).max() > 0.02
        assert (np.ptp(mean) > 0.02) == drifts


def test_visits_that_are_lost():
    again = pg.TabularMDP(np.array([[[0.7, 0.3]] * 2, [[0, 1.0]] * 2]), [[1.0, 2.0], [0, 0]], [1.0, 0.0])
    theta = np.array([[0.4, -0.3], [0.0, 0.0]])
    fair = expected_step(right(UPDATE), mdp=again, theta=theta)
    for update in spellings(UPDATE, "repeated visits lost", "a bias wherever an episode may come by the same state tw"):
        np.testing.assert_allclose(expected_step(update, episodes=2), GRADIENT, atol=1e-9)
        assert np.abs(expected_step(update, mdp=again, theta=theta) - fair).max() > 0.05


ONE, OTHER = (
    [np.array(states), np.array(actions), np.array(rewards)]
    for states, actions, rewards in (([0, 1], [1, 0], [1.0, 2.0]), ([0, 1, 0], [0, 1, 1], [0.5, 0.0, 3.0]))
)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
def test_logits_of_a_state_that_are_spoiled_for_good():
    said = "after some progress the logits grow, and one NaN spoils a state's logits for good"

    def finite(update):
        theta = np.zeros((2, 2))
        for reward in (3000.0, 3000.0, -1.0, -1.0):  # nothing that comes later mends it
            theta = update(theta, [[np.array([0]), np.array([1]), np.array([reward])]], 1.0, 1.0)
        return np.isfinite(theta).tolist()

    assert finite(right(UPDATE)) == [[True, True], [True, True]]
    for update in spellings(UPDATE, "overflow", said):
        assert finite(update) == [[False, False], [True, True]]


def test_updates_that_forget():
    last = wrong(UPDATE, "overwritten", "only the last visit to a state counts, of all episodes of a batch")
    np.testing.assert_array_equal(last(THETA, [ONE, OTHER], 0.9, 0.1), last(THETA, [OTHER, OTHER], 0.9, 0.1))
    for mistake in ("step alone", "estimate alone"):
        for update in spellings(UPDATE, mistake, "each iteration throws away all that was learned before"):
            assert not update(THETA, [ONE], 0.9, 0.1)[2:].any()
    everywhere = wrong(UPDATE, "all rows", "after positive returns, states never visited lose what was")
    before, after = (pg.softmax_policy(theta)[2].max() for theta in (THETA, everywhere(THETA, [ONE], 0.9, 0.1)))
    assert after < before
    for update in spellings(UPDATE, "α forgotten", "however small a step is asked for, all are of the same length"):
        np.testing.assert_array_equal(*(update(THETA, [ONE, OTHER], 0.9, alpha) for alpha in (0.001, 0.5)))
