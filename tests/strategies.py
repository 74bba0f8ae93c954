"""Hypothesis strategies and oracles that several test modules share."""

import numpy as np
import torch
from hypothesis import strategies as st

import pgutils as pg

# Statistical tests draw from seeded generators. With new seeds, each check would raise a false alarm at this rate.
FALSE_ALARM = 1e-6


@st.composite
def mdps(draw, cyclic: bool, max_states: int = 4, max_actions: int = 3) -> pg.TabularMDP:
    """Small decision processes: cyclic with gamma up to 0.9, or acyclic with gamma = 1 and the last state terminal.

    Hypothesis chooses the sizes and gamma, which shrink; the tables come from a seed, which is much faster.
    """
    num_states, num_actions = draw(st.integers(2, max_states)), draw(st.integers(1, max_actions))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (num_states, num_actions, num_states)
    counts = rng.integers(1, 5, shape) * (rng.random(shape) < 0.6)
    if not cyclic:
        counts *= np.triu(np.ones((num_states, num_states), int), 1)[:, None]
    ends = not cyclic or draw(st.booleans())
    if ends:
        counts[-1] = 0
    counts[..., -1] += counts.sum(-1) == 0
    rewards = rng.integers(-20, 21, (num_states, num_actions)) / 4.0
    rewards[-1] *= not ends
    starts = rng.integers(0, 4, num_states)
    starts[0] += starts.sum() == 0
    gamma = draw(st.floats(0, 0.9)) if cyclic else 1.0
    return pg.TabularMDP(counts / counts.sum(-1, keepdims=True), rewards, starts / starts.sum(), gamma)


@st.composite
def mdps_with_logits(draw, cyclic: bool, **sizes) -> tuple[pg.TabularMDP, np.ndarray]:
    """A decision process from ``mdps`` and the logits of a softmax policy for it."""
    mdp = draw(mdps(cyclic, **sizes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return mdp, rng.uniform(-3, 3, mdp.rewards.shape)


def objective(mdp: pg.TabularMDP, logits: torch.Tensor) -> torch.Tensor:
    """The expected return as a differentiable function of the logits; with gamma = 1 the last state is the end."""
    live = len(mdp.initial) - (mdp.gamma == 1)
    transitions, rewards = torch.tensor(mdp.transitions)[:live, :, :live], torch.tensor(mdp.rewards)[:live]
    policy = torch.softmax(logits, -1)[:live]
    chain = torch.einsum("sa,sat->st", policy, transitions)
    values = torch.linalg.solve(torch.eye(live, dtype=torch.float64) - mdp.gamma * chain, (policy * rewards).sum(-1))
    return torch.tensor(mdp.initial)[:live] @ values
