"""What multiplies the score, against sums written out term by term."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import pgutils as pg

GAMMAS = st.sampled_from([0.0, 0.3, 0.9, 1.0]) | st.floats(0, 1)


@st.composite
def arrays(draw, min_dims=1, min_episodes=1):
    """Rewards with 1 to 3 axes; Hypothesis shrinks the shape."""
    dims = draw(st.integers(min_dims, 3))
    shape = tuple(draw(st.integers(min_episodes if axis == dims - 2 else 1, 5)) for axis in range(dims))
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(scale=10, size=shape)


def discounted_sums(rewards, gamma):
    """Every sum from every step on, written out: O(T²)."""
    steps = rewards.shape[-1]
    result = np.empty(rewards.shape)
    for index in np.ndindex(*rewards.shape):
        *row, t = index
        result[index] = sum(gamma ** (k - t) * rewards[(*row, k)] for k in range(t, steps))
    return result


def batch_of(rewards, gamma=1.0):
    """An EpisodeBatch of which only the rewards and gamma matter."""
    rewards = torch.as_tensor(rewards)
    ends = torch.zeros(rewards.shape[:-1], dtype=torch.bool)
    obs = torch.zeros(*rewards.shape, 1)
    mask = torch.ones(rewards.shape, dtype=torch.bool)
    return pg.EpisodeBatch(obs, torch.zeros_like(mask, dtype=int), rewards, mask, obs[..., 0, :], ~ends, ends, gamma)


# Rewards to go and total return


@given(arrays(), GAMMAS)
def test_rewards_to_go_is_the_sum_over_later_steps(rewards, gamma):
    before = rewards.copy()
    wanted = discounted_sums(rewards, gamma)
    result = pg.rewards_to_go(rewards, gamma)
    assert isinstance(result, np.ndarray)
    assert result.shape == rewards.shape
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(rewards, before)


@given(arrays(), GAMMAS)
def test_total_return_is_the_sum_over_all_steps(rewards, gamma):
    before = rewards.copy()
    result = pg.total_return(rewards, gamma)
    assert result.shape == rewards.shape[:-1]
    for index in np.ndindex(*rewards.shape[:-1]):
        wanted = sum(gamma**t * reward for t, reward in enumerate(rewards[index]))
        assert result[index] == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    np.testing.assert_array_equal(rewards, before)


@pytest.mark.parametrize("function", [pg.rewards_to_go, pg.total_return])
@given(rewards=arrays(), gamma=GAMMAS)
def test_tensors_lists_and_arrays_agree(function, rewards, gamma):
    wanted = function(rewards, gamma)
    tensor = torch.from_numpy(rewards.copy())
    result = function(tensor, gamma)
    assert torch.is_tensor(result)
    np.testing.assert_array_equal(result.numpy(), wanted)
    np.testing.assert_array_equal(tensor.numpy(), rewards)
    np.testing.assert_array_equal(function(rewards.tolist(), gamma), wanted)


@pytest.mark.parametrize(
    "rewards",
    [
        [1, 2, 3],
        (1, 2, 3),
        np.array([1, 2, 3]),
        np.array([1, 2, 3], np.uint8),
        torch.tensor([1, 2, 3]),
        torch.tensor([1, 2, 3], dtype=torch.uint8),
    ],
    ids=["list", "tuple", "int array", "uint8 array", "int tensor", "uint8 tensor"],
)
def test_whole_numbers_become_float64(rewards):
    result = pg.rewards_to_go(rewards, 0.5)
    assert result.dtype == (torch.float64 if torch.is_tensor(rewards) else np.float64)
    assert result.tolist() == [2.75, 3.5, 3.0]
    assert pg.total_return(rewards, 0.5) == 2.75


@pytest.mark.parametrize("function", [pg.rewards_to_go, pg.total_return])
def test_float32_stays_float32(function):
    assert function(torch.ones(2, 3), 0.9).dtype == torch.float32
    assert function(np.ones((2, 3), np.float32), 0.9).dtype == np.float32


@given(arrays(), GAMMAS)
def test_gradient_flows_through_rewards_to_go(rewards, gamma):
    tensor = torch.tensor(rewards, requires_grad=True)
    pg.rewards_to_go(tensor, gamma).sum().backward()
    for index in np.ndindex(*rewards.shape):  # the reward of step k is in the sums of steps 0 … k
        wanted = sum(gamma**t for t in range(index[-1] + 1))
        assert tensor.grad[index].item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("function", [pg.rewards_to_go, pg.total_return])
def test_a_batch_brings_its_rewards_and_its_gamma(function):
    rewards = np.random.default_rng(0).normal(size=(2, 3, 4))
    result = function(batch_of(rewards, gamma=0.7))
    assert torch.is_tensor(result)
    np.testing.assert_array_equal(result.numpy(), function(rewards, 0.7))
    np.testing.assert_array_equal(function(batch_of(rewards, gamma=0.7), 0.2).numpy(), function(rewards, 0.2))


@pytest.mark.parametrize("function", [pg.rewards_to_go, pg.total_return])
@pytest.mark.parametrize(
    ("rewards", "gamma", "message"),
    [
        ([1.0], 1.2, r"gamma must lie in \[0, 1\], got 1.2"),
        ([1.0], -0.5, r"gamma must lie in \[0, 1\], got -0.5"),
        ([1.0], float("nan"), r"gamma must lie in \[0, 1\], got nan"),
        (batch_of([[[1.0]]], gamma=2.0), None, r"gamma must lie in \[0, 1\], got 2.0"),
        ([], 1.0, r"rewards must hold at least one step, got shape \(0,\)"),
        (np.ones((3, 0)), 1.0, r"rewards must hold at least one step, got shape \(3, 0\)"),
        (torch.ones(0, 3), 1.0, r"rewards must hold at least one step, got shape \(0, 3\)"),
        (3.0, 1.0, r"rewards must hold at least one step, got shape \(\)"),
        ([1.0, float("nan")], 1.0, "rewards must be finite numbers, got NaN or infinity"),
        (torch.tensor([[1.0], [float("nan")]]), 1.0, "rewards must be finite numbers, got NaN or infinity"),
        (batch_of([[[float("nan")]]]), 1.0, "rewards must be finite numbers, got NaN or infinity"),
    ],
)
def test_bad_rewards_are_refused(function, rewards, gamma, message):
    with pytest.raises(ValueError, match=message):
        function(rewards, gamma)


# Leave one out


@given(arrays(min_dims=2, min_episodes=2))
def test_leave_one_out_subtracts_the_mean_of_the_others(returns):
    before, result = returns.copy(), pg.leave_one_out(returns)
    assert result.shape == returns.shape
    for *runs, i, t in np.ndindex(*returns.shape):
        episodes = [returns[(*runs, j, t)] for j in range(returns.shape[-2])]
        others = episodes[:i] + episodes[i + 1 :]
        wanted = episodes[i] - sum(others) / len(others)
        assert result[(*runs, i, t)] == pytest.approx(wanted, rel=1e-12, abs=1e-12)
    np.testing.assert_array_equal(returns, before)
    np.testing.assert_allclose(pg.leave_one_out(torch.from_numpy(returns)).numpy(), result, rtol=1e-12, atol=1e-12)


def test_leave_one_out_keeps_float32_and_the_gradient():
    returns = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], requires_grad=True)
    result = pg.leave_one_out(returns)
    assert result.dtype == torch.float32
    result[0, 1].backward()
    assert returns.grad.tolist() == [[0, 1], [0, -0.5], [0, -0.5]]


def test_leave_one_out_of_whole_numbers():
    assert pg.leave_one_out(np.array([[1, 2], [4, 8]])).tolist() == [[-3, -6], [3, 6]]


@pytest.mark.parametrize("returns", [np.ones((1, 4)), torch.ones(3, 1, 4), np.ones(4)])
def test_leave_one_out_needs_two_episodes(returns):
    with pytest.raises(ValueError, match="leave_one_out needs at least 2 episodes, got 1"):
        pg.leave_one_out(returns)


# Normalise


@given(arrays(min_dims=2), st.integers(0, 2**32 - 1))
def test_normalize_gives_each_run_mean_zero_and_deviation_one(weights, seed):
    mask = np.random.default_rng(seed).random(weights.shape) < 0.7
    rows = [()] if weights.ndim == 2 else [(run,) for run in range(len(weights))]
    weights, masks = torch.from_numpy(weights), torch.from_numpy(mask)
    if any(mask[row].sum() < 2 for row in rows):
        with pytest.raises(ValueError, match="normalize needs at least 2 steps in each run"):
            pg.normalize(weights, masks)
        return
    before, result = weights.clone(), pg.normalize(weights, masks)
    assert result.shape == weights.shape
    assert torch.equal(weights, before)
    assert (result[~masks] == 0).all()
    for row in rows:
        taken = weights[row][masks[row]].numpy()
        wanted = (taken - np.mean(taken)) / np.std(taken, ddof=1)
        np.testing.assert_allclose(result[row][masks[row]].numpy(), wanted, rtol=1e-6, atol=1e-9)


def test_normalize_of_equal_weights_is_zero():
    assert pg.normalize(torch.full((2, 3), 5.0), torch.ones(2, 3, dtype=torch.bool)).tolist() == [[0] * 3] * 2


def test_normalize_treats_runs_apart():
    weights, mask = torch.tensor([[[1.0, 3.0]], [[10.0, 70.0]]]), torch.ones(2, 1, 2, dtype=torch.bool)
    result = pg.normalize(weights, mask)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result[0], result[1], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(pg.normalize(weights[:1], mask[:1]), result[:1], rtol=0, atol=0)


@pytest.mark.parametrize(
    "mask", [[[[True, False]], [[True, True]]], [[[True, True]], [[False, False]]]], ids=["one step", "no step"]
)
def test_normalize_needs_two_steps_in_each_run(mask):
    with pytest.raises(ValueError, match="normalize needs at least 2 steps in each run"):
        pg.normalize(torch.rand(2, 1, 2), torch.tensor(mask))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [99.34, 1e6 + 0.1, 1e-3, -7.7, 1e12])
@pytest.mark.parametrize("gamma", [1.0, 0.99, 0.3])
def test_equal_weights_are_normalised_to_zero(dtype, number, gamma):
    rewards = torch.full((2, 16, 50), number, dtype=dtype)
    mask = torch.ones(rewards.shape, dtype=torch.bool)
    whole = pg.total_return(rewards, gamma)[..., None].expand(rewards.shape)
    togo = pg.leave_one_out(pg.rewards_to_go(rewards, gamma))
    for weights in (rewards, whole, togo):
        normal = pg.normalize(weights, mask)
        assert normal.dtype == dtype
        assert (normal == 0).all()


def test_weights_that_differ_a_little_are_still_normalised():
    weights = 1000 + torch.tensor([[0.0, 1e-6, 2e-6, 3e-6]], dtype=torch.float64)[:, :, None]
    normal = pg.normalize(weights, torch.ones(weights.shape, dtype=torch.bool))
    assert normal.std().item() == pytest.approx(1, rel=0.01)


def test_padding_does_not_count_in_normalising_whatever_stands_there():
    mask = torch.tensor([[[True, True, False], [True, False, False]]])
    weights = torch.tensor([[[1.0, 2.0, 50.0], [4.0, torch.nan, -9.0]]], dtype=torch.float64)
    taken = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    wanted = (taken - taken.mean()) / taken.std()
    normal = pg.normalize(weights, mask)
    torch.testing.assert_close(normal[mask], wanted)
    assert (normal[~mask] == 0).all()


def test_without_a_future_an_infinite_reward_is_refused_and_not_turned_into_nan():
    with pytest.raises(ValueError, match="rewards must be finite numbers, got NaN or infinity"):
        pg.rewards_to_go([1.0, float("inf")], gamma=0)
