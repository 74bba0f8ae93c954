"""What the known mistakes of chapters 4 and 5 are said to do, computed as in ``test_symptoms``."""

import itertools

import numpy as np
import pytest
import torch
from test_symptoms import (
    GRADIENT,
    HIKE,
    THETA,
    descend,
    discounts,
    flips,
    leaked,
    moments,
    of_rewards,
    of_values,
    spellings,
    wrong,
)
from test_symptoms_of_updates import gradient, right

import pgutils as pg
from pgutils.exercises.catalogue import EXERCISES
from pgutils.exercises.weights import PROBLEMS, graded

POLICY = pg.softmax_policy(THETA)
GAMMA = 0.9
TO_GO, ROW, ESTIMATE, SUM = (
    "rewards-to-go",
    "rewards-to-go-in-a-row",
    "reward-to-go-gradient",
    "a-sum-that-runs-forwards",
)
AS_WEIGHTS = {
    TO_GO: lambda f: f,
    ROW: lambda f: lambda rewards, gamma: f(rewards, np.arange(len(rewards)) == len(rewards) - 1, gamma),
    ESTIMATE: lambda f: lambda rewards, gamma: f(np.eye(len(rewards))[None], rewards[None], gamma),
    SUM: lambda f: lambda rewards, gamma: f(torch.tensor(rewards)[None, None])[0, 0].numpy(),
}
BY_HAND = {"last step first": "not turned round again", "counted from the start": "weighted by γᵗ as well"}


def weights_of(exercise, mistake, symptom):
    """All spellings of a mistake, as functions of the rewards of one episode and γ; SUM knows no γ.

    The mistakes by hand are numbers: those that functions of the same mistakes give.
    """
    if exercise == "by-hand":
        function = wrong(TO_GO, BY_HAND.get(mistake, mistake), "")
        numbers = [*function(np.array([0.0, 0.0, 8.0]), 0.5), *function(np.ones(4), 1.0)]
        np.testing.assert_allclose(numbers, wrong(exercise, mistake, symptom))
        return [function]
    return [AS_WEIGHTS[exercise](function) for function in spellings(exercise, mistake, symptom)]


def credit(function, gamma=GAMMA, steps=6):
    """What a reward of 1 at each step adds to the weight of each action, shape (actions, rewards)."""
    return np.stack([function(reward, gamma) for reward in np.eye(steps)], -1)


def same_direction(one, other):
    """Whether two gradients differ in nothing but their length."""
    return np.allclose(one / np.linalg.norm(one), other / np.linalg.norm(other), rtol=0, atol=1e-6)


def chain(steps, gamma=1.0):
    """An episode of some steps, each of which earns 1 whatever one does."""
    rewards = np.append(np.ones((steps, 2)), np.zeros((1, 2)), 0)
    return pg.TabularMDP(flips(steps).transitions, rewards, np.eye(steps + 1)[0], gamma)


# Chapter 4. Which rewards an action is credited with.

EACH = np.ones((6, 6), bool)
FUTURE, LATER, OWN = np.triu(EACH), np.triu(EACH, 1), np.eye(6, dtype=bool)
TURNED = "the last action is praised for everything, the first for the end only"
NOTHING_AT_ONCE = "an action gets no credit for what it earns at once"
NEVER_ANY = f"{NOTHING_AT_ONCE}; the last one never gets any"
OWN_ALONE = "each action is judged by its own reward alone (the wrong line of chapter 2)"
UNSEEN_PRIZE = "a prize at the very end, often the only one, is never seen"
ONE_AHEAD = "what comes later than the next step is never credited"


@pytest.mark.parametrize(
    ("exercise", "mistake", "symptom", "credited"),
    [
        (TO_GO, "not turned round again", TURNED, FUTURE[::-1]),
        (ROW, "each episode turned round", TURNED, FUTURE[::-1]),
        (SUM, "not turned round again", TURNED, FUTURE[::-1]),
        ("by-hand", "last step first", TURNED, FUTURE[::-1]),
        (TO_GO, "own reward left out", NEVER_ANY, LATER),
        (TO_GO, "of the next step", NEVER_ANY, LATER),
        (ROW, "own reward left out", NEVER_ANY, LATER),
        (ESTIMATE, "own reward missing", NOTHING_AT_ONCE, LATER),
        (SUM, "own reward left out", NOTHING_AT_ONCE, LATER),
        (TO_GO, "one step ahead", ONE_AHEAD, FUTURE & np.tril(EACH, 1)),
        (ROW, "one step ahead", ONE_AHEAD, FUTURE & np.tril(EACH, 1)),
        (TO_GO, "the rewards themselves", OWN_ALONE, OWN),
        (TO_GO, "not added up", OWN_ALONE, OWN),
        (ROW, "the rewards themselves", OWN_ALONE, OWN),
        (ESTIMATE, "own reward", "what comes later does not count", OWN),
        (TO_GO, "last reward lost", UNSEEN_PRIZE, FUTURE & (np.arange(6) < 5)),
        (ROW, "reset after adding", UNSEEN_PRIZE, FUTURE & (np.arange(6) < 5)),
        ("by-hand", "forwards", "future rewards do not count", FUTURE.T),
    ],
)
def test_which_rewards_an_action_is_credited_with(exercise, mistake, symptom, credited):
    assert ((credit(right(TO_GO)) > 0) == FUTURE).all()
    for function in weights_of(exercise, mistake, symptom):
        found = credit(function)
        assert (found[credited] > 0.1).all()
        np.testing.assert_allclose(found[~credited], 0, atol=1e-12)


def test_a_reward_closes_the_account():
    restarted = wrong(TO_GO, "restarted at each reward", "no credit for what comes after the next reward")
    before, after = np.array([0.0, 0.0, 2.0, 0.0, 5.0]), np.array([0.0, 0.0, 2.0, 7.0, -3.0])
    assert (restarted(before, GAMMA)[:3] == restarted(after, GAMMA)[:3]).all()
    assert (right(TO_GO)(before, GAMMA)[:3] != right(TO_GO)(after, GAMMA)[:3]).all()


@pytest.mark.parametrize("exercise", [TO_GO, ROW])
def test_whole_numbers_give_no_credit_to_the_steps_before(exercise):
    said = "with γ < 1, a single reward of 1 gives no credit to any step before it"
    for function in weights_of(exercise, "whole numbers truncate", said):
        for gamma in (0.1, 0.9, 0.999):
            assert function(np.array([0, 0, 0, 1]), gamma).tolist() == [0, 0, 0, 1]


# What rewards count for, seen from the first step.


def seen_from_the_start(exercise, mistake, symptom, gamma=GAMMA):
    """What a reward at each step adds to the weight of the first action, shape (steps,)."""
    (function,) = weights_of(exercise, mistake, symptom)
    return credit(function, gamma)[0]


def test_how_far_ahead_an_agent_looks():
    squares = seen_from_the_start(TO_GO, "squares of γ", "the agent looks half as far ahead as it was asked to")
    np.testing.assert_allclose(squares[:3], credit(right(TO_GO))[0, ::2])
    said = "far rewards count like near ones, and all are multiplied by the same γ"
    np.testing.assert_allclose(seen_from_the_start(TO_GO, "γ on the wrong term", said), GAMMA)
    said = "from the next step on it does not matter when a reward comes"
    found = seen_from_the_start(TO_GO, "same discount for all that follow", said)
    assert found[0] != found[1]
    assert np.ptp(found[1:]) == 0
    full = seen_from_the_start("by-hand", "no discount", "rewards in the far future count in full", gamma=0.1)
    np.testing.assert_allclose(full, 1)


def fork():
    """Two roads of three steps: one earns 1 at once, the other 1 at the end."""
    transitions, rewards = np.zeros((6, 2, 6)), np.zeros((6, 2))
    transitions[0, 0, 1] = transitions[0, 1, 3] = 1
    for state, following in ((1, 2), (2, 5), (3, 4), (4, 5), (5, 5)):
        transitions[state, :, following] = 1
    rewards[0, 0] = rewards[4] = 1
    return pg.TabularMDP(transitions, rewards, np.eye(6)[0], GAMMA)


def test_an_agent_that_puts_rewards_off():
    said = "a reward counts more the later it comes: the agent puts rewards off"
    assert (np.diff(seen_from_the_start(TO_GO, "powers of γ from the wrong end", said)) > 0).all()
    later = wrong(TO_GO, "powers of γ from the wrong end", said)
    to_the_end, at_once = (
        moments(of_rewards(f), mdp=fork(), theta=np.zeros((6, 2)))[0][0, 1] for f in (later, right(TO_GO))
    )
    assert at_once < 0 < to_the_end


def test_late_steps_and_late_rewards_that_count_for_too_little():
    numbers = wrong("by-hand", "counted from the start", "late steps hardly learn")
    assert numbers[2] == right("by-hand")[2] / 4
    (weights,) = weights_of("by-hand", "counted from the start", "")
    assert weights(np.ones(200), 0.9)[100] < 1e-4 * right(TO_GO)(np.ones(200), 0.9)[100]
    for mistake, symptom in (
        ("γᵗ twice", "late steps count for too little, and the gradient is not that of J"),
        ("rewards discounted twice", "late rewards count for too little, and the gradient is not that of J"),
    ):
        (function,) = weights_of(ESTIMATE, mistake, symptom)
        share = credit(function)[FUTURE] / credit(AS_WEIGHTS[ESTIMATE](right(ESTIMATE)))[FUTURE]
        step, reward = np.nonzero(FUTURE)
        late = step if mistake == "γᵗ twice" else reward - step
        np.testing.assert_allclose(share[late == 0], 1)
        assert (np.diff([share[late == n].max() for n in range(6)]) < 0).all()
        assert np.abs(moments(of_rewards(function))[0] - GRADIENT).max() > 1e-3


# Values that are learned from the weights.


def learned(function):
    """The mean weight at each state of the hike: what a value function learns from them."""
    tau = HIKE.enumerate_trajectories(3)
    total, visits = np.zeros(3), np.zeros(3)
    for chance, states, mask, rewards in zip(tau.probability(POLICY), tau.states, tau.mask, tau.rewards, strict=True):
        np.add.at(total, states[:-1][mask], chance * function(rewards[mask], GAMMA))
        np.add.at(visits, states[:-1][mask], chance)
    return total / visits


@pytest.mark.parametrize("exercise", [TO_GO, ROW])
def test_values_learned_from_weights(exercise):
    values = HIKE.state_values(POLICY)[:3]
    np.testing.assert_allclose(learned(right(TO_GO)), values)
    said = "all weights shrink by γ, and the values that are learned from them as well"
    for function in weights_of(exercise, "discounted once too often", said):
        np.testing.assert_allclose(credit(function)[FUTURE], GAMMA * credit(right(TO_GO))[FUTURE])
        np.testing.assert_allclose(learned(function), GAMMA * values)
    said = "none for the gradient of J, which has this factor. But V predicts G_t"
    for function in weights_of(exercise, "weighted by γᵗ as well", said):
        np.testing.assert_allclose(moments(of_rewards(function))[0], GRADIENT, atol=1e-12)
        assert np.abs(learned(function) - values).max() > 0.05


# Means and variances, exactly.


@pytest.mark.parametrize(
    ("exercise", "symptom"),
    [
        (ROW, "past rewards stay in the weights as noise"),
        ("by-hand", "past rewards stay in the weights as noise"),
        (ESTIMATE, "the mean is right; past rewards stay in as noise"),
        (SUM, "the mean is right; past rewards stay in as noise"),
    ],
)
def test_past_rewards_are_noise(exercise, symptom):
    six, even, hike = flips(6), np.zeros((7, 2)), HIKE if exercise != SUM else pg.mountain_hike(1.0)
    mistake = "total return of each episode" if exercise == ROW else "total return"
    for function in weights_of(exercise, mistake, symptom):
        np.testing.assert_allclose(
            moments(of_rewards(function), mdp=hike)[0], pg.exact_policy_gradient(hike, THETA), atol=1e-12
        )
        (mean, more), (same, less) = (
            moments(of_rewards(f), mdp=six, theta=even, horizon=6) for f in (function, right(TO_GO))
        )
        np.testing.assert_allclose(mean, same, atol=1e-12)
        assert more > 1.5 * less


def test_the_past_by_hand_leaves_the_own_reward_on_average():
    said = "the expected gradient has only each action's own reward in it"
    (past,) = weights_of("by-hand", "past", said)
    own = moments(lambda batch: discounts(batch) * batch.rewards)[0]
    np.testing.assert_allclose(moments(of_rewards(past))[0], own, atol=1e-12)


def test_the_past_of_equal_rewards_in_a_row_has_no_gradient():
    cart_pole = pg.TabularMDP(HIKE.transitions, 1.0 * ~HIKE.terminal[:, None] * np.ones((4, 2)), HIKE.initial, GAMMA)
    for function in weights_of(ROW, "forwards", "where every step earns 1, the expected gradient is zero"):
        np.testing.assert_allclose(moments(of_rewards(function), mdp=cart_pole)[0], 0, atol=1e-12)
    assert np.abs(moments(of_rewards(right(TO_GO)), mdp=cart_pole)[0]).max() > 0.01


def test_nobody_climbs_for_what_comes_later():
    for function in weights_of(ESTIMATE, "own reward", "nobody climbs for a summit"):
        assert moments(of_rewards(function))[0][0, 1] < 0 < GRADIENT[0, 1]


def slopes(weights):
    """How the expected estimate changes with each logit, shape (8, 8): symmetric if it is a gradient."""
    steps = 1e-5 * np.eye(8).reshape(8, 4, 2)
    found = [moments(weights, theta=THETA + s)[0] - moments(weights, theta=THETA - s)[0] for s in steps]
    return np.reshape(found, (8, 8)) / 2e-5


def test_other_objectives_and_none():
    (undiscounted,) = weights_of(ESTIMATE, "no discount", "another objective is climbed than the one that was asked")
    other = pg.exact_policy_gradient(pg.mountain_hike(1.0), THETA)
    np.testing.assert_allclose(moments(of_rewards(undiscounted))[0], other, atol=1e-12)
    assert not same_direction(other, GRADIENT)
    said = "where γ < 1 the mean is not the gradient of J, nor of any function"
    (half,) = weights_of(ESTIMATE, "no discount in G", said)
    for function, symmetric in ((AS_WEIGHTS[ESTIMATE](right(ESTIMATE)), True), (undiscounted, True), (half, False)):
        found = slopes(of_rewards(function))
        assert (np.abs(found - found.T).max() < 1e-6) == symmetric


def test_a_return_that_falls_from_the_first_iteration_on():
    (downhill,) = weights_of(ESTIMATE, "sign", "the return falls from the first iteration on")
    theta, returns = THETA, [HIKE.expected_return(POLICY)]
    for _ in range(5):
        theta = theta + moments(of_rewards(downhill), theta=theta)[0]
        returns.append(HIKE.expected_return(pg.softmax_policy(theta)))
    assert (np.diff(returns) < -0.001).all()


# Batches of episodes, as rows of a table.

SCORES, REWARDS = (np.random.default_rng(0).normal(size=shape) for shape in ((3, 4, 2), (3, 4)))


def padded(function):
    """The mean of an estimate from two hikes, both as long as the longer one."""
    tau = HIKE.enumerate_trajectories(3)
    scores = (pg.softmax_score(POLICY, tau.states[:, :-1], tau.actions) * tau.mask[..., None, None]).reshape(-1, 3, 8)
    chance, mean = tau.probability(POLICY), np.zeros(8)
    for pair in itertools.product(range(len(chance)), repeat=2):
        pair, steps = list(pair), tau.mask[list(pair)].any(0).sum()
        mean += chance[pair].prod() * function(scores[pair, :steps], tau.rewards[pair, :steps], GAMMA)
    return mean.reshape(4, 2)


def test_a_divisor_that_depends_on_the_actions():
    said = "with padding to the longest episode, a divisor that depends on the actions: a bias"
    np.testing.assert_allclose(padded(right(ESTIMATE)), GRADIENT, atol=1e-12)
    assert not same_direction(padded(wrong(ESTIMATE, "mean over steps", said)), GRADIENT)


def test_a_divisor_that_is_one_too_small():
    said = "too long a step, with two episodes twice as long; and of one episode, none at all"
    one_less = wrong(ESTIMATE, "N - 1", said)
    for count, factor in ((2, 2), (3, 1.5)):
        args = SCORES[:count], REWARDS[:count], GAMMA
        np.testing.assert_allclose(one_less(*args), factor * right(ESTIMATE)(*args))
    with np.errstate(divide="ignore"):
        assert not np.isfinite(one_less(SCORES[:1], REWARDS[:1], GAMMA)).any()


def test_an_episode_is_praised_for_the_next_one():
    """All scores are 0 but those of the first of two episodes; then a reward of the second is raised."""
    scores, raised = SCORES[:2] * np.array([1, 0])[:, None, None], REWARDS[:2] + np.array([[0], [1]])
    for function in spellings(ESTIMATE, "along the episodes", "an episode is praised for what the next one earns"):
        assert (function(scores, raised, GAMMA) != function(scores, REWARDS[:2], GAMMA)).all()
    assert (right(ESTIMATE)(scores, raised, GAMMA) == right(ESTIMATE)(scores, REWARDS[:2], GAMMA)).all()


def test_estimates_from_one_step_or_for_each_episode():
    centred = wrong(ESTIMATE, "centred", "of a single step nothing is learned")
    assert not centred(SCORES[:1, :1], REWARDS[:1, :1], GAMMA).any()
    apart = wrong(ESTIMATE, "one for each episode", "none, if one takes their mean")(SCORES, REWARDS, GAMMA)
    np.testing.assert_allclose(apart.mean(0), right(ESTIMATE)(SCORES, REWARDS, GAMMA))


def test_steps_that_share_one_weight():
    shared = wrong(ESTIMATE, "sum of scores", "all steps share one weight, and the credit is lost")
    exchanged = SCORES[:, ::-1]
    np.testing.assert_allclose(shared(exchanged, REWARDS, GAMMA), shared(SCORES, REWARDS, GAMMA))
    assert (np.abs(right(ESTIMATE)(exchanged, REWARDS, GAMMA) - right(ESTIMATE)(SCORES, REWARDS, GAMMA)) > 0.1).all()


# Episodes in a row: two of three steps.

ENDS = np.array([False, False, True] * 2)
FIRST = np.arange(6) < 3
OTHERS = FIRST[:, None] != FIRST


def in_a_row(mistake, symptom):
    """What a reward of 1 at each step of two episodes adds to the weight of each action, shape (6, 6)."""
    function = wrong(ROW, mistake, symptom)
    return credit(lambda rewards, gamma: function(rewards, ENDS, gamma))


@pytest.mark.parametrize("mistake", ["reset too late", "the wrong way round"])
def test_the_last_action_is_praised_for_a_new_start(mistake):
    found = in_a_row(mistake, "the last action, often the fatal one, is praised for a new start")
    assert found[2, 3] == GAMMA


def test_credit_in_a_row():
    assert not in_a_row("reset after adding", UNSEEN_PRIZE)[:, ENDS].any()
    found = in_a_row("episodes turned round", "actions are praised for what happened in other episodes")
    assert found[OTHERS].any()
    assert not found[~OTHERS].any()


def test_what_leaks_to_all_but_the_last_action_is_a_bias():
    said = "praise for what the next episode earns: noise, and a bias."
    leak = wrong(ROW, "ends ignored but for the last reward", said)
    for gamma in (0.9, 1.0):
        np.testing.assert_allclose(leaked(right(ROW), gamma), 0, atol=1e-12)
        assert np.abs(leaked(leak, gamma)).max() > 0.05


def test_a_row_that_ends_in_nan():
    said = "the row need not be very long: with γ = 0.1 it happens after step 323"
    weights = wrong(ROW, "divided by γᵗ", said)(np.ones(400), np.arange(400) % 40 == 39, 0.1)
    assert np.isfinite(weights).tolist() == [True] * 324 + [False] * 76


# A sum that runs forwards: tables of episodes (runs, episodes, steps).

TABLE = torch.tensor([[[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]])


def test_a_sum_that_is_turned_round_at_the_end_only():
    said = "with equal rewards and lengths nobody would notice; otherwise the credit is misplaced"
    turned, to_go = wrong(SUM, "turned round at the end only", said), right(SUM)
    ones, padding = torch.ones(1, 2, 3), torch.tensor([[[1.0, 1.0, 1.0], [1.0, 1.0, 0.0]]])
    assert (turned(ones) == to_go(ones)).all()
    for rewards in (TABLE, padding):
        assert (turned(rewards) != to_go(rewards)).any()
    last = credit(AS_WEIGHTS[SUM](turned))[-1]
    assert last.tolist() == [1, 0, 0, 0, 0, 0]


def between_episodes(function):
    """Whether the weights of an episode (row) depend on the rewards of another one (column)."""
    raised = [TABLE + torch.eye(2)[other][:, None] for other in (0, 1)]
    return torch.stack([(function(rewards) != function(TABLE))[0].any(-1) for rewards in raised], -1).numpy()


def test_credit_in_other_episodes():
    own = np.eye(2, dtype=bool)
    assert (between_episodes(right(SUM)) == own).all()
    for function in spellings(SUM, "along the episodes", "an episode is praised for what others collect"):
        assert between_episodes(function)[~own].any()
    for function in spellings(SUM, "episodes turned round", "episodes are judged by what others collected"):
        assert (between_episodes(function) == ~own).all()


# Chapter 5. The optimal baseline.

BASELINE = "optimal-baseline"
FOUND = EXERCISES[BASELINE].probes["three trajectories"]


def variances(of, args=FOUND):
    """The variance of each component of the estimate with a baseline, shape (d,)."""
    scores, returns, probability = args
    estimates = scores * (returns[:, None] - of)
    return probability @ estimates**2 - (probability @ estimates) ** 2


def test_one_baseline_for_all_components():
    said = "the sum of the variances is the lowest for one number; with one for each it is lower"
    one = wrong(BASELINE, "one for all components", said)(*FOUND)
    assert np.ptp(one) == 0
    for step in (-0.01, 0.01):
        assert variances(one + step).sum() > variances(one).sum()
    assert variances(right(BASELINE)(*FOUND)).sum() < variances(one).sum() - 0.01


@pytest.mark.parametrize("probe", ["three trajectories", "seven trajectories"])
def test_a_mean_divided_by_a_mean_score(probe):
    """In whichever order the trajectories are added up, the divisor is what rounding leaves of 0."""
    scores, returns, probability = EXERCISES[BASELINE].probes[probe]
    quotient = wrong(BASELINE, "signed scores", "what comes out is rounding, or nothing finite at all")
    assert (np.abs(quotient(scores, returns, probability)) > 1e5 * np.abs(returns).max()).all()
    divisors = {
        sum(p * s for p, s in some)
        for some in itertools.islice(itertools.permutations(zip(probability, scores[:, 0], strict=True)), 1000)
    }
    assert max(abs(divisor) for divisor in divisors) < 1e-15
    assert len(divisors) > 1


@pytest.mark.parametrize(
    ("mistake", "symptom", "rewards_doubled", "scores_doubled"),
    [
        ("score times return squared", "double the rewards, and it is four times as large", 4, None),
        ("upside down", "double the rewards, and it is half as large", 1 / 2, None),
        ("the gradient itself", "double the scores, and it is twice as large", None, 2),
        ("not divided", "the baseline depends on the size of the scores", None, 4),
    ],
)
def test_the_units_of_a_baseline(mistake, symptom, rewards_doubled, scores_doubled):
    scores, returns, probability = FOUND
    for function, factors in (
        (right(BASELINE), (2, 1)),
        (wrong(BASELINE, mistake, symptom), (rewards_doubled, scores_doubled)),
    ):
        for doubled, factor in zip(((scores, 2 * returns), (2 * scores, returns)), factors, strict=True):
            if factor:
                np.testing.assert_allclose(function(*doubled, probability), factor * function(*FOUND))


def test_baselines_of_equal_returns():
    equal = EXERCISES[BASELINE].probes["equal returns"]
    np.testing.assert_allclose(right(BASELINE)(*equal), 3)
    said = "where all returns are alike the baseline is not that return"
    for function in spellings(BASELINE, "probabilities in one of two", said):
        assert (np.abs(function(*equal) - 3) > 0.1).all()
    doubled = wrong(BASELINE, "sign", "subtracting it doubles what it should take away")(*equal)
    np.testing.assert_allclose(equal[1] - doubled[0], 2 * equal[1])
    np.testing.assert_allclose(variances(doubled, equal), 4 * variances(0, equal))


def test_a_baseline_that_shrinks_as_the_policy_gets_certain():
    mean = wrong(BASELINE, "not divided", "and shrinks as the policy gets certain")
    found = []
    for p in (0.5, 0.9, 0.99, 0.999):
        bandit = np.array([[-p], [1 - p]]), np.array([3.0, 3.0]), np.array([1 - p, p])
        np.testing.assert_allclose(right(BASELINE)(*bandit), 3)
        found.append(mean(*bandit)[0])
    assert (np.diff(found) < 0).all()
    assert found[-1] < 0.01


def test_the_bandit_s_baseline_is_right_whatever_is_written_for_the_variance():
    b, variance = right("bandit-baseline")
    for mistake in ("variance of the returns", "mean square"):
        assert wrong("bandit-baseline", mistake, "none.")[0] == b
    np.testing.assert_allclose(variances(b, EXERCISES[BASELINE].probes["the bandit"]), variance, atol=1e-12)


# Leaving one out.

LEAVE = "leave-one-out"
RUNS = np.array([[1.0, 2.0, 6.0], [10.0, 14.0, 9.0], [3.0, 5.0, 4.0]])


def test_a_baseline_that_depends_on_the_number_of_runs():
    """The same run comes twice, or three times."""
    said = "the baseline depends on how many runs one happens to train side by side"
    for function in spellings(LEAVE, "number of runs for N", said):
        assert (function(RUNS[[0, 0]])[0] != function(RUNS[[0, 0, 0]])[0]).all()
    assert (right(LEAVE)(RUNS[[0, 0]])[0] == right(LEAVE)(RUNS[[0, 0, 0]])[0]).all()


@pytest.mark.parametrize("mistake", ["others among the runs", "across the runs"])
def test_runs_that_depend_on_each_other(mistake):
    function = wrong(LEAVE, mistake, "runs that should be independent depend on each other")
    assert (function(RUNS[[0, 1]])[0] != function(RUNS[[0, 2]])[0]).all()
    assert (right(LEAVE)(RUNS[[0, 1]])[0] == right(LEAVE)(RUNS[[0, 2]])[0]).all()


def test_sums_for_means():
    rest = wrong(LEAVE, "sum of the others", "with positive returns nearly all weights are negative, more so in larger")
    everything = wrong(LEAVE, "sum of all", "with positive returns all weights are negative")
    shares = []
    for count in (2, 3, 4, 5, 6):
        returns = np.array(list(itertools.product([1.0, 2.0, 4.0, 8.0, 16.0], repeat=count)))
        weights = rest(returns)
        assert ((weights > 0).sum(-1) <= 1).all()
        shares.append((weights > 0).mean())
        assert (everything(returns) < 0).all()
    assert (np.diff(shares) < 0).all()
    assert shares[-1] < 0.1


def test_means_and_weights_that_are_cut_off():
    floor = wrong(LEAVE, "floor division", "returns between 0 and 1 get no baseline at all")
    between = np.random.default_rng(0).uniform(size=(4, 5))
    np.testing.assert_array_equal(floor(between), between)
    cut = wrong(LEAVE, "whole numbers truncate", "of rewards of 0 and 1 a mean of less than 1 is cut off to nothing")
    coins = np.array(list(itertools.product([0, 1], repeat=4)))
    less = coins - right(LEAVE)(coins) < 1
    np.testing.assert_array_equal(cut(coins)[less], coins[less])
    whole = wrong(LEAVE, "whole weights", "an episode that is better than the others by less than 1 has no weight")
    little = (right(LEAVE)(coins) > 0) & (right(LEAVE)(coins) < 1)
    assert little.any()
    assert not whole(coins)[little].any()


# Weights with values.

ADVANTAGE = "advantage"


def in_tensors(function):
    """A function of that exercise as one of NumPy's arrays."""
    return lambda rewards, values, gamma: (
        function(torch.tensor(rewards), torch.tensor(values)[:, None], gamma).detach().numpy()
    )


def misjudged(function):
    """The same with values that are too high after the first step."""
    return lambda rewards, values, gamma: function(rewards, values + 0.5 * (np.arange(len(values)) > 0), gamma)


def weights_in(loss):
    """What stands for the advantage in a loss that is a mean over the steps."""

    def weights(rewards, values, gamma):
        returns = pg.rewards_to_go(rewards, gamma)
        return -len(rewards) * gradient(loss, -np.ones(len(rewards)), values, returns).numpy()

    return weights


def possible(mdp=HIKE, theta=THETA, horizon=3, episodes=1):
    """All batches that are possible, with exact values."""
    caught = []
    moments(lambda batch: caught.append(batch) or torch.zeros_like(batch.rewards), episodes, mdp, theta, horizon)
    return caught[0]


def pull(function, rewards, values):
    """What multiplies each log-probability in their product with the weights, shape (steps,)."""
    return gradient(lambda log_probs: log_probs * function(rewards, values, GAMMA), -np.ones(len(rewards)))


def test_tables_of_advantages_raise_no_error():
    rewards, values = torch.tensor([1.0, 2.0, 4.0]).double(), torch.tensor([[0.5], [1.0], [-1.0]]).double()

    def moved(function):
        """Whether what multiplies an action's log-probability depends on all rewards, and on all values."""
        before, steps = pull(function, rewards, values), torch.eye(3).double()
        by_rewards = [pull(function, rewards + step, values) - before for step in steps]
        by_values = [pull(function, rewards, values + step[:, None]) - before for step in steps]
        return [bool((torch.stack(by).abs() > 0.1).all()) for by in (by_rewards, by_values)]

    said = "no error is raised, and each action is weighted with returns or values of all steps"
    assert moved(right(ADVANTAGE)) == [False, False]
    for function in spellings(ADVANTAGE, "table instead of a row", said):
        assert any(moved(function))
    column = wrong(ADVANTAGE, "column instead of a row", "it is a table, and no error is raised")
    assert (torch.ones(3) * column(rewards, values, GAMMA)).shape == (3, 3)
    advantages = right(ADVANTAGE)(rewards, values, GAMMA)
    torch.testing.assert_close(pull(column, rewards, values), advantages.sum().expand(3))


@pytest.mark.parametrize("exercise", [ADVANTAGE, "two-losses-in-one", "your-weights"])
def test_what_was_better_than_expected_is_pushed_down(exercise):
    functions = spellings(exercise, "sign", "what was better than expected is pushed down")
    if exercise == ADVANTAGE:
        functions = [of_values(in_tensors(function)) for function in functions]
    elif exercise == "two-losses-in-one":
        functions = [of_values(weights_in(function)) for function in functions]
    batch = possible()
    better = (pg.rewards_to_go(batch) > batch.values)[batch.mask]
    for function in functions:
        assert ((function(batch)[batch.mask] < 0) == better).all()
    np.testing.assert_allclose(moments(functions[0])[0], -GRADIENT, atol=1e-12)


def test_one_step_is_a_bias_if_values_are_not_right():
    one_step = in_tensors(wrong(ADVANTAGE, "one step", "none if the values are right; a bias if they are not"))
    np.testing.assert_allclose(moments(of_values(one_step))[0], GRADIENT, atol=1e-12)
    assert np.abs(moments(of_values(misjudged(one_step)))[0] - GRADIENT).max() > 0.01
    whole = in_tensors(right(ADVANTAGE))
    np.testing.assert_allclose(moments(of_values(misjudged(whole)))[0], GRADIENT, atol=1e-12)


def test_advantages_with_the_factor_in_front():
    said = "none for the gradient of J, which has this factor"
    in_front = of_values(in_tensors(wrong(ADVANTAGE, "γᵗ in front", said)))
    mean, _ = moments(lambda batch: in_front(batch) / discounts(batch))
    np.testing.assert_allclose(mean, GRADIENT, atol=1e-12)


def test_advantages_that_are_praise_whatever_happened():
    said = "an episode that went well gets no more praise than one that went badly"
    values = np.array([2.0, 1.0, 3.0])
    for function in spellings(ADVANTAGE, "normalised", said):
        for rewards in (np.array([5.0, 9.0, 7.0]), np.array([-5.0, 0.0, -7.0])):
            assert abs(in_tensors(function)(rewards, values, GAMMA).sum()) < 1e-6
    squared = wrong(ADVANTAGE, "squared error", "what was worse than expected is praised like what was better")
    better, worse = (in_tensors(squared)(np.array([r]), np.array([3.0]), GAMMA)[0] for r in (5.0, 1.0))
    assert better == worse > 0


# Two losses in one.

LOSSES = "two-losses-in-one"
STEPS = -torch.ones(2).double(), torch.zeros(2).double(), torch.tensor([4.0, 10.0]).double()


def test_losses_that_teach_one_of_two_or_the_values_nothing():
    said = "the value function stays as it was at the start, a baseline that predicts nothing"
    both = wrong(LOSSES, "both detached", said)
    assert gradient(both, *STEPS).all()
    assert not gradient(both, *STEPS, of=1).any()
    for loss in spellings(LOSSES, "log-probabilities detached", "the values learn, the policy does not"):
        assert not gradient(loss, *STEPS).any()
        found = descend(lambda values, loss=loss: loss(STEPS[0], values, STEPS[2]), [0.0, 0.0])
        assert ((found - STEPS[2]).abs() < 1).all()


def test_a_loss_without_its_baseline():
    loss = wrong(LOSSES, "no baseline", "right on average, but the baseline and its calm are gone")
    np.testing.assert_allclose(moments(of_values(weights_in(loss)))[0], GRADIENT, atol=1e-12)
    without, with_it = (
        moments(of_values(weights_in(f)), mdp=flips(6), theta=np.zeros((7, 2)), horizon=6)[1]
        for f in (loss, right(LOSSES))
    )
    assert without > 2 * with_it


# Weights of the reader's own: functions of the batch.

YOURS = "your-weights"


def test_another_direction_than_the_gradient():
    said = "where γ < 1 it is another direction than the gradient (chapter 3)"
    undiscounted = pg.mountain_hike(1.0)
    for weights in spellings(YOURS, "γᵗ dropped", said):
        assert not same_direction(moments(weights, episodes=2)[0], GRADIENT)
        found = moments(weights, episodes=2, mdp=undiscounted)[0]
        np.testing.assert_allclose(found, pg.exact_policy_gradient(undiscounted, THETA), atol=1e-12)


@pytest.mark.parametrize("N", [2, 3])
def test_the_own_episode_in_the_mean(N):
    said = "the expected gradient shrinks by 1 - 1/N. The variance shrinks with it"
    others = [
        lambda batch: discounts(batch) * pg.leave_one_out(pg.rewards_to_go(batch)),
        lambda batch: pg.leave_one_out(pg.rewards_to_go(batch)),
    ]
    for weights, without in zip(spellings(YOURS, "own episode in the mean", said), others, strict=True):
        (mean, variance), (whole, more) = (moments(w, episodes=N) for w in (weights, without))
        np.testing.assert_allclose(mean, (1 - 1 / N) * whole, atol=1e-12)
        assert variance < more
    np.testing.assert_allclose(moments(others[0], episodes=N)[0], GRADIENT, atol=1e-12)


def test_batches_that_count_alike():
    """The squares of the weights add up to the same in all batches with as many steps, but where all are equal."""
    said = "batches count alike, one with something rare in it as well as a dull one"
    batch = possible(episodes=2)
    steps = batch.mask.sum((-2, -1))
    for weights in spellings(YOURS, "normalised", said):
        size = weights(batch).square().sum((-2, -1)) / (steps - 1)
        np.testing.assert_allclose(size[size > 0], 1, atol=1e-6)
        assert (size > 0).double().mean() > 0.9
    right_size = (discounts(batch) * (pg.rewards_to_go(batch) - batch.values)).square().sum((-2, -1))
    assert right_size.max() > 10 * right_size.min()


def test_past_rewards_are_noise_around_the_own_one():
    said = "only the own reward is left on average; the rest is noise"
    owns = [lambda batch: discounts(batch) * batch.rewards, lambda batch: batch.rewards]
    six = {"mdp": flips(6), "theta": np.zeros((7, 2)), "horizon": 6}
    for past, own in zip(spellings(YOURS, "past rewards", said), owns, strict=True):
        np.testing.assert_allclose(moments(past)[0], moments(own)[0], atol=1e-12)
        assert moments(past, **six)[1] > 2 * moments(own, **six)[1]


def test_without_a_baseline_bad_actions_are_pushed_up_less():
    bandit = pg.TabularMDP([[[0, 1], [0, 1]], [[0, 1], [0, 1]]], [[1.0, 2.0], [0, 0]], [1.0, 0.0])
    batch = possible(bandit, np.zeros((2, 2)), 1)
    said = "all actions are pushed up where all rewards are positive, the bad ones less"
    for weights in spellings(YOURS, "no baseline", said):
        bad, good = (weights(batch).flatten()[batch.actions.flatten() == action].item() for action in (0, 1))
        assert good > bad > 0


def test_so_few_other_episodes_are_a_noisy_baseline():
    said = "with two or three episodes its own noise may take back more than the baseline gains"
    others, none = wrong(YOURS, "other episodes", said), wrong(YOURS, "no baseline", "")
    noisier = []
    for problem in PROBLEMS.values():
        a, b = (np.split(graded(weights)(*problem), 2)[1].sum() for weights in (others, none))
        noisier.append(bool(a > b))
        assert problem[-1] in (2, 3)
    assert set(noisier) == {True, False}


def test_values_that_are_compared_with_everything():
    said = "late values expect little and are compared with everything"
    batch = possible(chain(6), np.zeros((7, 2)), 6)
    for weights in spellings(YOURS, "total return minus value", said):
        assert (weights(batch)[:, 0].diff() > 0).all()
        np.testing.assert_allclose(weights(batch)[:, 0, 0], 0, atol=1e-12)


def test_values_that_are_subtracted_in_vain():
    said = "the later the step, the more of its value is subtracted in vain"
    weights, values = wrong(YOURS, "value not discounted", said), right(YOURS)
    batch = possible(chain(6, GAMMA), np.zeros((7, 2)), 6)
    np.testing.assert_allclose(values(batch), 0, atol=1e-12)
    in_vain = -(weights(batch) / batch.values)[:, 0]
    assert (in_vain.diff() > 0).all()
    (mean, more), (same, less) = moments(weights), moments(values)
    np.testing.assert_allclose(mean, same, atol=1e-12)
    assert more > less
