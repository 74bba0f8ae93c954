"""Pictures in one style, with colours that colour-blind readers can tell apart (Okabe and Ito, 2008)."""

import re
from collections.abc import Iterable, Mapping
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython import get_ipython
from matplotlib.axes import Axes
from matplotlib_inline.config import InlineBackend

from pgutils.evaluation import bootstrap_interval, interquartile_mean

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
COLOURS = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY]

# The colour and the marker of each method, in the order in which the book builds them: of several that a label names,
# the last counts ("GAE, PPO" is PPO's). Methods that are one under two names share both.
METHODS = {
    "REINFORCE": (BLUE, "o"),
    "total return": (BLUE, "o"),
    "reward-to-go": (VERMILLION, "s"),
    "batch mean": (ORANGE, "h"),
    "leave-one-out": (GREEN, "^"),
    "learned value": (PURPLE, "D"),
    "normalised": (SKY, "*"),
    "actor-critic": (SKY, "d"),
    "A2C": (SKY, "d"),
    "GAE": (ORANGE, "v"),
    "pathwise": (GREEN, "p"),
    "natural gradient": (GREEN, "<"),
    "TRPO": (SKY, "P"),
    "PPO": (BLACK, "X"),
    "RLOO": (GREEN, "^"),
    "GRPO": (ORANGE, "*"),
    "Dr. GRPO": (SKY, "H"),
    "DAPO": (VERMILLION, ">"),
    "GSPO": (BLACK, "<"),
}


def set_style() -> None:
    """Set the book's plotting style for all figures that follow. *Introduced in chapter 1.*

    A figure that is 6.4 inches wide fills the column of a page of the book. In a notebook it is stored with twice as
    many pixels as it is shown with, for sharp screens.
    """
    plt.rcParams.update(
        {
            "figure.figsize": (6.4, 3.4),
            "figure.dpi": 105,
            "font.size": 13,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.3,
            "legend.frameon": False,
        }
    )
    if get_ipython():
        notebook = InlineBackend.instance()
        notebook.figure_formats, notebook.print_figure_kwargs = {"retina"}, {"bbox_inches": None}


def method_style(label: str) -> dict:
    """Return the colour and the marker of the method that a label names, the same in every figure of the book.

    ``ax.plot(x, y, label=label, **pg.method_style(label))`` draws a method in its own colour. The label may say more
    than the name ("REINFORCE with reward-to-go"); of several methods that it names, the one that the book builds last
    counts. Colours are those of Okabe and Ito (2008), which colour-blind readers can tell apart; the marker tells the
    same without colour.

    Raises:
        ValueError: the label names no method that is known here; the message lists them.

    *Introduced in chapter 3.*
    """
    if (style := _known_style(label)) is None:
        raise ValueError(f"the label must name one of {', '.join(METHODS)}; got {label!r}")
    return style


def _known_style(label: str) -> dict | None:
    """Return the style of the method that the label names, or None."""
    label = label.replace("–", "-")
    named = [style for name, style in METHODS.items() if re.search(rf"\b{name}s?\b", label, re.IGNORECASE)]
    return dict(zip(("color", "marker"), named[-1], strict=True)) if named else None


def _styles(labels: Iterable[str]) -> list[dict]:
    """Return a style for each label: a method's own, and one after another of the other colours for the rest.

    Where several labels name one method, they differ in something else; the first has the method's own style.
    """
    known = [_known_style(label) for label in labels]
    known = [style if style not in known[:i] else None for i, style in enumerate(known)]
    taken = {style["color"] for style in known if style}
    free = cycle([colour for colour in COLOURS if colour not in taken] or COLOURS)
    return [style or {"color": next(free)} for style in known]


def plot_learning_curves(curves: Mapping[str, np.ndarray], x=None, ax: Axes | None = None, each_run=True) -> Axes:
    """Draw the interquartile mean over runs of each curve, its 95% bootstrap interval and, thinly, every run.

    A curve whose label names a method has that method's colour and marker (``method_style``).

    Args:
        curves: a label for each array of shape (runs, iterations).
        x: what stands on the horizontal axis, shape (iterations,); by default the iteration, from 1.
        ax: where to draw; by default the current axes.
        each_run: whether to draw the single runs.

    Returns:
        The axes.

    Raises:
        ValueError: ``curves`` is no such mapping, or a curve is not an array of that shape.

    *Introduced in chapter 3.*
    """
    if not isinstance(curves, Mapping):
        raise ValueError(f"curves must be a dict from labels to arrays (runs, iterations), got {type(curves).__name__}")
    ax = ax or plt.gca()
    for number, ((label, curve), style) in enumerate(zip(curves.items(), _styles(curves), strict=True)):
        curve, colour = np.asarray(curve), style["color"]
        if curve.ndim != 2:
            raise ValueError(f"{label}: a curve must have shape (runs, iterations), got {curve.shape}")
        steps = np.arange(1, curve.shape[1] + 1) if x is None else x
        if each_run:
            ax.plot(steps, curve.T, color=colour, linewidth=0.7, alpha=0.4)
        ax.fill_between(steps, *bootstrap_interval(curve), color=colour, alpha=0.25, linewidth=0)
        often = (0.05 + 0.03 * (number % 4), 0.12)  # in parts of the width, no marker upon another
        ax.plot(steps, interquartile_mean(curve), linewidth=2, markevery=often, label=label, **style)
    return ax
