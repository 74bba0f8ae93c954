"""Record the experiments that are too long for a chapter.

Usage: record_results.py [FOLDER], by default book/results, or book/results/offset-N under PGUTILS_SEED_OFFSET=N

What is there already and was made with today's settings stays. Every run is kept as soon as it ends, so that an
interrupted recording loses only the runs in progress; started again, it goes on from there. The runs are shared out
among the processor's cores, or by whatever joblib backend is selected around ``main``.
"""

import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from joblib import Memory, Parallel, delayed
from peers import train_peer
from tqdm import tqdm

import pgutils as pg

RUNS = 16
OFFSET = "PGUTILS_SEED_OFFSET"


def discounted_rewards_to_go(batch: pg.EpisodeBatch) -> torch.Tensor:
    """Return γ^t G_t, shape (runs, episodes, steps): the total return without its past."""
    return batch.gamma ** torch.arange(batch.mask.shape[-1]) * pg.rewards_to_go(batch)


def past_and_rewards_to_go(batch: pg.EpisodeBatch) -> torch.Tensor:
    """Return G_t and the past that is in the total return, Σ_{k<t} γ^k r_k + G_t, shape (runs, episodes, steps)."""
    past = pg.total_return(batch)[..., None] - discounted_rewards_to_go(batch)
    return past + pg.rewards_to_go(batch)


WEIGHTS = {
    "total_return": pg.total_return,
    "discounted_rewards_to_go": discounted_rewards_to_go,
    "past_and_rewards_to_go": past_and_rewards_to_go,
    "rewards_to_go": pg.rewards_to_go,
    "rewards_to_go - values": lambda batch: pg.rewards_to_go(batch) - batch.values,
    "gae(0.9)": pg.gae(0.9),
    "gae(0.95)": pg.gae(0.95),
    "gae(0.98)": pg.gae(0.98),
}
# The rewards-to-go have nothing beyond the cut of a truncated episode.
TARGETS = {"rewards_to_go": pg.rewards_to_go, "td_lambda(1)": pg.td_lambda(1.0)}
UPDATES = {"gradient_step": pg.gradient_step, "ppo()": pg.ppo()}
LANDER = {
    "env_id": "LunarLander-v3",
    "env_steps": 1_000_000,
    "episodes": 16,
    "gamma": 0.99,
    "learning_rate": 5e-3,
    "hidden": (64, 64),
}
ACTOR_CRITIC = {  # chapters 7, 8 and 10; the runs of a job train together
    **LANDER,
    "env_steps": 500_000,
    "gamma": 0.999,
    "weights": "gae(0.98)",
    "targets": "td_lambda(1)",
    "value_steps": 4,
    "value_epochs": 10,
    "value_learning_rate": 3e-3,
    "together": 4,
}
PPO = {**ACTOR_CRITIC, "update": "ppo()", "learning_rate": 3e-3}
EXPERIMENTS = {
    "lunar-lander-total-return": {**LANDER, "weights": "total_return", "value_steps": 0},
    "lunar-lander-reward-to-go-discounted": {**LANDER, "weights": "discounted_rewards_to_go", "value_steps": 0},
    "lunar-lander-reward-to-go-and-past": {**LANDER, "weights": "past_and_rewards_to_go", "value_steps": 0},
    "lunar-lander-reward-to-go": {**LANDER, "weights": "rewards_to_go", "value_steps": 0},
    "lunar-lander-learned-value": {
        **LANDER,
        "weights": "rewards_to_go - values",
        "value_steps": 10,
        "targets": "rewards_to_go",
    },
    "lunar-lander-gae": ACTOR_CRITIC,
    "lunar-lander-ppo": PPO,
    "lunar-lander-gae-limit-is-an-end": {**ACTOR_CRITIC, "limit_is_an_end": True},
    "lunar-lander-ppo-limit-is-an-end": {**PPO, "limit_is_an_end": True},
    "lunar-lander-gae-gamma-0.99": {**ACTOR_CRITIC, "gamma": 0.99},
    "lunar-lander-gae-lambda-0.9": {**ACTOR_CRITIC, "weights": "gae(0.9)"},
    "lunar-lander-gae-fewer-value-steps": {**ACTOR_CRITIC, "value_epochs": 1},
    "lunar-lander-continuous": {**ACTOR_CRITIC, "env_id": "LunarLanderContinuous-v3"},
    "cart-pole-against-ppo": {
        "env_id": "CartPole-v1",
        "reinforce": {
            "env_steps": 300_000,
            "episodes": 16,
            "gamma": 1.0,
            "learning_rate": 1e-2,
            "hidden": (32,),
            "weights": "rewards_to_go - values",
            "value_steps": 5,
            "targets": "rewards_to_go",
        },
        "ppo": {  # the settings of RL Baselines3 Zoo, hyperparams/ppo.yml
            "env_steps": 100_000,
            "envs": 8,
            "n_steps": 32,
            "batch_size": 256,
            "gae_lambda": 0.8,
            "gamma": 0.98,
            "n_epochs": 20,
            "ent_coef": 0.0,
            "linear": {"learning_rate": 1e-3, "clip_range": 0.2},
        },
    },
}


def without_beyond(quantity: Callable) -> Callable:
    """Return the quantity of a batch whose truncated episodes have nothing beyond their cut."""
    return lambda batch: quantity(replace(batch, final_values=torch.zeros_like(batch.final_values)))


def train_together(
    env_id: str,
    *,
    weights: str,
    env_steps: int,
    targets: str = "rewards_to_go",
    update: str = "gradient_step",
    together: int = 1,
    limit_is_an_end: bool = False,
    **settings,
) -> pg.History:
    """Train runs until each has taken its steps; an iteration takes at least one of them."""
    functions = {"weights": WEIGHTS[weights], "targets": TARGETS[targets]}
    if limit_is_an_end:
        functions = {name: without_beyond(function) for name, function in functions.items()}
    counts = {"env_steps": env_steps, "iterations": env_steps, "runs": together}
    return pg.train(env_id, update=UPDATES[update], **functions, **counts, **settings)


def endings(batch: pg.EpisodeBatch) -> dict[str, torch.Tensor]:
    """Tell how each episode of LunarLander ended, shape (runs, episodes) each; what is none of these crashed.

    It came to rest on the ground, or the limit on its steps found it with a leg on the ground, or up in the air.
    """
    touching = (batch.final_obs[..., 6:8] > 0).any(-1)
    return {
        "landed": pg.landed(batch),
        "standing": batch.truncated & touching,
        "aloft": batch.truncated & ~touching,
    }


def record_run(settings: dict, seed: int, offset: int) -> dict[str, np.ndarray]:
    """Train and evaluate the runs of a job; return curves, (runs, iterations), and evaluations, (runs, episodes)."""
    os.environ[OFFSET] = str(offset)  # on whatever machine this is
    ends = []

    def success(batch):
        ends.append({name: which.double().mean(-1) for name, which in endings(batch).items()})
        return pg.landed(batch)

    history = train_together(**settings, seed=seed, success=success)
    curves = ("env_steps", "returns", "successes", "entropies", "explained_variances")
    arrays = {name: getattr(history, name) for name in curves}
    arrays |= {name: np.stack([row[name] for row in ends], 1) for name in ("standing", "aloft")}
    for kind in ("stochastic", "greedy"):
        batch = pg.evaluate(settings["env_id"], history.policy, greedy=kind == "greedy", seed=seed)
        evaluated = {"returns": batch.returns, "steps": batch.lengths, **endings(batch)}
        arrays |= {f"{kind}_{name}": values.numpy() for name, values in evaluated.items()}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def record_against_ppo(settings: dict, seed: int, offset: int) -> dict[str, np.ndarray]:
    """Train one run with each method, one after the other in one process and on one thread.

    Returns:
        For each method the environment steps and the returns, of iterations for REINFORCE and of single episodes in the
        order of their ends for PPO, and how many seconds the whole training took, each with a leading axis of one run.
    """
    os.environ[OFFSET] = str(offset)
    torch.set_num_threads(1)
    start = time.perf_counter()
    history = train_together(settings["env_id"], **settings["reinforce"], seed=seed)
    middle = time.perf_counter()
    ppo = train_peer("PPO", settings["env_id"], **settings["ppo"], seed=seed + 1000 * offset)
    end = time.perf_counter()
    arrays = {
        "reinforce_env_steps": history.env_steps[0].astype(np.float32),
        "reinforce_returns": history.returns[0].astype(np.float32),
        "reinforce_seconds": np.array([middle - start]),
        "ppo_env_steps": ppo["env_steps"].astype(np.float32),
        "ppo_returns": ppo["returns"].astype(np.float32),
        "ppo_seconds": np.array([end - middle]),
    }
    return {name: array[None] for name, array in arrays.items()}


def stack(shares: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Join arrays of shape (runs, n) along their runs, padded with NaN to the longest n."""
    arrays = {}
    for name in shares[0]:
        rows = [row for share in shares for row in share[name]]
        arrays[name] = np.full((len(rows), max(map(len, rows))), np.nan, np.float32)
        for padded, row in zip(arrays[name], rows, strict=True):
            padded[: len(row)] = row
    return arrays


def is_recorded(path: Path, settings: dict) -> bool:
    """Tell whether ``path`` holds all runs of the experiment with these settings."""
    try:
        pg.load_results(path, **settings)
    except (FileNotFoundError, ValueError):
        return False
    return True


def main(folder: Path, experiments: dict[str, dict] = EXPERIMENTS, runs: int = RUNS) -> None:
    """Record what is missing in ``folder``, with all seeds shifted as everywhere by ``PGUTILS_SEED_OFFSET``."""
    memory, offset = Memory(folder / ".runs", verbose=0), seed_offset()
    for name, settings in experiments.items():
        seeds = list(range(runs // settings.get("together", 1)))
        path, about = folder / f"{name}.npz", {**settings, "seeds": seeds, "seed_offset": offset}
        if is_recorded(path, about):
            continue
        record = memory.cache(record_against_ppo if "ppo" in settings else record_run)
        jobs = (delayed(record)(settings, seed, offset) for seed in seeds)
        finished = list(tqdm(Parallel(-1, return_as="generator")(jobs), name, total=len(seeds)))
        pg.save_results(path, stack(finished), about, versions_of("box2d", "gymnasium", "numpy", "torch"))
    memory.clear(warn=False)


def seed_offset() -> int:
    """Return by how much all seeds are shifted."""
    return int(os.environ.get(OFFSET, "0"))


def versions_of(*packages: str) -> dict[str, str]:
    """Return the version of Python and of each package."""
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def folder_of_this_offset() -> Path:
    """Return where to record: beside the book's own runs where the seeds are shifted."""
    return Path("book/results", f"offset-{seed_offset()}" if seed_offset() else "")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else folder_of_this_offset())
