"""Distributions over actions, held against torch.distributions and against sums and integrals."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

import pgutils as pg

RNG = np.random.default_rng(0)


def categorical(*shape):
    return pg.Categorical(torch.from_numpy(RNG.normal(size=shape)).log_softmax(-1))


def gaussian(*shape):
    return pg.Gaussian(*torch.from_numpy(RNG.normal(scale=0.7, size=(2, *shape))))


def peer(distribution):
    if isinstance(distribution, pg.Categorical):
        return torch.distributions.Categorical(logits=distribution.log_probs)
    return Independent(Normal(distribution.mean, distribution.log_std.exp()), 1)


@pytest.mark.parametrize("kind", [categorical, gaussian])
@pytest.mark.parametrize("shape", [(3,), (1,), (2, 5, 4), (2, 3, 5, 2)])
def test_all_agrees_with_torch(kind, shape):
    one, other = kind(*shape), kind(*shape)
    actions = peer(one).sample()
    for ours, torchs in (
        (one.log_prob(actions), peer(one).log_prob(actions)),
        (one.entropy(), peer(one).entropy()),
        (one.kl(other), kl_divergence(peer(one), peer(other))),
    ):
        assert ours.shape == shape[:-1]
        torch.testing.assert_close(ours, torchs, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", [categorical, gaussian])
def test_the_divergence_is_zero_from_itself_alone_and_has_a_direction(kind):
    one, other = kind(4, 3), kind(4, 3)
    torch.testing.assert_close(one.kl(one), torch.zeros(4, dtype=torch.float64), rtol=0, atol=1e-14)
    assert (one.kl(other) > 0).all()
    assert (one.kl(other) != other.kl(one)).all()


def test_a_gaussian_over_several_numbers_is_a_product():
    # In one dimension by a sum over a fine grid, which for a normal density is exact to rounding.
    both = gaussian(1, 2)
    grid = torch.linspace(-12, 12, 4001, dtype=torch.float64)[:, None]
    width = grid[1] - grid[0]
    ones = [pg.Gaussian(both.mean[:, d : d + 1], both.log_std[:, d : d + 1]) for d in range(2)]
    for one in ones:
        log_density = one.log_prob(grid)
        assert (log_density.exp().sum() * width).item() == pytest.approx(1, abs=1e-10)
        assert -(log_density.exp() * log_density).sum() * width == pytest.approx(one.entropy().item(), abs=1e-8)
    assert sum(one.entropy().item() for one in ones) == pytest.approx(both.entropy().item(), abs=1e-12)


@pytest.mark.parametrize("policy", [pg.CategoricalPolicy, pg.GaussianPolicy])
def test_a_policys_distribution_is_the_one_that_acts(policy):
    # 4000 actions of each run at one observation; means at 5 standard errors (chance 6e-7 for each of 8 numbers).
    rngs, count = np.random.default_rng(1).spawn(2), 4000
    made, obs = policy(3, 2, rngs), np.array([[0.5], [-1.0], [2.0]]).T
    made.weights[-1].data *= 30
    noise = np.stack([made.noise(rng, (count,)) for rng in rngs])
    actions = made.actor()(np.broadcast_to(obs, (2, count, 3)), noise)
    distribution = made.distribution(torch.from_numpy(np.broadcast_to(obs, (2, 1, 3)).copy()))
    if policy is pg.CategoricalPolicy:
        mean, std, drawn = distribution.log_probs.exp()[:, 0, 1], None, actions
        std = (mean * (1 - mean)).sqrt()
    else:
        mean, std, drawn = distribution.mean[:, 0], distribution.log_std.exp()[:, 0], actions
        np.testing.assert_allclose(drawn.std(1), std.detach(), rtol=5 / np.sqrt(2 * count))
    np.testing.assert_array_less(abs(drawn.mean(1) - mean.detach().numpy()), 5 * std.detach().numpy() / np.sqrt(count))


def test_a_gaussian_policy_starts_with_the_spread_it_is_given():
    policy = pg.GaussianPolicy(3, 2, np.random.default_rng(0).spawn(4), std=0.3)
    assert policy.distribution(torch.zeros(4, 5, 3)).log_std.exp().unique().tolist() == pytest.approx([0.3])
    with pytest.raises(ValueError, match="std must be positive and finite, got 0"):
        pg.GaussianPolicy(3, 2, np.random.default_rng(0).spawn(4), std=0)


def test_the_greedy_action_of_a_gaussian_policy_is_its_mean():
    policy, obs = pg.GaussianPolicy(3, 2, np.random.default_rng(0).spawn(4)), np.ones((4, 6, 3), np.float32)
    wanted = policy.distribution(torch.from_numpy(obs)).mean.detach().numpy()
    np.testing.assert_allclose(policy.actor(greedy=True)(obs, np.ones((4, 6, 2), np.float32)), wanted, atol=1e-6)


@pytest.mark.parametrize("policy", [pg.CategoricalPolicy, pg.GaussianPolicy])
def test_runs_never_mix(policy):
    made, obs = policy(3, 2, np.random.default_rng(0).spawn(3)), torch.randn(3, 4, 5, 3)
    actions = torch.zeros(3, 4, 5, dtype=torch.int64) if policy is pg.CategoricalPolicy else torch.zeros(3, 4, 5, 2)
    made.distribution(obs).log_prob(actions)[1].sum().backward()
    for parameter in made.parameters():
        assert (parameter.grad[1] != 0).any()
        assert (parameter.grad[[0, 2]] == 0).all()
