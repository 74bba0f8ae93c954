"""What the known mistakes are said to do in exercises on paper and in code that is mended, as in ``test_symptoms``."""

import itertools

import gymnasium as gym
import numpy as np
import pytest
import torch
from test_symptoms import GRADIENT, spellings, wrong
from test_symptoms_of_part_one import expected_step, mean_step, of_update
from test_symptoms_of_updates import gradient, right

import pgutils as pg

# The corridor.

CORRIDOR = pg.short_corridor()
P = np.linspace(0.01, 0.99, 99)


def best(value):
    """The best probability of going right."""
    return P[np.argmax([value(p) for p in P])]


def steps(p):
    """The mean number of steps of an episode."""
    return CORRIDOR.occupancy(np.tile([1 - p, p], (4, 1))).sum()


def test_going_to_and_fro_for_ever():
    said = "going right for certain looks best, and would walk to and fro for ever"
    for value in spellings("corridor-value", "not switched", said):
        assert best(value) == P[-1]
        assert value(1.0) == -3
    state, path = 0, []
    for _ in range(6):
        path.append(state)
        state = CORRIDOR.transitions[state, 1].argmax()
    assert path == [0, 1, 0, 1, 0, 1]


def test_other_best_probabilities():
    assert best(right("corridor-value")) == pytest.approx(right("corridor-best"), abs=0.005)
    for value in spellings("corridor-value", "left for right", "the best p comes out mirrored"):
        assert best(value) == pytest.approx(1 - best(right("corridor-value")))
    said = "the best p would make the episode as long as possible"
    for value in spellings("corridor-value", "number of steps", said):
        assert steps(best(value)) == max(map(steps, P))
    assert steps(best(right("corridor-value"))) == min(map(steps, P))


def test_numbers_of_the_best_corridor():
    assert wrong("corridor-best", "other root", "no policy has it") > 1
    found = wrong("corridor-best", "the value itself", "none")
    assert found == pytest.approx(right("corridor-value")(right("corridor-best")))


# An episode that is cut off after 500 steps.

GAMMAS = np.array([0.99, 0.999])


def missed(length, gamma):
    """The share that an episode of rewards of 1 misses, seen from each of its steps, (length,)."""
    return 1 - pg.rewards_to_go(np.ones(length), gamma) * (1 - gamma)


@pytest.mark.parametrize(
    ("mistake", "symptom", "back"),
    [
        ("what was seen", "none: the other share is 1 minus this one", lambda found: 1 - found),
        ("one step too many", "a share that is too small by γ", lambda found: found / GAMMAS),
        ("one step too few", "a share that is too large, by 1/γ", lambda found: found * GAMMAS),
        ("amounts", "none: divide by 100, and by 1000", lambda found: found / [100, 1000]),
        ("per cent", "none", lambda found: found / 100),
    ],
)
def test_shares_that_can_be_put_right(mistake, symptom, back):
    exact, *rounded = (np.array(found) for found in spellings("cut-off", mistake, symptom))
    np.testing.assert_allclose(back(exact), [missed(500, gamma)[0] for gamma in GAMMAS])
    for found in rounded:
        np.testing.assert_allclose(back(found), right("cut-off"), atol=6e-4)


def test_values_near_a_cut():
    """Learned as if nothing were missing, they are those of an episode that ends there."""
    assert wrong("cut-off", "nothing", "values learned so are too low near the cut") == [0, 0]
    for gamma, share in zip(GAMMAS, right("cut-off"), strict=True):
        assert missed(500, gamma)[0] == pytest.approx(share)
        assert (np.diff(missed(500, gamma)) > 0).all()
        assert missed(500, gamma)[-1] == pytest.approx(gamma)


def test_the_longer_the_episode_the_less_is_missing():
    guessed = wrong("cut-off", "γ only", "the longer the episode, the less is missing")
    for gamma, found in zip(GAMMAS, guessed, strict=True):
        shares = np.array([missed(length, gamma)[0] for length in (1, 10, 100, 500, 10_000)])
        assert (np.diff(shares) < 0).all()
        assert found == pytest.approx(1 - shares[0])  # all that an episode of one step sees


# Copies of a fork: a quick episode takes one step and a slow one four.


def slow_share(copies, batch, each=None, slow_first=False):
    """The share of slow episodes in a batch of those that end first, each copy having played so many."""
    length = {"quick": 1, "slow": 4}
    one_copy = []
    for episodes in itertools.product(length, repeat=each or batch):
        ends = np.cumsum([length[episode] for episode in episodes]).tolist()
        one_copy.append([(end, (episode == "slow") != slow_first) for end, episode in zip(ends, episodes, strict=True)])
    slow = 0
    for played in itertools.product(one_copy, repeat=copies):
        first = sorted(itertools.chain.from_iterable(played))[:batch]
        slow += sum(later != slow_first for _, later in first)
    return slow / batch / len(one_copy) ** copies


FOUR = right("four-copies")


def test_shares_of_slow_episodes():
    assert slow_share(4, 4) == FOUR
    found = wrong("four-copies", "slow first", "the share comes out too large")
    assert slow_share(4, 4, slow_first=True) == slow_share(4, 4, each=3) == found > FOUR
    said = "a quick copy that would have given a third is left out"
    assert slow_share(4, 4, each=2) == wrong("four-copies", "two episodes of each copy", said) > FOUR
    batches = [slow_share(4, batch) for batch in (1, 2, 3)] + [FOUR]
    assert batches[1] == wrong("four-copies", "batch of two", "the smaller the batch, the quicker its episodes")
    assert batches == sorted(batches)
    more = [slow_share(copies, copies) for copies in (1, 2, 3)] + [FOUR]
    assert more[2] == wrong("four-copies", "three copies", "more copies make it worse")
    assert more == sorted(more, reverse=True)
    assert wrong("four-copies", "per cent", "none") / 100 == FOUR
    assert 1 - wrong("four-copies", "share of the quick", "none: the other share is 1 minus this one") == FOUR


class Fork(gym.Env):
    """Every other copy takes the slow road."""

    observation_space, action_space = gym.spaces.Box(0, 1, (1,), np.float64), gym.spaces.Discrete(2)
    numbers = itertools.count()

    def __init__(self):
        self.length = 4 if next(self.numbers) % 2 else 1

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(1), {}

    def step(self, action):
        self.time += 1
        return np.zeros(1), 0.0, self.time == self.length, False, {}


def test_one_episode_of_each_copy():
    envs = pg.make_envs(lambda: gym.wrappers.TimeLimit(Fork(), 10), 4)
    streams = [pg.generator(0)]
    batch = pg.collect_episodes(envs, pg.CategoricalPolicy(1, 2, streams), streams)
    said = "none: that is the remedy, and what `pg.collect_episodes` does"
    slow = (batch.lengths == 4).double().mean()
    assert slow == slow_share(4, 4, each=1) == wrong("four-copies", "fair share", said)


# Rare and good: the estimate of the gradient is mended.

RARE = "rare-and-good"


def as_update(estimate):
    """The estimate as an update of REINFORCE, for episodes that differ in length."""

    def update(theta, episodes, gamma, alpha):
        steps = [
            estimate(theta, states[None], actions[None], np.array([pg.total_return(rewards, gamma)]))
            for states, actions, rewards in episodes
        ]
        return theta + alpha * sum(steps) / len(episodes)

    return update


@pytest.mark.parametrize(
    ("mistake", "symptom", "factor"),
    [
        ("sign", "good actions become less probable", -1),
        ("constant factor", "a shorter step in the right direction", 1 / 2),
        ("repeated visits lost", "a bias wherever a trajectory may come by the same state twice", 1),
    ],
)
def test_the_expected_estimate(mistake, symptom, factor):
    np.testing.assert_allclose(expected_step(as_update(right(RARE))), GRADIENT, atol=1e-9)
    for estimate in spellings(RARE, mistake, symptom):
        np.testing.assert_allclose(expected_step(as_update(estimate)), factor * GRADIENT, atol=1e-9)


def test_where_a_trajectory_comes_by_the_same_state_twice():
    again = pg.TabularMDP(np.array([[[0.7, 0.3]] * 2, [[0, 1.0]] * 2]), [[1.0, 2.0], [0, 0]], [1.0, 0.0])
    theta = np.array([[0.4, -0.3], [0.0, 0.0]])
    fair = expected_step(as_update(right(RARE)), mdp=again, theta=theta)
    for estimate in spellings(RARE, "repeated visits lost", "a bias wherever a trajectory may come by the same state"):
        assert np.abs(expected_step(as_update(estimate), mdp=again, theta=theta) - fair).max() > 0.05


def one_step(estimate, policy, action, value=1.0):
    """The estimate from one step, shape (A,)."""
    return estimate(np.log([policy]), np.array([[0]]), np.array([[action]]), np.array([value]))[0]


def test_a_single_rare_action_ruins_the_policy():
    policy = np.array([0.999, 0.001])
    said = "rare actions are counted far too much, and a single one may ruin the policy"
    for estimate in spellings(RARE, "divided twice", said):
        np.testing.assert_allclose(one_step(estimate, policy, 1), 1000 * one_step(right(RARE), policy, 1))
        ruined, sound = (
            pg.softmax_policy(np.log(policy) + 0.1 * one_step(f, policy, 1))[1] for f in (estimate, right(RARE))
        )
        assert sound < 0.002 < 0.999 < ruined


def test_a_policy_that_drifts_though_returns_are_alike():
    for estimate in spellings(RARE, "one-hot alone", "away from even odds the policy drifts though returns are alike"):
        for policy, drifts in (([0.5, 0.5], False), ([0.7, 0.3], True)):
            mean = sum(p * one_step(estimate, policy, action) for action, p in enumerate(policy))
            assert (np.ptp(mean) > 0.1) == drifts


@pytest.mark.parametrize("policy", [[0.5, 0.5], [0.1, 0.9], [0.2, 0.7, 0.1]])
def test_what_brings_a_positive_return_becomes_less_probable(policy):
    said = "log π is negative: what brings a positive return becomes rarer"
    for estimate in spellings(RARE, "product with log π", said):
        for action, p in enumerate(policy):
            found, wanted = (
                pg.softmax_policy(np.log(policy) + 0.1 * one_step(f, policy, action))[action]
                for f in (estimate, right(RARE))
            )
            assert found < p < wanted


def test_trajectories_that_count_for_less():
    said = "where episodes differ in length, the long ones count for less (chapter 3)"
    fair = of_update(as_update(right(RARE)))
    for estimate in spellings(RARE, "mean over steps", said):
        step = of_update(as_update(estimate))
        assert step(1, 0) == pytest.approx(fair(1, 0))
        assert step(0, 1) == pytest.approx(fair(0, 1) / 4)
        assert mean_step(step, 1) < 0 < mean_step(fair, 1)


# A mean too many: the loss is mended.

MEAN = "a-mean-too-many"


def batch_of(lengths, width=None):
    """Log-probabilities and weights, all of them ones or close to it, and mask of episodes of these lengths."""
    mask = torch.arange(width or max(lengths)) < torch.tensor(lengths)[:, None]
    return torch.full(mask.shape, -0.7, dtype=torch.float64), torch.ones(mask.shape, dtype=torch.float64), mask


def pull(loss, lengths):
    """How far a loss raises the log-probability of each step, (N, T)."""
    return -gradient(loss, *batch_of(lengths))


def of_fork(loss):
    """The step at the fork, as for an update, after so many short episodes that earn 1 and long ones that earn 2."""

    def step(short, long):
        log_probs, weights, mask = batch_of([1] * short + [4] * long)
        weights[short:] = 2
        scores = torch.tensor([-0.5] * short + [0.5] * long, dtype=torch.float64)
        return (-gradient(loss, log_probs, weights, mask)[:, 0] @ scores).item()

    return step


def test_a_small_batch_may_favour_the_worse_road():
    said = "batches with long episodes count for less; a small batch may favour the worse road"
    for loss in spellings(MEAN, "mean over steps", said):
        step = of_fork(loss)
        assert abs(step(0, 2)) < 2 * abs(step(2, 0))
        assert mean_step(step, 1) < 0 < mean_step(step, 20)
    assert mean_step(of_fork(right(MEAN)), 1) > 0


def test_the_return_falls():
    for loss in spellings(MEAN, "sign", "the optimiser minimises, so the return falls"):
        for episodes in (1, 5):
            fall, rise = (mean_step(of_fork(f), episodes) for f in (loss, right(MEAN)))
            assert fall == pytest.approx(-rise)
            assert rise == pytest.approx(1 / 4)  # the slope of the return, p (1 - p) (2 - 1)


def test_a_step_of_a_long_episode():
    said = "a step of a long episode counts for less than one of a short episode"
    assert len(set(pull(right(MEAN), [1, 4])[[0, 1, 1], [0, 0, 3]].tolist())) == 1
    for loss in spellings(MEAN, "mean within each episode", said):
        found = pull(loss, [1, 4])
        np.testing.assert_allclose(found[1] / found[0, 0], 1 / 4)


@pytest.mark.parametrize(
    ("mistake", "symptom"),
    [
        ("padded length", "the longer the longest episode, the shorter the step"),
        ("longest episode", "one long episode makes the steps of all others small"),
    ],
)
def test_the_length_of_the_longest(mistake, symptom):
    for loss in spellings(MEAN, mistake, symptom):
        steps, fair = ([pull(f, [1, 1, longest])[0, 0].item() for longest in (1, 2, 8)] for f in (loss, right(MEAN)))
        np.testing.assert_allclose(np.divide(steps, steps[0]), [1, 1 / 2, 1 / 8])
        assert len(set(fair)) == 1


def test_what_did_not_happen():
    *_, mask = batch_of([1, 4])
    assert not pull(right(MEAN), [1, 4])[~mask].any()
    for loss in spellings(MEAN, "padding counted", "the loss learns from what did not happen"):
        assert pull(loss, [1, 4])[~mask].all()
