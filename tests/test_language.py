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


# The transformer.


def transformer(runs=3, **options):
    return pg.Transformer(7, 10, pg.generator(0).spawn(runs), **options)


def tokens(runs=3, episodes=4, steps=9):
    return torch.from_numpy(pg.generator(1).integers(7, size=(runs, episodes, steps)))


def test_a_token_sees_only_what_came_before_it():
    policy, one = transformer(), tokens()
    other = one.clone()
    other[..., 5] = (other[..., 5] + 1) % 7
    before, after = (policy.read(x)[0] for x in (one, other))
    torch.testing.assert_close(before[..., :5, :], after[..., :5, :], rtol=0, atol=1e-6)
    assert (before[..., 5:, :] - after[..., 5:, :]).abs().amax((0, 1, 3)).min() > 1e-4


def test_reading_bit_by_bit_is_reading_at_once():
    policy, read = transformer(), tokens()
    at_once = policy.read(read)[0]
    logits, memory = policy.read(read[..., :4])
    for step in range(4, 9):
        assert torch.allclose(logits[:, :, -1], at_once[:, :, step - 1], atol=1e-5)
        logits, memory = policy.read(read[..., step : step + 1], memory)
    assert torch.allclose(logits[:, :, -1], at_once[:, :, -1], atol=1e-5)


def test_the_runs_of_a_transformer_do_not_mix():
    policy, read = transformer(), tokens()
    alone = pg.Transformer(7, 10, pg.generator(0).spawn(1))
    assert torch.allclose(alone.read(read[:1])[0], policy.read(read)[0][:1], atol=1e-6)
    policy.read(read)[0][1].sum().backward()
    for parameter in policy.parameters():
        assert parameter.grad[[0, 2]].abs().max() == 0
        assert parameter.grad[1].abs().max() > 0


def test_attention_against_a_loop():
    """One run, one head, token by token, in float64."""
    policy, read = transformer(runs=1, width=8, heads=1).double(), tokens(1, 1, 5)

    def norm(x):
        return (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt()

    x = [policy.tokens[0, token] + policy.places[0, place] for place, token in enumerate(read[0, 0])]
    query, key, value = zip(*((norm(row) @ policy.attend[0]).chunk(3) for row in x), strict=True)
    for t in range(5):
        weight = torch.stack([query[t] @ key[k] / 8**0.5 for k in range(t + 1)]).softmax(0)
        y = x[t] + sum(w * v for w, v in zip(weight, value, strict=False)) @ policy.mix[0]
        y = y + (norm(y) @ policy.up[0]).relu() @ policy.down[0]
        torch.testing.assert_close(policy.read(read)[0][0, 0, t], norm(y) @ policy.head[0])


def test_a_distribution_is_zero_where_nothing_was_chosen():
    mask = torch.arange(9) > torch.tensor([3, 5, 7, 8])[:, None].expand(3, 4, 1)
    log_probs = transformer().distribution(tokens()[..., None], mask).log_probs
    assert log_probs[~mask].abs().max() == 0
    torch.testing.assert_close(log_probs[mask].exp().sum(-1), torch.ones(int(mask.sum())))


def test_weights_start_with_the_deviations_that_the_docstring_names():
    """Each standard deviation of n normal numbers lies within 5 of its standard errors, 1/√(2n) of it."""
    policy = pg.Transformer(7, 10, pg.generator(3).spawn(20), width=16)
    deviations = {"tokens": 1 / 2, "places": 1 / 2, "attend": 1 / 4, "mix": 1 / 8, "up": 1 / 4, "down": 1 / 16}
    for name, deviation in {**deviations, "head": 1 / 40}.items():
        weights = getattr(policy, name)
        assert weights.std().item() == pytest.approx(deviation, rel=5 / (2 * weights.numel()) ** 0.5), name


def test_a_width_that_cannot_be_shared_is_refused():
    with pytest.raises(ValueError, match="cannot be shared among 4 heads"):
        transformer(width=30)


# Answers.


def test_answers_are_drawn_with_the_policy_s_probabilities():
    policy = transformer(runs=1)
    with torch.no_grad():
        policy.head.mul_(20)
    prompts = torch.tensor([[[1, 2, 5]]]).expand(1, 4000, 3)
    answers = pg.write_answers(policy, prompts, longest=1, end=6, rngs=pg.generator(2).spawn(1))
    share = torch.bincount(answers.flatten(), minlength=7) / 4000
    wanted = policy.distribution(prompts[:, :1, :, None]).log_probs[0, 0, -1].exp()
    error = (wanted * (1 - wanted) / 4000).sqrt()
    assert ((share - wanted).abs() < 5 * error).all()  # wrong once in 250,000 seeds


def test_after_the_end_token_nothing_but_end_tokens_is_written():
    prompts = tokens(3, 64, 4)
    answers = pg.write_answers(transformer(), prompts, longest=5, end=6, rngs=pg.generator(3).spawn(3))
    assert answers.shape == (3, 64, 5)
    after = (answers == 6).cumsum(-1) > 0
    assert after.any()
    assert (answers[after] == 6).all()


def test_answers_as_episodes():
    prompts = torch.tensor([[[1, 2, 5], [3, 4, 5], [0, 6, 5]]])
    answers = torch.tensor([[[1, 6, 6], [6, 6, 6], [2, 2, 2]]])
    batch = pg.answer_batch(prompts, answers, torch.tensor([[1.0, 0.5, 2.0]]), end=6)
    assert batch.obs[..., 0].tolist() == [[[1, 2, 5, 1, 6], [3, 4, 5, 6, 6], [0, 6, 5, 2, 2]]]
    assert batch.actions.tolist() == [[[2, 5, 1, 6, 6], [4, 5, 6, 6, 6], [6, 5, 2, 2, 2]]]
    assert batch.mask.int().tolist() == [[[0, 0, 1, 1, 0], [0, 0, 1, 0, 0], [0, 0, 1, 1, 1]]]
    assert batch.rewards.tolist() == [[[0, 0, 0, 1.0, 0], [0, 0, 0.5, 0, 0], [0, 0, 0, 0, 2.0]]]
    assert batch.terminated.tolist() == [[True, True, False]]
    assert batch.truncated.tolist() == [[False, False, True]]


def test_answers_that_do_not_belong_to_the_prompts_are_refused():
    with pytest.raises(ValueError, match="must agree in runs and episodes"):
        pg.answer_batch(tokens(), tokens(episodes=3), torch.zeros(3, 3), end=6)


def test_a_gradient_step_teaches_an_answer():
    policy = transformer()
    prompts = tokens(3, 8, 4)
    answers = torch.full((3, 8, 3), 6)
    answers[..., 0] = prompts[..., 0]
    batch = pg.answer_batch(prompts, answers, torch.ones(3, 8), end=6)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    losses = [pg.gradient_step(policy, optimizer, batch, batch.mask.double())["losses"] for _ in range(60)]
    assert (losses[-1] < 0.2 * losses[0]).all()
