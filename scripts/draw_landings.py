"""Draw what the recorded landers earn in the end: the picture of the opening page and of the README.

Usage: draw_landings.py [FILE], by default book/_static/landings.png
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import pgutils as pg

BOOK = Path(__file__).parent.parent / "book"
METHODS = {
    "total return": "total-return",
    "reward-to-go": "reward-to-go",
    "learned value": "learned-value",
    "GAE": "gae-gamma-0.99",
}
SOLVED = 200  # above this mean return the task counts as solved


def final_returns() -> dict[str, np.ndarray]:
    """Return for each method the mean return of each of its final policies, over 100 episodes, shape (runs,)."""
    runs = {name: pg.load_results(BOOK / "results" / f"lunar-lander-{file}.npz") for name, file in METHODS.items()}
    return {name: arrays["stochastic_returns"].mean(1) for name, arrays in runs.items()}


def draw() -> plt.Figure:
    """Draw a row for each method and a mark for each run, filled where the task is solved."""
    pg.set_style()
    figure, ax = plt.subplots(figsize=(6.4, 3.8))
    for row, (name, returns) in enumerate(final_returns().items()):
        style = pg.method_style(name)
        heights = row + np.linspace(-0.36, 0.36, len(returns))
        for chosen, strength in (returns > SOLVED, 0.6), (returns <= SOLVED, 0):
            marks = {"marker": style["marker"], "facecolor": (style["color"], strength), "edgecolor": style["color"]}
            ax.scatter(returns[chosen], heights[chosen], 24, **marks)
        count = f"{(returns > SOLVED).sum()} of {len(returns)}"
        ax.text(1.02, row, count, color=style["color"], weight="bold", va="center", transform=ax.get_yaxis_transform())
    ax.axvline(SOLVED, color="0.2", linestyle="--", linewidth=1, zorder=0)
    ax.set(xlabel="mean return of the trained policy", ylim=(len(METHODS) - 0.5, -0.5))
    ax.set_yticks(range(len(METHODS)), METHODS)
    ax.set_title(f"solved: above {SOLVED}", loc="right", fontsize="medium")
    return figure


if __name__ == "__main__":
    draw().savefig(sys.argv[1] if len(sys.argv) > 1 else BOOK / "_static" / "landings.png", dpi=210)
