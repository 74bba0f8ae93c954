"""Answers that are almost right are refused: every small change of a solution, and whole families of near misses."""

import ast
import copy
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

import pgutils as pg
from pgutils.exercises import running
from pgutils.exercises.catalogue import EXERCISES
from pgutils.exercises.diagnosis import diagnose
from pgutils.exercises.matching import right_outcomes, same
from pgutils.exercises.running import Complaint, outcomes

BOOK = Path(__file__).parent.parent / "book"


# Every change of one operator, number, axis or call of the book's solutions.


def solutions():
    """The source of each solution that is a function, by the name of its exercise."""
    cells = [cell for path in sorted(BOOK.glob("[01]*.ipynb")) for cell in nbformat.read(path, as_version=4).cells]
    sources = [cell.source for cell in cells if cell.source.startswith("def solution(")]
    found = {source.split('pg.check("')[1].split('"')[0]: source.split("pg.check")[0] for source in sources}
    return {
        name: source for name, source in found.items() if not EXERCISES[name].prepare and not EXERCISES[name].broken
    }


SOLUTIONS = solutions()
OPERATORS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult, ast.FloorDiv],
    ast.FloorDiv: [ast.Div],
    ast.Pow: [ast.Mult],
}
COMPARISONS = {ast.Lt: ast.LtE, ast.Gt: ast.GtE, ast.Eq: ast.NotEq}
METHODS = {"sum": "mean", "mean": "sum", "var": "std", "cumsum": "sum", "log_softmax": "softmax"}


def changes(node):
    """Nodes that might have been written by mistake in the place of one."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)) and not isinstance(node.value, bool):
        return [ast.Constant(node.value + shift) for shift in (1, -1)]
    if isinstance(node, ast.BinOp):
        alternatives = [type(node)(node.left, other(), node.right) for other in OPERATORS.get(type(node.op), [])]
        return [*alternatives, node.left, node.right]
    if isinstance(node, ast.AugAssign):
        return [ast.Assign([node.target], node.value, lineno=0), ast.AugAssign(node.target, ast.Sub(), node.value)]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        return [ast.Compare(node.left, [COMPARISONS[type(node.ops[0])]()], node.comparators)]
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse, ast.IfExp(node.test, node.orelse, node.body)]
    if isinstance(node, ast.Call):
        return changes_of_call(node)
    return []


def changes_of_call(node):
    """A call without its method, of another method, or without one of its keywords or arguments."""
    less = [
        ast.Call(node.func, node.args, [k for k in node.keywords if k is not left_out]) for left_out in node.keywords
    ]
    if not isinstance(node.func, ast.Attribute):
        return [*less, *(node.args if len(node.args) == 1 else [])]
    other = METHODS.get(node.func.attr)
    renamed = [ast.Call(ast.Attribute(node.func.value, other, ast.Load()), node.args, node.keywords)] if other else []
    module = isinstance(node.func.value, ast.Name) and node.func.value.id in ("np", "pg", "torch")
    return [*less, *renamed, *([] if module else [node.func.value])]


def changed(source):
    """Functions that differ from that of the source in one place, with their source."""
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for choice in range(len(changes(node))):
            yield replaced(tree, number, choice)


def replaced(tree, number, choice):
    """A copy of a tree in which one node gives way to one of its alternatives."""
    tree = copy.deepcopy(tree)
    old = list(ast.walk(tree))[number]
    new = changes(old)[choice]
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(item is old for item in value):
                setattr(parent, field, [new if item is old else item for item in value])
    return ast.unparse(ast.fix_missing_locations(tree))


def accepted(name, answer):
    """Whether an answer is taken for right, by the book or by another convention."""
    exercise = EXERCISES[name]
    try:
        given = outcomes(exercise, answer)
    except Complaint:
        return False
    if exercise.accepts and exercise.accepts([outcome["result"] for outcome in given]):
        return True
    return any(same(exercise, given, wanted) for _, wanted in right_outcomes(exercise))


def survivors(name):
    """The lines by which changed solutions that are accepted differ from the solution."""
    lines = ast.unparse(ast.parse(SOLUTIONS[name])).splitlines()
    for source in set(changed(SOLUTIONS[name])):
        space = {"np": np, "pg": pg, "torch": torch}
        try:
            exec(source, space)
        except SyntaxError:
            continue
        if accepted(name, space["solution"]):
            yield from (line.strip() for line in source.splitlines() if line not in lines)


# The changes that make no difference, or lead to another convention.
HARMLESS = {
    "state-values": {"while change >= 1e-08:", "r_pi = (policy * rewards).sum(1)"},
    "policy-gradient-loss": {
        "log_pi = torch.log_softmax(logits, 1)",
        "return -(taken * weights.detach()).sum()",  # the sum over episodes
    },
    "choose-action": {"return np.searchsorted(ends, u)"},  # no probe lies on a border
    "reinforce-update": {
        "for state, action in zip(states, actions):",
        "return theta + alpha * total",  # the sum over episodes
    },
    "rewards-to-go-in-a-row": {
        "G, following = (np.zeros(len(rewards)), 1.0)",
        "G, following = (np.zeros(len(rewards)), -1.0)",
    },
    "reward-to-go-gradient": {
        "weights = pg.rewards_to_go(rewards, gamma)",  # γᵗ dropped
        "return (scores * weights[..., None]).sum(1).sum(0)",  # the sum over episodes
    },
    "normalisation": {
        "shifted = weights - weights[mask][1]",
        "shifted = weights - weights[mask][-1]",
        "scaled = (shifted - taken.mean()) / (taken.std() + 1e-08)",  # ddof = 0
        "scaled = (shifted - taken.mean()) / (taken.std(ddof=0) + 1e-08)",
    },
    "advantage": {"return pg.rewards_to_go(rewards, gamma) - values.squeeze(1).detach()"},
    "surrogate": {"return (ratio * advantages.detach() * mask).sum(1).sum()"},  # the sum over episodes
    "lambda-return": {"for reward, value in zip(rewards[::-1], values[::-1]):"},
    "importance-ratio": {
        "x = x - x.max(1, keepdims=True)",
        "return x - np.log(np.exp(x).sum(1, keepdims=True))",
        "return x - np.log(np.exp(x).mean(-1, keepdims=True))",  # a constant, the same for both policies
    },
    "clipped-objective": {"return torch.minimum(ratio * advantages, clipped * advantages).sum()"},  # over samples
    "silent-samples": {  # with an advantage of 0 nobody has a gradient
        "gone_up = (ratio > 1 + clip) & (advantages >= 0)",
        "gone_down = (ratio < 1 - clip) & (advantages <= 0)",
    },
    "entropy-bonus": {"entropy = -(log_probs.exp() * log_probs).sum(1)"},
    "rloo": {"r = np.reshape(rewards, (-2, group))"},  # any negative number: what is left
    "grpo": {"if deviation <= 1e-09:"},
    "k3-penalty": {"return (k3 * mask).sum(1).mean()"},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SOLUTIONS)
def test_no_change_of_a_solution_is_accepted(name, monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.3)
    assert set(survivors(name)) == HARMLESS.get(name, set())


def test_every_chapter_has_solutions_that_are_changed():
    assert {EXERCISES[name].chapter for name in SOLUTIONS} == {int(path.stem[:2]) for path in BOOK.glob("[01]*.ipynb")}
    assert sum(len(set(changed(source))) for source in SOLUTIONS.values()) > 300


# Families that no change of one place reaches: each member is right where the problem is small or tame.


def softmax(logits):
    """Probabilities of logits (A,)."""
    return pg.softmax_policy(np.asarray(logits, dtype=float))


def seen(rewards, gamma, steps):
    """Reward-to-go that looks at a bounded number of steps."""
    T = len(rewards)
    return np.array([gamma ** np.arange(min(steps, T - t)) @ rewards[t : t + steps] for t in range(T)])


HORIZONS = (3, 10, 50, 100)
TRUNCATED = {
    "discounted-return": lambda h: lambda rewards, gamma: seen(rewards, gamma, h)[0],
    "rewards-to-go": lambda h: lambda rewards, gamma: seen(rewards, gamma, h),
    "rewards-to-go-in-a-row": lambda h: (
        lambda rewards, ends, gamma: np.concatenate(
            [seen(part, gamma, h) for part in np.split(rewards, np.flatnonzero(ends)[:-1] + 1)]
        )
    ),
    "gae-sum": lambda h: lambda deltas, gamma, lam: seen(deltas, gamma * lam, h),
    "n-step-return": lambda h: (
        lambda rewards, values, n, gamma: EXERCISES["n-step-return"].solution(rewards, values, min(n, h), gamma)
    ),
    "lambda-return": lambda h: (
        lambda rewards, values, final_value, gamma, lam: (
            values + seen(rewards + gamma * np.append(values[1:], final_value) - values, gamma * lam, h)
        )
    ),
    "gae-batch": lambda h: (
        lambda rewards, values, lengths, final_values, gamma, lam: np.stack(
            [
                np.append(seen(r[:n] + gamma * np.append(v[1:n], last) - v[:n], gamma * lam, h), np.zeros(len(r) - n))
                for r, v, n, last in zip(rewards, values, lengths, final_values, strict=True)
            ]
        )
    ),
    "a-flag-too-few": lambda h: (
        lambda rewards, values, later, terminated, truncated, gamma, lam: np.concatenate(
            [
                seen(part, gamma * lam, h)
                for part in np.split(
                    rewards + gamma * np.where(terminated, 0, later) - values,
                    np.flatnonzero(terminated | truncated) + 1,
                )
            ]
        )
    ),
}


def sweeps(rounds):
    """Values after a number of rounds."""

    def values(transitions, rewards, policy, gamma):
        V = np.zeros(len(rewards))
        for _ in range(rounds):
            V = (policy * (rewards + gamma * transitions @ V)).sum(1)
        return V

    return values


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("name", TRUNCATED)
def test_truncated_horizons_are_refused(name, horizon):
    assert accepted(name, TRUNCATED[name](10_000))
    assert not accepted(name, TRUNCATED[name](horizon))


@pytest.mark.parametrize("rounds", [15, 50, 100, 200])
def test_too_few_rounds_are_refused(rounds):
    assert accepted("state-values", sweeps(3000))
    assert not accepted("state-values", sweeps(rounds))


def two_actions_update(theta, episodes, gamma, alpha):
    """An update whose scores move one other action up or down instead of all."""
    new, policy = theta.copy(), softmax(theta)
    for states, actions, rewards in episodes:
        R = rewards @ gamma ** np.arange(len(rewards)) / len(episodes)
        for state, action in zip(states, actions, strict=True):
            new[state, action] += alpha * R * (1 - policy[state, action])
            new[state, action - 1] -= alpha * R * (1 - policy[state, action])
    return new


def two_actions_estimate(theta, states, actions, returns):
    """The same for a mean over trajectories."""
    estimate, policy = np.zeros_like(theta), softmax(theta)
    for path, choices, R in zip(states, actions, returns, strict=True):
        for state, action in zip(path, choices, strict=True):
            estimate[state, action] += R * (1 - policy[state, action])
            estimate[state, action - 1] -= R * (1 - policy[state, action])
    return estimate / len(returns)


TWO_ACTIONS = {
    "reinforce-update": two_actions_update,
    "rare-and-good": two_actions_estimate,
    "softmax-score": lambda theta, features, action: (
        (1 - softmax(features @ theta)[action]) * (features[action] - features[action - 1])
    ),
    "choose-action": lambda logits, u: int(u >= softmax(logits)[0]),
    "policy-gradient-loss": lambda logits, actions, weights, episodes: (
        -(
            torch.nn.functional.logsigmoid(
                logits[torch.arange(len(actions)), actions] - logits[torch.arange(len(actions)), actions - 1]
            )
            * weights.detach()
        ).sum()
        / episodes
    ),
}


@pytest.mark.parametrize("name", TWO_ACTIONS)
def test_formulas_for_two_actions_are_refused(name):
    assert not accepted(name, TWO_ACTIONS[name])


@pytest.mark.parametrize("N", [2, 3])
@pytest.mark.parametrize("name", ["leave-one-out", "rloo"])
def test_formulas_for_one_size_of_a_group_are_refused(name, N):
    factor = N / (N - 1)
    answers = {
        "leave-one-out": lambda returns: factor * (returns - returns.mean(1, keepdims=True)),
        "rloo": lambda rewards, group: (
            factor * (np.reshape(rewards, (-1, group)) - np.reshape(rewards, (-1, group)).mean(1, keepdims=True))
        ).ravel(),
    }
    assert not accepted(name, answers[name])


@pytest.mark.parametrize("digits", [1, 2])
def test_draws_from_rounded_shares_are_refused(digits):
    assert not accepted("choose-action", lambda logits, u: np.searchsorted(softmax(logits).round(digits).cumsum(), u))


@pytest.mark.parametrize("step", [0.5, 0.1, 0.01])
def test_baselines_from_a_coarse_grid_are_refused(step):
    grid = np.arange(-10, 10, step)

    def best(scores, returns, probability):
        squares = ((scores.T[:, None] * (returns - grid[:, None])) ** 2) @ probability  # (d, grid)
        return grid[squares.argmin(1)]

    assert not accepted("optimal-baseline", best)


PADDING = {
    "normalisation": lambda weights, mask: (weights - weights.mean()) / (weights.std() + 1e-8) * mask,
    "one-mean-for-all-runs": lambda A, mask: (
        mask * (A - A.mean((1, 2), keepdims=True)) / (A.std((1, 2), keepdims=True) + 1e-8)
    ),
    "a-mean-too-many": lambda log_probs, weights, mask: -(log_probs * weights.detach()).sum(-1).mean(),
    "gae-batch": lambda rewards, values, lengths, final_values, gamma, lam: (
        TRUNCATED["gae-batch"](10_000)(rewards, values, np.full(len(values), values.shape[1]), final_values, gamma, lam)
        * (np.arange(values.shape[1]) < lengths[:, None])
    ),
    "three-means": lambda log_probs, weights, mask: EXERCISES["three-means"].solution(
        log_probs, weights, np.ones_like(mask)
    ),
    "k3-penalty": lambda log_probs, reference, mask: (
        ((reference - log_probs).exp() - 1 - reference + log_probs).sum(-1).mean()
    ),
}


@pytest.mark.parametrize("name", PADDING)
def test_what_stands_in_the_padding_must_not_matter(name):
    assert not accepted(name, PADDING[name])


def unshifted(logits):
    """Probabilities of logits (..., A) whose exponentials overflow."""
    return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def unshifted_update(theta, episodes, gamma, alpha):
    total, policy = np.zeros_like(theta), unshifted(theta)
    for states, actions, rewards in episodes:
        R = rewards @ gamma ** np.arange(len(rewards))
        np.add.at(total, states, R * (np.eye(theta.shape[1])[actions] - policy[states]))
    return theta + alpha * total / len(episodes)


def loss_with(log_policy):
    """A loss whose log-probabilities (steps, A) are computed in some way from logits."""

    def loss(logits, actions, weights, episodes):
        return -(log_policy(logits)[torch.arange(len(actions)), actions] * weights.detach()).sum() / episodes

    return loss


OVERFLOW = {
    "softmax-score": lambda theta, features, action: features[action] - unshifted(features @ theta) @ features,
    "choose-action": lambda logits, u: int((np.cumsum(unshifted(logits)) <= u).sum()),
    "choose-action, in a loop": lambda logits, u: next(
        (a for a, end in enumerate(np.cumsum(unshifted(logits))) if u < end), len(logits) - 1
    ),
    "reinforce-update": unshifted_update,
    "policy-gradient-loss": loss_with(lambda logits: (logits.exp() / logits.exp().sum(-1, keepdim=True)).log()),
    "policy-gradient-loss, rounded": loss_with(lambda logits: torch.softmax(logits, -1).log()),
    "policy-gradient-loss, with a floor": loss_with(lambda logits: (torch.softmax(logits, -1) + 1e-12).log()),
    "policy-gradient-loss, by probabilities": loss_with(
        lambda logits: torch.distributions.Categorical(probs=torch.softmax(logits, -1)).logits
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", OVERFLOW)
def test_what_holds_for_small_logits_alone_is_refused_by_name(name):
    assert not accepted(name.split(",")[0], OVERFLOW[name])
    text = " ".join(diagnose(EXERCISES[name.split(",")[0]], OVERFLOW[name]).split())
    assert "right for small logits" in text or "right until π is tiny" in text


@pytest.mark.parametrize("alike", [0.1, 0.05, 0.02])
def test_scores_that_are_close_are_no_ties(alike):
    def share(scores, baseline):
        difference = np.subtract.outer(scores, baseline)
        return np.where(abs(difference) <= alike, 0.5, difference > 0).mean()

    assert not accepted("probability-of-improvement", share)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("special", [lambda rewards, gamma: gamma == 0, lambda rewards, gamma: gamma < 0.05])
def test_a_division_by_a_power_that_vanishes_is_refused(special):
    def divided(rewards, gamma):
        if special(rewards, gamma):
            return rewards
        powers = gamma ** np.arange(len(rewards))
        return (rewards * powers)[::-1].cumsum()[::-1] / powers

    assert not accepted("rewards-to-go", divided)


@pytest.mark.filterwarnings("ignore")
def test_such_a_division_is_refused_by_name_in_a_row():
    def divided(rewards, ends, gamma):
        powers, following, G = gamma ** np.arange(len(rewards)), 0.0, np.zeros(len(rewards))
        for t in reversed(range(len(rewards))):
            following = powers[t] * rewards[t] + following * (not ends[t])
            G[t] = following / powers[t] if powers[t] else 0.0
        return G

    assert "you divide 0 by 0" in diagnose(EXERCISES["rewards-to-go-in-a-row"], divided)


def vanishing(rewards, gamma, least):
    """Reward-to-go that stops where the discount has become small."""
    steps = np.flatnonzero(gamma ** np.arange(len(rewards)) < least)
    return seen(rewards, gamma, steps[0] if len(steps) else len(rewards))


@pytest.mark.parametrize("least", [1e-2, 1e-3])
def test_discounts_that_are_small_count(least):
    assert not accepted("discounted-return", lambda rewards, gamma: vanishing(rewards, gamma, least)[0])
    assert not accepted("rewards-to-go", lambda rewards, gamma: vanishing(rewards, gamma, least))


@pytest.mark.parametrize("enough", [0.2, 0.05])
def test_a_deviation_that_is_small_and_not_zero_counts(enough):
    def weights(rewards, lengths):
        deviation = rewards.std()
        return (rewards - rewards.mean()) / (deviation if deviation > enough else np.inf) / lengths

    assert not accepted("grpo", weights)
