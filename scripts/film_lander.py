"""Train a lunar lander and film it before and after: the moving picture of the opening page.

Usage: film_lander.py [FOLDER], by default book/_static
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import pgutils as pg
from pgutils.animation import encode_film, poster, record_episode, side_by_side, with_words

ENV_ID, ITERATIONS = "LunarLander-v3", 160


def main(folder: Path) -> None:
    """Write lander.mp4, how both first episodes end, lander.png, and that with a sign to play it, lander-poster.png."""
    history = pg.train(
        ENV_ID,
        weights=lambda batch: pg.rewards_to_go(batch) - batch.values,
        runs=1,
        iterations=ITERATIONS,
        gamma=0.99,
        learning_rate=5e-3,
        hidden=(64, 64),
        value_steps=10,
    )
    policies = {"before training": history.initial_policy, f"after {ITERATIONS} iterations": history.policy}
    (folder / "lander.mp4").write_bytes(encode_film(side_by_side(ENV_ID, policies)))
    episodes = {label: record_episode(ENV_ID, policy) for label, policy in policies.items()}
    ends = np.concatenate([with_words(label, [film], len(film))[-1] for label, film in episodes.items()], axis=1)
    plt.imsave(folder / "lander.png", ends)
    plt.imsave(folder / "lander-poster.png", poster(ends))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book/_static"))
