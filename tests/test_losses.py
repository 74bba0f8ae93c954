"""The losses against double loops, and which of their arguments get a gradient."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pgutils as pg


@st.composite
def arguments(draw):
    """Log-probabilities, weights and mask of shape (…, episodes, steps); Hypothesis shrinks the shape."""
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=2, max_size=4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    log_probs, weights, mask = np.log(rng.uniform(0.05, 1, shape)), rng.normal(size=shape), rng.random(shape) < 0.7
    return torch.from_numpy(log_probs), torch.from_numpy(weights), torch.from_numpy(mask)


@given(arguments())
def test_loss_equals_a_double_loop(case):
    log_probs, weights, mask = case
    loss = pg.policy_gradient_loss(*case)
    *runs, episodes, steps = log_probs.shape
    assert loss.shape == tuple(runs)
    for run in np.ndindex(*runs):
        wanted = 0.0
        for i in range(episodes):
            for t in range(steps):
                if mask[(*run, i, t)]:
                    wanted -= log_probs[(*run, i, t)].item() * weights[(*run, i, t)].item() / episodes
        assert loss[run].item() == pytest.approx(wanted, rel=1e-12, abs=1e-12)


@given(arguments())
def test_loss_leaves_its_arguments_alone(case):
    before = [x.clone() for x in case]
    pg.policy_gradient_loss(*case)
    assert all(torch.equal(x, y) for x, y in zip(case, before, strict=True))


@given(arguments())
def test_gradient_is_minus_the_weight_over_the_number_of_episodes(case):
    log_probs, weights, mask = case
    log_probs.requires_grad_()
    pg.policy_gradient_loss(log_probs, weights, mask).sum().backward()
    wanted = torch.where(mask, -weights / log_probs.shape[-2], 0.0)
    torch.testing.assert_close(log_probs.grad, wanted, rtol=1e-12, atol=0)


def test_no_gradient_flows_into_the_weights():
    log_probs, weights = (torch.rand(2, 3, requires_grad=True) for _ in range(2))
    pg.policy_gradient_loss(log_probs, weights * 2, torch.ones(2, 3, dtype=torch.bool)).backward()
    assert weights.grad is None
    assert (log_probs.grad != 0).all()


@given(arguments())
def test_value_loss_is_the_mean_squared_error_of_the_steps_taken(case):
    returns, values, mask = case
    mask[..., 0, 0] = True
    before = [x.clone() for x in (values, returns, mask)]
    loss = pg.value_loss(values, returns, mask)
    assert loss.shape == mask.shape[:-2]
    for run in np.ndindex(*loss.shape):
        errors = [
            (values[(*run, i, t)] - returns[(*run, i, t)]).item() ** 2
            for i, t in np.ndindex(*mask.shape[-2:])
            if mask[(*run, i, t)]
        ]
        assert loss[run].item() == pytest.approx(sum(errors) / len(errors), rel=1e-12)
    assert all(torch.equal(x, y) for x, y in zip((values, returns, mask), before, strict=True))


def test_the_gradient_of_the_value_loss_flows_into_the_values_only():
    values, returns = (torch.rand(2, 3, requires_grad=True) for _ in range(2))
    mask = torch.tensor([[True, True, True], [True, False, False]])
    pg.value_loss(values, returns * 2, mask).backward()
    assert returns.grad is None
    torch.testing.assert_close(values.grad, (2 * (values - returns * 2) / 4 * mask).detach())


LOSSES = {"policy": (pg.policy_gradient_loss, "log_probs, weights"), "value": (pg.value_loss, "values, returns")}
either_loss = pytest.mark.parametrize(("function", "names"), LOSSES.values(), ids=LOSSES)


@either_loss
@pytest.mark.parametrize(
    "shapes", [((4, 1), (4,), (4, 1)), ((4, 3), (4, 1), (4, 3)), ((4, 3), (4, 3), (3,)), ((2, 4, 3), (4, 3), (2, 4, 3))]
)
def test_shapes_must_be_the_same(function, names, shapes):
    message = re.escape(f"{names}") + r",? (and )?mask must have the same shape, got "
    with pytest.raises(ValueError, match=message + re.escape(", ".join(map(str, shapes)))):
        function(*map(torch.zeros, shapes))


@either_loss
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (2, 0, 3), (3,)])
def test_a_loss_needs_episodes_and_steps(function, names, shape):
    message = f"expected shape (..., episodes, steps), none of them 0, got {shape}"
    with pytest.raises(ValueError, match=re.escape(message)):
        function(*[torch.zeros(shape)] * 3)
