"""Measure how fast training is, against raw stepping of the environments and against Stable-Baselines3.

Usage: measure.py [SECTION...], by default throughput, solve, growth, book, cluster

What is compared is measured in turn, several times over, so that a busy moment of the machine strikes all sides. The
numbers go to book/results/speed.json, a section at a time, and the book's pages "How fast, and compared with what" and
"On a cluster" show them. It runs on Linux, which tells the processor and the memory.
"""

import json
import logging
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

import gymnasium as gym
import numpy as np
import ray
import torch
from dask.distributed import Client, LocalCluster
from joblib import Parallel, cpu_count, delayed, parallel_config
from peers import train_peer
from ray.util.joblib import register_ray
from record_results import EXPERIMENTS, LANDER, WEIGHTS

import pgutils as pg

STORED = Path("book/results/speed.json")
REPEATS = 5
CORES = cpu_count()
RUN_COUNTS = (1, 4, 16, 64, 256)
OURS = ("alone", "together")
FIRST_SEED = 1000  # none of the seeds with which settings were tried
CART_POLE = {"env_id": "CartPole-v1", "episodes": 16, "gamma": 1.0, "learning_rate": 1e-2, "hidden": (32,)}
PEERS = {
    "CartPole-v1": {
        "PPO": EXPERIMENTS["cart-pole-against-ppo"]["ppo"],
        "A2C": {"env_steps": 500_000, "envs": 8, "ent_coef": 0.0},
    },
    "LunarLander-v3": {  # RL Baselines3 Zoo has settings for LunarLander-v2
        "PPO": {
            "env_steps": 1_000_000,
            "envs": 16,
            "n_steps": 1024,
            "batch_size": 64,
            "gae_lambda": 0.98,
            "gamma": 0.999,
            "n_epochs": 4,
            "ent_coef": 0.01,
        },
    },
}
SOLVE = {
    "CartPole-v1": {
        "ours": {**CART_POLE, "episodes": 8, "gamma": 0.99, "learning_rate": 2e-2},
        "weights": "normalised leave-one-out",
        "iterations": 60,
        "together": 16,
        "n_jobs": 1,
        "threshold": 475,
        "repeats": REPEATS,
    },
    "LunarLander-v3": {
        "ours": {name: value for name, value in LANDER.items() if name != "env_steps"} | {"value_steps": 10},
        "weights": "rewards_to_go - values",
        "iterations": 150,
        "together": 8,
        "n_jobs": CORES,
        "threshold": 200,
        "repeats": 2,
    },
}


def normalised_leave_one_out(batch: pg.EpisodeBatch) -> torch.Tensor:
    """Return the rewards-to-go less their leave-one-out baseline, normalised in each run."""
    return pg.normalize(pg.leave_one_out(pg.rewards_to_go(batch)), batch.mask)


OUR_WEIGHTS = {**WEIGHTS, "normalised leave-one-out": normalised_leave_one_out}


def seconds_of(work: Callable, *args, **kwargs) -> tuple[float, object]:
    """Return how long a call took, and what it returned."""
    start = time.perf_counter()
    result = work(*args, **kwargs)
    return time.perf_counter() - start, result


def step_together(env_id: str, copies: int, steps: int) -> int:
    """Step Gymnasium's own vector entry point with random actions; return the steps of all copies."""
    envs = gym.make_vec(env_id, num_envs=copies, vectorization_mode="vector_entry_point")
    envs.reset(seed=0)
    actions = pg.generator(0).integers(envs.single_action_space.n, size=(64, copies))
    for step in range(steps):
        envs.step(actions[step % 64])
    return copies * steps


def step_alone(env_id: str, steps: int) -> int:
    """Step one environment with random actions, episode after episode; return the steps."""
    env = gym.make(env_id, disable_env_checker=True)
    env.reset(seed=0)
    actions = pg.generator(0).integers(env.action_space.n, size=steps)
    for action in actions:
        *_, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            env.reset()
    return steps


def collect_alone(env_id: str, seed: int, runs: int, episodes: int, hidden: tuple[int, ...], batches: int) -> int:
    """Collect batches of episodes of ``runs`` runs with the policies that they start from; return the steps."""
    rngs = pg.generator(seed).spawn(runs)
    envs = pg.make_envs(env_id, runs * episodes)
    policy = pg.CategoricalPolicy(envs.single_observation_space.shape[0], int(envs.single_action_space.n), rngs, hidden)
    return sum(int(pg.collect_episodes(envs, policy, rngs).mask.sum()) for _ in range(batches))


def on_all_cores(work: Callable, *args) -> float:
    """Return the steps a second of ``work`` done in as many processes at once as there are cores."""
    seconds, steps = seconds_of(Parallel(CORES), (delayed(work)(*args) for _ in range(CORES)))
    return sum(steps) / seconds


def train_speed(settings: dict, **options) -> float:
    """Return the environment steps a second of a whole training."""
    seconds, history = seconds_of(pg.train, **settings, **options)
    return int(history.env_steps[:, -1].sum()) / seconds


def measure_throughput() -> dict:
    """Measure the steps a second of stepping alone, of collecting, and of training."""
    lander = {**SOLVE["LunarLander-v3"]["ours"], "weights": OUR_WEIGHTS["rewards_to_go - values"], "n_jobs": CORES}
    on_all_cores(step_alone, "LunarLander-v3", 1000)  # starts the processes
    pg.train("CartPole-v1", runs=2, iterations=2)
    cart_pole, lunar_lander = [], []
    for seed in range(REPEATS):
        seconds, steps = seconds_of(step_together, "CartPole-v1", 256, 4000)
        options = {"runs": 16, "iterations": 60, "seed": seed}
        row = {"stepping": steps / seconds, "training": train_speed(CART_POLE, **options)}
        cart_pole.append({**row, "training, all cores": train_speed(CART_POLE, **options, n_jobs=CORES)})
        lunar_lander.append(
            {
                "stepping": on_all_cores(step_alone, "LunarLander-v3", 100_000),
                "collecting": on_all_cores(collect_alone, "LunarLander-v3", seed, 4, 16, LANDER["hidden"], 15),
                "training": train_speed(lander, runs=8, iterations=15, seed=seed),
            }
        )
    return {"CartPole-v1": cart_pole, "LunarLander-v3": lunar_lander}


def until_solved(attempts: Iterator[tuple[float, int]]) -> dict[str, float]:
    """Train once more until a run is solved; return the seconds that all of it took for each run solved."""
    spent, tries = 0.0, 0
    for seconds, solved in attempts:
        spent, tries = spent + seconds, tries + 1
        if solved:
            return {"seconds": spent / solved, "solved": solved, "trainings": tries}
    raise RuntimeError("no training solved the environment")


def attempts_of_ours(settings: dict, runs: int, seeds: Iterator[int]) -> Iterator[tuple[float, int]]:
    """Train ``runs`` runs together; yield the seconds, and how many runs were solved.

    In one process the clock stops when the last 100 episodes of every run have reached the threshold; with several
    processes, or if a run never does, at the end of the training.
    """
    ours, threshold = settings["ours"], settings["threshold"]
    window = -(-100 // ours["episodes"])
    for seed in seeds:
        clock = []

        def weights(batch, clock=clock):
            clock.append(time.perf_counter())
            return OUR_WEIGHTS[settings["weights"]](batch)

        n_jobs = min(settings["n_jobs"], runs)
        options = {"runs": runs, "iterations": settings["iterations"], "n_jobs": n_jobs, "seed": seed}
        start = time.perf_counter()
        seconds, history = seconds_of(pg.train, **ours, **options, weights=weights)
        means = np.lib.stride_tricks.sliding_window_view(history.returns, window, axis=1).mean(-1)
        solved = (means >= threshold).any(1)
        if n_jobs == 1 and solved.all():
            seconds = clock[(means >= threshold).argmax(1).max() + window - 1] - start
        yield seconds, int(solved.sum())


def attempts_of_peer(algorithm: str, env_id: str, threshold: float, seeds: Iterator[int]):
    """Train one run of a peer until its last 100 episodes reach the threshold; yield the seconds, and 1 if they did."""

    def enough(returns):
        return len(returns) >= 100 and sum(returns[-100:]) >= 100 * threshold

    for seed in seeds:
        options = {**PEERS[env_id][algorithm], "seed": seed, "enough": enough}
        seconds, peer = seconds_of(train_peer, algorithm, env_id, **options)
        yield seconds, int(enough(peer["returns"].tolist()))


def measure_solve() -> dict:
    """Measure the seconds until an environment is solved, by ours and by the peers, in turn."""
    torch.set_num_threads(CORES)
    measured = {}
    for env_id, settings in SOLVE.items():
        measured[env_id] = []
        for repeat in range(settings["repeats"]):
            seeds = range(FIRST_SEED + 100 * repeat, FIRST_SEED + 100 * repeat + 10)
            row = {
                "alone": until_solved(attempts_of_ours(settings, 1, seeds)),
                "together": until_solved(attempts_of_ours(settings, settings["together"], seeds)),
            }
            for peer in PEERS[env_id]:
                row[peer] = until_solved(attempts_of_peer(peer, env_id, settings["threshold"], seeds))
            measured[env_id].append(row)
    return measured


def train_and_weigh(runs: int) -> dict[str, float]:
    """Train CartPole in this process; return the seconds, and the most memory that the process ever held, in MiB.

    The memory is what Linux reports: ``resource.getrusage`` would count the process that started this one, too.
    """
    pg.train("CartPole-v1", runs=2, iterations=2)
    seconds, _ = seconds_of(pg.train, **CART_POLE, runs=runs, iterations=20)
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    return {"runs": runs, "seconds": seconds, "mebibytes": int(peak[1]) / 1024}


def measure_growth() -> list:
    """Measure how time and memory grow with the number of runs, each time in a new process."""
    rows = []
    for _ in range(REPEATS):
        for runs in RUN_COUNTS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                rows.append(pool.submit(train_and_weigh, runs).result())
    return rows


def measure_book() -> dict[str, list[float]]:
    """Measure the seconds that each chapter takes from top to bottom, and the whole book to build."""
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "--quiet", ".", folder], check=True)
        commands = {path.stem: ["jupyter", "execute", path.name] for path in sorted(Path("book").glob("[01]*.ipynb"))}
        commands["build"] = ["jupyter-book", "build", "--quiet", "--all", "."]
        for _ in range(3):
            for name, command in commands.items():
                program = [str(Path(sys.executable).parent / command[0]), *command[1:]]
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                seconds, _ = seconds_of(subprocess.run, program, cwd=Path(folder) / "book", check=True, **quiet)
                measured.setdefault(name, []).append(seconds)
    return measured


def train_lander(seed: int, **options) -> np.ndarray:
    """Train LunarLander for a while; return the learning curves."""
    settings = {**SOLVE["LunarLander-v3"]["ours"], "weights": pg.rewards_to_go, "value_steps": 0, "iterations": 15}
    return pg.train(**settings, seed=seed, **options).returns


def measure_cluster() -> list:
    """Measure the same work through joblib's own processes, Dask and Ray, each with the cores of this machine.

    One training of eight runs is shared out by ``pg.train``; then eight whole trainings, of one run each, are. Ray does
    the second only, because its backend does not hand results back one by one.

    Raises:
        RuntimeError: not all of them gave the same learning curves.
    """
    ray.init(num_cpus=CORES, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    register_ray()
    rows = []
    with LocalCluster(n_workers=CORES, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster):
        for seed in range(REPEATS + 1):
            row, curves = {}, {}
            for backend in ("loky", "dask", "ray"):
                with parallel_config(backend, n_jobs=CORES):
                    jobs = [delayed(train_lander)(8 * seed + k, runs=1) for k in range(8)]
                    row[f"whole, {backend}"], curves[f"whole, {backend}"] = seconds_of(Parallel(), jobs)
                    if backend != "ray":
                        found = seconds_of(train_lander, seed, runs=8, n_jobs=CORES)
                        row[f"shared, {backend}"], curves[f"shared, {backend}"] = found
            for name, curve in curves.items():
                if not np.array_equal(curve, curves[name.split()[0] + " loky"]):
                    raise RuntimeError(f"other learning curves: {name}")
            rows.append(row)
    ray.shutdown()
    return rows[1:]  # the first starts the processes


def ratios(section: str, measured) -> dict[str, list[float]]:
    """Return what was measured as ratios, one of each for every repeat; of the book there are none."""
    if section == "cluster":
        pairs = [("shared", "dask"), ("whole", "dask"), ("whole", "ray")]
        return {f"{w}, {b} / loky": [row[f"{w}, {b}"] / row[f"{w}, loky"] for row in measured] for w, b in pairs}
    if section == "growth":
        times = {runs: [row["seconds"] for row in measured if row["runs"] == runs] for runs in RUN_COUNTS}
        alone = times.pop(1)
        return {f"CartPole-v1, {n} runs / 1 run": np.divide(time, alone).tolist() for n, time in times.items()}
    found = {}
    for env_id, rows in measured.items() if section != "book" else ():
        for row in rows:
            if section == "throughput":
                pairs = {name: row[name] / row["stepping"] for name in row if name != "stepping"}
            else:
                peers = [name for name in row if name in PEERS[env_id]]
                pairs = {f"{p} / {o}": row[p]["seconds"] / row[o]["seconds"] for p in peers for o in OURS}
            for name, ratio in pairs.items():
                found.setdefault(f"{env_id}, {name}", []).append(ratio)
    return found


def main(sections: list[str]) -> None:
    """Measure each section, print its ratios, and store it beside those measured before."""
    measure = {
        "throughput": measure_throughput,
        "solve": measure_solve,
        "growth": measure_growth,
        "book": measure_book,
        "cluster": measure_cluster,
    }
    for section in sections or measure:
        packages = ("box2d", "dask", "gymnasium", "joblib", "numpy", "ray", "stable-baselines3", "torch")
        processor = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())[1]
        about = {"processor": processor, "cores": CORES, "python": platform.python_version()}
        about |= {name: version(name) for name in packages}
        measured = measure[section]()
        compared = ratios(section, measured)
        for name, values in compared.items():
            low, middle, high = np.quantile(values, [0, 0.5, 1])
            print(f"{name}: {middle:.3g} ({low:.3g} to {high:.3g}, {len(values)} times)", flush=True)
        stored = json.loads(STORED.read_text()) if STORED.exists() else {}
        stored[section] = {"about": about, "measured": measured, "ratios": compared}
        STORED.write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
