"""The training loop of every chapter: only the weights change."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from joblib import Parallel, delayed

from pgutils.environments import make_envs
from pgutils.losses import policy_gradient_loss, value_loss
from pgutils.policies import CategoricalPolicy, ValueFunction, join_runs
from pgutils.progress import progress
from pgutils.returns import rewards_to_go
from pgutils.rollouts import EpisodeBatch, collect_episodes
from pgutils.seeding import generator


@dataclass(frozen=True, eq=False)
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
    value_steps: int = 0,
    seed: int = 0,
    n_jobs: int = 1,
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
        hidden: units in each hidden layer of the policy, and of the value function.
        value_steps: steps of Adam in each iteration that fit a value function to the rewards-to-go (chapter 5). Its
            values for the states of a batch, from before it has seen that batch, are ``batch.values``. With 0 there is
            no value function.
        seed: decides all random numbers; run i is the same whatever the number of runs and of processes.
        n_jobs: processes that share the runs, through joblib and whatever backend is selected around the call. More
            than one pays where the environment is slow, such as LunarLander.

    Raises:
        ValueError: an argument is out of range, the environment is unknown, or the weights have the wrong shape.
        FloatingPointError: a loss is no longer a finite number; the message says in which iteration.

    *Introduced in chapter 3.*
    """
    counts = {"runs": runs, "iterations": iterations, "episodes": episodes, "n_jobs": n_jobs}
    for name, number in counts.items():
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    if value_steps < 0:
        raise ValueError(f"value_steps must be at least 0, got {value_steps}")
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must lie in [0, 1], got {gamma}")
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be positive and finite, got {learning_rate}")
    line = f"{env_id}: {runs} runs × {iterations} iterations × {episodes} episodes, seed {seed}"
    rngs = generator(seed).spawn(runs)
    shares = [rngs[job::n_jobs] for job in range(min(n_jobs, runs))]
    settings = (env_id, weights, iterations, episodes, gamma, learning_rate, hidden, value_steps, n_jobs)
    elsewhere = Parallel(n_jobs, return_as="generator")(delayed(_train_share)(rngs, *settings) for rngs in shares[1:])
    here = _train_share(shares[0], *settings, watch=lambda steps: progress(steps, line, iterations))
    return _interleave([here, *elsewhere])


def _train_share(
    rngs, env_id, weights, iterations, episodes, gamma, learning_rate, hidden, value_steps, n_jobs, watch=iter
) -> History:
    """Train one run for each generator in this process; ``watch`` wraps the iterations."""
    torch.set_num_threads(min(torch.get_num_threads(), max(1, 2 // n_jobs)))
    envs = make_envs(env_id, len(rngs) * episodes)
    obs_dim, num_actions = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    policy = CategoricalPolicy(obs_dim, num_actions, rngs, hidden)
    initial_policy = deepcopy(policy)
    optimizer = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    fit = _value_fitter(ValueFunction(obs_dim, rngs, hidden), learning_rate, value_steps) if value_steps else None
    record = []
    for iteration in watch(range(iterations)):
        batch = collect_episodes(envs, policy, rngs, gamma)
        batch = fit(batch) if fit else batch
        loss = update(policy, optimizer, batch, weights(batch))
        if not loss.isfinite().all():
            raise FloatingPointError(f"training diverged in iteration {iteration}: the losses are {loss.tolist()}")
        record.append((batch.returns.mean(-1), loss, batch.lengths.sum(-1)))
    envs.close()
    returns, losses, steps = (torch.stack(column, -1).numpy() for column in zip(*record, strict=True))
    return History(returns, losses, steps.cumsum(-1), policy, initial_policy)


def _interleave(shares: list[History]) -> History:
    """Put the runs of several processes back in order: share j holds the runs j, j + n, j + 2n, …"""
    order = np.argsort(np.concatenate([np.arange(len(h.returns)) * len(shares) + j for j, h in enumerate(shares)]))

    def rows(name):
        return np.concatenate([getattr(history, name) for history in shares])[order]

    def policies(name):
        return join_runs([getattr(history, name) for history in shares], order)

    return History(rows("returns"), rows("losses"), rows("env_steps"), policies("policy"), policies("initial_policy"))


def _value_fitter(values: ValueFunction, learning_rate: float, steps: int):
    """Return a function that adds the values to a batch and then fits them to its rewards-to-go."""
    optimizer = torch.optim.Adam(values.parameters(), lr=learning_rate)

    def fit(batch: EpisodeBatch) -> EpisodeBatch:
        with torch.no_grad():
            predicted = values(batch.obs, batch.mask)
        returns = rewards_to_go(batch)
        taken = [run_returns[run_mask] for run_returns, run_mask in zip(returns, batch.mask, strict=True)]
        values.shift.copy_(torch.stack([x.mean() for x in taken]))
        values.scale.copy_(torch.stack([x.std(correction=0) for x in taken]) + 1e-8)
        for _ in range(steps):
            loss = value_loss(values(batch.obs, batch.mask), returns, batch.mask) / values.scale**2
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
        return replace(batch, values=predicted)

    return fit


def update(policy, optimizer, batch: EpisodeBatch, weights: torch.Tensor) -> torch.Tensor:
    """Take one step along the estimated policy gradient; return the losses from before it, shape (runs,).

    The sum over the runs is the only place that knows of them: no weight of one run is in the loss of another.

    *Introduced in chapter 3.*
    """
    if weights.shape == batch.mask.shape[:-1]:
        weights = weights[..., None].expand(batch.mask.shape)
    log_probs = policy.log_probs(batch.obs, batch.mask).gather(-1, batch.actions[..., None]).squeeze(-1)
    loss = policy_gradient_loss(log_probs, weights, batch.mask)
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
    return loss.detach()
