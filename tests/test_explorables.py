"""The live figures: numbers against pgutils and Gymnasium; use by keyboard, on a phone, in the dark, on paper."""

import hashlib
import json
import re
from dataclasses import replace

import gymnasium as gym
import nbformat
import numpy as np
import pytest
import torch
from conftest import BOOK, DESKTOP, SITE, serious_findings
from explorables_data import HIKE_LOGITS, answer_group, baseline, cart_pole, lambda_dial, three_seeds
from PIL import Image
from record_explorables import EPISODE, POLICIES, RUNS, record_episode, record_policies, record_runs
from record_results import is_recorded

import pgutils as pg

FOLDER = BOOK / "_explorables"
CONTROLS = "button, select, input, summary"
# Each live figure, and the first page on which it stands.
FIGURES = {
    "twelve-hikes": "02-log-derivative-trick",
    "hike-estimates": "02-log-derivative-trick",
    "baseline": "05-baselines",
    "sixteen-runs": "intro",
    "cart-pole": "03-reinforce",
    "who-is-paid": "04-reward-to-go",
    "corridor": "01-markov-decision-processes",
    "three-seeds": "06-what-makes-it-hard",
    "lambda-dial": "07-actor-critic",
    "the-clip": "10-ppo",
    "answer-group": "11-language-models",
}
VENDORED = {
    "htm-preact.js": "62c4ffea400078c0eda7f435b22726b4961ebdf74c8506f188e92bec41d8ac51",  # htm 3.1.1
}


@pytest.fixture(scope="module")
def pages(open_page):
    """A function that opens the page of a figure from the file system, once."""
    visits = {}

    def open_once(name):
        if FIGURES[name] not in visits:
            visit = visits[FIGURES[name]] = open_page(f"{FIGURES[name]}.html", from_file=True)
            visit.page.route(re.compile("/mathjax/"), lambda route: route.fulfill(body=""))  # it slows each reload down
        return visits[FIGURES[name]]

    yield open_once
    for visit in visits.values():
        visit.page.context.close()


@pytest.fixture
def live(pages):
    """A function that returns a figure as a fresh page shows it."""

    def fresh(name):
        page = pages(name).page
        page.set_viewport_size(DESKTOP)
        page.reload(wait_until="domcontentloaded")  # by then the scripts have run
        return page.locator(f".explorable[data-name={name}]")

    return fresh


@pytest.fixture
def compute(pages):
    """A function that evaluates an expression of a figure's ``data`` and one argument, ``given``, on its page."""

    def evaluate(name, expression, given=None):
        stored = f'JSON.parse(document.getElementById("{name}-data")?.textContent ?? "null")'
        return pages(name).page.evaluate(f"(given) => {{ const data = {stored}; {expression} }}", given)

    return evaluate


def drawn(shapes, *names):
    """The attributes of that name of all shapes, as numbers (shapes, names)."""
    read = "(shapes, names) => shapes.map((shape) => names.map((name) => +shape.getAttribute(name)))"
    return np.array(shapes.evaluate_all(read, names))


every_figure = pytest.mark.parametrize("name", FIGURES)


def test_every_figure_is_tested():
    assert {path.stem for path in FOLDER.glob("*.png")} == set(FIGURES)


@pytest.mark.parametrize("file", VENDORED)
def test_vendored_files_are_what_was_published(file):
    assert hashlib.sha256((FOLDER / "vendor" / file).read_bytes()).hexdigest() == VENDORED[file]


def test_every_vendored_file_is_known_and_licensed():
    assert {path.name for path in (FOLDER / "vendor").glob("*.js")} == set(VENDORED)
    licences = " ".join(path.read_text() for path in (FOLDER / "vendor").glob("*.LICENSE"))
    assert "Apache License" in licences
    assert "Jason Miller" in licences


# Each figure, as a reader meets it.


@every_figure
def test_it_takes_the_place_of_its_picture_without_complaint(open_page, name):
    visit = open_page(f"{FIGURES[name]}.html", from_file=True)
    figure = visit.page.locator(f".explorable[data-name={name}]")
    assert visit.complaints == []
    assert figure.count() == 1
    assert not figure.locator("xpath=..").locator("img").is_visible()
    visit.page.context.close()


@every_figure
def test_it_asks_first_and_says_afterwards_what_was_to_be_seen(live, name):
    figure = live(name)
    assert figure.locator(".question").text_content().endswith("?")
    answers = figure.locator(".question + .buttons button")
    assert answers.count() >= 2
    answers.first.press("Enter")
    assert answers.first.get_attribute("aria-pressed") == "true"
    seen = figure.locator("details").last
    seen.locator("summary").press("Enter")
    said = seen.locator("p").text_content()
    assert said.startswith(f"You predicted: {answers.first.text_content().strip()}. ")
    assert said.count(".") >= 2


@every_figure
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(live, name, scheme):
    figure = live(name)
    figure.page.emulate_media(color_scheme=scheme)
    figure.page.locator(f"html[data-theme={scheme}]").wait_for()
    for summary in figure.locator("summary").all():
        summary.press("Enter")
    assert serious_findings(figure.page, within=f".explorable[data-name={name}]") == []
    figure.page.emulate_media(color_scheme="light")


@every_figure
def test_every_picture_in_it_is_described(live, name):
    for drawing in live(name).locator("svg").all():
        assert drawing.get_attribute("role") == "img"
        assert len(drawing.get_attribute("aria-label").split()) >= 6


@every_figure
def test_it_fits_a_phone_and_a_finger(live, name):
    figure = live(name)
    figure.page.set_viewport_size({"width": 360, "height": 780})
    for summary in figure.locator("summary").all():
        summary.press("Enter")
    assert figure.page.evaluate("document.scrollingElement.scrollWidth") <= 360
    for control in figure.locator(CONTROLS).all():
        box = (control if control.get_attribute("type") != "checkbox" else control.locator("xpath=..")).bounding_box()
        assert min(box["width"], box["height"]) >= 43.9, control.evaluate("control => control.outerHTML")


@every_figure
def test_every_control_has_a_name_and_takes_the_focus(live, name):
    figure = live(name)
    for control in figure.locator(CONTROLS).all():
        control.focus()
        assert control.evaluate("control => control === document.activeElement")
    lines = figure.aria_snapshot().splitlines()
    nameless = [line for line in lines if re.match(r"\W*(slider|button|combobox|checkbox)\W*$", line)]
    assert nameless == []


@every_figure
def test_tab_reaches_everything_and_keys_operate_it(live, name):
    figure = live(name)
    page = figure.page
    controls, errors = figure.locator(CONTROLS), []
    page.on("pageerror", lambda error: errors.append(error))
    controls.first.focus()
    for _ in range(2 * controls.count()):  # the regions that scroll take the focus, too
        page.evaluate("document.activeElement.dataset.reached = true")
        page.keyboard.press("Tab")
    assert figure.locator(f":is({CONTROLS}):not([data-reached])").count() == 0
    for choice in figure.locator("select").all():
        before = choice.input_value()
        choice.press("ArrowDown")
        if choice.input_value() == before:  # it was the last
            choice.press("ArrowUp")
        assert choice.input_value() != before
    for button in figure.locator("button[aria-pressed]").all():
        button.press("Space")
    assert errors == []


@every_figure
def test_the_focus_is_seen_wherever_tab_takes_it(live, name):
    figure = live(name)
    ring = """([here]) => [here, here.closest("label")].some((element) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(element ?? document.body);
        return outlineStyle === "solid" && parseFloat(outlineWidth) >= 3;
    })"""
    figure.locator(CONTROLS).first.focus()
    seen = 0
    while (focused := figure.locator(":focus")).count():
        assert focused.evaluate_all(ring), focused.evaluate("here => here.outerHTML")
        figure.page.keyboard.press("Tab")
        seen += 1
    assert seen >= figure.locator(f":is({CONTROLS}):visible").count()


@every_figure
def test_sliders_move_by_arrow_keys_in_silence(live, name):
    figure = live(name)
    for slider in figure.locator("input[type=range]:visible").all():
        before = slider.input_value(), slider.get_attribute("aria-valuetext")
        slider.press("ArrowRight" if slider.input_value() != slider.get_attribute("max") else "ArrowLeft")
        assert slider.input_value() != before[0]
        assert slider.get_attribute("aria-valuetext") != before[1]
    assert not "".join(figure.locator("[role=status]").all_text_contents()).strip()


@every_figure
def test_nothing_moves_by_itself(live, name):
    figure = live(name)
    figure.page.emulate_media(reduced_motion="no-preference")
    figure = live(name)
    before = figure.inner_html()
    figure.page.wait_for_timeout(500)
    assert figure.inner_html() == before
    figure.page.emulate_media(reduced_motion="reduce")


@every_figure
def test_on_paper_its_picture_and_caption_come_back(live, name):
    figure = live(name)
    figure.page.emulate_media(media="print")
    whole = figure.locator("xpath=ancestor::figure")
    assert not figure.is_visible()
    assert whole.locator("img").is_visible()
    assert whole.locator("figcaption").is_visible()
    figure.page.emulate_media(media="screen")


@every_figure
def test_without_scripts_its_picture_stands(browser, name):
    page = browser.new_page(java_script_enabled=False)
    page.goto((SITE / f"{FIGURES[name]}.html").as_uri())
    picture = page.locator(f'img.explorable[src*="/{name}."]')
    assert picture.evaluate("picture => picture.naturalWidth") >= 500
    assert picture.is_visible()
    assert picture.locator("xpath=ancestor::figure").locator("figcaption").is_visible()
    page.context.close()


def source_of(page):
    """The Markdown of a page, whether it is a notebook or not."""
    notebook = BOOK / f"{page}.ipynb"
    if not notebook.exists():
        return notebook.with_suffix(".md").read_text(encoding="utf-8")
    return "\n".join(cell.source for cell in nbformat.read(notebook, as_version=4).cells)


@every_figure
def test_its_source_shows_picture_and_caption_where_no_script_runs(name):
    directive = rf":::\{{figure\}} _explorables/{name}\.png\n:class: explorable.*?\n\n(.*?)\n:::"
    caption = re.search(directive, source_of(FIGURES[name]), re.DOTALL)[1]
    assert len(caption.split()) > 10
    with Image.open(FOLDER / f"{name}.png") as picture:
        assert picture.width >= 500


@pytest.mark.parametrize("page", sorted(SITE.glob("*.html")), ids=lambda page: page.stem)
def test_a_page_loads_what_its_figures_need_and_no_more(page):
    html = page.read_text(encoding="utf-8")
    files = {file for file in re.findall(r'"_static/([\w./-]+)\?v=', html) if (FOLDER / file).exists()}
    names = re.findall(r'<img [^>]*class="explorable[^>]*src="_images/([\w-]+)\.png', html)
    assert bool(files) == bool(names)
    assert {f"{name}.js" for name in names} <= files
    data = "".join(re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', html))
    assert len(data) + sum((FOLDER / file).stat().st_size for file in files) < 150_000


# The numbers.

HIKE_STATE = """const { theta, weather, wrong } = given, { inWeather, exact, returned, ownReward } = explorables.hike;
    const tau = inWeather(data, weather);"""


def hike_states():
    """Random states of all controls of the hike: logits, and the weather."""
    rng = pg.generator(0)
    return [{"theta": rng.normal(scale=2, size=(4, 2)).tolist(), "weather": rng.uniform(0.2, 0.5)} for _ in range(20)]


def hike_in(weather):
    hike = pg.mountain_hike()
    transitions = hike.transitions.copy()
    transitions[0, 0] = [0, 1 - weather, weather, 0]
    return pg.TabularMDP(transitions, hike.rewards, hike.initial, hike.gamma)


def assert_close(found, expected):
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert np.abs(np.asarray(found[key]) - value).max() < 1e-9, key


@pytest.mark.parametrize("state", hike_states())
def test_the_twelve_hikes_have_the_numbers_of_pgutils(compute, state):
    hike, policy = hike_in(state["weather"]), pg.softmax_policy(np.array(state["theta"]))
    tau = hike.enumerate_trajectories(3)
    probabilities = tau.probability(policy)
    steps = pg.softmax_score(policy, tau.states[:, :-1], tau.actions) * tau.mask[..., None, None]
    R = pg.total_return(tau.rewards, hike.gamma)
    own = tau.rewards * hike.gamma ** np.arange(3)
    expected = {
        "policy": policy,
        "probabilities": probabilities,
        "objective": hike.expected_return(policy),
        "scores": steps.sum(1),
        "terms": steps.sum(1) * R[:, None, None],
        "pulls": np.einsum("n,nsa,n->nsa", probabilities, steps.sum(1), R),
        "total": pg.exact_policy_gradient(hike, state["theta"]),
    }
    assert_close(compute("twelve-hikes", HIKE_STATE + "return exact(theta, tau);", state), expected)
    wrong = compute("twelve-hikes", HIKE_STATE + "return exact(theta, tau, ownReward).total;", state)
    assert np.abs(np.einsum("n,ntsa,nt->sa", probabilities, steps, own) - wrong).max() < 1e-9


def test_a_step_along_the_pulls_raises_the_objective(live):
    figure = live("twelve-hikes")
    status = figure.get_by_role("status")
    figure.get_by_role("button", name="Step along the sum").press("Enter")
    assert status.text_content() == "One step along the sum: J was 1.3586 and is 1.3826."
    slider = figure.get_by_role("slider", name="trailhead")
    slider.press("End")
    assert status.text_content() == ""
    assert slider.get_attribute("aria-valuetext") == f"climb with probability {1 / (1 + np.exp(-4)):.2f}"


def test_the_bars_of_the_hikes_are_as_long_as_their_numbers(live):
    hike, policy = pg.mountain_hike(), pg.softmax_policy(np.array(HIKE_LOGITS))
    tau = hike.enumerate_trajectories(3)
    R, chance = pg.total_return(tau.rewards, hike.gamma), tau.probability(policy)
    order = np.argsort(-R, kind="stable")
    steps = [(i, s, a) for i in order for s, a in zip(tau.states[i, :3], tau.actions[i], strict=True) if s < 3]
    scores = np.array([(a == 1) - policy[s, 1] for _, s, a in steps])
    hikes, places = (np.array([step[k] for step in steps]) for k in (0, 1))
    bars = live("twelve-hikes").locator(".hikes")
    for kind, values in (("rect.score", scores), (":is(.towards, .against)", 3 * chance[hikes] * R[hikes] * scores)):
        lengths = 35 * values.clip(-1, 1)
        expected = np.stack([150 + 76 * places + lengths.clip(max=0), abs(lengths)], 1)
        assert np.abs(drawn(bars.locator(kind), "x", "width") - expected).max() < 1e-9
    widths = drawn(bars.locator("rect.probability"), "width")[:, 0]
    assert np.abs(widths - 50 * np.minimum(1, 2 * chance[order])).max() < 1e-9
    classes = bars.locator(":is(.towards, .against)").evaluate_all(
        "rects => rects.map(({ classList }) => classList[0])"
    )
    assert classes == ["against" if R[i] < 0 else "towards" for i in hikes]


def test_the_weather_moves_chances_and_no_score(live):
    figure = live("twelve-hikes")
    figure.get_by_text("The numbers").press("Enter")

    def columns():
        rows = figure.locator("table").nth(1).locator("tbody tr").all()
        cells = [(row.locator("th").text_content(), row.locator("td").all_text_contents()) for row in rows]
        chances = {hike: chance for hike, (_, chance, *_) in cells}
        return chances, [row[2::2] for _, row in cells]

    chances, scores = columns()
    figure.get_by_role("slider", name="Weather").press("End")
    chances_then, scores_then = columns()
    assert scores_then == scores
    changed = {hike for hike in chances if chances_then[hike] != chances[hike]}
    assert changed == {hike for hike in chances if hike.startswith("trailhead: path")}
    J = hike_in(0.5).expected_return(pg.softmax_policy(np.array(HIKE_LOGITS)))
    assert figure.get_by_text(f"J = {J:.4f}").count() == 1


def test_the_wrong_line_points_to_the_path(live):
    figure = live("twelve-hikes")
    figure.get_by_text("The numbers").press("Enter")
    figure.get_by_label("Each score is multiplied by").select_option("its own step’s reward (the wrong line)")
    cells = [row.locator("td").first.text_content() for row in figure.locator("table").first.locator("tbody tr").all()]
    assert (cells[0][0], cells[1][0]) == ("−", "+")


@pytest.mark.parametrize("state", hike_states()[:8])
def test_estimates_from_hikes_have_the_error_of_pgutils(compute, state):
    hike, theta, rng = pg.mountain_hike(), np.array(state["theta"]), pg.generator(5)
    drawn, b = rng.integers(12, size=(6, 4)), rng.normal()
    policy, tau = pg.softmax_policy(theta), hike.enumerate_trajectories(3)
    scores = (pg.softmax_score(policy, tau.states[:, :-1], tau.actions) * tau.mask[..., None, None]).sum(1)
    terms = scores * (pg.total_return(tau.rewards, hike.gamma) - b)[:, None, None]
    estimates = terms[drawn].mean(1)
    off = ((estimates - pg.exact_policy_gradient(hike, theta)) ** 2).sum((-2, -1))
    _, variance = pg.gradient_moments(hike, theta, lambda batch: pg.total_return(batch) - b, horizon=3)
    found = compute(
        "hike-estimates",
        """const { estimate, variance, error } = explorables.hikeEstimates, { exact, inWeather } = explorables.hike;
        const tau = inWeather(data, data.ridge), now = exact(given.theta, tau);
        const estimates = given.drawn.map((drawn) => estimate(now, tau, drawn, given.b));
        return { estimates, variance: variance(now, tau, given.b), error: error(now, estimates) };""",
        {"theta": state["theta"], "drawn": drawn.tolist(), "b": b},
    )
    assert_close(found, {"estimates": estimates, "variance": variance.sum(), "error": off.mean() ** 0.5})


def test_the_errors_of_estimates_are_told_after_the_prediction_and_come_true(live):
    figure = live("hike-estimates")
    assert figure.locator(".errors rect").count() == 1
    figure.get_by_role("button", name="by about 0.4").press("Enter")
    label = figure.locator(".errors").get_attribute("aria-label")
    assert "The length of the gradient, 0.548" in label
    assert "0.383 with the return, 0.336 with the return − J." in label
    widths = drawn(figure.locator(".errors rect"), "width")[:, 0]
    assert np.abs(widths[1:] / widths[0] * 0.548 - [0.383, 0.336]).max() < 0.001
    assert abs(widths[0] - 230) < 1e-9
    gradient = pg.exact_policy_gradient(pg.mountain_hike(), np.zeros((4, 2)))[:, 1]
    start, tip = (
        np.array(point.split(","), float) for point in figure.locator("path.gradient").get_attribute("d")[1:].split("L")
    )
    assert np.abs(tip - start - 170 / 0.8 * np.array([gradient[0], -gradient[2]])).max() < 1e-9
    for _ in range(8):
        figure.get_by_role("button", name="Draw 50 estimates").press("Enter")
    said = figure.get_by_role("status").text_content()
    errors = [float(number) for number in re.findall(r"0\.\d+", said)]
    assert said.startswith("400 estimates from 16 hikes each: error ")
    assert np.abs(np.array(errors) / [0.383, 0.336] - 1).max() < 0.1
    assert figure.locator(".estimate.plain").count() == figure.locator("rect.estimate.less").count() == 400
    figure.get_by_label("Policy").select_option("this chapter’s")
    label = figure.locator(".errors").get_attribute("aria-label")
    assert "The length of the gradient, 0.116" in label
    assert "0.390 with the return, 0.331 with the return − J." in label
    assert figure.locator(".estimate").count() == 0


BASELINES = """const { moments, best } = explorables.baseline;
    return data.map((problem, i) => ({ ...moments(problem, given[i]), best: best(problem) }));"""


@pytest.mark.parametrize("draw", range(10))
def test_a_baseline_has_the_moments_of_pgutils(compute, draw):
    hike, theta, b = pg.mountain_hike(), np.array(HIKE_LOGITS), pg.generator(draw).uniform(-1, 3)
    mean, variance = pg.gradient_moments(hike, theta, lambda batch: pg.total_return(batch) - b, horizon=3)
    tau = hike.enumerate_trajectories(3)
    chance, R = tau.probability(pg.softmax_policy(theta)), pg.total_return(tau.rewards, hike.gamma)
    scores = pg.softmax_score(pg.softmax_policy(theta), tau.states[:, :-1], tau.actions) * tau.mask[..., None, None]
    square = chance * (scores.sum(1) ** 2).sum((-2, -1))
    shares = chance * ((scores.sum(1) * (R - b)[:, None, None] - mean) ** 2).sum((-2, -1))
    found = compute("baseline", BASELINES, [b, b])[0]
    assert abs(found["variance"] - variance.sum()) < 1e-9
    assert abs(found["best"] - square @ R / square.sum()) < 1e-9
    assert np.abs(np.array(found["mean"]) - mean[:3, [1, 0]].T.ravel()).max() < 1e-9
    assert np.abs(np.array(found["shares"]) - shares[np.argsort(-R, kind="stable")]).max() < 1e-9


@pytest.mark.parametrize("b", [0.0, 0.1, 0.9, *pg.generator(1).uniform(-0.5, 1.5, size=5)])
def test_a_baseline_has_the_bandit_s_moments_of_pgutils(compute, b):
    transitions = np.zeros((2, 2, 2))
    transitions[..., 1] = 1
    bandit = pg.TabularMDP(transitions, rewards=[[0, 1], [0, 0]], initial=[1, 0])
    logits = np.log([[0.1, 0.9], [0.5, 0.5]])
    mean, variance = pg.gradient_moments(bandit, logits, lambda batch: batch.rewards - b, horizon=1)
    found = compute("baseline", BASELINES, [b, b])[1]
    assert np.abs(np.array(found["estimates"]) - [[0.1 * (1 - b)], [0.9 * b]]).max() < 1e-9
    assert abs(found["mean"][0] - mean[0, 1]) < 1e-9
    assert abs(found["variance"] - variance[0, 1]) < 1e-9
    assert abs(found["best"] - 0.1) < 1e-9


def test_the_three_baselines_are_those_of_the_chapter(live):
    figure = live("baseline")
    status, press = figure.get_by_role("status"), lambda name: figure.get_by_role("button", name=name).press("Enter")
    press("mean return")
    assert status.text_content() == "Baseline 1.36 (mean return): variance 1.751, mean +0.008 as before."
    press("optimal")
    assert status.text_content() == "Baseline 1.00 (optimal): variance 1.651, mean +0.008 as before."
    press("The bandit")
    assert status.text_content() == ""
    assert figure.locator("select").count() == 0  # it has one component only
    press("the value")
    assert status.text_content() == "Baseline 0.90 (the value): variance 0.0576, mean +0.090 as before."
    press("none")
    assert status.text_content() == "Baseline 0.00 (none): variance 0.0009, mean +0.090 as before."


def drag(page, element, across, down=0):
    """Drag the middle of an element by so many pixels."""
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across / 2, y + down / 2)
    page.mouse.move(x + across, y + down)
    page.mouse.up()


def test_a_baseline_is_dragged_along_the_parabola(live):
    figure = live("baseline")
    slider = figure.get_by_role("slider", name="baseline b")
    drag(figure.page, figure.locator(".handle"), 60)
    assert 0.6 < float(slider.input_value()) < 1.1
    figure.get_by_role("slider", name="baseline b").press("Home")
    assert float(slider.input_value()) == -1
    _, variance = pg.gradient_moments(
        pg.mountain_hike(), np.array(HIKE_LOGITS), lambda batch: pg.total_return(batch) + 1, horizon=3
    )
    assert figure.get_by_role("img", name=f"at -1.00 it is {variance.sum():.3f}").count() == 1


def test_the_optimum_is_not_given_away(live):
    figure = live("baseline")
    assert figure.locator(".mark").count() == 0
    figure.get_by_role("button", name="yes").press("Enter")
    assert figure.locator(".mark").count() == 3


def test_what_is_drawn_of_a_baseline_is_as_long_as_its_numbers(live):
    figure, problem, b = live("baseline"), baseline()[0], 1.0
    figure.get_by_role("button", name="no, a lower one is").press("Enter")
    slider = figure.get_by_role("slider", name="baseline b")
    for _ in range(100):
        slider.press("ArrowRight")
    scores, R, chances = (
        np.array([outcome[name] for outcome in problem["outcomes"]]) for name in ("score", "return", "chance")
    )

    def shares(b):
        estimates = scores * (R - b)[:, None]
        return estimates, chances * ((estimates - chances @ estimates) ** 2).sum(1)

    estimates, now = shares(b)
    top = max(shares(-1)[1].sum(), shares(3)[1].sum())
    assert np.abs(drawn(figure.locator(".stack rect"), "width")[:, 0] - 298 * now / top).max() < 1e-9
    here = drawn(figure.locator(".here"), "cx", "cy")
    assert np.abs(here - [34 + 298 * (b + 1) / 4, 178 - 166 * now.sum() / top]).max() < 1e-9
    dots = drawn(figure.locator(".dot"), "cx", "r")
    expected = np.stack([194 + 136 * estimates[:, 0] / 2, np.maximum(1.5, 13 * np.sqrt(chances))], 1)
    assert np.abs(dots - expected).max() < 1e-9


# Random numbers.


def mulberry32(seed, count):
    """So many numbers from [0, 1) by the generator of that name, in whole numbers of Python."""
    for _ in range(count):
        seed = (seed + 0x6D2B79F5) % 2**32
        t = (seed ^ (seed >> 15)) * (seed | 1) % 2**32
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) % 2**32
        yield (t ^ (t >> 14)) / 2**32


@pytest.mark.parametrize("seed", [0, 1, 1007, 2**31])
def test_random_numbers_are_those_of_mulberry32(compute, seed):
    found = compute(
        "baseline", "const next = explorables.random(given); return Array.from({ length: 1000 }, next);", seed
    )
    assert found == list(mulberry32(seed, 1000))
    assert abs(np.mean(found) - 0.5) < 4 / (12 * 1000) ** 0.5  # a false alarm in 16 000


def test_numbers_carry_a_true_minus(compute):
    found = compute(
        "baseline",
        """const { signed, plain } = explorables, numbers = [-1.5, -0.001, 0, 0.001, 2];
        return [numbers.map((x) => signed(x)), numbers.map((x) => signed(x, 0)), [-1.5, 2].map((x) => plain(x)),
            [-1.5, 2].map((x) => plain(x, 2))];""",
    )
    assert found == [
        ["−1.50", "0.00", "0.00", "0.00", "+2.00"],
        ["−2", "0", "0", "0", "+2"],
        ["−1.5", "2"],
        ["−1.50", "2.00"],
    ]


# CartPole.


def random_play(steps=200):
    """Starts, actions and the states that follow, in Gymnasium, for so many random actions in several episodes."""
    env = gym.make("CartPole-v1").unwrapped
    env.reset(seed=0)
    episodes = [{"start": list(env.state), "actions": [], "states": []}]
    for action in pg.generator(0).integers(2, size=steps).tolist():
        terminated = env.step(action)[2]
        episodes[-1]["actions"].append(action)
        episodes[-1]["states"].append([float(x) for x in env.state])
        if terminated:
            env.reset()
            episodes.append({"start": list(env.state), "actions": [], "states": []})
    return json.loads(json.dumps(episodes, default=float))


def test_the_cart_moves_as_in_gymnasium_to_the_last_bit(compute):
    episodes = random_play()
    found = compute(
        "sixteen-runs",
        """return given.map(({ start, actions }) => {
            let state = start;
            const states = actions.map((action) => (state = explorables.cart.step(state, action, data)));
            return { states, fallen: states.map((state) => explorables.cart.fallen(state, data)) };
        });""",
        episodes,
    )
    assert len(episodes) > 5
    assert [here["states"] for here in found] == [there["states"] for there in episodes]
    ends = [here["fallen"] for here in found[:-1]]
    assert all(fallen[-1] and not any(fallen[:-1]) for fallen in ends)


def test_the_cart_starts_as_in_gymnasium(compute):
    starts = compute(
        "sixteen-runs",
        "const next = explorables.random(1); return Array.from({ length: 2000 }, () => explorables.cart.start(next));",
    )
    starts = np.ravel(starts)
    assert -0.05 <= starts.min() < -0.0499
    assert 0.0499 < starts.max() < 0.05
    assert abs(starts.mean()) < 4 * starts.std() / starts.size**0.5  # a false alarm in 16 000


WEIGHTS = {
    "total return": pg.total_return,
    "reward-to-go": pg.rewards_to_go,
    "leave-one-out": lambda batch: pg.leave_one_out(pg.rewards_to_go(batch)),
}


def policy_from(numbers):
    """A policy of pgutils whose weights are the page's list of numbers."""
    policy, shapes = pg.CategoricalPolicy(4, 2, [pg.generator(0)]), [(4, 32), (1, 32), (32, 2), (1, 2)]
    ends = np.cumsum([np.prod(shape) for shape in shapes])[:-1]
    parameters = [policy.weights[0], policy.biases[0], policy.weights[1], policy.biases[1]]
    parts = np.split(np.asarray(numbers, float), ends)
    for parameter, shape, part in zip(parameters, shapes, parts, strict=True):
        parameter.data = torch.tensor(part.reshape(1, *shape))
    return policy, parameters


def padded(rows, lengths):
    """Rows of all steps in a row, as (1, episodes, steps, ...)."""
    parts = torch.from_numpy(np.array(rows)).split(lengths)
    return torch.nn.utils.rnn.pad_sequence(parts, batch_first=True)[None]


@pytest.mark.parametrize("method", WEIGHTS)
def test_the_runs_follow_the_gradient_of_pgutils(compute, method):
    numbers = pg.generator(3).normal(scale=0.3, size=226).tolist()
    found = compute(
        "sixteen-runs",
        """const { collect, weigh, gradient } = explorables.sixteenRuns;
        const batch = collect(given.numbers, data, explorables.random(1)), weights = weigh(given.method, batch.lengths);
        const direction = [...gradient(given.numbers, batch, weights)];
        return { states: batch.states, actions: batch.actions, lengths: batch.lengths, weights, direction };""",
        {"numbers": numbers, "method": method},
    )
    lengths = found["lengths"]
    mask = padded([1.0] * sum(lengths), lengths) > 0
    rewards = mask.double()
    batch = pg.EpisodeBatch(None, None, rewards, mask, None, None, None)
    weights = WEIGHTS[method](batch)
    weights = weights if weights.ndim == 3 else weights[..., None].expand(mask.shape)
    assert np.abs(np.array(found["weights"]) - weights[mask].numpy()).max() < 1e-9
    policy, parameters = policy_from(numbers)
    taken = policy.distribution(padded(found["states"], lengths), mask).log_prob(padded(found["actions"], lengths))
    pg.policy_gradient_loss(taken, weights, mask).sum().backward()
    expected = np.concatenate([-parameter.grad.numpy().ravel() for parameter in parameters])
    assert len(lengths) == 16
    assert len(set(lengths)) > 3
    assert np.abs(expected - found["direction"]).max() < 1e-9


def test_the_runs_step_as_adam_does(compute):
    directions = pg.generator(4).normal(size=(6, 226))
    found = compute(
        "sixteen-runs",
        """const { ascend, noMoments } = explorables.sixteenRuns, policy = new Float64Array(226), moments = noMoments();
        return given.map((direction) => (ascend(policy, moments, direction), [...policy]));""",
        directions.tolist(),
    )
    parameter = torch.nn.Parameter(torch.zeros(226, dtype=torch.float64))
    adam = torch.optim.Adam([parameter], lr=1e-2)
    for direction, here in zip(directions, found, strict=True):
        parameter.grad = -torch.tensor(direction)
        adam.step()
        assert np.abs(parameter.detach().numpy() - here).max() < 1e-9


def test_the_middle_half_is_that_of_pgutils(compute):
    scores = pg.generator(5).normal(size=(3, 16))
    found = compute("sixteen-runs", "return given.map(explorables.sixteenRuns.interquartileMean);", scores.tolist())
    assert np.abs(pg.interquartile_mean(scores, axis=1) - found).max() < 1e-9


def test_a_run_s_result_is_the_mean_of_its_last_five_iterations(compute):
    runs = [[*range(1, 9)], [1, 2]]
    assert compute("sixteen-runs", "return given.map(explorables.sixteenRuns.result);", runs) == [6, 1.5]


def test_the_networks_start_as_in_pgutils(compute):
    numbers = compute(
        "sixteen-runs",
        "return Array.from({ length: 100 }, (_, seed) => [...explorables.sixteenRuns.begin(seed).policy]);",
    )
    first, b1, last, b2 = np.split(np.array(numbers), [128, 160, 224], axis=1)
    assert not b1.any()
    assert not b2.any()
    # 4 standard errors of a standard deviation, σ / √(2n): a false alarm in 16 000
    for weights, scale in ((first, 4**-0.5), (last, 0.1 * 32**-0.5)):
        assert abs(weights.mean()) < 4 * scale / weights.size**0.5
        assert abs(weights.std() - scale) < 4 * scale / (2 * weights.size) ** 0.5


def test_sixteen_runs_learn_while_one_watches(live):
    figure = live("sixteen-runs")  # the browser is told to reduce motion: ten iterations a push
    figure.get_by_role("button", name="reward-to-go").press("Enter")
    status = figure.locator("[role=status]:not(:empty)")
    ends = []
    for push in range(4):
        figure.get_by_role("button", name="Ten more iterations" if push else "Train sixteen runs").press("Enter")
        status.wait_for(timeout=120_000)
        ends.append(float(re.search(r"ends at (\d+)", status.text_content())[1]))
    assert ends == sorted(ends)
    assert ends[0] < 100
    assert ends[3] > 250
    assert figure.locator("polyline.run").count() == 16
    last = float(re.search(r"returns (\d+) on average", figure.locator(".curves").get_attribute("aria-label"))[1])
    x, y = figure.locator("polyline.middle").last.get_attribute("points").split()[-1].split(",")
    assert float(x) == 336
    assert abs(float(y) - (240 - 228 * last / 500)) < 0.3  # a whole number is said
    assert figure.get_by_role("button", name="Train again").count() == 1
    figure.get_by_role("button", name="Other random numbers").press("Enter")
    assert figure.get_by_role("status").text_content() == "Other random numbers: nothing is learned yet."


def test_the_films_of_sixteen_runs_come_to_rest(open_page):
    page = open_page("03-reinforce.html", from_file=True).page
    page.emulate_media(reduced_motion="no-preference")
    page.reload(wait_until="domcontentloaded")
    figure = page.locator(".explorable[data-name=sixteen-runs]")
    assert figure.get_by_role("button", name="reward-to-go").count() == 0  # what the chapter does not know yet
    figure.get_by_role("button", name="Train sixteen runs").press("Enter")
    figure.get_by_role("button", name="Pause").press("Enter")
    assert re.fullmatch(r"Paused after \d+ iterations\.", figure.get_by_role("status").text_content())
    paused = figure.inner_html()
    page.wait_for_timeout(300)
    assert figure.inner_html() == paused
    page.context.close()


def test_what_the_figures_start_from_can_be_recorded_anew():
    small = {"runs": 2, "episodes": 2, "seed": 3}
    policies = record_policies({**POLICIES, **small, "iterations": [1, 2]})
    assert {name: array.shape[0] for name, array in policies.items()} == dict.fromkeys(policies, 3)
    assert policies["weight_1"].shape == (3, 4, 32)
    runs = record_runs({**RUNS, **small, "iterations": 3})
    assert {name: array.shape for name, array in runs.items()} == dict.fromkeys(RUNS["weights"], (2,))
    episode = record_episode({**EPISODE, "episodes": 2, "iterations": 1, "continuations": 2})
    gammas, values = episode["gammas"], episode["values"]
    assert values.shape[0] == len(gammas)
    assert (values[:, -2:] == [[1, 0]] * len(gammas)).all()  # one more step, then the end
    assert (np.diff(values, axis=0) >= 0).all()
    recorded = {"cart-pole-policies": POLICIES, "cart-pole-128-runs": RUNS, "cart-pole-episode": EPISODE}
    for name, settings in recorded.items():
        assert is_recorded(BOOK / "results" / f"{name}.npz", settings)


def test_the_policies_act_as_in_pgutils(compute):
    states = pg.generator(0).normal(scale=0.3, size=(50, 4))
    found = compute(
        "cart-pole",
        """return data.policies.map(({ layers }) =>
            given.map((state) => explorables.cartPole.actionProbabilities(layers, state)));""",
        states.tolist(),
    )
    recorded = pg.load_results(BOOK / "results" / "cart-pole-policies.npz")
    assert len(found) == len(recorded["updates"])
    for record, exact, k in zip(cart_pole()["policies"], found, range(len(found)), strict=True):
        shown = [part for layer in record["layers"] for part in (layer["weight"], layer["bias"])]
        stored = [recorded[name][k] for name in ("weight_1", "bias_1", "weight_2", "bias_2")]
        for numbers, tolerance in ((shown, 1e-9), (stored, 1e-3)):  # five digits move a probability by less than 0.001
            policy, _ = policy_from(np.concatenate([np.ravel(part) for part in numbers]))
            expected = policy.distribution(torch.from_numpy(states)[None]).log_probs.exp()[0].detach().numpy()
            assert np.abs(expected - exact).max() < tolerance


@pytest.mark.parametrize(("steps", "ended"), [(0, False), (3, False), (4, True)])
def test_an_episode_ends_with_its_last_step(compute, steps, ended):
    player = {"state": [0.0] * 4, "steps": steps, "action": None, "ended": False}
    found = compute(
        "cart-pole",
        """const { after } = explorables.cartPole, last = after(given, 1, { ...data, max_steps: 5 });
        return [last, after({ ...given, ended: true }, 1, data)];""",
        player,
    )
    assert (found[0]["steps"], found[0]["action"], found[0]["ended"]) == (steps + 1, 1, ended)
    assert found[1] == {**player, "ended": True}


def test_the_cart_waits_for_a_push_where_motion_is_unwelcome(live):
    figure = live("cart-pole")  # the browser is told to reduce motion
    steps = figure.locator("strong", has_text=re.compile(r"^\d+$")).first
    figure.get_by_role("button", name="Push right").focus()
    for _ in range(3):
        figure.page.keyboard.press("ArrowLeft")
    figure.page.wait_for_timeout(200)
    assert steps.text_content() == "3"
    cart = figure.get_by_role("img", name="You: the cart").get_attribute("aria-label")
    assert figure.get_by_role("status").text_content() == f"3 steps. {cart}"
    env = gym.make("CartPole-v1").unwrapped
    env.reset()
    env.state = [0.1 * number - 0.05 for number in mulberry32(3, 4)]
    for _ in range(3):
        (x, _, angle, _), *_ = env.step(0)
    side = "right" if angle > 0 else "left"
    expected = f"You: the cart is at {x:.2f}, the pole leans {abs(np.degrees(angle)):.1f} degrees to the {side}."
    assert cart == expected.replace("-", "−")
    assert figure.get_by_role("button", name="Pause").count() == 0  # nothing runs
    figure.get_by_label("Pace").select_option("real time")
    figure.get_by_role("button", name="Push right").press("Enter")
    status = figure.locator("[role=status]:not(:empty)")
    status.wait_for(timeout=60_000)
    said = re.fullmatch(
        r"Over. You: (\d+) steps; your best so far: (\d+). The policy after 60 updates: (\d+) steps.",
        status.text_content(),
    )
    assert said[1] == said[2] == steps.text_content()
    figure.get_by_role("button", name="New start").press("Enter")
    assert figure.get_by_role("status").text_content() == "A new start."
    figure.get_by_role("button", name="Push right").press("Enter")
    figure.get_by_role("button", name="Pause").press("Enter")
    assert figure.get_by_role("status").text_content() == "Paused; a push goes on."
    figure.get_by_role("slider", name="updates of the policy").press("Home")  # which begins anew
    figure.get_by_role("button", name="Push right").press("Enter")
    status.wait_for(timeout=60_000)
    again = re.search(r"You: (\d+) steps; your best so far: (\d+)\. The policy after 0 updates", status.text_content())
    assert int(again[1]) < int(said[1]) == int(again[2])  # always to the right is soon over


def test_a_tap_on_a_side_pushes_there(live):
    figure = live("cart-pole")
    lane = figure.locator(".lane").first
    lane.scroll_into_view_if_needed()
    box = lane.bounding_box()
    cart = figure.get_by_role("img", name="You: the cart")
    for share, side in ((0.9, 1), (0.1, -1)):
        figure.get_by_role("button", name="New start").press("Enter")
        figure.page.mouse.click(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        arrow = cart.locator(".force").bounding_box()
        body = cart.locator(".cart").bounding_box()
        assert np.sign(arrow["x"] + arrow["width"] / 2 - body["x"] - body["width"] / 2) == side


def payments(rewards):
    """The MDP of as many steps as there are rewards [for tails, for heads]."""
    T = len(rewards)
    transitions = np.zeros((T + 1, 2, T + 1))
    transitions[np.arange(T), :, np.arange(T) + 1] = 1
    transitions[T, :, T] = 1
    return pg.TabularMDP(transitions, [*rewards, [0, 0]], initial=np.eye(T + 1)[0])


PRESETS = [[[0, 1]] * 8, [[0, 0]] * 7 + [[0, 1]], [[1, 1], [-1, -1]]]
DRAWN = [pg.generator(T).choice(np.arange(-2, 4.5, 0.5), size=(T, 2)).tolist() for T in range(1, 9)]


@pytest.mark.parametrize("to_go", [False, True])
@pytest.mark.parametrize("rewards", PRESETS + DRAWN)
def test_who_is_paid_has_the_moments_of_pgutils(compute, rewards, to_go):
    T = len(rewards)
    weights = pg.rewards_to_go if to_go else pg.total_return
    mean, variance = pg.gradient_moments(payments(rewards), np.zeros((T + 1, 2)), weights, horizon=T)
    found = compute("who-is-paid", "return explorables.whoIsPaid.moments(...given);", [rewards, to_go])
    assert np.abs(mean[:T, 1] - found["mean"]).max() < 1e-9
    assert np.abs(variance[:T, 1] - found["variance"]).max() < 1e-9
    assert abs(variance.sum() - found["total"]) < 1e-9
    if (mean**2).sum() > 1e-12:
        assert abs(variance.sum() / (mean**2).sum() / found["episodes"] - 1) < 1e-9


def test_who_is_paid_says_what_the_chapter_says(live):
    figure = live("who-is-paid")
    status, press = figure.get_by_role("status"), lambda name: figure.get_by_role("button", name=name).press("Enter")
    press("reward-to-go")
    said = "For a signal-to-noise ratio of 1: {} episodes with the total return, {} with reward-to-go."
    assert status.text_content() == said.format("71.00", "29.00")
    variances = figure.locator(".payments rect.bar").count()
    assert variances == 8
    kinds = ("signal", "noise", "unpaid")
    assert [figure.locator(f".payments rect.{kind}").count() for kind in kinds] == [8, 28, 28]
    press("only the last step pays")
    assert len(set(re.findall(r"[\d.]+ episodes|, [\d.]+", status.text_content().replace(" episodes", "")))) == 1
    press("whatever is tossed")
    assert status.text_content() == "The gradient is 0, and no number of episodes gives a signal-to-noise ratio of 1."
    assert figure.get_by_text("the variance is 0.50, with the total return 0.00").count() == 1
    assert [figure.locator(f".payments rect.{kind}").count() for kind in kinds] == [0, 3, 1]


def test_variances_are_drawn_to_one_scale(live):
    figure = live("who-is-paid")
    figure.get_by_role("button", name="reward-to-go").press("Enter")
    for shape, weights in (("bar", pg.rewards_to_go), ("ghost", pg.total_return)):
        _, variance = pg.gradient_moments(payments(PRESETS[0]), np.zeros((9, 2)), weights, horizon=8)
        widths = drawn(figure.locator(f".payments rect.{shape}"), "width")[:, 0]
        assert np.abs(widths - 88 * variance[:8, 1] / 4.4375).max() < 1e-9


def test_rewards_are_edited_by_sliders(live):
    figure = live("who-is-paid")
    figure.get_by_label("What is paid in step").select_option("3")
    figure.get_by_role("slider", name="for tails").press("End")
    assert figure.get_by_text("1/4", exact=True).count() == 1
    assert figure.locator("button[aria-pressed=true]").all_text_contents() == ["total return"]
    figure.get_by_role("slider", name="steps, T").press("Home")
    assert figure.locator(".payments rect.bar").count() == 1


# The corridor.


@pytest.mark.parametrize("p", [0.02, 0.3, 2 - 2**0.5, 0.98, *pg.generator(6).uniform(0.02, 0.98, size=8)])
def test_the_corridor_has_the_numbers_of_pgutils(compute, p):
    corridor, policy = pg.short_corridor(), np.tile([1 - p, p], (4, 1))
    old = pg.generator(7).uniform(0.1, 0.9)
    old_policy = np.tile([1 - old, old], (4, 1))
    left, right = corridor.occupancy(policy) @ (policy * corridor.action_values(policy))
    credit = corridor.occupancy(old_policy) @ (old_policy * corridor.action_values(old_policy))
    found = compute(
        "corridor",
        """const { value, credit, derivative, ascend } = explorables.corridor, [p, old] = given;
        const numbers = { value: value(p), credit: credit(p), derivative: derivative(p) };
        return { ...numbers, ascend: ascend(p, credit(old), 0.002) };""",
        [p, old],
    )
    scale = abs(corridor.expected_return(policy))  # which is in the hundreds near the ends
    assert abs(found["value"] - corridor.expected_return(policy)) < 1e-9
    assert abs(found["credit"]["left"] - left) < 1e-9 * scale
    assert abs(found["credit"]["right"] - right) < 1e-9 * scale
    exact = pg.exact_policy_gradient(corridor, np.log(policy))[:, 1].sum()
    assert abs(found["derivative"] - exact) < 1e-9 * scale
    theta = np.log(p / (1 - p)) + 0.002 * (credit[1] * (1 - p) - credit[0] * p)
    assert abs(found["ascend"] - 1 / (1 + np.exp(-theta))) < 1e-9


def test_walks_follow_the_corridor_and_estimate_its_derivative(compute):
    walks = compute(
        "corridor",
        """const next = explorables.random(2), { walk } = explorables.corridor;
        return Array.from({ length: 20_000 }, () => walk(0.3, next));""",
    )
    corridor = pg.short_corridor()
    for walk in walks[:200]:
        states = np.array(walk["states"])
        moves = corridor.transitions[states[:-1], :, states[1:]]  # (steps, actions)
        assert (moves.sum(-1) == 1).all()
        rights, steps = moves[:, 1].sum(), len(moves)
        assert abs(walk["estimate"] + steps * (rights - 0.3 * steps)) < 1e-9
    estimates = np.array([walk["estimate"] for walk in walks])
    policy = np.tile([0.7, 0.3], (4, 1))
    exact = pg.exact_policy_gradient(corridor, np.log(policy))[:, 1].sum()
    assert abs(estimates.mean() - exact) < 4 * estimates.std() / len(estimates) ** 0.5  # a false alarm in 16 000
    assert (estimates < 0).mean() > 0.5


@pytest.mark.parametrize("exact", [8.48, -3.0])
def test_estimates_fall_into_their_bins(compute, exact):
    estimates = [-1e4, -400, -399.9, -40, -1e-9, 0, 39.9, 40, 360, 400, 1e4, *pg.generator(9).normal(0, 200, size=300)]
    found = compute("corridor", "return explorables.corridor.histogram(...given);", [estimates, exact])
    counts, edges = np.histogram(np.clip(estimates, -400, 400 - 1e-9), np.arange(-400, 401, 40))
    assert [bin["from"] for bin in found] == edges[:-1].tolist()
    assert [bin["count"] for bin in found] == counts.tolist()
    wrong = compute("corridor", "return explorables.corridor.wrong(...given);", [estimates, exact])
    assert wrong == sum(np.sign(estimate) == -np.sign(exact) for estimate in estimates)
    agree = {bin["from"] for bin in found if bin["sign"] == "right"}
    assert agree == set(edges[:-1][(edges[:-1] + 20) * exact > 0])


def climbers(p, steps):
    """The values to which fresh and stale credit lead in so many steps, by pgutils."""
    corridor, thetas = pg.short_corridor(), np.full(2, np.log(p / (1 - p)))

    def credit(theta):
        policy = pg.softmax_policy(np.tile([0.0, theta], (4, 1)))
        return policy[0, 1], corridor.occupancy(policy) @ (policy * corridor.action_values(policy)), policy

    _, first, _ = credit(thetas[0])
    for _ in range(steps):
        for i, old in enumerate((None, first)):
            now, here, _ = credit(thetas[i])
            left, right = here if old is None else old
            thetas[i] += 0.002 * (right * (1 - now) - left * now)
    return [corridor.expected_return(credit(theta)[2]) for theta in thetas]


def test_the_climbers_end_where_the_chapter_says(live):
    figure = live("corridor")
    for _ in range(8):
        figure.get_by_role("button", name="Climb 5 steps").press("Enter")
    fresh, stale = climbers(0.3, 40)
    said = f"After 40 steps the fresh climber is at {fresh:.1f}, the stale one at {stale:.1f}."
    assert figure.get_by_role("status").text_content() == said.replace("-", "−")
    assert -378.6 < stale < -378
    figure.get_by_role("button", name="Back to p = 0.3").press("Enter")
    assert figure.get_by_role("status").text_content() == "p is 0.3 again; estimates and climbers begin anew."
    for name, walks in (("Walk once", 1), ("Walk 100 times", 101)):
        figure.get_by_role("button", name=name).press("Enter")
        assert f" of {walks} estimates have the wrong sign" in figure.get_by_role("status").text_content()
    tops, heights = drawn(figure.get_by_role("img", name="101 estimates").locator("rect"), "y", "height").T
    assert np.abs(tops + heights - 116).max() < 1e-9
    most = 100 * 101 / heights.sum()
    assert abs(heights.max() - 100) < 1e-9
    assert abs(most - round(most)) < 1e-6
    drag(figure.page, figure.locator(".handle"), 40)
    assert float(figure.get_by_role("slider").input_value()) > 0.35
    assert figure.get_by_role("img", name="0 estimates").count() == 1


def test_a_walker_walks_by_itself_only_to_the_goal(live):
    live("corridor").page.emulate_media(reduced_motion="no-preference")
    figure = live("corridor")
    figure.get_by_role("button", name="Walk once").press("Enter")
    figure.locator("[role=status]:not(:empty)").wait_for(timeout=60_000)
    assert figure.get_by_role("img", name="the walker is at goal").count() == 1
    figure.page.emulate_media(reduced_motion="reduce")


# Three seeds.


def test_the_runs_are_those_recorded_and_the_better_method_is_better(compute):
    groups = compute("three-seeds", "return data.groups;")
    recorded = pg.load_results(BOOK / "results" / "cart-pole-128-runs.npz")
    for group, name in zip(groups, ("rewards_to_go", "leave_one_out"), strict=True):
        assert np.abs(np.array(group) - recorded[name]).max() < 0.006  # two decimals
    assert pg.probability_of_improvement(groups[1], groups[0]) > 0.6


@pytest.mark.parametrize("seeds", [1, 3, 5, 10, 20])
def test_so_many_seeds_mislead_as_often_as_expected(compute, seeds):
    data = three_seeds()
    found = compute(
        "three-seeds",
        """const { drawn, means, misled } = explorables.threeSeeds, next = explorables.random(3);
        return Array.from({ length: 10_000 }, () => {
            const indices = drawn(data.groups, given, next), both = means(data.groups, indices);
            return { indices, both, misled: misled(both) };
        });""",
        seeds,
    )
    for comparison in found[:50]:
        expected = [np.array(scores)[k].mean() for scores, k in zip(data["groups"], comparison["indices"], strict=True)]
        assert np.abs(np.array(comparison["both"]) - expected).max() < 1e-9
        assert comparison["misled"] == (expected[0] > expected[1])
    share = data["expected"][data["counts"].index(seeds)]
    error = (share * (1 - share) / 10_000) ** 0.5
    assert abs(np.mean([comparison["misled"] for comparison in found]) - share) < 4.5 * error


def test_what_was_to_be_seen_of_three_seeds_is_so():
    one, three, five, ten, twenty = three_seeds()["expected"]
    assert 0.29 < one < 1 / 3
    assert 0.18 < three < 0.22
    assert 1 / 16 < ten < 1 / 14
    assert one > three > five > ten > twenty


def test_comparisons_fill_the_tally(live):
    figure, scores = live("three-seeds"), np.ravel(three_seeds()["groups"])
    assert np.abs(drawn(figure.locator(".pale"), "cx")[:, 0] - (14 + 310 * scores / 500)).max() < 1e-9
    status = figure.get_by_role("status")
    for comparison in range(1, 6):
        figure.get_by_role("button", name="Compare once").press("Enter")
        said = re.fullmatch(
            r"reward-to-go (\d+), leave-one-out (\d+): (.+) wins, (rightly|which is wrong)\. "
            r"Wrong so far, with 3 seeds: (\d) of (\d)\.",
            status.text_content(),
        )
        assert said[6] == str(comparison)
        assert said[3] == ("reward-to-go" if int(said[1]) > int(said[2]) else "leave-one-out")
        assert (said[4] == "rightly") == (said[3] == "leave-one-out")
        winner, loser = (
            float(figure.locator(f".runs path.{kind}").get_attribute("d")[1:].split(",")[0])
            for kind in ("winner", "mark")
        )
        assert winner > loser
    for _ in range(4):
        figure.get_by_role("button", name="Compare 100 times").press("Enter")
    wrong, of = re.search(r"Wrong so far, with 3 seeds: (\d+) of (\d+)\.$", status.text_content()).groups()
    share = three_seeds()["expected"][1]
    assert int(of) == 405
    assert abs(int(wrong) / 405 - share) < 4.5 * (share * (1 - share) / 405) ** 0.5
    assert figure.locator(".lit").count() == 6
    assert figure.locator(".tally .tick").count() == 0  # what is expected is not told before the prediction
    figure.get_by_role("button", name="once in five").press("Enter")
    assert figure.locator(".tally .tick").count() == 5
    figure.get_by_label("Seeds of each method").select_option("10")
    assert figure.locator(".lit").count() == 0


# The dial between bias and variance.

CRITICS = {
    "right in every state": lambda values: values,
    "says 0 of every state": lambda values: 0 * values,
    "1 too high in every state": lambda values: values + (np.arange(len(values)) < len(values) - 1),
}


def dials():
    """Random states of the dial: critic, λ, and which γ′."""
    rng = pg.generator(8)
    return [(critic, rng.uniform(), int(rng.integers(6))) for critic in CRITICS for _ in range(3)]


@pytest.mark.parametrize(("critic", "lam", "k"), dials())
def test_the_dial_has_the_advantages_of_pgutils(compute, critic, lam, k):
    data = lambda_dial()
    values, gamma = CRITICS[critic](np.array(data["episode"][k])), data["gammas"][k]
    rewards = torch.ones(1, 1, len(values) - 1, dtype=torch.float64)
    judged, ended = torch.from_numpy(values[:-1])[None, None], torch.ones(1, 1, dtype=torch.bool)
    beyond = torch.zeros(1, 1, dtype=torch.float64)
    batch = pg.EpisodeBatch(rewards, rewards, rewards, rewards > 0, None, ended, ~ended, gamma, judged, beyond)
    found = compute(
        "lambda-dial",
        """const { advantages, CRITICS } = explorables.lambdaDial, [critic, lam, k] = given;
        const values = CRITICS[critic](data.episode[k]);
        return advantages(values.slice(1).map(() => 1), values, data.gammas[k], lam);""",
        [critic, lam, k],
    )
    assert np.abs(pg.gae(lam)(batch)[0, 0].numpy() - found).max() < 1e-9


@pytest.mark.parametrize(("critic", "lam", "k"), [*dials(), ("right in every state", 0.3, 3)])
def test_the_dial_has_the_moments_of_pgutils(compute, critic, lam, k):
    hike, theta, gamma = pg.mountain_hike(), np.array(HIKE_LOGITS), lambda_dial()["gammas"][k]
    values = CRITICS[critic](pg.mountain_hike(gamma).state_values(pg.softmax_policy(theta)))

    def judged(batch):
        weights = pg.gae(lam, gamma)(replace(batch, values=batch.obs @ torch.from_numpy(values)))
        return weights * batch.gamma ** torch.arange(3).double()

    exact = pg.exact_policy_gradient(hike, theta)
    mean, variance = pg.gradient_moments(hike, theta, judged, horizon=3)
    found = compute(
        "lambda-dial",
        """const { moments, CRITICS } = explorables.lambdaDial, [critic, lam, k] = given;
        return moments(data.hike, CRITICS[critic](data.hike.values[k]), data.gammas[k], lam);""",
        [critic, lam, k],
    )
    cosine = (mean * exact).sum() / np.linalg.norm(mean) / np.linalg.norm(exact)
    assert_close(found, {"bias2": ((mean - exact) ** 2).sum(), "variance": variance.sum(), "cosine": cosine})


def test_the_best_lambda_is_as_the_chapter_says(live):
    figure = live("lambda-dial")
    assert figure.locator(".dial polyline").count() == figure.get_by_role("button", name="best").count() == 0
    figure.get_by_role("button", name="somewhere between").press("Enter")
    assert figure.locator(".dial polyline").count() == 3
    status, critic, hikes = (
        figure.get_by_role("status"),
        figure.get_by_label("The critic"),
        figure.get_by_label("Hikes, N"),
    )
    for name, episodes, said in (
        ("says 0 of every state", "16", "0.57, with an error of 0.272"),
        ("says 0 of every state", "256", "0.93, with an error of 0.095"),
        ("right in every state", "16", "0.00, with an error of 0.297"),
        ("1 too high in every state", "16", "0.19, with an error of 0.365"),
    ):
        critic.select_option(name)
        hikes.select_option(episodes)
        assert status.text_content() == ""
        figure.get_by_role("button", name="Go to the best λ").press("Enter")
        assert status.text_content() == f"The best λ is {said}."
        assert figure.get_by_role("slider", name="how long to wait").input_value() == str(float(said[:4])).removesuffix(
            ".0"
        )
    critic.select_option("says 0 of every state")
    figure.get_by_role("slider", name="how long to wait").press("Home")
    assert (
        figure.get_by_text("bias 3.79 times the length of ∇J, variance 0.362; from 16 hikes, error 0.466").count() == 1
    )
    assert figure.locator(".advantages .against").count() == 0  # a critic that says 0 finds nothing wrong
    critic.select_option("right in every state")
    assert figure.locator(".advantages .against").count() > 20


def test_the_bars_of_the_dial_are_as_long_as_the_advantages(live):
    data, figure = lambda_dial(), live("lambda-dial")
    figure.get_by_label("The critic").select_option("right in every state")
    values = np.array(data["episode"][data["gammas"].index(0.9)])
    deltas = 1 + 0.9 * values[1:] - values[:-1]
    bars = figure.locator(".advantages :is(.towards, .against)")

    ends = {1: pg.rewards_to_go(deltas, 0.9), 0: deltas}
    scale = 170 / (max(a.max() for a in ends.values()) - min(a.min() for a in ends.values()))
    for lam, key in ((1, "End"), (0, "Home")):
        figure.get_by_role("slider", name="how long to wait").press(key)
        below = np.array([kind == "against" for kind in bars.evaluate_all("rects => rects.map((r) => r.classList[0])")])
        heights = drawn(bars, "height")[:, 0]
        assert np.abs(np.where(below, -1, 1) * heights - scale * ends[lam]).max() < 1e-9


def test_the_point_of_the_dial_stands_at_its_error(live):
    figure = live("lambda-dial")
    slider, point = figure.get_by_role("slider", name="how long to wait"), figure.locator(".dial .here")
    assert np.abs(drawn(point, "cx", "cy") - [332, 190 - 170 / 2.5]).max() < 1e-9
    slider.press("Home")
    error = float(re.search(r"error (0\.\d+)", figure.get_by_text("On the hike:").text_content())[1])
    assert np.abs(drawn(point, "cx", "cy") - [36, 190 - 170 * error**2 / (2.5 * 2.5 / 16)]).max() < 0.3  # three digits
    figure.get_by_role("button", name="at 0").press("Enter")
    curve = figure.locator(".dial .both").get_attribute("points").split()
    assert len(curve) == 101
    assert np.abs(np.array(curve[0].split(","), float) - drawn(point, "cx", "cy")).max() < 0.06


# The clip.

STOPS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 70, 100, 140, 200]
FIRST = [0, 2, 5]


@pytest.mark.parametrize("clip", [0.2, *pg.generator(10).uniform(0.05, 0.5, size=5)])
def test_a_sample_gains_what_the_clipped_loss_says(compute, clip):
    rng = pg.generator(11)
    ratios, advantages = np.exp(rng.normal(0, 0.7, size=60)), np.repeat([1.0, -1.0, 0.0, *rng.normal(size=3)], 10)
    found = compute(
        "the-clip",
        """const [ratios, weights, clip] = given;
        return ratios.map((ratio, i) => explorables.theClip.gain(ratio, weights[i], clip));""",
        [ratios.tolist(), advantages.tolist(), clip],
    )
    rho = torch.tensor(ratios, requires_grad=True)
    each, nothing = (60, 1, 1), torch.zeros(60, 1, 1)  # runs of one step
    gains = -pg.clipped_loss(rho.log().view(each), nothing, torch.tensor(advantages).view(each), nothing == 0, clip)
    (slopes,) = torch.autograd.grad(gains.sum(), rho)
    for name, expected in (
        ("least", gains.detach().numpy()),
        ("slope", slopes.numpy()),
        ("whole", ratios * advantages),
    ):
        assert np.abs(expected - [sample[name] for sample in found]).max() < 1e-9
    silent = ((ratios > 1 + clip) & (advantages > 0)) | ((ratios < 1 - clip) & (advantages < 0))
    assert [sample["silent"] for sample in found] == silent.tolist()


def test_a_sample_at_the_border_still_has_a_gradient(compute):
    corners = [[1.25, 1], [0.75, 1], [1.25, -1], [0.75, -1], [50, -1]]
    found = compute("the-clip", "return given.map(([r, A]) => explorables.theClip.gain(r, A, 0.25).slope);", corners)
    assert found == [1, 1, -1, -1, -1]


def ascended(hikes, rate, clip, epochs):
    """What `pg.ppo` makes of a batch of hikes: its policy, and its report."""
    mdp, tau = pg.mountain_hike(), pg.mountain_hike().enumerate_trajectories(3)
    policy = pg.CategoricalPolicy(4, 2, [pg.generator(0)], hidden=())
    policy.weights[0].data = torch.tensor([HIKE_LOGITS], dtype=torch.float64)
    states, mask = tau.states[hikes, :-1], torch.tensor(tau.mask[hikes])[None]
    obs = torch.eye(4, dtype=torch.float64)[torch.tensor(states)][None]
    values = mdp.state_values(pg.softmax_policy(np.array(HIKE_LOGITS)))
    weights = torch.tensor(pg.rewards_to_go(tau.rewards[hikes], mdp.gamma) - values[states])[None]
    batch = pg.EpisodeBatch(obs, torch.tensor(tau.actions[hikes])[None], weights, mask, None, None, None)
    # the figure divides by the episodes, the loss by the steps
    optimizer = torch.optim.SGD([policy.weights[0]], lr=rate * int(mask.sum()) / len(hikes))
    update = pg.ppo(clip=clip, epochs=epochs, minibatches=1, normalized=False)
    report = update(policy, optimizer, batch, weights)
    numbers = {key: float(report[key]) for key in report}
    for share in ("clipped", "outside"):  # reported in seven digits
        numbers[share] = round(numbers[share] * int(mask.sum())) / int(mask.sum())
    return pg.softmax_policy(policy.weights[0][0].detach().numpy()), numbers


def batches():
    """Random states of the controls of a batch: hikes, step and clip."""
    rng, sizes = pg.generator(12), [3, 16] * 4
    drawn = [
        (rng.integers(12, size=n).tolist(), float(rng.choice([0.1, 0.3, 1])), rng.uniform(0.05, 0.5)) for n in sizes
    ]
    return [(FIRST, 1.0, 0.2), (FIRST, 0.1, 0.2), *drawn]


MEASURED = """const { samples, ascend, measure } = explorables.theClip, { hikes, rate, clip, epochs, border } = given;
    const batch = samples(data, hikes), limit = clip ?? Infinity;
    const path = ascend(data.theta, batch, { hikes: hikes.length, rate, clip: limit, epochs });
    return { length: path.length, ...measure(data, batch, path[epochs], limit, border) };"""


@pytest.mark.parametrize("clipped", [True, False])
@pytest.mark.parametrize(("hikes", "rate", "clip"), batches())
def test_a_batch_goes_where_ppo_takes_it(compute, hikes, rate, clip, clipped):
    mdp, old = pg.mountain_hike(), pg.softmax_policy(np.array(HIKE_LOGITS))
    visits = mdp.occupancy(old)[:3]
    for epochs in (1, 7, 200):
        policy, report = ascended(hikes, rate, clip if clipped else np.inf, epochs)
        given = {"hikes": hikes, "rate": rate, "clip": clip if clipped else None, "epochs": epochs, "border": clip}
        found = compute("the-clip", MEASURED, given)
        kl = visits @ (old * np.log(old / policy)).sum(1)[:3] / visits.sum()
        numbers = [found[name] for name in ("silent", "largest", "kl", "objective")]
        expected = [report["clipped"], report["largest_ratios"], kl, mdp.expected_return(policy)]
        assert np.abs(np.subtract(numbers, expected)).max() < 1e-9
        assert not clipped or abs(found["outside"] - report["outside"]) < 1e-9
        assert found["length"] == epochs + 1
        for sample in found["moved"]:
            at = sample["state"], sample["action"]
            assert abs(sample["ratio"] - policy[at] / old[at]) < 1e-9
            assert sample["outside"] == (abs(sample["ratio"] - 1) > clip)


def test_the_samples_of_a_batch_are_its_steps(compute):
    hikes = [0, 2, 5, 5, 11, 0]
    tau, values = (
        pg.mountain_hike().enumerate_trajectories(3),
        pg.mountain_hike().state_values(pg.softmax_policy(np.array(HIKE_LOGITS))),
    )
    weights = pg.rewards_to_go(tau.rewards, 0.9) - values[tau.states[:, :-1]]
    steps = [(i, t) for i in hikes for t in range(3) if tau.mask[i, t]]
    expected = sorted((-weights[at], tau.states[at], tau.actions[at]) for at in steps)
    found = compute("the-clip", "return explorables.theClip.samples(data, given);", hikes)
    assert [sample["weight"] for sample in found] == sorted({-weight for weight, *_ in expected}, reverse=True)
    each = [(-sample["weight"], sample["state"], sample["action"]) for sample in found for _ in range(sample["count"])]
    assert np.abs(np.subtract(sorted(each), expected)).max() < 1e-9


def test_the_batch_shown_first_ends_as_was_to_be_seen(live):
    policy, report = ascended(FIRST, 1.0, 0.2, 200)
    free, without = ascended(FIRST, 1.0, np.inf, 200)
    small = ascended(FIRST, 0.1, 0.2, 200)[1]
    figure = live("the-clip")
    figure.get_by_role("button", name="Go to epoch 200").press("Enter")
    assert figure.get_by_role("status").text_content() == (
        "After 200 epochs, ε = 0.20: largest ratio 1.86, mean KL 0.063; 43% of the samples are silent. "
        "Without the clip: 3.71 and 2.177."
    )
    assert (
        f"{report['largest_ratios']:.2f} {without['largest_ratios']:.2f} {small['largest_ratios']:.2f}"
        == "1.86 3.71 1.23"
    )
    J = [pg.mountain_hike().expected_return(each) for each in (policy, free)]
    rows = [row.locator("td").all_text_contents() for row in figure.locator("table").first.locator("tbody tr").all()]
    assert rows == [
        ["0.063", "1.86", f"{100 * report['outside']:.0f}%", "43%", f"{J[0]:.3f}"],
        ["2.177", "3.71", "71%", "0%", f"{J[1]:.3f}"],
    ]
    figure.get_by_label("Step").select_option("0.1")
    assert figure.get_by_role("status").text_content() == ""
    assert figure.locator("table").first.locator("td").nth(1).text_content() == "1.23"
    batch = figure.get_by_role("group", name="A batch")
    for name in ("epochs", "clip ε"):
        figure.get_by_role("button", name="Go to epoch 200").press("Enter")
        assert figure.get_by_role("status").text_content().startswith("After 200 epochs, ε = 0.20: ")
        batch.get_by_role("slider", name=name).press("ArrowLeft")
        assert figure.get_by_role("status").text_content() == ""
    assert batch.get_by_role("slider", name="epochs").get_attribute("aria-valuetext") == "200"


def test_new_hikes_are_those_of_the_random_numbers(live):
    figure, numbers = live("the-clip"), mulberry32(1, 38)
    tau = pg.mountain_hike().enumerate_trajectories(3)
    ends = np.cumsum(tau.probability(pg.softmax_policy(np.array(HIKE_LOGITS))))
    status = figure.get_by_role("status")

    def expected(size):
        return [int(np.searchsorted(ends, next(numbers), side="right")) for _ in range(size)]

    for _ in range(2):
        figure.get_by_role("button", name="Play new hikes").press("Enter")
        hikes = expected(3)
        assert status.text_content() == f"3 new hikes: {tau.mask[hikes].sum()} samples."
    figure.get_by_label("Hikes").select_option("16")
    expected(16)  # which draws as many at once
    figure.get_by_role("button", name="Play new hikes").press("Enter")
    hikes = expected(16)
    assert status.text_content() == f"16 new hikes: {tau.mask[hikes].sum()} samples."
    figure.get_by_role("button", name="Go to epoch 200").press("Enter")
    largest = ascended(hikes, 1.0, 0.2, 200)[1]["largest_ratios"]
    assert f"largest ratio {largest:.2f}," in status.text_content()


def along(ratio):
    """Where a ratio stands on its rail."""
    return 132 + 200 * np.log(np.clip(ratio, 0.1, 4) / 0.1) / np.log(40)


@pytest.mark.parametrize("k", [0, 1, 5, 21])
def test_samples_stand_on_their_rails_at_their_ratios(live, compute, k):
    figure = live("the-clip")
    slider = figure.get_by_role("slider", name="epochs")
    for _ in range(k):
        slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == str(STOPS[k])
    given = {"hikes": FIRST, "rate": 1, "epochs": STOPS[k], "border": 0.2}
    held, free = (compute("the-clip", MEASURED, {**given, "clip": clip}) for clip in (0.2, None))
    rails = figure.locator(".rails")
    ratios = np.array([sample["ratio"] for sample in held["moved"]])
    assert (
        np.abs(drawn(rails.locator(".trail"), "x1", "x2") - np.stack([0 * ratios + along(1), along(ratios)], 1)).max()
        < 1e-9
    )
    ghosts = along(np.array([sample["ratio"] for sample in free["moved"]]))
    assert np.abs(drawn(rails.locator("circle.free"), "cx")[:, 0] - ghosts).max() < 1e-9
    silent = np.array([sample["silent"] for sample in held["moved"]])
    rims = [sample["outside"] for sample in held["moved"] if not sample["silent"]]
    squares = drawn(rails.locator("rect.silent"), "x", "width").reshape(-1, 2)
    assert np.abs(squares.sum(1) - squares[:, 1] / 2 - along(ratios[silent])).max(initial=0) < 1e-9
    discs = rails.locator("circle.sample")
    assert np.abs(drawn(discs, "cx")[:, 0] - along(ratios[~silent])).max() < 1e-9
    assert discs.evaluate_all("discs => discs.map((disc) => disc.classList.contains('outside'))") == rims
    said = rails.get_attribute("aria-label")
    assert f"after {STOPS[k]} epochs: {silent.sum()} are silent, {sum(rims)} are outside and have a gradient" in said
    marks = figure.locator(".divergence circle")
    heights = [178 - 160 * np.log10(np.clip(run["kl"], 1e-4, 10) / 1e-4) / 5 for run in (free, held)]
    expected = np.stack([np.full(2, 42 + k / 21 * 284), heights], 1)
    assert np.abs(drawn(marks, "cx", "cy") - expected).max() < 1e-9
    curve = figure.locator(".divergence polyline.held").get_attribute("points").split()
    assert len(curve) == len(STOPS)
    assert np.abs(np.array(curve[k].split(","), float) - expected[1]).max() < 0.06


def test_rails_end_where_an_action_is_certain_and_only_some_reach_the_silent_zones(live):
    figure, old = live("the-clip"), pg.softmax_policy(np.array(HIKE_LOGITS))
    names = {"trailhead, path": (0, 0), "forest, climb": (1, 1), "forest, path": (1, 0), "ridge, climb": (2, 1)}
    rows = figure.locator(".rails text").all_text_contents()
    labels = [row for row in rows if row in names]
    paths = figure.locator(".rails .rail").evaluate_all("rails => rails.map((rail) => rail.getAttribute('d'))")
    ends = [float(re.search(r"H([\d.]+)m", path)[1]) for path in paths]
    assert np.abs(np.array(ends) - [along(1 / old[names[label]]) for label in labels]).max() < 1e-9
    zones = drawn(figure.locator(".rails .quiet"), "x", "width", "y", "height")
    good = sum(row.startswith("+") for row in rows)
    up, down = [along(1.2), 332 - along(1.2), 20, 22 * good], [132, along(0.8) - 132, 20 + 22 * good, 22]
    assert np.abs(zones - [up, down]).max() < 1e-9
    assert ends[labels.index("ridge, climb")] < along(1.2)


def test_one_sample_is_dragged_and_says_which_branch_counts(live):
    figure = live("the-clip")
    sample = figure.get_by_role("group", name="One sample")
    ratio, clip, before = (sample.get_by_role("slider", name=name) for name in ("ratio ρ", "clip ε", "old probability"))
    picture, said = sample.locator("svg"), sample.locator("p").last
    drag(figure.page, sample.locator(".handle"), 60)
    at = float(ratio.input_value())
    assert at > 1.2
    assert f"at {at:.2f} it is +1.20, with slope 0." in picture.get_attribute("aria-label")
    assert said.text_content().startswith(
        f"ρA is +{at:.2f} and clip(ρ)A is +1.20. The second is smaller, and the slope is 0: the sample is silent."
    )
    square = drawn(sample.locator("rect.silent"), "x", "y", "width")[0]
    assert np.abs(square[:2] + square[2] / 2 - [30 + 100 * at, 186 - 56 * 1.2]).max() < 1e-9
    sample.get_by_role("button", name="A = −1").press("Enter")
    assert "The first is smaller, and the slope is −1. " in said.text_content()
    disc = drawn(sample.locator("circle.sample"), "cx", "cy")[0]
    assert np.abs(disc - [30 + 100 * at, 186 - 56 * (3 - at)]).max() < 1e-9
    drag(figure.page, sample.locator(".handle"), 600)
    assert "at 3.00 it is −3.00, with slope −1." in picture.get_attribute("aria-label")  # as far as the picture goes
    ratio.press("Home")
    assert "ρA is 0.00 and clip(ρ)A is −0.80. The second is smaller, and the slope is 0: " in said.text_content()
    clip.press("End")
    assert "clip(ρ)A is −0.50" in said.text_content()
    sample.get_by_role("button", name="A = +1").press("Enter")
    assert sample.locator(".beyond").count() == 0
    before.press("End")
    ratio.press("End")
    assert abs(float(ratio.input_value()) - 1.05) < 1e-9
    assert said.text_content().endswith(
        "Both are the same, and the slope is +1. The ratio ends at 1.05, where the action is certain, "
        "so it can never be clipped upwards."
    )
    assert np.abs(drawn(sample.locator(".beyond"), "x", "width") - [30 + 100 / 0.95, 300 - 100 / 0.95]).max() < 1e-9


@pytest.mark.parametrize(("sign", "y"), [(1, lambda gain: 186 - 56 * gain), (-1, lambda gain: 18 - 56 * gain)])
def test_the_branches_of_a_sample_are_drawn_where_they_are(live, sign, y):
    figure = live("the-clip")
    figure.get_by_role("button", name="A = −1" if sign < 0 else "A = +1").press("Enter")
    at = np.array([0, 0.8, 1.2, 3])
    ends = {"whole": [0, 3], "cut": at, "pushes": [0, 1.2] if sign > 0 else [0.8, 3]}
    ends["rests"] = [1.2, 3] if sign > 0 else [0, 0.8]
    for line, ratios in ends.items():
        ratios = np.array(ratios)
        gains = sign * (ratios if line in ("whole", "pushes") else ratios.clip(0.8, 1.2))
        points = figure.locator(f".gain .{line}").get_attribute("points").split()
        found = np.array([point.split(",") for point in points], float)
        assert np.abs(found - np.stack([30 + 100 * ratios, y(gains)], 1)).max() < 1e-9


# A group of answers.


@pytest.mark.parametrize("size", range(2, 9))
def test_the_answers_of_a_group_have_the_weights_of_pgutils(compute, size):
    rng = pg.generator(size)
    groups = [
        {"rewards": rng.choice(pay, size=size).tolist(), "lengths": rng.integers(1, 4, size=size).tolist()}
        for pay in ([0, 1], [1, 2], [-1, 0], [0], [2])
        for _ in range(3)
    ]
    found = compute(
        "answer-group",
        """const methods = Object.entries(explorables.answerGroup.METHODS);
        return given.map(({ rewards, lengths }) =>
            Object.fromEntries(methods.map(([name, weigh]) => [name, weigh(rewards, lengths)])));""",
        groups,
    )
    methods = {
        "REINFORCE": lambda batch: batch.returns,
        "RLOO": pg.rloo(size),
        "Dr. GRPO": pg.grpo(size, divide=False, length=None),
        "÷ deviation": pg.grpo(size, length=None),
        "GRPO": pg.grpo(size),
        "DAPO": pg.grpo(size, length="group"),
    }
    for group, weights in zip(groups, found, strict=True):
        lengths = torch.tensor(group["lengths"])
        mask = torch.arange(3) < lengths[:, None]
        last = torch.arange(3) == lengths[:, None] - 1
        rewards = (last * torch.tensor(group["rewards"])[:, None]).double()[None]
        batch = pg.EpisodeBatch(None, None, rewards, mask[None], None, None, None)
        assert_close(weights, {name: method(batch)[0].numpy() for name, method in methods.items()})


def test_the_answers_are_those_of_the_chapter():
    answers = answer_group()["answers"]
    assert len(answers) == 15
    assert [answer["text"] for answer in answers if answer["right"]] == ["ab.", "a.", "ba."]
    p = sum(answer["chance"] for answer in answers if answer["right"])
    assert abs(sum(answer["chance"] for answer in answers) - 1) < 1e-12
    assert f"{p:.3f}" == "0.176"  # as chapter 11 prints it
    assert f"{p**4 + (1 - p) ** 4:.5f}" == "0.46162"


def test_groups_fall_silent_as_often_as_expected(compute, live):
    shares = compute(
        "answer-group", "return given.map(([p, size]) => explorables.answerGroup.silent(p, size));", [[0.2, 2]]
    )
    assert abs(shares[0] - 0.68) < 1e-9
    figure = live("answer-group")
    figure.get_by_role("button", name="in nearly half").press("Enter")
    for _ in range(10):
        figure.get_by_role("button", name="Write 100 groups").press("Enter")
    said = re.fullmatch(
        r"(\d) of 4 right(, a silent group)?\. Silent so far: (\d+) of 1000 groups\.",
        figure.get_by_role("status").text_content(),
    )
    assert (said[2] is not None) == (said[1] in "04")
    assert abs(int(said[3]) - 461.6) < 4 * (1000 * 0.4616 * 0.5384) ** 0.5  # a false alarm in 16 000
    figure.get_by_text("The numbers").press("Enter")
    assert figure.locator("table").last.locator("td").all_text_contents() == [f"{said[3]} of 1000", "46.2%"]


def test_the_checker_is_overruled(live):
    figure = live("answer-group")
    buttons = figure.locator(".buttons").nth(1).get_by_role("button")
    assert buttons.all_text_contents() == ["ab. right", "bbb wrong", ". wrong", "b. wrong"]

    def said(method):
        return figure.get_by_role("img", name=f"Weights by {method}:").get_attribute("aria-label")

    assert said("RLOO").endswith("ab. 1.00; bbb −0.33; . −0.33; b. −0.33.")
    assert said("GRPO").endswith("ab. 0.58; bbb −0.19; . −0.58; b. −0.29.")
    rects = "rects => rects.map((rect) => [rect.classList[0], +rect.getAttribute('x'), +rect.getAttribute('width')])"
    bars = figure.get_by_role("img", name="Weights by GRPO:").locator("rect").evaluate_all(rects)
    for (kind, x, width), weight in zip(bars, np.array([3, -1, -3, -1.5]) / 27**0.5, strict=True):
        assert kind == ("towards" if weight > 0 else "against")
        assert abs(width - 44 * abs(weight) / 3**0.5) < 1e-9  # the largest weight of all, √3, fills the panel
        assert abs(x - 88 - 44 * min(0, weight) / 3**0.5) < 1e-9
    for i in (1, 2, 3):
        buttons.nth(i).press("Enter")
    assert said("÷ deviation").endswith("ab. 0.00; bbb 0.00; . 0.00; b. 0.00.")
    assert said("REINFORCE").endswith("ab. 1.00; bbb 1.00; . 1.00; b. 1.00.")
    figure.get_by_label("earn").select_option("0 and −1")
    assert said("REINFORCE").endswith("ab. 0.00; bbb 0.00; . 0.00; b. 0.00.")
    figure.get_by_role("slider", name="answers in a group").press("End")
    assert buttons.count() == 8
