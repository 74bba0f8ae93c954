"""What the pictures show."""

import base64
from io import BytesIO

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from execute_notebooks import execute
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

import pgutils as pg
from pgutils.plotting import COLOURS, METHODS

HIKE = {"trailhead": (0, 0), "forest": (1, 1), "ridge": (1, -1), "home": (2, 0)}


def curves(number, runs=6, iterations=9):
    rng = np.random.default_rng(0)
    return {f"method {i}": rng.normal(size=(runs, iterations)).cumsum(-1) + 10 * i for i in range(number)}


# Learning curves


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("each_run", [True, False])
def test_a_line_for_each_method_and_each_run(ax, number, each_run):
    assert pg.plot_learning_curves(curves(number), ax=ax, each_run=each_run) is ax
    assert len(ax.lines) == number * (1 + 6 * each_run)
    assert len(ax.collections) == number
    assert ax.get_legend_handles_labels()[1] == [f"method {i}" for i in range(number)]


def test_thick_lines_are_interquartile_means_and_thin_ones_the_runs(ax):
    data = curves(2)
    pg.plot_learning_curves(data, ax=ax)
    for i, (label, curve) in enumerate(data.items()):
        *runs, mean = ax.lines[7 * i : 7 * (i + 1)]
        for line, values in zip(runs, curve, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), values)
            assert line.get_linewidth() < mean.get_linewidth()
        assert mean.get_label() == label
        wanted = np.sort(curve, axis=0)[1:-1].mean(0)  # of 6 runs, one is left out at each end
        np.testing.assert_allclose(mean.get_ydata(), wanted, rtol=1e-12)
        np.testing.assert_array_equal(mean.get_xdata(), np.arange(1, 10))
        colours = {to_hex(line.get_color()) for line in (*runs, mean)}
        assert colours == {to_hex(ax.collections[i].get_facecolor()[0])} == {COLOURS[i].lower()}


def test_the_band_is_the_bootstrap_interval_and_encloses_the_line(ax):
    (curve,) = curves(1).values()
    pg.plot_learning_curves({"method": curve}, ax=ax)
    line, vertices = ax.lines[-1], ax.collections[0].get_paths()[0].vertices
    wanted = np.array(pg.bootstrap_interval(curve))
    for i, (x, y) in enumerate(zip(line.get_xdata(), line.get_ydata(), strict=True)):
        band = vertices[vertices[:, 0] == x, 1]
        assert band.min() < y < band.max()
        assert (band.min(), band.max()) == pytest.approx(tuple(wanted[:, i]), rel=1e-12)


def test_the_horizontal_axis_can_be_given(ax):
    x = np.linspace(0, 4000, 9)
    pg.plot_learning_curves(curves(1), x=x, ax=ax)
    for line in ax.lines:
        np.testing.assert_array_equal(line.get_xdata(), x)
    assert set(ax.collections[0].get_paths()[0].vertices[:, 0]) == set(x)


def test_colours_begin_again_when_they_run_out(ax):
    pg.plot_learning_curves(curves(len(COLOURS) + 1), ax=ax, each_run=False)
    assert to_hex(ax.lines[-1].get_color()) == to_hex(ax.lines[0].get_color())
    assert len({to_hex(line.get_color()) for line in ax.lines}) == len(COLOURS)


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("reward-to-go", "reward-to-go"),
        ("Reward-to-go", "reward-to-go"),
        ("REINFORCE with reward-to-go", "reward-to-go"),
        ("reward-to-go, learned values", "learned value"),
        ("actor–critic", "actor-critic"),
        ("GAE(0.98), PPO", "PPO"),
        ("GRPO", "GRPO"),
        ("Dr. GRPO", "Dr. GRPO"),
    ],
)
def test_a_label_leads_to_the_method_that_the_book_builds_last(label, name):
    assert pg.method_style(label) == dict(zip(("color", "marker"), METHODS[name], strict=True))


@pytest.mark.parametrize("label", ["", "return", "normal", "PPOX"])
def test_labels_without_a_method_are_refused(label):
    with pytest.raises(ValueError, match=r"one of REINFORCE, total return, .*; got '"):
        pg.method_style(label)


def test_methods_of_one_family_share_a_style_and_no_others_do():
    styles = {}
    for name, style in METHODS.items():
        styles.setdefault(style, []).append(name)
    shared = [names for names in styles.values() if len(names) > 1]
    assert shared == [["REINFORCE", "total return"], ["leave-one-out", "RLOO"], ["actor-critic", "A2C"]]


def test_a_method_has_its_style_whatever_its_place(ax):
    (curve,) = curves(1).values()
    pg.plot_learning_curves({"something else": curve, "learned value": curve, "total return": curve}, ax=ax)
    other, value, total = ax.lines[6::7]
    assert (value.get_color(), value.get_marker()) == METHODS["learned value"]
    assert (total.get_color(), total.get_marker()) == METHODS["total return"]
    assert other.get_color() == COLOURS[1]  # the first that no method has taken
    assert [to_hex(band.get_facecolor()[0]).upper() for band in ax.collections[1:]] == [
        value.get_color(),
        total.get_color(),
    ]


def test_settings_of_one_method_are_told_apart(ax):
    (curve,) = curves(1).values()
    pg.plot_learning_curves({f"GAE, λ = {lam}": curve for lam in (0.9, 0.95, 1)}, ax=ax, each_run=False)
    assert (ax.lines[0].get_color(), ax.lines[0].get_marker()) == METHODS["GAE"]
    assert len({line.get_color() for line in ax.lines}) == 3


def test_markers_of_neighbours_do_not_hide_each_other(ax):
    (curve,) = curves(1, iterations=100).values()
    pg.plot_learning_curves(dict.fromkeys(("total return", "reward-to-go"), curve), ax=ax, each_run=False)
    starts = [line.get_markevery()[0] for line in ax.lines]
    assert starts[0] != starts[1]


def test_the_current_axes_are_the_default(ax):
    plt.sca(ax)
    assert pg.plot_learning_curves(curves(1)) is ax
    assert pg.plot_mdp(pg.mountain_hike(), HIKE, ["path", "climb"]) is ax


def test_a_band_needs_two_runs(ax):
    with pytest.raises(ValueError, match="an interval needs at least 2 runs, got 1"):
        pg.plot_learning_curves(curves(1, runs=1), ax=ax)


def test_curves_of_one_dimension_are_refused(ax):
    with pytest.raises(ValueError, match=r"shape \(runs, iterations\), got \(9,\)"):
        pg.plot_learning_curves({"method": np.ones(9)}, ax=ax)


def test_curves_with_nan_are_refused(ax):
    with pytest.raises(ValueError, match="scores must be numbers, got NaN"):
        pg.plot_learning_curves({"method": np.full((3, 4), np.nan)}, ax=ax)


# Decision processes


def arrows(ax):
    found = [text.arrow_patch for text in ax.texts if getattr(text, "arrow_patch", None) is not None]
    assert all(isinstance(arrow, FancyArrowPatch) for arrow in found)
    return found


def test_a_process_has_its_states_arrows_and_labels(ax):
    mdp = pg.mountain_hike()
    pg.plot_mdp(mdp, HIKE, ["path", "climb"], ax=ax)
    texts = [text.get_text() for text in ax.texts]
    assert [text for text in texts if text in HIKE] == list(HIKE)
    labels = sorted(text for text in texts if text and text not in HIKE)
    wanted = ["+0 (0.8)", "+0 (0.2)", "−1 (0.4)", "−1 (0.6)", "+1", "−1 (0.5)", "−1 (0.5)", "+1", "+4"]
    assert labels == sorted(wanted)
    assert len(arrows(ax)) == 9
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["path", "climb"]
    assert not ax.axison
    ax.figure.canvas.draw()


def test_states_stand_where_they_are_told_and_terminal_ones_are_squares(ax):
    pg.plot_mdp(pg.mountain_hike(), HIKE, ["path", "climb"], ax=ax)
    marks = [line for line in ax.lines if len(line.get_xdata())]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == list(HIKE.values())
    assert [line.get_marker() for line in marks] == ["o", "o", "o", "s"]
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert left < 0 < 2 < right
    assert bottom < -1 < 1 < top


def test_arrows_have_the_colour_of_their_action(ax):
    pg.plot_mdp(pg.short_corridor(), {"a": (0, 0), "b": (1, 0), "c": (2, 0), "goal": (3, 0)}, ["left", "right"], ax=ax)
    colours = [to_hex(arrow.get_edgecolor()) for arrow in arrows(ax)]
    assert colours == [COLOURS[0].lower(), COLOURS[1].lower()] * 3
    handles, _ = ax.get_legend_handles_labels()
    assert [to_hex(handle.get_color()) for handle in handles] == [COLOURS[0].lower(), COLOURS[1].lower()]
    ax.figure.canvas.draw()


def test_labels_do_not_round_what_they_show(ax):
    transitions = np.array([[[0.25, 0.75], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    mdp = pg.TabularMDP(transitions, [[0.5, -1.5], [0, 0]], [1, 0])
    pg.plot_mdp(mdp, {"a": (0, 0), "b": (1, 0)}, ["x", "y"], ax=ax)
    labels = [text.get_text() for text in ax.texts if text.get_text() and text.get_text() not in "ab"]
    plain = [label.replace("(", "").replace(")", "").replace("−", "-") for label in labels]
    numbers = [[float(number) for number in label.split()] for label in plain]
    assert sorted(numbers) == [[-1.5], [0.5, 0.25], [0.5, 0.75]]


def test_each_state_needs_a_place(ax):
    with pytest.raises(ValueError, match=r"shorter|longer|4 states"):
        pg.plot_mdp(pg.mountain_hike(), {"trailhead": (0, 0), "forest": (1, 1)}, ["path", "climb"], ax=ax)


# Style


def test_the_style_sets_size_and_colours():
    with plt.rc_context():
        pg.set_style()
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"] == COLOURS
        assert plt.rcParams["figure.figsize"] == [6.4, 3.4]
        assert not plt.rcParams["axes.spines.top"]
        figure, axes = plt.subplots()
        pg.plot_learning_curves(curves(2), ax=axes)
        figure.canvas.draw()
        assert np.asarray(figure.canvas.buffer_rgba()).shape[:2] == (357, 672)
        plt.close(figure)


def test_a_stored_picture_has_twice_the_pixels_that_are_shown_and_few_colours(tmp_path):
    code = "import matplotlib.pyplot as plt, pgutils as pg\npg.set_style()\nplt.plot([1, 2])\nplt.show()"
    path = tmp_path / "figure.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(code)]), path)
    execute(path)
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.metadata["image/png"] == {"width": 672, "height": 357}
    with Image.open(BytesIO(base64.b64decode(output.data["image/png"]))) as picture:
        assert picture.size == (1344, 714)
        assert picture.mode == "P"
        colours = {to_hex(np.divide(colour, 255)).upper() for _, colour in picture.convert("RGB").getcolors()}
        assert {"#FFFFFF", "#000000", COLOURS[0]} <= colours


def test_the_colours_are_different():
    assert len(set(COLOURS)) == len(COLOURS) >= 6


def test_a_bare_array_needs_a_label(ax):
    with pytest.raises(ValueError, match=r"curves must be a dict from labels to arrays .*, got ndarray"):
        pg.plot_learning_curves(np.zeros((3, 4)), ax=ax)
