"""Softmax policies as tables and as small networks whose runs never mix."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from strategies import FALSE_ALARM, mdps_with_logits

import pgutils as pg

RUNS, OBS_DIM, ACTIONS = 3, 4, 2


def streams(runs, seed=0):
    return np.random.default_rng(seed).spawn(runs)


def random_policy(runs=RUNS, hidden=(8,), actions=ACTIONS, scale=1.0):
    """A policy with large weights in every layer and biases that are not zero."""
    policy, rng = pg.CategoricalPolicy(OBS_DIM, actions, streams(runs), hidden), np.random.default_rng(1)
    for parameter in policy.parameters():
        parameter.data = torch.from_numpy(rng.normal(scale=scale, size=parameter.shape))
    return policy


def forward_by_hand(network, obs):
    """One run, one observation, one layer and one unit at a time."""
    outputs = []
    for run, x in enumerate(obs):
        for layer, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
            w, b = weight[run].detach().numpy(), bias[run, 0].detach().numpy()
            x = np.array([sum(x[i] * w[i, j] for i in range(len(x))) + b[j] for j in range(w.shape[1])])
            x = np.tanh(x) if layer < len(network.weights) - 1 else x
        outputs.append(x)
    return np.array(outputs)


# Tables


@given(mdps_with_logits(cyclic=True))
def test_softmax_policy_is_exponentials_over_their_sum(case):
    _, logits = case
    wanted = [[np.exp(x) / sum(np.exp(y) for y in row) for x in row] for row in logits]
    policy = pg.softmax_policy(logits)
    assert isinstance(policy, np.ndarray)
    np.testing.assert_allclose(policy, wanted, rtol=1e-13)
    as_tensor = pg.softmax_policy(torch.tensor(logits))
    assert torch.is_tensor(as_tensor)
    np.testing.assert_allclose(as_tensor.numpy(), wanted, rtol=1e-13)


def test_softmax_policy_does_not_overflow():
    np.testing.assert_allclose(pg.softmax_policy(np.array([1000.0, 1001.0])), [1 / (1 + np.e), 1 / (1 + 1 / np.e)])
    np.testing.assert_allclose(pg.softmax_policy(torch.tensor([-1000.0, -1000.0])).numpy(), [0.5, 0.5])


def test_softmax_policy_keeps_float32_and_lets_the_gradient_through():
    logits = torch.tensor([0.0, 1.0], requires_grad=True)
    policy = pg.softmax_policy(logits)
    assert policy.dtype == torch.float32
    policy[1].backward()
    assert logits.grad[1].item() == pytest.approx((policy[0] * policy[1]).item(), rel=1e-6)


@given(mdps_with_logits(cyclic=True))
def test_score_equals_autograd(case):
    _, logits = case
    scores = pg.softmax_score(pg.softmax_policy(logits), *np.indices(logits.shape))
    assert scores.shape == (*logits.shape, *logits.shape)
    for state, action in np.ndindex(*logits.shape):
        parameters = torch.tensor(logits, requires_grad=True)
        torch.log_softmax(parameters, -1)[state, action].backward()
        np.testing.assert_allclose(scores[state, action], parameters.grad.numpy(), rtol=1e-12, atol=1e-14)


@given(mdps_with_logits(cyclic=True))
def test_expected_score_is_zero(case):
    _, logits = case
    policy = pg.softmax_policy(logits)
    scores = pg.softmax_score(policy, *np.indices(logits.shape))
    np.testing.assert_allclose((policy[..., None, None] * scores).sum(1), 0, atol=1e-14)


def test_score_takes_numbers_and_lists():
    policy = np.array([[0.25, 0.75], [0.5, 0.5]])
    assert pg.softmax_score(policy, 0, 1).tolist() == [[-0.25, 0.25], [0, 0]]
    assert pg.softmax_score(policy, [0, 1], [1, 0]).tolist() == [[[-0.25, 0.25], [0, 0]], [[0, 0], [0.5, -0.5]]]


# Networks


@pytest.mark.parametrize("hidden", [(), (5,), (5, 3)])
def test_networks_compute_each_run_by_its_own_weights(hidden):
    obs = np.random.default_rng(2).normal(size=(RUNS, OBS_DIM))
    policy = random_policy(hidden=hidden, actions=3)
    by_hand = forward_by_hand(policy, obs)
    np.testing.assert_allclose(policy(torch.tensor(obs)[:, None])[:, 0].detach(), by_hand, rtol=1e-12)
    normalised = by_hand - np.log(np.exp(by_hand).sum(-1, keepdims=True))
    np.testing.assert_allclose(
        policy.distribution(torch.tensor(obs)[:, None]).log_probs[:, 0].detach(), normalised, rtol=1e-12
    )
    values = pg.ValueFunction(OBS_DIM, streams(RUNS), hidden)
    by_hand = forward_by_hand(values, obs)[:, 0]
    np.testing.assert_allclose(values(torch.tensor(obs)[:, None])[:, 0].detach(), by_hand, rtol=1e-12)


@pytest.mark.parametrize("between", [(5,), (5, 7), (2, 3, 4)])
def test_networks_keep_the_axes_between_runs_and_observation(between):
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(RUNS, *between, OBS_DIM)))
    policy, values = random_policy(), pg.ValueFunction(OBS_DIM, streams(RUNS))
    assert policy.distribution(obs).log_probs.shape == (RUNS, *between, ACTIONS)
    assert values(obs).shape == (RUNS, *between)
    for index in np.ndindex(*between):
        alone = policy.distribution(obs[(slice(None), *index)][:, None]).log_probs[:, 0]
        torch.testing.assert_close(
            policy.distribution(obs).log_probs[(slice(None), *index)], alone, rtol=1e-12, atol=1e-14
        )


@given(st.integers(0, 2**32 - 1))
def test_probabilities_sum_to_one(seed):
    obs = torch.from_numpy(np.random.default_rng(seed).normal(scale=10, size=(RUNS, 5, OBS_DIM)))
    np.testing.assert_allclose(
        random_policy(actions=3).distribution(obs).log_probs.exp().sum(-1).detach(), 1, rtol=1e-12
    )


def test_float32_observations_are_computed_in_float64():
    obs = torch.ones(RUNS, 5, OBS_DIM, dtype=torch.float32)
    assert random_policy().distribution(obs).log_probs.dtype == torch.float64
    assert pg.ValueFunction(OBS_DIM, streams(RUNS))(obs).dtype == torch.float64


def test_weights_of_a_run_do_not_depend_on_the_other_runs():
    for build in (lambda rngs: pg.CategoricalPolicy(OBS_DIM, ACTIONS, rngs), lambda rngs: pg.ValueFunction(4, rngs)):
        together, first_two, last = build(streams(RUNS)), build(streams(RUNS)[:2]), build(streams(RUNS)[2:])
        for parameters in zip(together.parameters(), first_two.parameters(), last.parameters(), strict=True):
            all_runs, two, one = (parameter.detach() for parameter in parameters)
            assert torch.equal(all_runs, torch.cat([two, one]))
    assert not torch.equal(together.weights[0][0], together.weights[0][1])


def test_a_new_policy_is_almost_indifferent():
    # The last layer has standard deviation 0.1 / sqrt(32) and 32 inputs below 1, so a logit has one below 0.1.
    # A logit beyond 0.7 is seven of them: fewer than one in 1e11.
    obs = torch.from_numpy(np.random.default_rng(0).normal(scale=3, size=(16, 50, OBS_DIM)))
    logits = pg.CategoricalPolicy(OBS_DIM, ACTIONS, streams(16))(obs)
    assert 0 < logits.abs().max() < 0.7


def test_gradient_of_a_run_is_exactly_zero_for_all_other_runs():
    rng = np.random.default_rng(0)
    obs = torch.from_numpy(rng.normal(size=(RUNS, 5, 6, OBS_DIM)))
    weights = torch.from_numpy(rng.normal(size=(RUNS, 5, 6)))
    for run in range(RUNS):
        policy, values = random_policy(), pg.ValueFunction(OBS_DIM, streams(RUNS))
        log_probs = policy.distribution(obs).log_probs[..., 0]
        pg.policy_gradient_loss(log_probs, weights, torch.ones(RUNS, 5, 6, dtype=torch.bool))[run].backward()
        values(obs)[run].square().sum().backward()
        for parameter in (*policy.parameters(), *values.parameters()):
            others = torch.arange(RUNS) != run
            assert (parameter.grad[others] == 0).all()
            assert (parameter.grad[run] != 0).any()


# Masks


@st.composite
def masked_observations(draw):
    """Observations (RUNS, episodes, steps, OBS_DIM) and a mask; runs may take different numbers of steps, or none."""
    shape = (RUNS, draw(st.integers(1, 4)), draw(st.integers(1, 6)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = rng.random(shape) < rng.choice([0.0, 0.3, 0.7, 1.0], size=(RUNS, 1, 1))
    return torch.from_numpy(rng.normal(size=(*shape, OBS_DIM))), torch.from_numpy(mask)


def value_function(runs=RUNS):
    """A value function on another scale for each run."""
    values = pg.ValueFunction(OBS_DIM, streams(runs))
    values.shift.copy_(torch.tensor([3.0, -1.0, 20.0]))
    values.scale.copy_(torch.tensor([0.5, 4.0, 10.0]))
    return values


@pytest.mark.parametrize("build", [random_policy, value_function])
@given(case=masked_observations())
def test_a_mask_leaves_out_what_was_not_taken(build, case):
    obs, mask = case
    network = build()
    masked, whole = network(obs, mask), network(obs)
    assert masked.shape == whole.shape
    torch.testing.assert_close(masked[mask], whole[mask], rtol=1e-12, atol=1e-14)
    assert (masked[~mask] == 0).all()


@pytest.mark.parametrize("build", [random_policy, value_function])
@given(case=masked_observations())
def test_a_mask_leaves_the_gradient_as_it_is(build, case):
    obs, mask = case
    with_mask, without = build(), build()
    for network, outputs in ((with_mask, with_mask(obs, mask)), (without, without(obs))):
        (outputs[mask].sin().sum() + 0.0 * sum(p.sum() for p in network.parameters())).backward()
    for a, b in zip(with_mask.parameters(), without.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-12)


def test_masked_log_probs_are_those_of_the_steps_taken():
    rng = np.random.default_rng(0)
    obs, mask = (
        torch.from_numpy(rng.normal(size=(RUNS, 4, 9, OBS_DIM))),
        torch.from_numpy(rng.random((RUNS, 4, 9)) < 0.5),
    )
    policy = random_policy()
    torch.testing.assert_close(
        policy.distribution(obs, mask).log_probs[mask], policy.distribution(obs).log_probs[mask], rtol=1e-12, atol=1e-14
    )


def test_a_value_function_has_a_scale_for_each_run():
    obs = torch.from_numpy(np.random.default_rng(0).normal(size=(RUNS, 5, 2, OBS_DIM)))
    plain, scaled = pg.ValueFunction(OBS_DIM, streams(RUNS))(obs), value_function()(obs)
    for run, (shift, scale) in enumerate([(3.0, 0.5), (-1.0, 4.0), (20.0, 10.0)]):
        torch.testing.assert_close(scaled[run], plain[run] * scale + shift, rtol=1e-12, atol=1e-12)
    trained = {name for name, _ in value_function().named_parameters()}
    assert not {"shift", "scale"} & trained
    assert {"shift", "scale"} <= set(value_function().state_dict())


# Actors


def test_a_greedy_actor_takes_the_most_probable_action():
    obs = np.random.default_rng(3).normal(size=(RUNS, 200, OBS_DIM))
    policy = random_policy(actions=3)
    wanted = policy.distribution(torch.from_numpy(obs)).log_probs.argmax(-1).numpy()
    noise = np.random.default_rng(4).gumbel(size=(RUNS, 200, 3))
    assert len(np.unique(wanted)) == 3
    np.testing.assert_array_equal(policy.actor(greedy=True)(obs, noise), wanted)
    np.testing.assert_array_equal(policy.actor()(obs, np.zeros_like(noise)), wanted)
    assert (policy.actor()(obs, noise) != wanted).any()


def test_an_actor_samples_the_softmax():
    # Chi-square against log_probs for each of 3 runs: rejects a right sampler with probability 3e-6.
    draws, policy = 20_000, random_policy(actions=4, scale=0.6)
    obs = np.random.default_rng(5).normal(size=(RUNS, 1, OBS_DIM))
    probabilities = policy.distribution(torch.from_numpy(obs)).log_probs.exp()[:, 0].detach().numpy()
    assert (probabilities * draws > 5).all()
    noise = np.random.default_rng(6).gumbel(size=(RUNS, draws, 4))
    actions = policy.actor()(np.broadcast_to(obs, (RUNS, draws, OBS_DIM)), noise)
    for run in range(RUNS):
        counts = np.bincount(actions[run], minlength=4)
        assert stats.chisquare(counts, probabilities[run] * draws).pvalue > FALSE_ALARM


def test_an_actor_keeps_the_weights_of_its_birth():
    obs, noise = np.random.default_rng(7).normal(size=(RUNS, 200, OBS_DIM)), np.zeros((RUNS, 200, ACTIONS))
    policy = random_policy()
    actor = policy.actor()
    before = actor(obs, noise)
    for parameter in policy.parameters():
        parameter.data.neg_()
    np.testing.assert_array_equal(actor(obs, noise), before)
    assert (policy.actor()(obs, noise) != before).any()
