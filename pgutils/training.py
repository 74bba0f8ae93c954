"""The training loop of every chapter: only the weights change."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch

from pgutils.environments import make_envs
from pgutils.losses import policy_gradient_loss
from pgutils.policies import CategoricalPolicy
from pgutils.progress import progress
from pgutils.returns import rewards_to_go
from pgutils.rollouts import EpisodeBatch, collect_episodes
from pgutils.seeding import generator


@dataclass(frozen=True)
class History:
    """What happened in each iteration of each run.

    Attributes:
        returns: the mean return of the iteration's episodes, without discount, shape (runs, iterations).
        losses: the policy-gradient loss before the update, shape (runs, iterations).
        env_steps: environment steps taken so far, shape (runs, iterations).
        policy: the trained policies of all runs.
        initial_policy: the policies that they started from.

    *Introduced in chapter 3.*
    """

    returns: np.ndarray
    losses: np.ndarray
    env_steps: np.ndarray
    policy: CategoricalPolicy
    initial_policy: CategoricalPolicy


def train(
    env_id: str,
    weights: Callable[[EpisodeBatch], torch.Tensor] = rewards_to_go,
    *,
    runs: int = 16,
    iterations: int = 60,
    episodes: int = 16,
    gamma: float = 1.0,
    learning_rate: float = 1e-2,
    hidden: tuple[int, ...] = (32,),
    seed: int = 0,
) -> History:
    """Train independent runs side by side: collect episodes, weight the scores, take one step of Adam; repeat.

    Args:
        env_id: a Gymnasium environment with discrete actions, such as ``"CartPole-v1"``.
        weights: a function of the batch that returns what multiplies each score, shape (runs, episodes, steps), or
            (runs, episodes) where all steps of an episode share one weight.
        runs: how many times the whole experiment is done, each with random numbers of its own.
        iterations: updates of the policy.
        episodes: episodes of each run in each iteration.
        gamma: the discount factor.
        learning_rate: of Adam.
        hidden: units in each hidden layer of the policy.
        seed: decides all random numbers; run i is the same whatever the number of runs.

    Raises:
        ValueError: an argument is out of range, the environment is unknown, or the weights have the wrong shape.
        FloatingPointError: a loss is no longer a finite number; the message says in which iteration.

    *Introduced in chapter 3.*
    """
    for name, number in {"runs": runs, "iterations": iterations, "episodes": episodes}.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    torch.set_num_threads(min(2, torch.get_num_threads()))
    envs = make_envs(env_id, runs * episodes)
    rngs = generator(seed).spawn(runs)
    policy = CategoricalPolicy(envs.single_observation_space.shape[0], envs.single_action_space.n, rngs, hidden)
    initial_policy = deepcopy(policy)
    optimizer = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    record = []
    line = f"{env_id}: {runs} runs × {iterations} iterations × {episodes} episodes, seed {seed}"
    for iteration in progress(range(iterations), line, iterations):
        batch = collect_episodes(envs, policy, rngs, gamma)
        loss = update(policy, optimizer, batch, weights(batch))
        if not loss.isfinite().all():
            raise FloatingPointError(f"training diverged in iteration {iteration}: the losses are {loss.tolist()}")
        record.append((batch.returns.mean(-1), loss, batch.lengths.sum(-1)))
    envs.close()
    returns, losses, steps = (torch.stack(column, -1).numpy() for column in zip(*record, strict=True))
    return History(returns, losses, steps.cumsum(-1), policy, initial_policy)


def update(policy, optimizer, batch: EpisodeBatch, weights: torch.Tensor) -> torch.Tensor:
    """Take one step along the estimated policy gradient; return the losses from before it, shape (runs,).

    The sum over the runs is the only place that knows of them: no weight of one run is in the loss of another.

    *Introduced in chapter 3.*
    """
    if weights.shape == batch.mask.shape[:-1]:
        weights = weights[..., None].expand(batch.mask.shape)
    log_probs = policy.log_probs(batch.obs).gather(-1, batch.actions[..., None]).squeeze(-1)
    loss = policy_gradient_loss(log_probs, weights, batch.mask)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
    return loss.detach()
