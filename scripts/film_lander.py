"""Train a lunar lander and film it before and after: the moving picture of the opening page.

Usage: film_lander.py [FOLDER], by default book/_static
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

import pgutils as pg
from pgutils.animation import PAUSE, encode_film, poster, side_by_side

ENV_ID, ITERATIONS = "LunarLander-v3", 160


def main(folder: Path) -> None:
    """Write lander.mp4, the last step, lander.png, and the same with a sign to play it, lander-poster.png."""
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
    frames = side_by_side(ENV_ID, policies)
    last = frames[-PAUSE - 1]
    (folder / "lander.mp4").write_bytes(encode_film(frames))
    plt.imsave(folder / "lander.png", last)
    plt.imsave(folder / "lander-poster.png", poster(last))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book/_static"))
