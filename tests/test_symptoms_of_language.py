"""What the known mistakes of chapter 11 are said to do, computed as in ``test_symptoms``."""

import itertools

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from scipy.stats import binom
from test_symptoms import spellings
from test_symptoms_of_updates import gradient, right, slope

from pgutils.exercises.catalogue import EXERCISES

# The log-probability of an answer: a prompt of three tokens, an answer of two and its end, and padding.

END, PROMPT, TOKENS = 3, 3, np.array([0, 2, 1, 2, 0, 3, 3])


def score(f, tokens=TOKENS, prompt=PROMPT, size=4, end=END):
    """The slope of a log-probability, with respect to the logits of an even model, (T, size)."""
    steps = 1e-6 * np.eye(len(tokens) * size).reshape(-1, len(tokens), size)
    slopes = [(f(step, tokens, prompt, end) - f(-step, tokens, prompt, end)) / 2e-6 for step in steps]
    return np.reshape(slopes, (len(tokens), size))


def praised(f, tokens=TOKENS, prompt=PROMPT):
    """The positions whose next token becomes more probable, which are all that change."""
    found = score(f, tokens, prompt)
    rows = np.flatnonzero(np.abs(found).max(1) > 1e-6)
    np.testing.assert_allclose(found[rows], np.eye(4)[tokens[rows + 1]] - 1 / 4, atol=1e-6)
    return rows.tolist()


@pytest.mark.parametrize(
    ("mistake", "symptom", "tokens", "rows"),
    [
        ("prompt included", "trained to repeat its users' prompts, with the weight", TOKENS, [0, 1, 2, 3, 4]),
        ("one token of the prompt", "trained to end its users' prompts, with the weight", TOKENS, [1, 2, 3, 4]),
        ("first token left out", "how to begin an answer is never learned", TOKENS, [3, 4]),
        ("end token left out", "no end is ever praised", TOKENS, [2, 3]),
        ("stops at an end token of the prompt", "prompts of several turns", np.array([0, 3, 1, 2, 0, 3, 3]), []),
    ],
)
def test_which_tokens_are_learned(mistake, symptom, tokens, rows):
    assert praised(right("answer-log-probability"), tokens) == [2, 3, 4]
    for f in spellings("answer-log-probability", mistake, symptom):
        assert praised(f, tokens) == rows


def test_answers_run_on_to_the_limit():
    """Of one letter, of at most three tokens; every answer with an end earns 1."""
    answers = [[1], [0, 1], [0, 0, 1], [0, 0, 0]]
    rows = [np.array([0, *answer, *[1] * (3 - len(answer))]) for answer in answers]

    def learned(f, steps=1000):
        """How often the learned answers are as long as they may be, and how often they are cut off."""
        counted = np.array([np.abs(score(f, row, 1, size=2, end=1)).max(1)[:3] > 1e-6 for row in rows])
        logits = np.zeros((3, 2))
        for _ in range(steps):
            log_pi = log_softmax(logits, -1)
            chance = [np.exp(sum(log_pi[t, a] for t, a in enumerate(answer))) for answer in answers]
            for p, row, count in zip(chance[:3], rows[:3], counted[:3], strict=True):
                logits += 0.5 * p * count[:, None] * (np.eye(2)[row[1:]] - np.exp(log_pi))
        go_on = np.exp(log_softmax(logits, -1)[:, 0])
        return go_on[:2].prod(), go_on.prod()

    assert learned(right("answer-log-probability"))[1] < 0.01
    said = "with rewards of 0 or 1 and no baseline, answers run on to the limit"
    for f in spellings("answer-log-probability", "end token left out", said):
        longest, cut_off = learned(f)
        assert longest > 0.9
        assert cut_off > 0.4


def expected(f, logits, rewards):
    """The expected step of the logits of a single token, the first of an answer."""
    policy, total = np.exp(log_softmax(logits)), 0
    for token, (p, reward) in enumerate(zip(policy, rewards, strict=True)):
        log_prob = lambda x, token=token: f(np.stack([x, 0 * x]), np.array([0, token]), 1, 9)  # noqa: E731
        slopes = [slope(lambda x, row=row, g=log_prob: g(logits + x * row), 0.0) for row in np.eye(len(logits))]
        total += p * reward * np.array(slopes)
    return total


def test_logits_from_which_nothing_is_taken():
    said = "where rewards are positive, logits grow without limit: nothing is taken from the other tokens"
    for f in spellings("answer-log-probability", "logits not normalised", said):
        logits = np.array([0.5, -1.0, 0.2])
        for _ in range(30):
            step = expected(f, logits, np.ones(3))
            assert (step > 0).all()
            assert step.sum() == pytest.approx(1)  # however large they are
            np.testing.assert_allclose(expected(right("answer-log-probability"), logits, np.ones(3)), 0, atol=1e-6)
            logits = logits + step


def test_right_answers_become_less_probable():
    said, rewards = "right answers become less probable", np.array([0.0, 0.0, 1.0])
    logits = np.array([0.5, -1.0, 0.2])
    for f in spellings("answer-log-probability", "sign", said):
        after, before, wanted = (
            log_softmax(logits + 0.1 * step)[2]
            for step in (expected(f, logits, rewards), 0, expected(right("answer-log-probability"), logits, rewards))
        )
        assert after < before < wanted
    for f in spellings("rloo", "sign", said):
        for p in (0.1, 0.7):
            assert of_ability(lambda rewards, f=f: f(rewards, 4), p, 4) == pytest.approx(-1)


def test_scores_of_padding():
    said = "short answers, which have more padding, get larger scores, all about nothing"
    for f in spellings("answer-log-probability", "padding included", said):
        excess = []
        for ends in (3, 5, 6):  # where the first end token stands
            tokens = np.where(np.arange(7) < ends, TOKENS % 3, END)
            more = score(f, tokens) - score(right("answer-log-probability"), tokens)
            np.testing.assert_allclose(more[:ends], 0, atol=1e-6)
            excess.append((more**2).sum().round(6))
        assert excess[0] > excess[1] > excess[2] == 0


def test_whether_to_repeat_a_token():
    said = "the model is taught whether to repeat a token, not which one comes next"
    for f in spellings("answer-log-probability", "shifted by one", said):
        found = score(f)
        np.testing.assert_allclose(found[3:6], np.eye(4)[TOKENS[3:6]] - 1 / 4, atol=1e-6)
        assert not found[[0, 1, 2, 6]].any()


def test_tokens_of_long_answers():
    said = "long answers count less per token than short ones: GRPO's length bias"
    for f in spellings("answer-log-probability", "mean over the tokens", said):
        for tokens, length in ((TOKENS, 3), (np.where(np.arange(7) < 4, TOKENS, END), 2)):
            np.testing.assert_allclose(score(f, tokens), score(right("answer-log-probability"), tokens) / length)


# Weights of groups.


def of_ability(f, p, group):
    """The expected step of the logit of a right answer, where p of them are, over that of RLOO."""
    total = 0.0
    for correct in range(group + 1):
        rewards = (np.arange(group) < correct).astype(float)
        total += binom.pmf(correct, group, p) * (np.asarray(f(rewards)) * (rewards - p)).mean()
    return total / (p * (1 - p))


def test_the_scale_of_hard_prompts():
    assert of_ability(lambda rewards: right("rloo")(rewards, 4), 0.3, 4) == pytest.approx(1)
    said = "another scale for each prompt: with 0/1 rewards and large groups, hard ones count more"
    for f in spellings("rloo", "deviation as well", said):
        hard, even = (of_ability(lambda rewards, f=f: f(rewards, 64), p, 64) for p in (0.05, 0.5))
        assert hard > 1.8 * even


def test_a_step_in_units_of_the_reward():
    said = "no factor that depends on the prompt, and a step that depends on the units of the reward"
    rewards, lengths = np.array([0.5, 2.0, -1.0]), np.array([3, 1, 2])
    np.testing.assert_allclose(right("grpo")(10 * rewards, lengths), right("grpo")(rewards, lengths))
    for f in spellings("grpo", "not divided by the deviation", said):
        for p in (0.05, 0.5):
            assert of_ability(lambda r, f=f: f(r, np.ones(8)), p, 8) == pytest.approx(1 - 1 / 8)
        np.testing.assert_allclose(f(10 * rewards, lengths), 10 * f(rewards, lengths))
    for f in spellings("grpo", "variance", "double the rewards, and the steps are half as long"):
        np.testing.assert_allclose(f(2 * rewards, lengths), f(rewards, lengths) / 2)


def test_groups_that_are_silent():
    said = "not a number in all parameters after the first silent group; or weights of ±1 made of rounding"
    for ddof, f in enumerate(spellings("grpo", "zero over zero", said)):
        with np.errstate(invalid="ignore"):
            weights = torch.as_tensor(f(np.ones(3), np.ones(3)))
        logits = torch.zeros(5, dtype=torch.float64, requires_grad=True)
        (step,) = torch.autograd.grad((weights * logits.log_softmax(-1)[:3]).sum(), logits)
        assert step.isnan().all()
        np.testing.assert_allclose(np.abs(f(np.full(3, 0.1), np.ones(3))), np.sqrt((3 - ddof) / 3))


def test_luck_in_the_group():
    said = "every right answer is pushed up by a number that depends on its luck in the group"
    for f in spellings("grpo", "not centred", said):
        many, few = (f(np.array(rewards), np.ones(4)) for rewards in ([1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]))
        assert few[0] > many[0] > 0
        assert (many[2:] == 0).all()
        assert (few[1:] == 0).all()


RIGHT_ONES = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def shrinks(f):
    """What is left of the weight of an answer that becomes twice as long as the other seven."""
    return f(RIGHT_ONES, np.array([8, *[4] * 7]))[0] / f(RIGHT_ONES, np.full(8, 4))[0]


def test_biases_of_length():
    lengths = np.array([2, 6, 1, 3, 4, 4, 4, 4])
    assert shrinks(right("grpo")) == pytest.approx(1 / 2)
    for f in spellings("grpo", "not divided by the length", "no length bias: Dr. GRPO leaves the length out, too"):
        assert shrinks(f) == 1
        np.testing.assert_allclose(f(RIGHT_ONES, lengths) * RIGHT_ONES.std(), RIGHT_ONES - RIGHT_ONES.mean())
    for f in spellings("grpo", "mean length", "this is DAPO: most of the length bias is gone"):
        assert shrinks(f) == pytest.approx(8 / 9)
        weights = f(RIGHT_ONES, lengths)
        assert weights[0] == weights[1]
    for f in spellings(
        "grpo", "multiplied by the length", "long answers count most per token: the bias goes the other"
    ):
        assert shrinks(f) == pytest.approx(2)


def test_one_factor_for_every_group():
    said = "all weights are larger by G/(G - 1), the same for every group"
    for f in spellings("grpo", "others' mean", said):
        for rewards in (RIGHT_ONES, np.arange(8.0), 1 - RIGHT_ONES):
            lengths = np.arange(1, 9)
            np.testing.assert_allclose(f(rewards, lengths), right("grpo")(rewards, lengths) * 8 / 7)


# Three losses: of answers of three tokens, of one and of four.

MASK = np.arange(4) < np.array([[3], [1], [4]])
LOG_PROBS = np.random.default_rng(0).normal(-2, 1, size=(3, 4))
WEIGHTS = np.array([1.0, -0.5, -0.5])


def pushes(f, weights=WEIGHTS, mask=MASK):
    """The slopes of the three losses with respect to each log-probability, (3, answers, T)."""
    zero = f(0 * LOG_PROBS[: len(mask)], weights, mask)
    steps = np.eye(mask.size).reshape(-1, *mask.shape)
    return np.stack([f(step, weights, mask) - zero for step in steps], -1).reshape(3, *mask.shape)


def test_losses_that_do_not_divide_by_the_answer_s_length():
    said = "no division by the answer's length at all, whatever the loss is called"
    np.testing.assert_allclose(pushes(right("three-means"), np.ones(3))[1, :, 0], [-1 / 9, -1 / 3, -1 / 12])
    for f in spellings("three-means", "padding in the lengths", said):
        np.testing.assert_allclose(pushes(f, np.ones(3))[1, :, 0], -1 / 12)


def test_what_stands_behind_the_end():
    assert not pushes(right("three-means"))[:, ~MASK].any()
    for f in spellings("three-means", "mask ignored", "short answers are trained on what stands behind their end"):
        assert pushes(f)[:, ~MASK].all()
    log_probs, mask = torch.tensor(LOG_PROBS), torch.tensor(MASK)
    assert not gradient(right("k3-penalty"), log_probs, log_probs + 1, mask)[~mask].any()
    for f in spellings("k3-penalty", "mask ignored", "the leash pulls on padding"):
        assert gradient(f, log_probs, log_probs + 1, mask)[~mask].all()


def test_a_step_that_grows_with_the_group():
    twice = [np.concatenate([x, x]) for x in (LOG_PROBS, WEIGHTS, MASK)]
    np.testing.assert_allclose(right("three-means")(*twice), right("three-means")(LOG_PROBS, WEIGHTS, MASK))
    for f in spellings("three-means", "first not averaged", "the step grows with the size of the group"):
        np.testing.assert_allclose(f(*twice) / f(LOG_PROBS, WEIGHTS, MASK), [2, 1, 1])


def test_an_optimiser_that_minimises_the_reward():
    """Of a model of three answers of one token, each of which is drawn once."""
    rewards, mask, logits = np.array([0.0, 0.0, 1.0]), np.ones((3, 1), bool), np.array([0.5, -1.0, 0.2])
    policy = np.exp(log_softmax(logits))

    def reward_after(f):
        """One for each loss."""
        slopes = pushes(f, rewards - rewards.mean(), mask)[..., 0] @ (np.eye(3) - policy)
        return np.exp(log_softmax(logits - 0.1 * slopes, -1)) @ rewards

    assert (reward_after(right("three-means")) > policy @ rewards).all()
    for f in spellings("three-means", "sign", "the optimiser minimises the reward"):
        assert (reward_after(f) < policy @ rewards).all()


def test_a_penalty_that_does_nothing():
    log_probs, mask = torch.tensor(LOG_PROBS), torch.tensor(MASK)
    args = log_probs, log_probs.flip(0), mask
    assert gradient(right("k3-penalty"), *args).abs().max() > 0.1
    for f in spellings("k3-penalty", "no gradient", "a penalty that is logged and does nothing"):
        assert f(*args) == right("k3-penalty")(*args) > 0
        assert not gradient(f, *args).any()


def test_losses_that_are_zero_or_have_the_other_s_name():
    said = "with centred weights the loss is zero, whatever the model does"
    for f in spellings("three-means", "weights of answers summed twice", said):
        assert not pushes(f).any()
        assert not f(LOG_PROBS, WEIGHTS, MASK).any()
    for f in spellings("three-means", "second and third exchanged", "GRPO is called DAPO, and the other way round"):
        np.testing.assert_allclose(pushes(f)[[0, 2, 1]], pushes(right("three-means")))


# pass@k.


def test_second_best_answers():
    said = "it cannot see that a model has lost its second-best answers"
    before, after = np.array([4, 4]), np.array([8, 0])  # always the same answer: right for one prompt, and not here
    assert right("pass-at-k")(before, 8, 4) > 0.9 > 0.5 == right("pass-at-k")(after, 8, 4)
    for f in spellings("pass-at-k", "pass@1", said):
        assert f(before, 8, 4) == f(after, 8, 4)


def test_more_than_all_prompts():
    for f in spellings("pass-at-k", "not averaged", "pass@k can come out above 1"):
        assert f(np.array([4, 4, 0]), 8, 4) > 1 > right("pass-at-k")(np.array([4, 4, 0]), 8, 4)


def test_pass_at_n():
    for f in spellings("pass-at-k", "any of n", "it estimates pass@n, from a single draw of n answers"):
        for p in (0.1, 0.4):
            mean = sum(binom.pmf(c, 6, p) * f(np.array([c]), 6, 2) for c in range(7))
            assert mean == pytest.approx(1 - (1 - p) ** 6)


def test_numbers_that_fall():
    for f in spellings("pass-at-k", "the probability of missing", "the better the model, the lower the number"):
        found = [f(np.array([c]), 8, 3) for c in range(9)]
        assert found == sorted(found, reverse=True)
        assert found[0] == 1 > 0 == found[-1]
    for f in spellings("pass-at-k", "all k right", "it falls with k, where pass@k rises"):
        falling, rising = ([g(np.array([5]), 8, k) for k in range(1, 6)] for g in (f, right("pass-at-k")))
        assert (np.diff(falling) < 0).all()
        assert (np.diff(rising)[:3] > 0).all()


# A leash on a model of three answers, in groups of two.

AIR = EXERCISES["a-leash-of-air"]
REFERENCE = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64).log()
REWARDS = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
LOGITS = torch.tensor([1.0, -0.5, 0.3], dtype=torch.float64)


def directions(loss, logits=LOGITS, rewards=REWARDS, beta=0.5):
    """The downhill direction of each pair of answers, (9, 3), and the mean over all pairs, (3,)."""
    found, chances = [], []
    for pair in map(list, itertools.product(range(3), repeat=2)):
        log_probs = lambda x, pair=pair: x.log_softmax(-1)[pair]  # noqa: E731
        of_pair = lambda x, pair=pair, p=log_probs: loss(rewards[pair], p(x), REFERENCE[pair], beta)  # noqa: E731
        found.append(-gradient(of_pair, logits))
        chances.append(log_probs(logits).sum().exp())
    found = torch.stack(found)
    return found, torch.stack(chances) @ found


def test_leashes_of_air():
    nothing = directions(AIR.broken, beta=0.0)[1]
    for f in spellings("a-leash-of-air", "no leash", "just what the broken code does, in expectation"):
        torch.testing.assert_close(directions(f)[1], directions(AIR.broken)[1])
        torch.testing.assert_close(directions(f)[1], nothing)
    each, mean = directions(AIR.solution)
    assert (mean - nothing).abs().max() > 0.01
    for f in spellings("a-leash-of-air", "in both places", "the part in the loss is noise of mean zero"):
        torch.testing.assert_close(directions(f)[1], mean)
        assert (directions(f)[0] - each).abs().min(1).values.max() > 0.1


def test_a_reward_that_the_step_changes():
    said = "besides reinforcing, the step also changes what the reward is"
    for f in spellings("a-leash-of-air", "weights with a gradient", said):
        extra = [directions(f, beta=beta)[1] - directions(AIR.solution, beta=beta)[1] for beta in (0.0, 0.5, 1.0)]
        torch.testing.assert_close(extra[0], torch.zeros(3, dtype=torch.float64))
        torch.testing.assert_close(extra[2], 2 * extra[1])
        assert extra[1].abs().max() > 0.01


def divergence(logits):
    """The model's divergence from its reference."""
    log_probs = logits.log_softmax(-1)
    return (log_probs.exp() * (log_probs - REFERENCE)).sum()


def test_a_model_that_runs_from_its_reference():
    away = gradient(divergence, LOGITS)
    torch.testing.assert_close(directions(AIR.solution, rewards=0 * REWARDS, beta=0.5)[1], -0.5 * away)
    for f in spellings("a-leash-of-air", "sign", "the model runs from its reference as fast as it can"):
        torch.testing.assert_close(directions(f, rewards=0 * REWARDS, beta=0.5)[1], 0.5 * away)


def test_a_leash_that_pushes_off():
    def pulls(loss, sure):
        logits = REFERENCE + 5 * torch.eye(3, dtype=torch.float64)[sure]
        return directions(loss, logits, 0 * REWARDS)[1] @ gradient(divergence, logits) < 0

    for sure in range(3):
        assert pulls(AIR.solution, sure)
        for f in spellings("a-leash-of-air", "k3 in the reward", "once the model is sure of an answer"):
            assert not pulls(f, sure)
