"""Record how the methods of the book do side by side, on two tasks.

Usage: record_methods.py [FOLDER], by default book/results

What is there already and was made with today's settings stays, and so does every finished training of what is not. The
sixteen runs of a method train together on one thread; seconds are the processor's, for one run.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
from joblib import Memory, Parallel, delayed
from record_results import OFFSET, RUNS, WEIGHTS, folder_of_this_offset, is_recorded, seed_offset, versions_of
from tqdm import tqdm

import pgutils as pg

CRITIC = {"value_steps": 4, "value_epochs": 10, "value_learning_rate": 1e-2}
METHODS = {
    "reward-to-go": {"weights": "rewards_to_go"},
    "learned value": {"weights": "rewards_to_go - values", **CRITIC},
    "GAE": {"weights": "gae(0.95)", **CRITIC},
    "TRPO": {"weights": "gae(0.95)", "update": "trust_region", **CRITIC},
    "PPO": {"weights": "gae(0.95)", "update": "ppo", **CRITIC},
}
CART_POLE = {"env_id": "CartPole-v1", "episodes": 8, "gamma": 0.99, "env_steps": 120_000}
PENDULUM = {"env_id": "Pendulum-v1", "episodes": 16, "gamma": 0.95, "env_steps": 192_000}
# The size of a step is the largest divergence for TRPO, else the learning rate.
ON_CART_POLE = {"reward-to-go": 0.03, "learned value": 0.03, "GAE": 0.03, "TRPO": 0.01, "PPO": 0.01}
ON_PENDULUM = {"reward-to-go": 0.03, "learned value": 0.03, "GAE": 0.03, "TRPO": 0.03, "PPO": 0.001}
EXPERIMENTS = {
    "methods-cart-pole": {"task": CART_POLE, "methods": METHODS, "sizes": ON_CART_POLE},
    "methods-pendulum": {"task": PENDULUM, "methods": METHODS, "sizes": ON_PENDULUM},
}


def train_method(task: dict, method: dict, size: float, runs: int, offset: int) -> dict[str, np.ndarray]:
    """Train the runs of one method; return steps taken and returns, (runs, iterations), and seconds of a run, (1,)."""
    os.environ[OFFSET] = str(offset)  # on whatever machine this is
    options = {**task, **method, "iterations": task["env_steps"], "runs": runs}
    weights = WEIGHTS[options.pop("weights")]
    match options.pop("update", None):
        case "trust_region":
            options["update"] = pg.trust_region(size)
        case "ppo":
            options |= {"update": pg.ppo(), "learning_rate": size}
        case None:
            options["learning_rate"] = size
    start = time.process_time()
    history = pg.train(weights=weights, **options)
    seconds = np.array([(time.process_time() - start) / runs])
    arrays = {"env_steps": history.env_steps, "returns": history.returns, "seconds": seconds}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def main(folder: Path, experiments: dict[str, dict] = EXPERIMENTS, runs: int = RUNS) -> None:
    """Record what is missing in ``folder``, with all seeds shifted as everywhere by ``PGUTILS_SEED_OFFSET``."""
    memory, offset = Memory(folder / ".runs", verbose=0), seed_offset()
    train = memory.cache(train_method)
    for name, settings in experiments.items():
        path, about = folder / f"{name}.npz", {**settings, "runs": runs, "seed_offset": offset}
        if is_recorded(path, about):
            continue
        methods = settings["methods"]
        jobs = (delayed(train)(settings["task"], methods[m], settings["sizes"][m], runs, offset) for m in methods)
        found = tqdm(Parallel(-1, return_as="generator")(jobs), name, total=len(methods))
        arrays = {
            f"{m} {kind}": array for m, trained in zip(methods, found, strict=True) for kind, array in trained.items()
        }
        pg.save_results(path, arrays, about, versions_of("gymnasium", "numpy", "torch"))
    memory.clear(warn=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else folder_of_this_offset())
