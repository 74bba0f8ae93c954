"""Exact quantities of tabular decision processes, by several roads that share no code."""

from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from strategies import mdps, mdps_with_logits, objective

import pgutils as pg
from pgutils import mdp as mdp_module

UNIFORM = np.full((4, 2), 0.5)
LEFT = np.eye(2)[[0, 0, 0, 0]]
RIGHT = np.eye(2)[[1, 1, 1, 1]]

either_kind = pytest.mark.parametrize("cyclic", [False, True], ids=["acyclic", "cyclic"])


def is_terminal(mdp, state):
    return all(mdp.transitions[state, a, state] == 1 and r == 0 for a, r in enumerate(mdp.rewards[state]))


def walks(mdp, states, actions, probability, horizon):
    """All ways to go on from ``states``, one step and one recursion at a time: (states, actions, probability)."""
    state = states[-1]
    if len(actions) == horizon:
        yield states, actions, probability
    elif is_terminal(mdp, state):
        yield from walks(mdp, (*states, state), (*actions, 0), probability, horizon)
    else:
        for action in range(mdp.rewards.shape[1]):
            for following, chance in enumerate(mdp.transitions[state, action]):
                if chance > 0:
                    step = (*states, following), (*actions, action), probability * chance
                    yield from walks(mdp, *step, horizon)


def all_walks(mdp, horizon):
    starts = [(start, chance) for start, chance in enumerate(mdp.initial) if chance > 0]
    return sorted(walk for start, chance in starts for walk in walks(mdp, (start,), (), chance, horizon))


def backups(mdp, policy, times):
    """The values after so many Bellman backups from zero: the exact values of so many steps."""
    values = np.zeros(len(policy))
    for _ in range(times):
        values = (policy * (mdp.rewards + mdp.gamma * mdp.transitions @ values)).sum(-1)
    return values


# Values


@either_kind
@given(data=st.data())
def test_state_values_are_the_limit_of_bellman_backups(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    policy = softmax(logits, -1)
    wanted = backups(mdp, policy, 400)  # 0.9 ** 400 < 1e-18
    np.testing.assert_allclose(mdp.state_values(policy), wanted, rtol=1e-11, atol=1e-11)


@either_kind
@given(data=st.data())
def test_action_values_look_one_step_ahead(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    policy = softmax(logits, -1)
    values, action_values = backups(mdp, policy, 400), mdp.action_values(policy)
    for state, action in np.ndindex(*mdp.rewards.shape):
        ahead = sum(chance * values[s] for s, chance in enumerate(mdp.transitions[state, action]))
        wanted = mdp.rewards[state, action] + mdp.gamma * ahead
        assert action_values[state, action] == pytest.approx(wanted, rel=1e-11, abs=1e-11)


@either_kind
@given(data=st.data())
def test_expected_return_equals_a_torch_linear_solve(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    result = mdp.expected_return(softmax(logits, -1))
    assert isinstance(result, float)
    assert result == pytest.approx(objective(mdp, torch.tensor(logits)).item(), rel=1e-11, abs=1e-11)


@either_kind
@given(data=st.data())
def test_occupancy_is_the_sum_of_the_power_series(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    policy = softmax(logits, -1)
    chain = np.einsum("sa,sat->st", policy, mdp.transitions)
    here, wanted = mdp.initial.copy(), np.zeros(len(mdp.initial))
    for t in range(400):
        wanted += mdp.gamma**t * here
        here = here @ chain
    ended = [is_terminal(mdp, state) for state in range(len(wanted))]
    wanted[ended] = 0
    np.testing.assert_allclose(mdp.occupancy(policy), wanted, rtol=1e-11, atol=1e-11)


@either_kind
@given(data=st.data())
def test_occupancy_times_rewards_is_the_expected_return(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    policy = softmax(logits, -1)
    by_visits = (mdp.occupancy(policy)[:, None] * policy * mdp.rewards).sum()
    assert by_visits == pytest.approx(mdp.expected_return(policy), rel=1e-10, abs=1e-10)


# Gradients


@either_kind
@settings(max_examples=100)
@given(data=st.data())
def test_policy_gradient_equals_autograd_through_a_linear_solve(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    parameters = torch.tensor(logits, requires_grad=True)
    objective(mdp, parameters).backward()
    gradient = pg.exact_policy_gradient(mdp, logits)
    np.testing.assert_allclose(gradient, parameters.grad.numpy(), rtol=1e-10, atol=1e-10)


@either_kind
@settings(max_examples=100)
@given(data=st.data())
def test_policy_gradient_equals_central_differences(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    gradient, h = pg.exact_policy_gradient(mdp, logits), 1e-5
    for index in np.ndindex(*logits.shape):
        up, down = logits.copy(), logits.copy()
        up[index] += h
        down[index] -= h
        rise = mdp.expected_return(softmax(up, -1)) - mdp.expected_return(softmax(down, -1))
        assert gradient[index] == pytest.approx(rise / (2 * h), rel=1e-6, abs=1e-6)


@given(mdps_with_logits(cyclic=False))
def test_policy_gradient_equals_the_enumerated_score_times_return(case):
    mdp, logits = case
    policy = softmax(logits, -1)
    wanted = np.zeros(logits.shape)
    for states, actions, probability in all_walks(mdp, len(mdp.initial) - 1):
        total, score = 0.0, np.zeros(logits.shape)
        for state, action in zip(states, actions, strict=False):
            if not is_terminal(mdp, state):
                probability *= policy[state, action]
                total += mdp.rewards[state, action]
                score[state] += np.eye(len(policy[state]))[action] - policy[state]
        wanted += probability * total * score
    np.testing.assert_allclose(pg.exact_policy_gradient(mdp, logits), wanted, rtol=1e-10, atol=1e-10)


def test_policy_gradient_accepts_lists_and_leaves_arrays_alone():
    logits = np.arange(8.0).reshape(4, 2)
    before = logits.copy()
    gradient = pg.exact_policy_gradient(pg.mountain_hike(), logits)
    np.testing.assert_array_equal(logits, before)
    np.testing.assert_array_equal(gradient, pg.exact_policy_gradient(pg.mountain_hike(), logits.tolist()))


def test_policy_gradient_needs_a_logit_for_each_action():
    with pytest.raises(ValueError, match=r"policy must have shape \(4, 2\), got \(4, 3\)"):
        pg.exact_policy_gradient(pg.mountain_hike(), np.zeros((4, 3)))


# Enumeration


@either_kind
@given(data=st.data())
def test_enumeration_finds_what_a_recursive_walk_finds(cyclic, data):
    mdp = data.draw(mdps(cyclic, max_states=3))
    found = mdp.enumerate_trajectories(3)
    rows = sorted(zip(map(tuple, found.states), map(tuple, found.actions), found.dynamics, strict=True))
    wanted = all_walks(mdp, 3)
    assert [row[:2] for row in rows] == [walk[:2] for walk in wanted]
    np.testing.assert_allclose([row[2] for row in rows], [walk[2] for walk in wanted], rtol=1e-14)
    for states, actions, rewards, mask in zip(found.states, found.actions, found.rewards, found.mask, strict=True):
        for t, (state, action) in enumerate(zip(states[:-1], actions, strict=True)):
            assert mask[t] == (not is_terminal(mdp, state))
            assert rewards[t] == mdp.rewards[state, action]


@either_kind
@given(data=st.data())
def test_probabilities_of_all_trajectories_sum_to_one(cyclic, data):
    mdp, logits = data.draw(mdps_with_logits(cyclic))
    chances = mdp.enumerate_trajectories(3).probability(softmax(logits, -1))
    assert (chances >= 0).all()
    assert chances.sum() == pytest.approx(1, abs=1e-12)


@given(mdps_with_logits(cyclic=False))
def test_enumerated_return_equals_the_linear_solve(case):
    mdp, logits = case
    policy = softmax(logits, -1)
    for gamma in (1.0, 0.7, 0.0):
        mdp = replace(mdp, gamma=gamma)
        found = mdp.enumerate_trajectories(len(mdp.initial) - 1)
        returns = [sum(gamma**t * reward for t, reward in enumerate(rewards)) for rewards in found.rewards]
        expected = found.probability(policy) @ np.array(returns)
        assert expected == pytest.approx(mdp.expected_return(policy), rel=1e-12, abs=1e-12)


@given(mdps_with_logits(cyclic=True))
def test_enumerated_return_of_a_cut_off_episode_equals_as_many_backups(case):
    mdp, logits = case
    policy = softmax(logits, -1)
    found = mdp.enumerate_trajectories(3)
    expected = found.probability(policy) @ (found.rewards * mdp.gamma ** np.arange(3)).sum(-1)
    assert expected == pytest.approx(mdp.initial @ backups(mdp, policy, 3), rel=1e-12, abs=1e-12)


@given(mdps_with_logits(cyclic=False))
def test_enumerated_visits_equal_the_occupancy(case):
    mdp, logits = case
    policy = softmax(logits, -1)
    wanted = np.zeros(len(mdp.initial))
    for states, actions, probability in all_walks(mdp, len(wanted) - 1):
        live = [state for state in states[:-1] if not is_terminal(mdp, state)]
        for state, action in zip(live, actions, strict=False):
            probability *= policy[state, action]
        np.add.at(wanted, live, probability)
    np.testing.assert_allclose(mdp.occupancy(policy), wanted, rtol=1e-12, atol=1e-12)


def test_probability_is_the_product_of_all_factors():
    mdp, found = pg.mountain_hike(), pg.mountain_hike().enumerate_trajectories(3)
    policy = np.array([[0.3, 0.7], [0.6, 0.4], [0.1, 0.9], [0.5, 0.5]])
    for chance, states, actions in zip(found.probability(policy), found.states, found.actions, strict=True):
        wanted = mdp.initial[states[0]]
        for state, action, following in zip(states, actions, states[1:], strict=False):
            if state != 3:
                wanted *= policy[state, action] * mdp.transitions[state, action, following]
        assert chance == pytest.approx(wanted, rel=1e-14)


def test_enumeration_needs_a_step():
    with pytest.raises(ValueError, match="horizon must be at least 1, got 0"):
        pg.mountain_hike().enumerate_trajectories(0)


def test_enumeration_refuses_more_than_a_million_trajectories():
    mdp = pg.TabularMDP(np.full((2, 2, 2), 0.5), np.ones((2, 2)), [1, 0], gamma=0.5)
    with pytest.raises(ValueError, match="more than 1,000,000 trajectories: choose a smaller horizon"):
        mdp.enumerate_trajectories(30)


def test_enumeration_allows_exactly_the_limit(monkeypatch):
    monkeypatch.setattr(mdp_module, "MAX_TRAJECTORIES", 12)
    assert len(pg.mountain_hike().enumerate_trajectories(3).states) == 12
    monkeypatch.setattr(mdp_module, "MAX_TRAJECTORIES", 11)
    with pytest.raises(ValueError, match="more than 11 trajectories"):
        pg.mountain_hike().enumerate_trajectories(3)


def test_finished_trajectories_do_not_multiply():
    short, long = (pg.mountain_hike().enumerate_trajectories(horizon) for horizon in (3, 40))
    assert len(long.states) == len(short.states) == 12
    np.testing.assert_array_equal(long.mask[:, 3:], False)
    np.testing.assert_array_equal(long.dynamics, short.dynamics)


# Terminal states and endless policies


def test_terminal_means_that_every_action_stays_without_reward():
    transitions = np.zeros((5, 2, 5))
    transitions[:, :, 4] = 1  # 0: every action leads to 4
    transitions[1] = np.eye(5)[[1, 1]]  # stays, but with a reward
    transitions[2] = np.eye(5)[[2, 4]]  # one action leaves
    transitions[3, :] = [0, 0, 0, 0.5, 0.5]  # may leave
    rewards = np.zeros((5, 2))
    rewards[1, 1] = 0.5
    mdp = pg.TabularMDP(transitions, rewards, np.eye(5)[0], gamma=0.9)
    assert mdp.terminal.tolist() == [False, False, False, False, True]
    assert mdp.terminal.dtype == bool


@given(mdps_with_logits(cyclic=True))
def test_terminal_states_are_absorbing_and_worth_nothing(case):
    mdp, logits = case
    policy = softmax(logits, -1)
    for state in np.flatnonzero(mdp.terminal):
        assert is_terminal(mdp, state)
        assert mdp.state_values(policy)[state] == 0
        assert (mdp.action_values(policy)[state] == 0).all()
        assert mdp.occupancy(policy)[state] == 0
        assert (pg.exact_policy_gradient(mdp, logits)[state] == 0).all()
    assert [is_terminal(mdp, state) for state in range(len(policy))] == mdp.terminal.tolist()


def test_an_episode_may_start_at_its_end():
    mdp = replace(pg.mountain_hike(gamma=1.0), initial=np.array([0, 0, 0.5, 0.5]))
    assert mdp.expected_return(RIGHT) == pytest.approx(2, abs=1e-14)
    assert mdp.occupancy(RIGHT).tolist() == [0, 0, 0.5, 0]


QUANTITIES = {
    "state_values": lambda mdp, policy: mdp.state_values(policy),
    "action_values": lambda mdp, policy: mdp.action_values(policy),
    "occupancy": lambda mdp, policy: mdp.occupancy(policy),
    "expected_return": lambda mdp, policy: mdp.expected_return(policy),
}


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
def test_without_discount_an_endless_policy_is_refused_by_the_state_it_is_stuck_in(quantity):
    with pytest.raises(ValueError, match=r"with gamma = 1 .* from state 0 the policy never ends"):
        quantity(pg.short_corridor(), LEFT)
    policy = np.array([[0.5, 0.5], [0.5, 0.5], [1, 0], [0.5, 0.5]])
    transitions = pg.short_corridor().transitions.copy()
    transitions[2, 0] = [0, 0, 1, 0]  # in state 2, left stays: states 0 and 1 are still left for state 2, for ever
    with pytest.raises(ValueError, match="from state 0 the policy never ends"):
        quantity(replace(pg.short_corridor(), transitions=transitions), policy)
    transitions[0] = [0, 0, 0, 1]  # now states 0 and 1 can reach the goal, and only state 2 cannot
    with pytest.raises(ValueError, match="from state 2 the policy never ends"):
        quantity(replace(pg.short_corridor(), transitions=transitions), policy)


def test_with_discount_an_endless_policy_has_values():
    mdp = replace(pg.short_corridor(), gamma=0.5)
    np.testing.assert_allclose(mdp.state_values(LEFT), [-2, -2, -2, 0], atol=1e-14)


def test_a_reward_for_staying_is_endless_too():
    transitions = np.broadcast_to(np.eye(2)[:, None], (2, 1, 2))
    mdp = pg.TabularMDP(transitions, [[0], [1]], [0.5, 0.5])
    assert mdp.terminal.tolist() == [True, False]
    with pytest.raises(ValueError, match="from state 1 the policy never ends"):
        mdp.state_values(np.ones((2, 1)))


# Bad input


def good():
    return {"transitions": np.full((2, 2, 2), 0.5), "rewards": np.ones((2, 2)), "initial": [1, 0], "gamma": 0.5}


def with_row(row):
    transitions = np.full((2, 2, 2), 0.5)
    transitions[1, 0] = row
    return transitions


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": 1.2}, r"gamma must lie in \[0, 1\], got 1.2"),
        ({"gamma": -0.1}, r"gamma must lie in \[0, 1\], got -0.1"),
        ({"gamma": np.nan}, r"gamma must lie in \[0, 1\], got nan"),
        ({"transitions": with_row([0.5, 0.4])}, r"transitions\[1, 0\] must be .* sum to 1, got \[0.5, 0.4\]"),
        ({"transitions": with_row([1.5, -0.5])}, r"transitions\[1, 0\] must be .* sum to 1, got \[1.5, -0.5\]"),
        ({"transitions": with_row([np.nan, 1])}, r"transitions\[1, 0\] must be .* sum to 1, got \[nan, 1.0\]"),
        ({"transitions": with_row([0.5, 0.5 + 1e-6])}, r"transitions\[1, 0\] must be probabilities"),
        ({"initial": [0.5, 0.2]}, r"initial must be probabilities that sum to 1, got \[0.5, 0.2\]"),
        ({"initial": [2, -1]}, r"initial must be probabilities that sum to 1, got \[2.0, -1.0\]"),
        ({"initial": [1, 0, 0]}, r"initial must have shape \(2,\), got \(3,\)"),
        ({"transitions": np.ones((2, 2))}, r"transitions must have shape \(2, 2, 2\), got \(2, 2\)"),
        ({"transitions": np.ones((2, 2, 1))}, r"transitions must have shape \(2, 2, 2\), got \(2, 2, 1\)"),
        ({"rewards": np.ones(2)}, r"rewards must have shape \(states, actions\), got \(2,\)"),
        ({"rewards": np.ones((2, 0))}, r"rewards must have shape \(states, actions\), got \(2, 0\)"),
        ({"rewards": np.ones((2, 3))}, r"transitions must have shape \(2, 3, 2\), got \(2, 2, 2\)"),
        ({"rewards": [[1, np.nan], [1, 1]]}, "rewards must be finite, got NaN"),
        ({"rewards": [[1, np.inf], [1, 1]]}, "rewards must be finite, got .*infinity"),
    ],
)
def test_bad_processes_are_refused(change, message):
    assert pg.TabularMDP(**good()).gamma == 0.5
    with pytest.raises(ValueError, match=message):
        pg.TabularMDP(**{**good(), **change})


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (np.full((4, 3), 1 / 3), r"policy must have shape \(4, 2\), got \(4, 3\)"),
        ([0.5, 0.5], r"policy must have shape \(4, 2\), got \(2,\)"),
        (UNIFORM * np.array([[1], [1], [0.5], [1]]), r"policy\[2\] must be .* sum to 1, got \[0.25, 0.25\]"),
        (np.array([[0.5, 0.5], [1.5, -0.5], [1, 0], [1, 0]]), r"policy\[1\] must be .* sum to 1, got \[1.5, -0.5\]"),
        (np.full((4, 2), np.nan), r"policy\[0\] must be .* sum to 1, got \[nan, nan\]"),
    ],
)
def test_bad_policies_are_refused(quantity, policy, message):
    with pytest.raises(ValueError, match=message):
        quantity(pg.mountain_hike(), policy)


@pytest.mark.parametrize("quantity", QUANTITIES.values(), ids=QUANTITIES)
def test_policies_may_be_lists_and_are_left_alone(quantity):
    policy = UNIFORM.copy()
    np.testing.assert_array_equal(quantity(pg.mountain_hike(), policy.tolist()), quantity(pg.mountain_hike(), policy))
    np.testing.assert_array_equal(policy, UNIFORM)


def test_a_process_cannot_be_changed():
    arguments = good()
    mdp = pg.TabularMDP(**arguments)
    arguments["rewards"][0, 0] = 7
    assert mdp.rewards[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        mdp.transitions[0, 0, 0] = 1
    with pytest.raises(FrozenInstanceError):
        mdp.gamma = 0.3


# The book's processes


@pytest.mark.parametrize("right", [0.05, 0.3, 0.5, 2 - 2**0.5, 0.95])
def test_short_corridor_has_its_closed_form(right):
    mdp, policy = pg.short_corridor(), np.tile([1 - right, right], (4, 1))
    wanted = (2 * right - 4) / (right * (1 - right))
    assert mdp.expected_return(policy) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("right", [0.05, 0.3, 0.5, 0.95])
def test_short_corridor_gradient_is_the_derivative_of_its_closed_form(right):
    gradient = pg.exact_policy_gradient(pg.short_corridor(), np.log(np.tile([1 - right, right], (4, 1))))
    slope = (2 * right**2 - 8 * right + 4) / (right * (1 - right)) ** 2
    # One logit for "right" shared by all states moves p with dp = p (1 - p).
    assert gradient[:, 1].sum() == pytest.approx(slope * right * (1 - right), rel=1e-10)
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-10)


def test_short_corridor_is_best_at_two_minus_the_root_of_two():
    best = 2 - 2**0.5
    gradient = pg.exact_policy_gradient(pg.short_corridor(), np.log(np.tile([1 - best, best], (4, 1))))
    assert gradient[:, 1].sum() == pytest.approx(0, abs=1e-10)


def test_mountain_hike_has_twelve_trajectories_of_at_most_three_steps():
    found = pg.mountain_hike().enumerate_trajectories(4)
    assert len(found.states) == 12
    assert set(found.mask.sum(-1)) == {2, 3}
    assert (found.states[:, -1] == 3).all()


def test_mountain_hike_by_hand():
    mdp = pg.mountain_hike(gamma=0.9)
    np.testing.assert_allclose(mdp.state_values(LEFT), [0.9 * (0.8 + 0.2), 1, 1, 0], atol=1e-14)
    forest = -1 + 0.9 * 0.5 * 4
    np.testing.assert_allclose(mdp.state_values(RIGHT), [-1 + 0.9 * (0.4 * forest + 0.6 * 4), forest, 4, 0], atol=1e-14)


@pytest.mark.parametrize("off", [9e-9, -9e-9])
def test_a_row_that_passes_the_check_serves_everything_behind_it(off):
    # Rows that sum to 1 within the tolerance: the terminal state is one, and with gamma = 1 the values exist.
    transitions = np.zeros((3, 1, 3))
    transitions[0, 0, 1], transitions[1, 0, 2], transitions[2, 0, 2] = 1 + off, 1 + off, 1 + off
    chain = pg.TabularMDP(transitions, np.array([[1.0], [2.0], [0.0]]), np.array([1.0 + off, 0, 0]))
    assert chain.terminal.tolist() == [False, False, True]
    assert chain.expected_return(np.array([[1 + off], [1.0], [1.0]])) == 3.0
    assert chain.enumerate_trajectories(2).dynamics.tolist() == [1.0]
