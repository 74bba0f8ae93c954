"""The enumerable language model and the weights of groups, against loops, closed forms and enumeration."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

import pgutils as pg


def says_a_once(text):
    return float(text.endswith(".") and text.count("a") == 1)


THETA = np.array(
    [
        [0.2, 0.6, 0.2],
        [-0.9, 0.6, 0.3],
        [-0.4, 0.4, 0.3],
        [0.2, 0.0, 0.4],
        [-0.5, -0.1, -0.3],
        [0.4, 0.0, -0.2],
        [-0.5, -0.2, 0.0],
        [0.0, 0.0, 0.0],
    ]
)
MDP, PREFIXES = pg.language_mdp("ab", 3, says_a_once)
TAU = MDP.enumerate_trajectories(3)
TEXTS = pg.spell(TAU, "ab")
POLICY = pg.softmax_policy(THETA)


# The decision process.


def test_all_answers_are_there_once():
    ended = {".", "a.", "b.", "aa.", "ab.", "ba.", "bb."}
    cut_off = {x + y + z for x in "ab" for y in "ab" for z in "ab"}
    assert sorted(TEXTS) == sorted(ended | cut_off)
    assert PREFIXES == ["", "a", "b", "aa", "ab", "ba", "bb"]


def test_an_answer_is_paid_once_at_its_end():
    for text, rewards, mask in zip(TEXTS, TAU.rewards, TAU.mask, strict=True):
        assert rewards[: mask.sum() - 1].tolist() == [0] * (mask.sum() - 1)
        assert rewards.sum() == (text in ("a.", "ab.", "ba."))


def test_a_probability_is_a_product_over_tokens():
    states = {prefix: state for state, prefix in enumerate(PREFIXES)}
    for text, probability in zip(TEXTS, TAU.probability(POLICY), strict=True):
        factors = [POLICY[states[text[:t]], "ab.".index(token)] for t, token in enumerate(text)]
        assert probability == pytest.approx(np.prod(factors), abs=1e-15)


@pytest.mark.parametrize(("letters", "longest"), [("", 3), ("aa", 3), ("a.", 3), ("ab", 0)])
def test_bad_languages_are_refused(letters, longest):
    with pytest.raises(ValueError, match="must be"):
        pg.language_mdp(letters, longest, says_a_once)


# Weights.


def batch(returns, lengths=None):
    """One token of reward for each answer, at its end; (runs, answers)."""
    returns = torch.tensor(returns, dtype=torch.float64)
    lengths = torch.ones(returns.shape, dtype=int) if lengths is None else torch.tensor(lengths)
    steps = torch.arange(int(lengths.max()))
    mask = steps < lengths[..., None]
    last = steps == lengths[..., None] - 1
    ended = torch.ones(returns.shape, dtype=torch.bool)
    obs = torch.zeros(*mask.shape, 1)
    return pg.EpisodeBatch(obs, mask.long(), returns[..., None] * last, mask, obs[..., 0, :], ended, ~ended)


def test_rloo_by_hand():
    assert pg.rloo(3)(batch([[1, 2, 6, 0, 0, 3]])).tolist() == [[-3, -1.5, 4.5, -1.5, -1.5, 3]]


def test_groups_and_runs_do_not_mix():
    returns = pg.generator(0).normal(size=(2, 8))
    for weights in (pg.rloo(4), pg.grpo(4), pg.grpo(4, divide=False, length="group")):
        together = weights(batch(returns, [[1, 2, 3, 1, 2, 2, 1, 3]] * 2))
        apart = [
            weights(batch(returns[run : run + 1, i : i + 4], [[[1, 2, 3, 1], [2, 2, 1, 3]][i // 4]]))
            for run in range(2)
            for i in (0, 4)
        ]
        torch.testing.assert_close(together.reshape(4, 4), torch.cat(apart), rtol=0, atol=1e-12)


def test_grpo_by_hand():
    right = batch([[1, 0, 0, 0]], [[2, 1, 4, 3]])
    plain = [0.75, -0.25, -0.25, -0.25]
    deviation = np.std([1, 0, 0, 0])
    cases = {
        (False, None): plain,
        (True, None): np.array(plain) / deviation,
        (False, "answer"): np.divide(plain, [2, 1, 4, 3]),
        (False, "group"): np.divide(plain, 2.5),
        (True, "answer"): np.divide(plain, [2, 1, 4, 3]) / deviation,
    }
    for (divide, length), wanted in cases.items():
        np.testing.assert_allclose(pg.grpo(4, divide=divide, length=length)(right)[0], wanted, atol=1e-12)


@pytest.mark.parametrize("reward", [0.0, 1.0, 0.1, -3.3, 1e6 + 0.1, 1e-7])
@pytest.mark.parametrize("group", [2, 3, 7])
def test_a_group_of_equal_answers_teaches_nothing(reward, group):
    assert pg.grpo(group)(batch([[reward] * group])).abs().max() == 0


def test_grpo_does_not_see_scale_and_shift():
    returns = pg.generator(1).normal(size=(3, 8))
    torch.testing.assert_close(pg.grpo(4)(batch(returns)), pg.grpo(4)(batch(1e-5 * returns + 2)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("weights", [pg.rloo(1), pg.rloo(3), pg.grpo(1), pg.grpo(3)])
def test_what_cannot_be_grouped_is_refused(weights):
    with pytest.raises(ValueError, match="cannot be divided into groups"):
        weights(batch([[1, 0, 0, 1]]))


def test_unknown_length_is_refused():
    with pytest.raises(ValueError, match="length must be"):
        pg.grpo(4, length="prompt")


# Exact means.


def mean_of(weights, group):
    return pg.gradient_moments(MDP, THETA, weights, horizon=3, episodes=group)[0]


EXACT = pg.exact_policy_gradient(MDP, THETA)


@pytest.mark.parametrize("group", [2, 3])
def test_rloo_is_unbiased_and_the_group_mean_shrinks(group):
    np.testing.assert_allclose(mean_of(pg.rloo(group), group), EXACT, atol=1e-12)
    shrunk = mean_of(pg.grpo(group, divide=False, length=None), group)
    np.testing.assert_allclose(shrunk, (1 - 1 / group) * EXACT, atol=1e-12)


@pytest.mark.parametrize("group", [2, 3])
def test_dividing_by_the_deviation_multiplies_the_gradient(group):
    p, k = MDP.expected_return(POLICY), np.arange(group + 1)
    factor = binom.pmf(k, group, p) @ np.sqrt(k * (group - k)) / group / (p * (1 - p))
    np.testing.assert_allclose(factor, np.sqrt(group - 1))
    np.testing.assert_allclose(mean_of(pg.grpo(group, length=None), group), factor * EXACT, atol=1e-12)
