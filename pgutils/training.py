"""The training loop of every chapter: only the weights change."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from itertools import takewhile

import numpy as np
import torch
from joblib import Parallel, delayed

from pgutils.environments import make_envs
from pgutils.evaluation import explained_variance
from pgutils.losses import policy_gradient_loss, value_loss
from pgutils.policies import CategoricalPolicy, ValueFunction, join_runs
from pgutils.progress_bar import progress
from pgutils.returns import rewards_to_go
from pgutils.rollouts import EpisodeBatch, collect_episodes
from pgutils.seeding import generator


@dataclass(frozen=True, eq=False)
class History:
    """What happened in each iteration of each run; all arrays have the shape (runs, iterations).

    Attributes:
        returns: the mean return of the iteration's episodes, without discount.
        successes: the share of the episodes that succeeded, by the criterion given to ``train``; NaN without one.
        env_steps: environment steps taken so far.
        losses: the policy-gradient loss before the update.
        entropies: the mean entropy of the policy over the steps taken, in nats.
        signals: an unbiased estimate of ‖∇J‖², which a noisy batch can make negative; NaN for a single episode.
        noises: an unbiased estimate of the total variance of the estimated gradient. Signal plus noise is the square of
            its norm, and their ratio, each averaged first, the signal-to-noise ratio.
        explained_variances: the share of the variance of the rewards-to-go that the values explained before they were
            fitted to them, at most 1; NaN without a value function.
        policy: the trained policies of all runs.
        initial_policy: the policies that they started from.

    *Introduced in chapter 3; what to look for in it, in chapter 6.*
    """

    returns: np.ndarray
    successes: np.ndarray
    env_steps: np.ndarray
    losses: np.ndarray
    entropies: np.ndarray
    signals: np.ndarray
    noises: np.ndarray
    explained_variances: np.ndarray
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
    env_steps: int | None = None,
    success: Callable[[EpisodeBatch], torch.Tensor] | None = None,
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
        value_steps: steps of Adam in each iteration that fit a value function to the rewards-to-go (chapter 5); the
            time steps of the batch are shared out among them. Its values for the states of a batch, from before it has
            seen that batch, are ``batch.values``. With 0 there is no value function.
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
    if env_steps is not None and (env_steps < 1 or n_jobs > 1):
        raise ValueError(f"env_steps must be at least 1, with n_jobs=1, got {env_steps} with n_jobs={n_jobs}")
    if not 0 <= gamma <= 1:
        raise ValueError(f"gamma must lie in [0, 1], got {gamma}")
    if not 0 < learning_rate < np.inf:
        raise ValueError(f"learning_rate must be positive and finite, got {learning_rate}")
    line = f"{env_id}: {runs} runs × {iterations} iterations × {episodes} episodes, seed {seed}"
    rngs = generator(seed).spawn(runs)
    shares = [rngs[job::n_jobs] for job in range(min(n_jobs, runs))]
    settings = (env_id, weights, iterations, episodes, gamma, learning_rate, hidden, value_steps)
    settings = (*settings, env_steps or np.inf, success, n_jobs)
    elsewhere = Parallel(n_jobs, return_as="generator")(delayed(_train_share)(rngs, *settings) for rngs in shares[1:])
    here = _train_share(shares[0], *settings, watch=lambda steps: progress(steps, line, iterations))
    return _interleave([here, *elsewhere])


def _train_share(
    rngs,
    env_id,
    weights,
    iterations,
    episodes,
    gamma,
    learning_rate,
    hidden,
    value_steps,
    env_steps,
    success,
    n_jobs,
    watch=iter,
) -> History:
    """Train one run for each generator in this process; ``watch`` wraps the iterations."""
    torch.set_num_threads(min(torch.get_num_threads(), max(1, 2 // n_jobs)))
    envs = make_envs(env_id, len(rngs) * episodes)
    obs_dim, num_actions = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    policy = CategoricalPolicy(obs_dim, num_actions, rngs, hidden)
    initial_policy = deepcopy(policy)
    optimizer = torch.optim.Adam(policy.parameters(), lr=learning_rate)
    fit = _value_fitter(ValueFunction(obs_dim, rngs, hidden), learning_rate, value_steps) if value_steps else None
    record, taken = [], torch.zeros(len(rngs), dtype=torch.int64)
    unfinished = takewhile(lambda _: bool(taken.min() < env_steps), range(iterations))
    for iteration in watch(unfinished):
        batch = collect_episodes(envs, policy, rngs, gamma)
        batch = fit(batch) if fit else batch
        diagnostics = update(policy, optimizer, batch, weights(batch))
        if not diagnostics["losses"].isfinite().all():
            raise FloatingPointError(
                f"training diverged in iteration {iteration}: the losses are {diagnostics['losses'].tolist()}"
            )
        taken.add_(batch.lengths.sum(-1))
        record.append({**diagnostics, **_outcomes(batch, success), "env_steps": taken.clone()})
    envs.close()
    columns = {name: torch.stack([row[name] for row in record], -1).numpy() for name in record[0]}
    return History(**columns, policy=policy, initial_policy=initial_policy)


def _outcomes(batch: EpisodeBatch, success) -> dict[str, torch.Tensor]:
    """Return what the batch alone tells for the history, each of shape (runs,)."""
    unknown = torch.full((len(batch.mask),), torch.nan)
    return {
        "returns": batch.returns.mean(-1),
        "successes": success(batch).double().mean(-1) if success else unknown,
        "explained_variances": unknown if batch.values is None else explained_variance(batch),
    }


def _interleave(shares: list[History]) -> History:
    """Put the runs of several processes back in order: share j holds the runs j, j + n, j + 2n, …"""
    order = np.argsort(np.concatenate([np.arange(len(h.returns)) * len(shares) + j for j, h in enumerate(shares)]))
    columns = {}
    for field in fields(History):
        parts = [getattr(history, field.name) for history in shares]
        is_array = isinstance(parts[0], np.ndarray)
        columns[field.name] = np.concatenate(parts)[order] if is_array else join_runs(parts, order)
    return History(**columns)


def _value_fitter(values: ValueFunction, learning_rate: float, steps: int):
    """Return a function that adds the values to a batch and then fits them to its rewards-to-go.

    Neighbouring time steps say nearly the same, so each step of Adam sees only every ``steps``-th of them, and of each
    episode others.
    """
    optimizer = torch.optim.Adam(values.parameters(), lr=learning_rate)

    def fit(batch: EpisodeBatch) -> EpisodeBatch:
        with torch.no_grad():
            predicted = values(batch.obs, batch.mask)
        returns = rewards_to_go(batch)
        taken = [run_returns[run_mask] for run_returns, run_mask in zip(returns, batch.mask, strict=True)]
        values.shift.copy_(torch.stack([x.mean() for x in taken]))
        values.scale.copy_(torch.stack([x.std(correction=0) for x in taken]) + 1e-8)
        episode, step = (torch.arange(size) for size in batch.mask.shape[1:])
        for k in range(steps):
            share = batch.mask & ((episode[:, None] + step) % steps == k)
            loss = value_loss(values(batch.obs, share), returns, share) / values.scale**2
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
        return replace(batch, values=predicted)

    return fit


def update(policy, optimizer, batch: EpisodeBatch, weights: torch.Tensor) -> dict[str, torch.Tensor]:
    """Take one step along the estimated policy gradient, which is added up from the two halves of the batch.

    The sum over the runs is the only place that knows of them: no weight of one run is in the loss of another.

    Returns:
        The losses and entropies from before the step, and the signals and noises of the gradient, each of shape
        (runs,); ``History`` says what they are.

    Raises:
        ValueError: the weights have another shape than (runs, episodes, steps) or (runs, episodes).

    *Introduced in chapter 3.*
    """
    if weights.shape == batch.mask.shape[:-1]:
        weights = weights[..., None].expand(batch.mask.shape)
    if weights.shape != batch.mask.shape:
        wanted = tuple(batch.mask.shape)
        raise ValueError(f"weights must have shape {wanted} or {wanted[:-1]}, got {tuple(weights.shape)}")
    halves = zip(*(x.chunk(2, dim=1) for x in (batch.obs, batch.actions, weights, batch.mask)), strict=True)
    losses, entropies, shares, gradients = 0.0, 0.0, [], []
    optimizer.zero_grad()
    for obs, actions, half_weights, mask in halves:
        every_log_prob = policy.log_probs(obs, mask)
        log_probs = every_log_prob.gather(-1, actions[..., None]).squeeze(-1)
        shares.append(mask.shape[1] / batch.mask.shape[1])
        loss = shares[-1] * policy_gradient_loss(log_probs, half_weights, mask)
        loss.sum().backward()
        losses = losses + loss.detach()
        surprises = -(every_log_prob.exp() * every_log_prob).detach().sum(-1) * mask
        entropies = entropies + surprises.sum((-2, -1)) / batch.mask.sum((-2, -1))
        gradients.append([parameter.grad.clone() for parameter in policy.parameters()])
    optimizer.step()
    signals, noises = _signal_and_noise(gradients, shares)
    return {"losses": losses, "entropies": entropies, "signals": signals, "noises": noises}


def _signal_and_noise(gradients, shares: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Split ‖g‖² into unbiased estimates of ‖∇J‖² and of the variance of g, each of shape (runs,).

    With shares p and q of the episodes in the two halves, E‖g_half - g‖² is q/p times the variance of g.

    Args:
        gradients: the sum p g_half of the first half, and g, each a list of tensors (runs, ...).
        shares: p and q; p alone for a batch of one episode, whose noise is unknown.
    """

    def square(gradient):
        return sum(part.square().flatten(1).sum(1) for part in gradient)

    total = square(gradients[-1])
    if len(shares) < 2:
        return torch.full_like(total, torch.nan), torch.full_like(total, torch.nan)
    noise = square([half / shares[0] - g for half, g in zip(*gradients, strict=True)]) * shares[0] / shares[1]
    return total - noise, noise
