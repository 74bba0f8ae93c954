"""Train a lunar lander and film it before and after: the moving picture of the opening page.

Usage: film_lander.py [FOLDER], by default book/_static
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt

import pgutils as pg
from pgutils.animation import encode_film, side_by_side

ENV_ID = "LunarLander-v3"


def main(folder: Path) -> None:
    """Write lander.mp4 and its last picture, lander.png."""
    history = pg.train(
        ENV_ID,
        weights=lambda batch: pg.rewards_to_go(batch) - batch.values,
        runs=1,
        iterations=160,
        gamma=0.99,
        learning_rate=5e-3,
        hidden=(64, 64),
        value_steps=10,
    )
    frames = side_by_side(ENV_ID, [history.initial_policy, history.policy], width=300)
    (folder / "lander.mp4").write_bytes(encode_film(frames))
    plt.imsave(folder / "lander.png", frames[-1])


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book/_static"))
