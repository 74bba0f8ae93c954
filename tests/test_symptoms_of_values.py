"""What the known mistakes of chapter 7 are said to do, computed as in ``test_symptoms``."""

import itertools

import numpy as np
import pytest
from test_symptoms import GRADIENT, discounts, mixed, moments, of_values, spellings, td

import pgutils as pg
from pgutils.exercises.catalogue import EXERCISES

GAMMA, LAM = 0.9, 0.8
ONES, TENS = np.ones(5), np.full(5, 10.0)  # rewards of 1 that go on for ever are worth 10


def right(exercise):
    """The book's answer."""
    return EXERCISES[exercise].solution


def response(f, size=5):
    """How each number that comes out depends on each that goes in, if ``f`` is linear, (out, in)."""
    return np.stack([f(row) - f(np.zeros(size)) for row in np.eye(size)], -1)


# TD errors. All errors are zero where values are right.


@pytest.mark.parametrize(
    ("mistake", "symptom", "terminated", "difference"),
    [
        ("merged termination", "the last steps before the limit look like disasters", False, -9.0),
        ("value beyond the end", "the fatal action is paid for a future that never comes", True, 9.0),
        ("terminated turned round", "falling is paid for", True, 9.0),
        ("terminated turned round", "lasting to the limit is punished", False, -9.0),
        ("begun anew", "the fatal action is paid for a new start", True, 9.0),
        ("~ for not", "the future is subtracted", False, -18.0),
        ("~ for not", "after a failure twice", True, -18.0),
    ],
)
def test_the_error_of_the_last_step(mistake, symptom, terminated, difference):
    args = ONES, TENS, 10.0, terminated, GAMMA
    for f in spellings("td-errors", mistake, symptom):
        assert f(*args)[-1] - right("td-errors")(*args)[-1] == pytest.approx(difference)


def test_values_that_learn_to_expect_the_limit():
    merged = [
        lambda values, f=f: f(ONES, values, 10.0, False, GAMMA)
        for f in spellings("td-errors", "merged termination", "and the values learn to expect them")
    ]
    merged += [
        lambda values, f=f: f(ONES, values, 10.0, GAMMA, LAM) - values
        for f in spellings("lambda-return", "merged termination", "the limit on the steps is a catastrophe")
    ]
    for errors in merged:
        values = TENS
        for _ in range(100):
            values = values + 0.5 * errors(values)
        np.testing.assert_allclose(values, pg.rewards_to_go(ONES, GAMMA))
        assert values[-1] == pytest.approx(1)


def test_disasters_before_the_limit():
    args = ONES[None], TENS[None], np.array([5]), np.array([10.0]), GAMMA, LAM
    np.testing.assert_allclose(right("gae-batch")(*args), 0, atol=1e-12)
    for f in spellings("gae-batch", "merged termination", "the last steps before the limit look like disasters"):
        np.testing.assert_allclose(f(*args)[0], -9 * (GAMMA * LAM) ** np.arange(5)[::-1])


def test_where_an_action_leads():
    """Two actions that earn nothing: one leads to a state worth 5, the other to one worth 0."""

    def surprises(f, terminated=False):
        return [f(np.zeros(2), np.array([2.0, later]), 0.0, terminated, GAMMA)[0] for later in (5.0, 0.0)]

    for terminated in (False, True):
        good, bad = surprises(right("td-errors"), terminated)
        assert good > 0 > bad
    for f in spellings("td-errors", "value of the wrong step", "actions that lead to good states are pushed down"):
        good, bad = surprises(f)
        assert good < 0 < bad
    for f in spellings("td-errors", "own value on both sides", "what an action leads to does not count"):
        good, bad = surprises(f)
        assert good == bad
    for f in spellings("td-errors", "no next values at all", "of an episode that ends by itself, no step is judged"):
        good, bad = surprises(f, terminated=True)
        assert good == bad
        assert surprises(f) == surprises(right("td-errors"))


def test_errors_that_have_the_factor_of_j():
    for f in spellings("td-errors", "γᵗ", "none for the gradient of J, which has this factor"):
        weights = of_values(td(f))
        mean, _ = moments(lambda batch, weights=weights: weights(batch) / discounts(batch))
        np.testing.assert_allclose(mean, GRADIENT, atol=1e-12)


def test_what_is_earned_at_once():
    for f in spellings("td-errors", "own reward left out", "an action gets no credit for what it earns at once"):
        assert not response(lambda rewards, f=f: f(rewards, TENS, 10.0, False, GAMMA)).any()


def alone(f, lam=LAM):
    """GAE of a batch of one episode that terminated, as a function of rewards, values and γ."""
    return lambda rewards, values, gamma: f(
        rewards[None], values[None], np.array([len(rewards)]), np.zeros(1), gamma, lam
    )[0]


@pytest.mark.parametrize(("name", "of"), [("td-errors", td), ("gae-batch", alone)])
def test_what_was_better_than_expected_is_pushed_down(name, of):
    for f in spellings(name, "sign", "what was better than expected is pushed down"):
        better, worse = (of(f)(np.array([reward]), np.array([0.5]), GAMMA)[0] for reward in (1.0, 0.0))
        assert better < 0 < worse
        np.testing.assert_allclose(moments(of_values(of(f)))[0], -GRADIENT, atol=1e-12)


def test_advantages_as_wrong_as_the_values_are():
    def bias(f, error):
        """The bias with λ = 1 and values that are wrong in all states but the first."""

        def weights(rewards, values, gamma):
            return alone(f, lam=1.0)(rewards, values + error * (np.arange(len(values)) > 0), gamma)

        return moments(of_values(weights))[0] - GRADIENT

    np.testing.assert_allclose(bias(right("gae-batch"), 1.0), 0, atol=1e-12)
    for f in spellings("gae-batch", "error itself", "as wrong as the values are"):
        assert np.abs(bias(f, 1.0)).max() > 0.01
        for error in (0.0, 0.5, -2.0):
            np.testing.assert_allclose(bias(f, error), error * bias(f, 1.0), atol=1e-12)


# Sums of errors.


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("own error left out", "an action gets no credit for its own surprise", lambda lam: 0.0),
        ("one factor too many", "a shorter step; with λ = 0 none at all", lambda lam: 0.9 * lam),
        (
            "shares of a mixture",
            "the nearer λ is to 1, the shorter the step; with λ = 1 there is none",
            lambda lam: 1 - lam,
        ),
    ],
)
@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_the_expected_gradient_of_a_mixture(mistake, symptom, factor, lam):
    for f in spellings("gae-sum", mistake, symptom):
        mean, _ = moments(of_values(mixed(f, lam)))  # with exact values
        np.testing.assert_allclose(mean, factor(lam) * GRADIENT, atol=1e-12)


def test_late_actions():
    for f in spellings("gae-sum", "weights from the start of the episode", "late actions hardly learn"):
        weights = f(np.ones(51), GAMMA, LAM) / right("gae-sum")(np.ones(51), GAMMA, LAM)
        assert weights[0] == pytest.approx(1)
        assert weights[50] < 1e-6


def test_a_variance_that_grows_with_the_length():
    """Of errors that are uncorrelated, as those of exact values are, and have a variance of 1."""

    def variance(f, steps):
        return (response(lambda deltas: f(deltas, GAMMA, LAM), steps)[0] ** 2).sum()

    for f in spellings("gae-sum", "one factor for all", "the variance grows with the length of the episode"):
        assert [variance(f, steps) for steps in (10, 100)] == pytest.approx([1 + 0.72**2 * 9, 1 + 0.72**2 * 99])
    assert variance(right("gae-sum"), 100) < 1 / (1 - 0.72**2) + 1e-9


# Padded batches: an episode of five steps, and one of two.

LENGTHS = np.array([5, 2])
REWARDS = np.array([[1.0] * 5, [1.0, 1.0, 0.0, 0.0, 0.0]])


def padded(f, padding=0.0, finals=(0.0, 0.0), lam=LAM):
    """Advantages of the short episode's two steps, whose values are right if it terminated."""
    values = np.array([[4.0] * 5, [1.9, 1.0, padding, padding, padding]])
    return f(REWARDS, values, LENGTHS, np.array(finals), GAMMA, lam)[1, :2]


def test_what_the_padding_says():
    said = "whatever the network says of a row of zeros becomes part of the last advantage"
    np.testing.assert_allclose(padded(right("gae-batch"), 7.0), 0, atol=1e-12)
    for f in spellings("gae-batch", "values of the padding", said):
        assert padded(f, 7.0)[-1] == pytest.approx(0.9 * 7)
    for f in spellings("gae-batch", "padding not masked", "short episodes get advantages that nobody earned"):
        assert (np.abs(padded(f, 7.0)) > 1).all()


def test_final_values_of_a_short_episode():
    for lam in (0.5, 1.0):
        counted = padded(right("gae-batch"), finals=(0.0, 1.0), lam=lam)
        for f in spellings("gae-batch", "final value as an advantage", "the final value counts 1 + λ times"):
            np.testing.assert_allclose(padded(f, finals=(0.0, 1.0), lam=lam), (1 + lam) * counted)
    said = "a short episode that was cut is treated as if it had terminated"
    for f in spellings("gae-batch", "final value in the last column", said):
        np.testing.assert_allclose(padded(f, finals=(3.0, 5.0)), padded(right("gae-batch")), atol=1e-12)


# Targets.


def shares(f, n):
    """What the first target of an episode makes of a value of 1 in all states, and its variance if rewards have 1."""
    rewards = response(lambda r: f(r, np.zeros(9), n, GAMMA), 9)[0]
    return f(np.zeros(9), np.ones(9), n, GAMMA)[0], (rewards**2).sum()


def test_another_mixture_of_bias_and_noise():
    said = "another mixture of bias and noise than you think you have"
    bias, noise = shares(right("n-step-return"), 3)
    for f in spellings("n-step-return", "one reward too many", said):
        assert shares(f, 3) == pytest.approx((bias * GAMMA, noise + GAMMA**6))


def test_values_that_are_their_own_targets():
    for f in spellings("n-step-return", "one reward too few", "with n = 1 the value is its own target"):
        np.testing.assert_array_equal(f(ONES, TENS, 1, GAMMA), TENS)


def test_whose_rewards_a_target_holds():
    late = response(lambda r: right("n-step-return")(r, 0 * ONES, 3, GAMMA))
    assert not late[-1, :-1].any()
    for f in spellings("n-step-return", "begun anew", "late steps are paid for rewards of the start"):
        np.testing.assert_allclose(response(lambda r, f=f: f(r, 0 * ONES, 3, GAMMA))[-1], [0.9, 0.81, 0, 0, 1])
    for f in spellings("n-step-return", "no value", "all that comes n steps later or more counts for nothing"):
        exact = response(lambda r, f=f: f(r, pg.rewards_to_go(r, GAMMA), 3, GAMMA))[0]
        np.testing.assert_allclose(exact, [1, 0.9, 0.81, 0, 0])


def test_all_rewards_are_unbiased_and_noisy():
    rewards = np.array(list(itertools.product((0.0, 1.0), repeat=6)))  # six flips of a coin
    worth = np.arange(6, 0, -1) / 2
    said = "unbiased, with all the variance that a shorter look-ahead would avoid"
    short = np.array([right("n-step-return")(r, worth, 2, 1.0) for r in rewards])
    assert short.var(0)[0] == pytest.approx(2 / 4)
    for f in spellings("n-step-return", "all rewards", said):
        found = np.array([f(r, np.full(6, -8.0), 2, 1.0) for r in rewards])
        np.testing.assert_allclose(found.mean(0), worth)
        assert found.var(0)[0] == pytest.approx(6 / 4)


def first_target(f, lam, gamma=GAMMA):
    """How the first of five λ-returns depends on the five values."""
    return response(lambda values: f(ONES, values, 0.0, gamma, lam))[0]


def test_targets_that_lean_on_values():
    said = "what you take for nearly unbiased leans on the values nearly alone"
    assert first_target(right("lambda-return"), 0.95)[1] == pytest.approx(0.05 * GAMMA)
    for f in spellings("lambda-return", "λ and 1 - λ exchanged", said):
        assert first_target(f, 0.95)[1] == pytest.approx(0.95 * GAMMA)
    assert not first_target(right("lambda-return"), 1.0).any()
    for f in spellings("lambda-return", "one step only", "the targets are as wrong as the values are"):
        assert first_target(f, 1.0, gamma=1.0).sum() == pytest.approx(1)


def test_targets_before_a_cut():
    said = "where the final value is positive, the targets before a cut are too low"
    for f in spellings("lambda-return", "nothing beyond the end", said):
        args = ONES, TENS, 10.0, GAMMA, LAM
        assert (f(*args) < right("lambda-return")(*args)).all()


def test_a_value_that_is_partly_its_own_target():
    said = "a value that is partly its own target learns slowly, and something else"
    reward, end = np.ones(1), (0.0, GAMMA, 0.5)
    np.testing.assert_allclose(right("lambda-return")(reward, np.zeros(1), *end), 1)  # the value, at the first fit
    for f in spellings("lambda-return", "value of the wrong step", said):
        value, missing = np.zeros(1), []
        for _ in range(50):
            value = f(reward, value, *end)
            missing.append(1 / 0.55 - value[0])
        assert missing[1] / missing[0] == pytest.approx(0.45)
        assert value[0] == pytest.approx(1 / 0.55)


def test_what_the_last_state_brought():
    for f in spellings("lambda-return", "from the end", "the first state learns what the last one brought"):
        rewards = np.eye(5)[4] * 7
        assert f(rewards, 0 * ONES, 0.0, GAMMA, LAM)[0] == 7


@pytest.mark.parametrize(
    ("name", "symptom", "target"),
    [
        (
            "n-step-return",
            "as a target it would teach the value function its own error",
            lambda f, values: f(ONES, values, 5, GAMMA),
        ),
        (
            "lambda-return",
            "the value function learns its own error in place of the value",
            lambda f, values: f(ONES, values, 0.0, GAMMA, 1.0),
        ),
    ],
)
def test_values_that_learn_their_own_error(name, symptom, target):
    worth = pg.rewards_to_go(ONES, GAMMA)
    for f in spellings(name, "advantage", symptom):
        for error in (0.0, 0.5, -2.0):
            np.testing.assert_allclose(target(right(name), worth + error), worth)
            np.testing.assert_allclose(target(f, worth + error), -error, atol=1e-12)
        values = worth
        for _ in range(100):
            values = values + 0.5 * (target(f, values) - values)
        np.testing.assert_allclose(values, worth - values)


def test_targets_with_all_the_noise():
    flips = np.array(list(itertools.product((0.0, 1.0), repeat=6)))  # six flips of a coin
    worth = np.arange(6, 0, -1) / 2

    def noise(f, lam):
        return np.var([f(rewards, worth, 0.0, 1.0, lam)[0] for rewards in flips])

    for f in spellings("lambda-return", "λ forgotten", "noisier targets than you asked for"):
        for lam in (0.0, 0.5, 0.9):
            assert noise(f, lam) == pytest.approx(6 / 4)
            assert noise(right("lambda-return"), lam) < noise(f, lam)


def test_values_of_another_return_than_the_weights():
    for f in spellings("lambda-return", "no discount", "values and weights speak of different returns"):
        values = TENS
        for _ in range(100):
            values = f(ONES, values, 0.0, GAMMA, LAM)
        np.testing.assert_allclose(values, pg.rewards_to_go(ONES, 1.0))
        surprises = right("td-errors")(ONES, values, 0.0, True, GAMMA)  # nothing is surprising here
        assert (surprises[:-1] < -0.09).all()


# Episodes in a row: one is cut after two steps, one ends after two, and one is cut after two.

TERMINATED, TRUNCATED = (np.isin(np.arange(6), steps) for steps in ([3], [1, 5]))
BLOCKS = np.kron(np.eye(3), np.ones((2, 2)))
CUT, DEATH = np.zeros((6, 6)), np.zeros((6, 6))
CUT[:2, 2:4] = DEATH[2:4, 4:] = 1  # from one episode to the next, across a cut and across a termination
LATER = np.triu(np.ones((6, 6)))


@pytest.mark.parametrize(
    ("mistake", "symptom", "reach", "beyond"),
    [
        ("terminated in both places", "the last steps before a cut are praised", BLOCKS + CUT, ~TERMINATED),
        (
            "the wrong line",
            "cuts still count as deaths, and now episodes leak",
            BLOCKS + CUT,
            ~(TERMINATED | TRUNCATED),
        ),
        ("the other flag", "falling is paid for, and lasting to the limit is punished", BLOCKS, ~TRUNCATED),
        ("no flag at the value", "the fatal action is paid for a future", BLOCKS, True | TERMINATED),
        ("a sum without end", "each episode is praised for what all later ones did", LATER, ~TERMINATED),
        ("no flag at all", "everything that comes later in the row counts for every step", LATER, True | TERMINATED),
        ("truncated alone", "the fatal action is praised for what the next episode did", BLOCKS + DEATH, ~TERMINATED),
    ],
)
def test_how_far_one_looks_in_a_row(mistake, symptom, reach, beyond):
    def looks(f, beyond, reach):
        rewards = response(lambda r: f(r, np.zeros(6), np.zeros(6), TERMINATED, TRUNCATED, GAMMA, LAM), 6)
        values = response(lambda v: f(np.zeros(6), np.zeros(6), v, TERMINATED, TRUNCATED, GAMMA, LAM), 6)
        np.testing.assert_array_equal(rewards > 0, LATER * reach)
        np.testing.assert_allclose(values.diagonal(), GAMMA * beyond)

    looks(right("a-flag-too-few"), ~TERMINATED, BLOCKS)
    for f in spellings("a-flag-too-few", mistake, symptom):
        looks(f, beyond, reach)


@pytest.mark.parametrize(
    ("mistake", "symptom", "numbers"),
    [
        ("the largest merged return", "none, if you meant the first step", lambda merged, plain: (10, merged[0])),
        ("undiscounted", "values and weights speak of different returns", lambda merged, plain: (10, plain.mean())),
        ("cut off as well", "this is the confusion", lambda merged, plain: (merged[0], merged.mean())),
        ("the last one", "none", lambda merged, plain: (10, merged[-1])),
        ("exchanged", "none", lambda merged, plain: (merged.mean(), 10)),
    ],
)
def test_what_the_numbers_at_the_cut_are(mistake, symptom, numbers):
    merged, plain = (pg.rewards_to_go(np.ones(10), gamma) for gamma in (0.9, 1.0))
    np.testing.assert_allclose(right("cut-at-ten"), [10, merged.mean()])
    for found in spellings("cut-at-ten", mistake, symptom):
        np.testing.assert_allclose(found, numbers(merged, plain))
