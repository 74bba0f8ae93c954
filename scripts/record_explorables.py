"""Record what live figures start from: the policies that the reader plays against, the runs that are drawn, and an
episode with the values of its states.

Usage: record_explorables.py [FOLDER], by default book/results

What is there already and was made with today's settings stays.
"""

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from record_results import is_recorded

import pgutils as pg

CART_POLE = {"env_id": "CartPole-v1", "episodes": 16, "seed": 0}
POLICIES = {
    **CART_POLE,
    "weights": "total_return",
    "runs": 16,
    "iterations": [1, 5, 10, 15, 20, 30, 40, 50, 60],
}
RUNS = {**CART_POLE, "weights": ["rewards_to_go", "leave_one_out"], "runs": 64, "iterations": 30, "last": 5}

EPISODE = {
    **CART_POLE,
    "weights": "total_return",
    "iterations": 10,
    "gammas": [0.5, 0.7, 0.8, 0.9, 0.95, 1.0],
    "continuations": 4000,
}


def record_policies(settings: dict) -> dict[str, np.ndarray]:
    """Return one run's policy, before training and after so many updates, with the mean return of its last iteration.

    The run is the one whose last return is the median of all, so that it is neither lucky nor unlucky.
    """
    options = {"runs": settings["runs"], "episodes": settings["episodes"], "seed": settings["seed"]}
    histories = [
        pg.train(settings["env_id"], pg.total_return, iterations=updates, **options)
        for updates in settings["iterations"]
    ]
    returns = histories[-1].returns
    for updates, history in zip(settings["iterations"], histories, strict=True):
        assert np.array_equal(history.returns, returns[:, :updates])  # the beginning of the same runs
    run = int(np.argsort(returns[:, -1])[len(returns) // 2])
    policies = [histories[0].initial_policy, *(history.policy for history in histories)]
    parameters = {"weight_1": "weights.0", "bias_1": "biases.0", "weight_2": "weights.1", "bias_2": "biases.1"}
    arrays = {
        name: np.stack([policy.state_dict()[key][run].squeeze().numpy() for policy in policies]).astype(np.float32)
        for name, key in parameters.items()
    }
    updates = np.array([0, *settings["iterations"]])
    return {**arrays, "updates": updates, "returns": returns[run, np.maximum(updates - 1, 0)].astype(np.float32)}


def record_runs(settings: dict) -> dict[str, np.ndarray]:
    """Return the mean return of each run's last iterations, by both methods of chapter 6."""
    options = {name: settings[name] for name in ("runs", "iterations", "episodes", "seed")}
    methods = [pg.rewards_to_go, lambda batch: pg.leave_one_out(pg.rewards_to_go(batch))]
    histories = [pg.train(settings["env_id"], weights, **options) for weights in methods]
    ends = [history.returns[:, -settings["last"] :].mean(1).astype(np.float32) for history in histories]
    return dict(zip(settings["weights"], ends, strict=True))


def record_episode(settings: dict) -> dict[str, np.ndarray]:
    """Return several gammas, and for each the values of the states of one episode, (gammas, steps + 1); the last are 0.

    The policy has had so many updates; the episode is the one of median length among as many as there are in a batch.
    As every step pays 1, a state's value follows from how many steps are still to come: it is the mean over so many
    continuations, all played to their end.
    """
    options = {name: settings[name] for name in ("iterations", "episodes", "seed")}
    policy = pg.train(settings["env_id"], pg.total_return, runs=1, **options).policy
    rng, limit = pg.generator(settings["seed"]), gym.spec(settings["env_id"]).max_episode_steps
    starts = rng.uniform(-0.05, 0.05, size=(settings["episodes"], 4))
    lengths, states = play(settings["env_id"], policy, starts, rng)
    median = int(np.argsort(lengths)[len(lengths) // 2])
    assert lengths[median] < limit  # it came to its own end
    values = np.zeros((len(settings["gammas"]), lengths[median] + 1))
    for t, state in enumerate(states[: lengths[median], median]):
        left = play(settings["env_id"], policy, np.tile(state, (settings["continuations"], 1)), rng)[0]
        for k, gamma in enumerate(settings["gammas"]):
            values[k, t] = np.mean(left if gamma == 1 else (1 - gamma**left) / (1 - gamma))
    return {"gammas": np.array(settings["gammas"]), "values": values.astype(np.float32)}


def play(env_id: str, policy, starts: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the lengths of episodes from the given states (N, 4) of CartPole, and their states (steps, N, 4)."""
    envs = pg.make_envs(env_id, len(starts))
    envs.reset(seed=0)
    envs.unwrapped.state = starts.T.copy()
    alive, lengths, states = np.full(len(starts), True), np.zeros(len(starts), dtype=int), [starts]
    while alive.any():
        obs = torch.as_tensor(states[-1], dtype=torch.float64)[None]
        with torch.no_grad():
            right = policy.distribution(obs).log_probs[0, :, 1].exp().numpy()
        obs, _, terminated, truncated, _ = envs.step((rng.random(len(starts)) < right).astype(int))
        lengths += alive
        alive &= ~(terminated | truncated)
        states.append(obs.copy())
    return lengths, np.array(states)


def main(folder: Path) -> None:
    """Record what is missing in ``folder``."""
    versions = {name: version(name) for name in ("gymnasium", "numpy", "torch")}
    versions["python"] = platform.python_version()
    experiments = {
        "cart-pole-policies": (record_policies, POLICIES),
        "cart-pole-128-runs": (record_runs, RUNS),
        "cart-pole-episode": (record_episode, EPISODE),
    }
    for name, (record, settings) in experiments.items():
        path = folder / f"{name}.npz"
        if not is_recorded(path, settings):
            pg.save_results(path, record(settings), settings, versions)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book/results"))
