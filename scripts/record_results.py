"""Record the experiments that are too long for a chapter.

Usage: record_results.py [FOLDER], by default book/results

What is there already and was made with today's settings stays. Every run is kept as soon as it ends, so that an
interrupted recording loses only the runs in progress; started again, it goes on from there. The runs are shared out
among the processor's cores, or by whatever joblib backend is selected around ``main``.
"""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from joblib import Memory, Parallel, delayed
from tqdm import tqdm

import pgutils as pg

RUNS = 16
WEIGHTS = {
    "total_return": pg.total_return,
    "rewards_to_go": pg.rewards_to_go,
    "rewards_to_go - values": lambda batch: pg.rewards_to_go(batch) - batch.values,
}
LANDER = {
    "env_id": "LunarLander-v3",
    "env_steps": 1_000_000,
    "episodes": 16,
    "gamma": 0.99,
    "learning_rate": 5e-3,
    "hidden": (64, 64),
}
EXPERIMENTS = {
    "lunar-lander-total-return": {**LANDER, "weights": "total_return", "value_steps": 0},
    "lunar-lander-reward-to-go": {**LANDER, "weights": "rewards_to_go", "value_steps": 0},
    "lunar-lander-learned-value": {**LANDER, "weights": "rewards_to_go - values", "value_steps": 10},
}


def record_run(settings: dict, seed: int) -> dict[str, np.ndarray]:
    """Train and evaluate one run; return its curves, each of shape (iterations,), and its evaluations, (episodes,)."""
    training = {**settings, "weights": WEIGHTS[settings["weights"]]}
    history = pg.train(**training, iterations=settings["env_steps"], success=pg.landed, runs=1, seed=seed)
    arrays = {name: getattr(history, name)[0] for name in ("env_steps", "returns", "successes", "entropies")}
    for kind in ("stochastic", "greedy"):
        batch = pg.evaluate(settings["env_id"], history.policy, greedy=kind == "greedy", seed=seed)
        arrays |= {f"{kind}_returns": batch.returns[0].numpy(), f"{kind}_landed": pg.landed(batch)[0].numpy()}
    return {name: array.astype(np.float32) for name, array in arrays.items()}


def stack(runs: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return each array with a leading axis of runs, padded with NaN to the longest."""
    arrays = {}
    for name in runs[0]:
        rows = [run[name] for run in runs]
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
    """Record what is missing in ``folder``."""
    memory = Memory(folder / ".runs", verbose=0)
    versions = {name: version(name) for name in ("box2d", "gymnasium", "numpy", "torch")}
    versions["python"] = platform.python_version()
    for name, settings in experiments.items():
        path, seeds = folder / f"{name}.npz", list(range(runs))
        if is_recorded(path, {**settings, "seeds": seeds}):
            continue
        jobs = (delayed(memory.cache(record_run))(settings, seed) for seed in seeds)
        finished = list(tqdm(Parallel(-1, return_as="generator")(jobs), name, total=runs))
        pg.save_results(path, stack(finished), {**settings, "seeds": seeds}, versions)
    memory.clear(warn=False)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book/results"))
