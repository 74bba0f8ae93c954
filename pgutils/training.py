"""The training loop of every chapter. A method is three functions: ``weights``, ``targets`` and ``update``."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from copy import deepcopy
from itertools import takewhile
from warnings import catch_warnings

import numpy as np
import torch
from joblib import Parallel, delayed

from pgutils.advantages import td_lambda
from pgutils.environments import Env, env_name, make_envs, resolve
from pgutils.evaluation import explained_variance
from pgutils.fitting import value_fitter
from pgutils.history import History, from_rows, interleave
from pgutils.networks import ValueFunction
from pgutils.policies import CategoricalPolicy, GaussianPolicy
from pgutils.progress_bar import progress
from pgutils.returns import rewards_to_go
from pgutils.rollouts import EpisodeBatch, collect_episodes
from pgutils.seeding import generator
from pgutils.settings import Quantity, Settings, as_weights, require_count, require_finite
from pgutils.spaces import action_dim
from pgutils.updates import gradient_step

MONTE_CARLO = td_lambda(1.0)


def train(
    env_id: Env,
    weights: Quantity = rewards_to_go,
    *,
    targets: Quantity = MONTE_CARLO,
    update: Callable = gradient_step,
    optimizer: Callable = torch.optim.Adam,
    policy: Callable | None = None,
    runs: int = 16,
    iterations: int = 60,
    episodes: int = 16,
    gamma: float = 1.0,
    learning_rate: float = 1e-2,
    hidden: tuple[int, ...] = (32,),
    value_steps: int = 0,
    value_epochs: int = 1,
    value_learning_rate: float | None = None,
    env_steps: int | None = None,
    success: Quantity | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    label: str | None = None,
) -> History:
    """Train independent runs side by side: collect episodes, fit values, weight the scores, take a step; repeat.

    Interrupted, it returns what it has; with several processes, the runs of the first.

    Args:
        env_id: a Gymnasium environment such as ``"CartPole-v1"``, or a function without arguments that makes one.
        weights: a function of the batch that returns what multiplies each score, shape (runs, episodes, steps), or
            (runs, episodes) where all steps of an episode share one weight.
        targets: a function of the batch that returns what the values are fitted to, shape (runs, episodes, steps); by
            default the rewards-to-go, with V(final_obs) beyond the cut where an episode was truncated (chapter 7).
        update: a function of (policy, optimizer, batch, weights) that changes the policy in place and returns
            diagnostics by name, each of shape (runs,).
        optimizer: a function of (parameters, lr=learning_rate), such as ``torch.optim.SGD``, for the policy.
        policy: a function of (obs_dim, action_dim, rngs, hidden) that makes the policies; by default a
            ``CategoricalPolicy`` or a ``GaussianPolicy``, as the actions are.
        runs: how many times the whole experiment is done, each with random numbers of its own.
        iterations: updates of the policy.
        episodes: episodes of each run in each iteration.
        gamma: the discount factor.
        learning_rate: of the policy's optimizer.
        hidden: units in each hidden layer of the policy, and of the value function.
        value_steps: steps of Adam in each iteration that fit a value function to the targets (chapter 5); the time
            steps of the batch are shared out among them. Its values for the states of a batch, from before it has seen
            that batch, are ``batch.values``. With 0 there is no value function.
        value_epochs: how often the values go through a batch so, with ``value_steps`` each time (chapter 10).
        value_learning_rate: of that Adam; by default ``learning_rate``.
        env_steps: stop when each run has taken this many steps, if that is before the last iteration.
        success: a function of the batch that says which episodes succeeded, shape (runs, episodes).
        seed: decides all random numbers; run i is the same whatever the number of runs and of processes.
        n_jobs: processes that share the runs, through joblib and whatever backend is selected around the call. More
            than one pays where the environment is slow, such as LunarLander.
        label: what the line that stays says was trained.

    Raises:
        ValueError: an argument is not what it must be, the environment is unknown or does not do what it declares, or
            the weights have the wrong shape or are no numbers.
        FloatingPointError: a loss is no longer a finite number; the message says in which iteration.

    *Introduced in chapter 3.*
    """
    require_count(runs=runs, n_jobs=n_jobs)
    if env_steps is not None and n_jobs > 1:
        raise ValueError(f"env_steps goes with n_jobs=1, got n_jobs={n_jobs}")
    rates = {"learning_rate": learning_rate, "value_learning_rate": value_learning_rate or learning_rate}
    counts = {"iterations": iterations, "episodes": episodes, "env_steps": env_steps}
    counts |= {"value_steps": value_steps, "value_epochs": value_epochs}
    functions = {"weights": weights, "targets": targets, "update": update, "optimizer": optimizer, "success": success}
    settings = Settings(resolve(env_id), policy=policy, gamma=gamma, hidden=hidden, **functions, **rates, **counts)
    line = f"{env_name(env_id)}: {runs} runs × {iterations} iterations × {episodes} episodes, seed {seed}"
    line = f"{label}, {line}" if label else line
    rngs = generator(seed).spawn(runs)
    shares = [rngs[job::n_jobs] for job in range(min(n_jobs, runs))]
    elsewhere = Parallel(n_jobs, return_as="generator")(delayed(_train_share)(rngs, settings) for rngs in shares[1:])
    here = _train_share(shares[0], settings, watch=lambda steps: progress(steps, line, iterations))
    if n_jobs > 1 and here.returns.shape[1] < iterations:  # interrupted
        with catch_warnings(action="ignore"):
            elsewhere.close()
        return here
    return interleave([here, *elsewhere])


def _train_share(rngs: list[np.random.Generator], settings: Settings, watch: Callable = iter) -> History:
    """Train one run for each generator in this process; ``watch`` wraps the iterations."""
    envs = make_envs(settings.env, len(rngs) * settings.episodes)
    obs_dim, space = envs.single_observation_space.shape[0], envs.single_action_space
    kinds = CategoricalPolicy, GaussianPolicy
    make_policy = settings.policy or next(kind for kind in kinds if isinstance(space, kind.action_space))
    policy = make_policy(obs_dim, action_dim(space), rngs, settings.hidden)
    initial_policy = deepcopy(policy)
    values = ValueFunction(obs_dim, rngs, settings.hidden)
    passes = settings.value_steps, settings.value_epochs
    fit = value_fitter(values, settings.targets, settings.value_learning_rate, *passes)
    optimizer = settings.optimizer(policy.parameters(), lr=settings.learning_rate)
    rows, taken, budget = [], torch.zeros(len(rngs), dtype=torch.int64), settings.env_steps or np.inf

    def iterate(iteration: int) -> bool:
        """Do one iteration and record it; return whether to go on."""
        try:
            batch = collect_episodes(envs, policy, rngs, settings.gamma)
            batch = fit(batch) if settings.value_steps else batch
            weights = as_weights(settings.weights(batch), batch)
            diagnostics = settings.update(policy, optimizer, batch, weights)
        except KeyboardInterrupt:
            if not rows:
                raise
            return False
        require_finite(diagnostics, iteration)
        taken.add_(batch.lengths.sum(-1))
        rows.append({**diagnostics, **_outcomes(batch, settings.success), "env_steps": taken.clone()})
        return bool(taken.min() < budget)

    with one_thread(), closing(envs):
        for _ in watch(takewhile(iterate, range(settings.iterations))):
            pass
    return from_rows(rows, policy, initial_policy)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let Torch use one thread, as the tensors are small, and put its number back in the end."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _outcomes(batch: EpisodeBatch, success) -> dict[str, torch.Tensor]:
    """Return what the batch alone tells for the history, each of shape (runs,)."""
    unknown = torch.full((len(batch.mask),), torch.nan)
    return {
        "returns": batch.returns.mean(-1),
        "successes": success(batch).double().mean(-1) if success else unknown,
        "explained_variances": unknown if batch.values is None else explained_variance(batch),
    }
