"""Methods of one's own: an update, an optimiser or a policy written by the reader takes the place of the module's."""

import numpy as np
import pytest
import torch

import pgutils as pg

SMALL = {"runs": 3, "iterations": 3, "episodes": 4}


def plain_step(policy, optimizer, batch, weights):
    """What a reader would write: no halves, no diagnostics but two."""
    distribution = policy.distribution(batch.obs, batch.mask)
    loss = pg.policy_gradient_loss(distribution.log_prob(batch.actions), weights, batch.mask)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
    return {"losses": loss.detach(), "lengths": batch.lengths.double().mean(-1)}


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])
def test_an_update_of_ones_own_takes_the_same_steps(env_id):
    ours, own = pg.train(env_id, **SMALL), pg.train(env_id, update=plain_step, **SMALL)
    np.testing.assert_allclose(own.losses, ours.losses, rtol=1e-9)
    np.testing.assert_array_equal(own.returns, ours.returns)
    assert ours.diagnostics == {}
    assert np.isfinite(ours.entropies).all()
    assert np.isfinite(ours.signals).all()


def test_what_an_update_does_not_report_is_unknown_and_the_rest_is_kept():
    own = pg.train("CartPole-v1", update=plain_step, **SMALL)
    assert np.isnan(own.signals).all()
    assert np.isnan(own.entropies).all()
    assert list(own.diagnostics) == ["lengths"]
    np.testing.assert_allclose(own.diagnostics["lengths"], own.returns)


def test_diagnostics_of_several_processes_are_put_in_order():
    alone, shared = (pg.train("CartPole-v1", update=plain_step, n_jobs=jobs, **SMALL) for jobs in (1, 2))
    np.testing.assert_array_equal(alone.diagnostics["lengths"], shared.diagnostics["lengths"])


def test_the_optimiser_is_an_argument():
    changes = []
    for rate in (0.25, 0.125):
        history = pg.train("CartPole-v1", optimizer=torch.optim.SGD, learning_rate=rate, runs=2, iterations=1)
        changes.append(history.policy.weights[0] - history.initial_policy.weights[0])
    torch.testing.assert_close(changes[0], 2 * changes[1])
    assert changes[0].abs().std() > 0.1 * changes[0].abs().mean()  # every number of Adam's first step has one size


def test_the_policy_is_an_argument():
    def narrow(obs_dim, action_dim, rngs, hidden):
        return pg.GaussianPolicy(obs_dim, action_dim, rngs, hidden, std=0.01)

    history = pg.train("Pendulum-v1", policy=narrow, **SMALL)
    torch.testing.assert_close(history.initial_policy.log_std.exp().unique(), torch.tensor([0.01], dtype=torch.float64))


def test_the_values_have_a_rate_of_their_own():
    seen = {}
    for rate in (None, 1e-2, 1e-9):
        batches = []
        options = {"value_steps": 3, "value_learning_rate": rate, "learning_rate": 1e-2}
        pg.train("CartPole-v1", lambda b, batches=batches: batches.append(b.values) or b.rewards, **SMALL, **options)
        seen[rate] = batches[1]
    assert torch.equal(seen[None], seen[1e-2])
    assert not torch.equal(seen[None], seen[1e-9])


def test_rewards_too_large_for_a_float_are_not_met_with_silence():
    with pytest.raises(FloatingPointError, match="the square of the gradient is too large for a float"):
        pg.train("CartPole-v1", lambda batch: 1e160 * pg.rewards_to_go(batch), **SMALL)
    pg.train("CartPole-v1", lambda batch: 1e140 * pg.rewards_to_go(batch), **SMALL)
