"""Pictures of decision processes."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import OffsetFrom

from pgutils.mdp import TabularMDP
from pgutils.plotting import COLOURS


def plot_mdp(
    mdp: TabularMDP,
    states: Mapping[str, tuple[float, float]],
    actions: list[str],
    ax: Axes | None = None,
) -> Axes:
    """Draw a tabular MDP: a circle for each state, and an arrow for each action and each state that it may lead to.

    An arrow is labelled with its probability (unless it is 1) and the action's reward.

    Args:
        mdp: the decision process.
        states: the name of each state, in order, and where it stands.
        actions: the name of each action, in order.
        ax: where to draw; by default the current axes.

    Returns:
        The axes.

    *Introduced in chapter 1.*
    """
    ax = ax or plt.gca()
    places = np.array(list(states.values()), dtype=float)
    for name, place, terminal in zip(states, places, mdp.terminal, strict=True):
        ax.plot(*place, "s" if terminal else "o", markersize=56, color="white", markeredgecolor="0.3", zorder=3)
        ax.text(*place, name, ha="center", va="center", fontsize=11, zorder=4)
    for state, action, following in np.argwhere(mdp.transitions > 0):
        if not mdp.terminal[state]:
            chance = mdp.transitions[state, action, following]
            label = f"{mdp.rewards[state, action]:+g}" + ("" if chance == 1 else f" ({chance:g})")
            label = label.replace("-", "−")
            _plot_arrow(ax, places[state], places[following], action, label)
    for action, name in enumerate(actions):
        ax.plot([], [], color=COLOURS[action], label=name)
    ax.legend(loc="upper left", ncols=len(actions))
    (left, bottom), (right, top) = places.min(0), places.max(0)
    ax.set(xlim=(left - 0.6, right + 0.6), ylim=(bottom - 0.7, top + 0.9))
    ax.axis("off")
    return ax


def _plot_arrow(ax: Axes, start: np.ndarray, end: np.ndarray, action: int, label: str) -> None:
    """Draw one transition as a curved arrow with a label, each action bent by another amount; a loop goes above."""
    colour, bend = COLOURS[action], 0.18 + 0.28 * action
    style = {"arrowstyle": "-|>", "mutation_scale": 12, "color": colour, "linewidth": 1.4}
    if (start == end).all():
        centre = ax.annotate("", start)
        loop = {**style, "connectionstyle": "arc3,rad=-1.8", "shrinkA": 0, "shrinkB": 0}
        ends = {"xytext": (-10, 25), "textcoords": OffsetFrom(centre, (0.5, 0.5))}
        ax.annotate("", (10, 25), xycoords=OffsetFrom(centre, (0.5, 0.5)), arrowprops=loop, **ends)
        where, offset = start, (0, 53)
    else:
        curve = {**style, "connectionstyle": f"arc3,rad={-bend}", "shrinkA": 28, "shrinkB": 28}
        ax.annotate("", end, xytext=start, arrowprops=curve)
        along = end - start
        where, offset = (start + end) / 2 + np.array([-along[1], along[0]]) * bend / 2, (0, 0)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.annotate(
        label, where, offset, textcoords="offset points", color=colour, fontsize=11, ha="center", va="center", bbox=box
    )
