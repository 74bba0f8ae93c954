"""The natural gradient against matrices that are built, and what a trust region promises: for each run, on its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import pgutils as pg
from pgutils.natural import conjugate_gradient, constant, fisher_product, flat, mean_over_steps, move

ENVS = {"CartPole-v1": pg.CategoricalPolicy, "Pendulum-v1": pg.GaussianPolicy}
each_env = pytest.mark.parametrize("env_id", ENVS)


def played(env_id, runs=2, episodes=3, hidden=(4,), seed=0):
    """Policies that are no longer at their start, and a batch that they have played (of Pendulum, its first steps)."""
    envs, rngs = pg.make_envs(env_id, runs * episodes), pg.generator(seed).spawn(runs)
    outputs = {"CartPole-v1": 2, "Pendulum-v1": 1}[env_id]
    policy = ENVS[env_id](envs.single_observation_space.shape[0], outputs, rngs, hidden)
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter += 0.3 * torch.from_numpy(np.stack([rng.normal(size=parameter.shape[1:]) for rng in rngs]))
    batch = pg.collect_episodes(envs, policy, rngs)
    parts = {name: getattr(batch, name)[:, :, :20] for name in ("obs", "actions", "rewards", "mask")}
    return policy, replace(batch, **parts)


def alone(policy, run):
    """A policy with one run of another."""
    copy = type(policy)(policy.sizes[0], policy.sizes[-1], pg.generator(0).spawn(1), policy.sizes[1:-1])
    move(copy, flat(policy.parameters()).detach()[[run]])
    return copy


def part(batch, run):
    """The episodes of one run."""
    names = ("obs", "actions", "rewards", "mask", "final_obs", "terminated", "truncated")
    return replace(batch, **{name: getattr(batch, name)[[run]] for name in names})


def scores_of(policy, obs, actions):
    """∇ log π of each row, by autograd, shape (rows, parameters), of a policy with one run."""
    log_probs = policy.distribution(obs[None]).log_prob(actions[None])[0]
    return torch.stack(
        [flat(torch.autograd.grad(x, list(policy.parameters()), retain_graph=True))[0] for x in log_probs]
    )


def fisher_of(policy, batch):
    """F of a policy with one run, built from scores: all actions if there are two, else its closed form by the mean."""
    obs = batch.obs[batch.mask]
    if isinstance(policy, pg.CategoricalPolicy):
        both = [scores_of(policy, obs, torch.full((len(obs),), action)) for action in (0, 1)]
        chances = policy.distribution(obs[None]).log_probs[0].exp().detach().T
        return sum(torch.einsum("n,ni,nj->ij", p, s, s) for p, s in zip(chances, both, strict=True)) / len(obs)
    mean = policy.distribution(obs[None]).mean[0, :, 0]
    parameters = list(policy.parameters())
    slopes = torch.stack(
        [flat(torch.autograd.grad(m, parameters, retain_graph=True, materialize_grads=True))[0] for m in mean]
    )
    fisher = slopes.T @ slopes / len(obs) / policy.log_std.exp().item() ** 2
    place = next(k for k, (name, _) in enumerate(policy.named_parameters()) if name == "log_std")
    index = sum(parameter[0].numel() for parameter in parameters[:place])
    fisher[index, index] += 2  # of log σ
    return fisher.detach()


@each_env
def test_a_fisher_product_is_one_with_the_matrix_of_scores(env_id):
    policy, batch = played(env_id)
    v = torch.from_numpy(pg.generator(1).normal(size=flat(policy.parameters()).shape))
    wanted = [fisher_of(alone(policy, run), part(batch, run)) @ v[run] for run in range(2)]
    torch.testing.assert_close(fisher_product(policy, batch)(v), torch.stack(wanted))
    torch.testing.assert_close(fisher_product(policy, batch, damping=0.5)(v), torch.stack(wanted) + 0.5 * v)


def test_one_in_eight_steps_stands_for_all():
    policy, batch = played("CartPole-v1", runs=1, episodes=400)
    v = torch.from_numpy(pg.generator(1).normal(size=flat(policy.parameters()).shape))
    whole, some = fisher_product(policy, batch)(v), fisher_product(policy, batch, every=8)(v)
    assert 0 < (whole - some).norm() < 0.1 * whole.norm()
    single = replace(batch, mask=batch.mask & (torch.arange(batch.mask.shape[-1]) == 0))
    assert fisher_product(policy, single, every=10**6)(v).isfinite().all()  # there is always one


def test_conjugate_gradient_solves_as_a_linear_solver_does():
    rng = pg.generator(2)
    root = torch.from_numpy(rng.normal(size=(3, 6, 6)))
    matrices, b = root @ root.mT + 0.1 * torch.eye(6), torch.from_numpy(rng.normal(size=(3, 6)))

    def product(v):
        return (matrices @ v[..., None])[..., 0]

    torch.testing.assert_close(conjugate_gradient(product, b, 20, 1e-30), torch.linalg.solve(matrices, b))
    errors = [(product(conjugate_gradient(product, b, n)) - b).norm() for n in (0, 20)]
    assert errors[1] < 1e-4 * errors[0]


def test_conjugate_gradient_needs_as_many_steps_as_there_are_eigenvalues():
    eigenvalues = torch.tensor([[1.0, 1, 1, 5, 5, 9], [2, 2, 2, 2, 2, 2]], dtype=torch.float64)
    b = torch.from_numpy(pg.generator(3).normal(size=(2, 6)))
    error = [(conjugate_gradient(lambda v: eigenvalues * v, b, n) - b / eigenvalues).norm(dim=1) for n in range(5)]
    assert error[1][1] < 1e-12 < error[1][0]
    assert error[3].max() < 1e-12 < error[2][0]
    assert error[4].max() < 1e-12  # one that is done stands still


def test_conjugate_gradient_leaves_zero_alone():
    assert torch.equal(conjugate_gradient(lambda v: 0 * v, torch.zeros(2, 3), 5), torch.zeros(2, 3))


def weights_of(batch, seed=4):
    """Some weights, of both signs."""
    return torch.from_numpy(pg.generator(seed).normal(size=batch.mask.shape)) * batch.mask


def step(policy, batch, weights, **settings):
    """The diagnostics of one update, and by how much it moves each parameter, shape (runs, parameters)."""
    before = flat(policy.parameters()).detach().clone()
    diagnostics = pg.trust_region(**settings)(policy, None, batch, weights)
    return diagnostics, flat(policy.parameters()).detach() - before


@each_env
def test_the_step_is_the_natural_gradient_at_the_length_that_the_divergence_allows(env_id):
    policy, batch = played(env_id, runs=1)
    fisher, old, weights = fisher_of(policy, batch), policy.distribution(batch.obs, batch.mask), weights_of(batch)
    loss = pg.policy_gradient_loss(old.log_prob(batch.actions), weights, batch.mask)
    gradient = -flat(torch.autograd.grad(loss.sum(), list(policy.parameters())))[0]
    natural = torch.linalg.solve(fisher + 1e-3 * torch.eye(len(fisher)), gradient)
    damped = natural @ fisher @ natural + 1e-3 * natural @ natural
    diagnostics, moved = step(policy, batch, weights, max_kl=1e-6, damping=1e-3, cg_steps=200, every=1)
    wanted = diagnostics["fractions"] * natural * (2e-6 / damped).sqrt()
    assert torch.nn.functional.cosine_similarity(moved[0], wanted, 0) > 0.99
    torch.testing.assert_close(moved[0].norm(), wanted.norm(), rtol=0.1, atol=0)
    torch.testing.assert_close(diagnostics["losses"], loss.detach())


@each_env
@pytest.mark.parametrize("max_kl", [1e-3, 0.03, 1.0])
def test_no_run_goes_beyond_the_bound_and_every_run_gains(env_id, max_kl):
    policy, batch = played(env_id, runs=3)
    old, weights = constant(policy.distribution(batch.obs, batch.mask)), weights_of(batch)
    found, _ = step(policy, batch, weights, max_kl=max_kl, every=1)
    new = policy.distribution(batch.obs, batch.mask)
    ratio = (new.log_prob(batch.actions) - old.log_prob(batch.actions)).exp()
    gain = ((ratio - 1) * weights * batch.mask).sum(-1).mean(-1)
    torch.testing.assert_close(found["kls"], mean_over_steps(old.kl(new), batch.mask).detach())
    torch.testing.assert_close(found["gains"], gain.detach())
    torch.testing.assert_close(found["entropies"], mean_over_steps(old.entropy(), batch.mask))
    assert (found["fractions"] > 0).all()
    assert ((found["kls"] > 0.1 * max_kl) & (found["kls"] <= max_kl)).all()
    assert (found["gains"] > 0).all()


def test_the_gradient_itself_is_the_direction_without_conjugate_gradient():
    policy, batch = played("CartPole-v1")
    weights = weights_of(batch)
    loss = pg.policy_gradient_loss(
        policy.distribution(batch.obs, batch.mask).log_prob(batch.actions), weights, batch.mask
    )
    gradient = -flat(torch.autograd.grad(loss.sum(), list(policy.parameters())))
    _, moved = step(policy, batch, weights, cg_steps=0)
    torch.testing.assert_close(torch.nn.functional.normalize(moved), torch.nn.functional.normalize(gradient))


def test_a_step_that_cannot_gain_is_refused_and_leaves_the_policy_as_it_was():
    policy, batch = played("CartPole-v1")
    weights = weights_of(batch)
    weights[1] = 0  # nothing to gain in run 1
    found, moved = step(policy, batch, weights)
    assert torch.equal(moved[1], torch.zeros_like(moved[1]))
    assert [found[name][1].item() for name in ("kls", "fractions", "gains")] == [0, 0, 0]
    assert moved[0].norm() > 0


def test_the_line_search_shortens_what_goes_too_far():
    settings = {"max_kl": 5.0, "damping": 1e-3, "shrink": 0.5}
    results = []
    for tries in (20, 1):
        policy, batch = played("CartPole-v1", runs=8)
        results.append(step(policy, batch, weights_of(batch), tries=tries, **settings))
    (found, _), (once, moved) = results
    shortened = found["fractions"] < 1
    assert shortened.any()
    assert (torch.log2(found["fractions"]) % 1 == 0).all()  # 1, 1/2, 1/4, ...
    assert torch.equal(once["fractions"] == 0, shortened)
    assert torch.equal(moved[shortened], torch.zeros_like(moved[shortened]))


@each_env
def test_a_run_moves_as_it_would_alone(env_id):
    policy, batch = played(env_id, runs=3)
    weights = weights_of(batch)
    one = alone(policy, 1)
    found, moved = step(policy, batch, weights)
    mine, alone_moved = step(one, part(batch, 1), weights[[1]])
    torch.testing.assert_close(moved[[1]], alone_moved, rtol=1e-9, atol=1e-12)
    for name, numbers in mine.items():
        torch.testing.assert_close(found[name][[1]], numbers, rtol=1e-9, atol=1e-12)


@each_env
def test_no_weight_of_a_run_is_in_what_another_run_does(env_id):
    policy, batch = played(env_id)
    v = torch.zeros_like(flat(policy.parameters()))
    v[0] = 1.0
    assert torch.equal(fisher_product(policy, batch)(v)[1], v[1])
    before, weights = flat(policy.parameters()).detach().clone(), weights_of(batch)
    results = []
    for factor in (1.0, -3.0):  # other weights for run 0
        move(policy, before)
        changed = weights.clone()
        changed[0] *= factor
        results.append(step(policy, batch, changed)[1])
    assert torch.equal(results[0][1], results[1][1])
    assert not torch.equal(results[0][0], results[1][0])


@each_env
def test_a_curve_does_not_change_when_other_runs_are_removed(env_id):
    settings = {"update": pg.trust_region(0.03), "iterations": 3, "episodes": 4}
    three, two = (pg.train(env_id, runs=runs, **settings) for runs in (3, 2))
    np.testing.assert_array_equal(three.returns[:2], two.returns)
    for name in ("kls", "fractions", "gains"):
        np.testing.assert_allclose(three.diagnostics[name][:2], two.diagnostics[name], rtol=1e-6)


def test_training_by_trust_region_learns_and_says_what_it_did():
    history = pg.train("CartPole-v1", update=pg.trust_region(0.03), runs=4, iterations=12)
    assert history.returns[:, -1].min() > 2 * history.returns[:, 0].max()
    assert set(history.diagnostics) == {"kls", "fractions", "gains"}
    assert (history.diagnostics["kls"] <= 0.03).all()
    assert np.isfinite(history.losses).all()
    assert np.isfinite(history.entropies).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_kl": 0}, "max_kl must be positive and finite, got 0"),
        ({"max_kl": np.inf}, "max_kl must be positive and finite, got inf"),
        ({"damping": -1}, "damping must be finite and at least 0, got -1"),
        ({"cg_steps": -1}, "cg_steps must be a whole number of at least 0, got -1"),
        ({"every": 0}, "every must be a whole number of at least 1, got 0"),
        ({"shrink": 1.0}, "shrink must lie between 0 and 1, got 1.0"),
        ({"tries": 0}, "tries must be a whole number of at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        pg.trust_region(**settings)


def test_rewards_too_large_for_a_float_are_not_met_with_silence():
    with pytest.raises(FloatingPointError, match="the square of the gradient is too large for a float"):
        pg.train("CartPole-v1", lambda batch: 1e160 * batch.rewards, update=pg.trust_region(), runs=1, iterations=1)
