"""Train with Stable-Baselines3 and SB3-Contrib, to compare with."""

import time
from collections.abc import Callable

import numpy as np


def train_peer(
    algorithm: str,
    env_id: str,
    *,
    env_steps: int,
    envs: int,
    seed: int,
    linear: dict[str, float] | None = None,
    enough: Callable[[list[float]], bool] = lambda returns: False,
    **options,
) -> dict[str, np.ndarray]:
    """Train one run on one CPU device, with its episodes watched.

    Args:
        algorithm: ``"PPO"``, ``"A2C"`` or, of SB3-Contrib, ``"TRPO"``.
        env_id: a Gymnasium environment.
        env_steps: when to stop; steps of all copies together.
        envs: copies of the environment.
        seed: of the networks and of the environments.
        linear: options that fall to 0 in the course of the training, by name, each with its first value.
        enough: told all returns so far at each episode's end; training stops when it says True.
        options: of the algorithm.

    Returns:
        ``env_steps``, ``returns`` and ``seconds`` since the start at the end of each episode, in the order of the ends.
    """
    import sb3_contrib
    import stable_baselines3
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.env_util import make_vec_env

    start, steps, returns, seconds = time.perf_counter(), [], [], []

    class Watch(BaseCallback):
        def _on_step(self) -> bool:
            for info in self.locals["infos"]:
                if "episode" in info:
                    steps.append(self.num_timesteps)
                    returns.append(info["episode"]["r"])
                    seconds.append(time.perf_counter() - start)
            return not enough(returns)

    schedules = {name: lambda left, first=first: left * first for name, first in (linear or {}).items()}
    copies = make_vec_env(env_id, envs, seed)
    learner = getattr(sb3_contrib if algorithm == "TRPO" else stable_baselines3, algorithm)
    learner("MlpPolicy", copies, **options, **schedules, seed=seed, device="cpu").learn(env_steps, Watch())
    return {"env_steps": np.array(steps), "returns": np.array(returns), "seconds": np.array(seconds)}
