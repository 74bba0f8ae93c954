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
from pgutils.exercises.matching import right_outcomes, same
from pgutils.exercises.running import Complaint, outcomes

BOOK = Path(__file__).parent.parent / "book"


# Every change of one operator, number, axis or call of the book's solutions.


def solutions():
    """The source of each solution that is a function, by the name of its exercise."""
    cells = [cell for path in sorted(BOOK.glob("0*.ipynb")) for cell in nbformat.read(path, as_version=4).cells]
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
        "scaled = (shifted - taken.mean()) / (taken.std(ddof=1) - 1e-08)",
    },
    "advantage": {"return pg.rewards_to_go(rewards, gamma) - values.squeeze(1).detach()"},
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SOLUTIONS)
def test_no_change_of_a_solution_is_accepted(name, monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.3)
    assert set(survivors(name)) == HARMLESS.get(name, set())


def test_every_chapter_has_solutions_that_are_changed():
    assert {EXERCISES[name].chapter for name in SOLUTIONS} == {1, 2, 3, 4, 5, 6}
    assert sum(len(set(changed(source))) for source in SOLUTIONS.values()) > 300
