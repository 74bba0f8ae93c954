"""What the known mistakes of chapter 6 are said to do, computed as in ``test_symptoms``."""

import itertools

import numpy as np
import pytest
import torch
from scipy import stats
from test_symptoms import spellings, wrong
from test_symptoms_of_updates import gradient, right

import pgutils as pg
from pgutils.exercises.testing import SKEWED, TWO, UPDATES, NeverCleared, passes, step, to_go
from pgutils.exercises.testing import right as right_update

# Normalising.

NORMAL = "normalisation"
MASK = np.arange(4) < np.array([[4], [2], [1]])
WEIGHTS = np.array([[3.0, 1.0, 2.0, 5.0], [6.0, 4.0, 9.0, -7.0], [1.0, -2.0, 8.0, 3.0]])


def padded(x, by):
    """An array with one more step."""
    return np.concatenate([x, np.full_like(x[..., :1], by)], -1)


def pushes(weights, mask):
    """How far a loss with a mask of its own pushes the logit of the action taken, at each step."""
    weights, mask = torch.as_tensor(weights), torch.as_tensor(mask)

    def loss(logits):
        return -logits.log_softmax(-1)[..., 0] * weights * mask

    return -gradient(loss, torch.zeros(*weights.shape, 2)).numpy()[..., 0]


@pytest.mark.parametrize("mistake", ["mask ignored", "mean of everything"])
def test_what_follows_the_end_has_a_say_in_the_mean(mistake):
    said = "the mean of the weights that are used is no longer 0: what follows the end has a say"
    assert abs(right(NORMAL)(WEIGHTS, MASK)[MASK].mean()) < 1e-12
    for normalised in spellings(NORMAL, mistake, said):
        once, further = normalised(WEIGHTS, MASK), normalised(padded(WEIGHTS, 8.0), padded(MASK, False))
        means = [once[MASK].mean(), further[padded(MASK, False)].mean()]
        assert np.abs(means).min() > 0.01
        assert means[0] != pytest.approx(means[1], abs=0.01)


def test_what_follows_the_end_has_a_say_in_the_size():
    for normalised in spellings(NORMAL, "deviation of everything", "depends on what stands after the end"):
        found = [normalised(np.where(MASK, WEIGHTS, after), MASK)[MASK].std() for after in (0.0, 5.0, 50.0)]
        assert len(set(np.round(found, 2))) == 3


@pytest.mark.parametrize(
    ("exercise", "mistake", "symptom"),
    [
        (NORMAL, "mask never used", "a loss without a mask would learn from steps that did not happen"),
        (NORMAL, "padding not zero", "none, if the loss has a mask of its own; without one it learns from what did no"),
        ("one-mean-for-all-runs", "padding not zero", "none, if the loss has a mask of its own, and a bug where it ha"),
    ],
)
def test_without_a_mask_one_learns_from_steps_that_did_not_happen(exercise, mistake, symptom):
    args = (WEIGHTS, MASK) if exercise == NORMAL else (WEIGHTS[None], MASK[None])
    wanted = right(exercise)(*args)
    for normalised in spellings(exercise, mistake, symptom):
        found = normalised(*args)
        assert pushes(found, np.ones_like(args[1]))[~args[1]].all()
        if "none" in symptom:
            scale = found[args[1]].std() / wanted[args[1]].std()
            np.testing.assert_allclose(pushes(found, args[1]), scale * pushes(wanted, args[1]), atol=1e-12)
            assert 0.999 < scale < 1.09  # of seven steps, divided by n or n - 1


def test_nothing_is_pushed_down():
    for mistake, symptom in (
        ("not centred", "where all weights are positive all actions are still pushed up"),
        ("between 0 and 1", "no weight is negative: nothing is ever pushed down"),
    ):
        normalised = wrong(NORMAL, mistake, symptom)
        assert (pushes(normalised(WEIGHTS, MASK), MASK) >= 0).all()
    assert (pushes(right(NORMAL)(WEIGHTS, MASK), MASK) < 0).any()
    assert (pushes(wrong(NORMAL, "between 0 and 1", "")(WEIGHTS - 100, MASK), MASK) >= 0).all()


def test_small_rewards_are_lost_below_a_bound():
    for bounded in spellings(NORMAL, "a bound below which nothing varies", "are ten-thousandths nothing is learned"):
        assert not pushes(bounded(WEIGHTS * 1e-4, MASK), MASK).any()
        assert pushes(bounded(WEIGHTS, MASK), MASK).any()
    assert pushes(right(NORMAL)(WEIGHTS * 1e-4, MASK), MASK).any()


def sizes(normalised, *batches):
    """The root mean square of the weights of some batches."""
    return [np.sqrt((normalised(weights, MASK)[MASK] ** 2).mean()) for weights in batches]


def test_the_size_of_the_weights():
    units = [WEIGHTS, 2 * WEIGHTS, 100 * WEIGHTS]
    for f in spellings(NORMAL, "not scaled", "the more the returns vary, the larger the weights"):
        np.testing.assert_allclose(sizes(f, *units), sizes(f, WEIGHTS)[0] * np.array([1, 2, 100]))
    for f in spellings(NORMAL, "divided by the variance", "the more the returns vary, the smaller the weights"):
        np.testing.assert_allclose(sizes(f, *units), sizes(f, WEIGHTS)[0] / np.array([1, 2, 100]))
    said = "the more deviations the mean is away from 0, the smaller the weights"
    f, shifted = wrong(NORMAL, "deviation from zero", said), WEIGHTS - WEIGHTS[MASK].mean()
    assert np.ptp(sizes(f, *units)) < 1e-6
    for sign in (1, -1):
        assert (np.diff(sizes(f, *(shifted + sign * by for by in (0, 1, 10, 100)))) < 0).all()
    assert np.ptp(sizes(right(NORMAL), *units, WEIGHTS + 10)) < 1e-6


def test_normalised_by_themselves_good_episodes_look_like_bad_ones():
    steps, all_taken = np.array([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]), np.ones((2, 3), bool)
    good_and_bad = steps + np.array([[100.0], [-100.0]])
    for normalised in spellings(NORMAL, "each episode by itself", "good episodes are no longer told from bad ones"):
        found = normalised(good_and_bad, all_taken)
        np.testing.assert_allclose(found[0], found[1], atol=1e-6)
        np.testing.assert_allclose(normalised(WEIGHTS, MASK).sum(1), 0, atol=1e-9)
    said = "no episode is compared with another: good ones are no longer told from bad ones"
    for normalised in spellings("one-mean-for-all-runs", "each episode by itself", said):
        found = normalised(good_and_bad[None], all_taken[None])[0]
        np.testing.assert_allclose(found[0], found[1], atol=1e-6)
        others = WEIGHTS + np.array([[0.0], [50.0], [-9.0]])
        before, after = (normalised(x[None], MASK[None])[0, 0] for x in (WEIGHTS, others))
        np.testing.assert_array_equal(before, after)


def test_steps_of_the_longest_episode_alone_get_no_weight():
    said = "a step that the longest episode alone has taken gets no weight"
    found = wrong(NORMAL, "each step by itself", said)(WEIGHTS, MASK)
    assert not found[0, 2:].any()
    assert found[MASK & (np.arange(4) < 2)].all()


def test_episodes_of_500_are_divided_by_zero():
    said = "where each step has the total return, a batch of 500s in CartPole turns all weights to NaN"
    normalised, rewards = wrong(NORMAL, "division by zero", said), np.ones((3, 500))
    with np.errstate(invalid="ignore"):
        assert np.isnan(normalised(np.full((3, 500), 500.0), rewards > 0)).all()
        assert np.isfinite(normalised(pg.rewards_to_go(rewards), rewards > 0)).all()


def test_the_last_digit_becomes_a_weight_of_up_to_one():
    alike, all_taken = np.full((1, 13), 99.34, np.float32), np.ones((1, 13), bool)
    assert 0 < abs(alike.mean() / alike[0, 0] - 1) < np.finfo(np.float32).resolution
    for normalised in spellings(NORMAL, "rounding blown up", "a difference in the last digit becomes weights of up to"):
        assert np.abs(normalised(alike, all_taken)).max() > 0.9
        for number in (99.34, 0.1, 1e6 + 0.1, 500.0):
            for dtype in (np.float32, np.float64):
                assert np.abs(normalised(np.full((1, 13), number, dtype), all_taken)).max() < 1 + 1e-6


# One mean for all runs.

SHARED = "one-mean-for-all-runs"


def test_how_a_run_learns_depends_on_its_padding():
    args = np.stack([WEIGHTS, 2 * WEIGHTS]), np.stack([MASK, MASK])
    further = padded(args[0], 8.0), padded(args[1], False)
    np.testing.assert_allclose(right(SHARED)(*args), right(SHARED)(*further)[..., :-1])
    for normalised in spellings(SHARED, "padding counted", "how a run learns depends on its padding"):
        before, after = normalised(*args), normalised(*further)[..., :-1]
        assert (np.abs(before - after)[args[1]] > 0.01).any(-1)


def interval_and_truth(normalised):
    """The variance that intervals suppose of the mean of two runs' estimates, over the variance that it has."""
    rng, estimates = pg.generator(0), []
    for _ in range(1000):
        scores = rng.choice([-1.0, 1.0], size=(2, 2, 2))
        weights = normalised(2 * scores + rng.normal(size=scores.shape), np.ones(scores.shape, bool))
        estimates.append((weights * scores).mean((1, 2)))
    estimates = np.array(estimates)
    return (estimates.var(1, ddof=1) / 2).mean() / estimates.mean(1).var(ddof=1)


def test_runs_that_depend_on_each_other_and_intervals_that_lie():
    runs, all_taken = pg.generator(0).normal(size=(2, 3, 4)), np.ones((2, 3, 4), bool)
    other = runs * np.array([[[1.0]], [[100.0]]])
    np.testing.assert_allclose(right(SHARED)(runs, all_taken)[0], right(SHARED)(other, all_taken)[0])
    assert interval_and_truth(right(SHARED)) == pytest.approx(1, abs=0.2)
    said = "runs that should be independent depend on each other, and intervals lie"
    for mistake in ("one mean for all runs", "axis of the runs"):
        for normalised in spellings(SHARED, mistake, said):
            assert np.abs(normalised(runs, all_taken)[0] - normalised(other, all_taken)[0]).max() > 0.1
            assert interval_and_truth(normalised) > 1.5


# The interquartile mean and its interval.

IQM = "iqm-interval"
EIGHT = np.array([210.0, 250.0, 290.0, 300.0, 310.0, 330.0, 360.0, 400.0])
HOPELESS = np.append(0.0, EIGHT[1:])
TWENTY = stats.norm.ppf((np.arange(20) + 0.5) / 20)


def resamples(runs, count=2000, seed=0):
    """Numbers of the runs of some resamples, shape (count, runs)."""
    return pg.generator(seed).integers(runs, size=(count, runs))


DRAWN = resamples(8)
RESAMPLED = stats.trim_mean(TWENTY[resamples(20)], 0.25, axis=1)


def outside(estimate):
    """The shares of the resampled IQMs of twenty runs below an interval and above it."""
    _, low, high = estimate(TWENTY, resamples(20))
    return (low > RESAMPLED).mean(), (high < RESAMPLED).mean()


def test_one_hopeless_run_of_eight():
    (before, *ends), (after, *new_ends) = (
        wrong(IQM, "mean", "drags the number down, and the interval widens")(scores, DRAWN)
        for scores in (EIGHT, HOPELESS)
    )
    (iqm, *iqm_ends), (iqm_after, *iqm_new_ends) = (right(IQM)(scores, DRAWN) for scores in (EIGHT, HOPELESS))
    assert after < before - 20
    assert iqm_after == iqm
    assert np.ptp(new_ends) - np.ptp(ends) > np.ptp(iqm_new_ends) - np.ptp(iqm_ends) + 20
    for depth in (0.0, -1e3, -1e6):
        scores = np.append(depth, EIGHT[1:])
        for f in spellings(IQM, "resamples not sorted", "drags the interval much too far down"):
            moved, should = (g(EIGHT, DRAWN)[1] - g(scores, DRAWN)[1] for g in (f, right(IQM)))
            assert moved > 1.5 * should > 0


def test_a_second_hopeless_run_of_eight():
    trimmed = wrong(IQM, "an eighth at each end", "a second hopeless run of eight still moves the number")
    two = np.append([0.0, 0.0], EIGHT[2:])
    for f, moves in ((trimmed, True), (right(IQM), False)):
        assert f(EIGHT, DRAWN)[0] == f(HOPELESS, DRAWN)[0]
        assert (f(two, DRAWN)[0] < f(HOPELESS, DRAWN)[0]) == moves


@pytest.mark.parametrize(
    ("mistake", "symptom", "sign"),
    [
        ("trimmed at one end", "the result looks better than it is", 1),
        ("trimmed at the other end", "the result looks worse than it is", -1),
    ],
)
def test_results_that_look_better_or_worse_than_they_are(mistake, symptom, sign):
    for scores in (EIGHT, HOPELESS, -HOPELESS):
        assert (sign * (wrong(IQM, mistake, symptom)(scores, DRAWN) - right(IQM)(scores, DRAWN)) > 0).all()


def test_which_runs_count():
    f = wrong(IQM, "not sorted", "which runs count depends on the order of their seeds")
    orders = [np.roll(EIGHT, by) for by in range(8)]
    assert len({f(scores, DRAWN)[0] for scores in orders}) > 1
    assert len({right(IQM)(scores, DRAWN)[0] for scores in orders}) == 1
    first = np.zeros((5, 8), int)  # the first run was drawn, again and again
    for f in spellings(IQM, "sorted before resampling", "no longer stand for the runs that they were drawn for"):
        assert (f(EIGHT[::-1], first)[1:] == EIGHT[0]).all()
    assert (right(IQM)(EIGHT[::-1], first)[1:] == EIGHT[-1]).all()


@pytest.mark.parametrize(
    ("resample", "left"),
    [
        ([0, 1, 2, 3, 5, 7, 8, 9], [2, 3, 5, 7]),
        ([0, 0, 2, 3, 5, 7, 8, 8], [2, 3, 5, 7]),
        ([0, 1, 2, 3, 3, 3, 8, 9], [2, 3, 3, 3]),
        ([0, 2, 2, 3, 5, 7, 8, 9], [2, 2, 3, 5, 7]),
        ([0, 1, 2, 3, 5, 7, 7, 9], [2, 3, 5, 7, 7]),
        ([0, 0, 0, 3, 8, 8, 8, 8], [0, 0, 0, 3, 8, 8, 8, 8]),
    ],
)
def test_resamples_with_ties_at_a_quartile_are_trimmed_less(resample, left):
    f = wrong(IQM, "cut by value", "a resample with ties at a quartile is trimmed less than others")
    np.testing.assert_allclose(f(np.array(resample, float), np.arange(8)[None]), np.mean(left))


@pytest.mark.parametrize(
    ("mistake", "symptom", "left_out"),
    [
        ("90%", "it leaves out twice as many resamples as it claims", 0.1),
        ("the middle half of the resamples", "it leaves out every other resample", 0.5),
    ],
)
def test_resamples_that_are_left_out(mistake, symptom, left_out):
    assert sum(outside(wrong(IQM, mistake, symptom))) == pytest.approx(left_out, abs=1e-3)
    assert sum(outside(right(IQM))) == pytest.approx(0.05, abs=1e-3)


def test_where_intervals_lie_among_the_resamples():
    for f in spellings(IQM, "95% on one side", "the interval is not in the middle of the resampled IQMs"):
        below, above = outside(f)
        assert abs(below - above) > 0.02
    for f in spellings(IQM, "shares for per cent", "both ends lie among the lowest hundredth of the resamples"):
        assert (f(TWENTY, resamples(20))[1:] < np.percentile(RESAMPLED, 1)).all()
    below, above = outside(right(IQM))
    assert below == pytest.approx(above, abs=1e-3)


def test_the_same_numbers_in_another_order():
    number, *ends = right(IQM)(HOPELESS, DRAWN)
    swapped = wrong(IQM, "ends swapped", "none but a negative length")(HOPELESS, DRAWN)
    assert swapped[2] - swapped[1] < 0
    assert [swapped[0], *sorted(swapped[1:])] == [number, *ends]
    for f in spellings(IQM, "order", "whoever plots it draws the point below its interval"):
        point, *interval = f(HOPELESS, DRAWN)
        assert point < min(interval)


def test_more_runs_do_not_narrow_the_spread_of_the_runs():
    def widths(f):
        many = [stats.norm.ppf((np.arange(n) + 0.5) / n) for n in (20, 320)]
        return [np.ptp(f(scores, resamples(len(scores)))[1:]) for scores in many]

    few, more = widths(right(IQM))
    assert more < few / 3
    for f in spellings(IQM, "spread of the runs", "more runs would not narrow it"):
        few, more = widths(f)
        assert more > 0.95 * few


def test_a_number_outside_of_its_own_interval():
    f = wrong(IQM, "interval of the mean", "the number may lie outside of its own interval")
    scores = np.append(np.full(16, 100.0), np.full(4, -1000.0))
    number, _, high = f(scores, resamples(20))
    assert number > high
    number, low, high = right(IQM)(scores, resamples(20))
    assert low <= number <= high


@pytest.mark.parametrize("mistake", ["mean of the resamples", "median of the resamples"])
def test_numbers_that_change_with_the_resamples(mistake):
    f = wrong(IQM, mistake, "the number changes with the resamples, though the runs are the same")
    for g, count in ((f, 5), (right(IQM), 1)):
        assert len({g(TWENTY, resamples(20, seed=seed))[0] for seed in range(5)}) == count


def test_intervals_around_a_few_runs():
    number, low, high = right(IQM)(HOPELESS, DRAWN)
    assert number - low > 2 * (high - number)
    for f in spellings(IQM, "normal approximation", "it lies evenly around the number, though the resamples of a few"):
        number, low, high = f(HOPELESS, DRAWN)
        assert number - low == pytest.approx(high - number)
    number, low, high = wrong(IQM, "reflected", "where resamples reach far down, it reaches far up")(HOPELESS, DRAWN)
    assert high - number > 2 * (number - low)


def test_extremes_widen_with_the_number_of_resamples():
    f = wrong(IQM, "extremes", "the interval widens with the number of resamples")
    drawn = resamples(20, count=20_000)
    widths = [[np.ptp(g(TWENTY, drawn[:count])[1:]) for count in (20, 200, 2000, 20_000)] for g in (f, right(IQM))]
    assert (np.diff(widths[0]) > 0).all()
    assert widths[0][-1] > 1.2 * widths[0][1]
    assert widths[1][-1] == pytest.approx(widths[1][1], rel=0.2)


# The probability of improvement.

WINS = "probability-of-improvement"
BETTER, WORSE = np.array([5.0, 1.0, 3.0, 6.0]), np.array([2.0, 4.0, 3.5, 0.5])


def test_the_worse_method_is_called_an_improvement():
    f = wrong(WINS, "the other way round", "the worse method is called an improvement")
    assert f(WORSE, BETTER) > 0.5 > right(WINS)(WORSE, BETTER)


def test_how_sure_one_may_be():
    for f in spellings(WINS, "means compared", "nothing says how sure one may be"):
        assert f(BETTER, WORSE) == f(BETTER + 100, WORSE) == 1
    assert right(WINS)(BETTER, WORSE) < right(WINS)(BETTER + 100, WORSE) == 1


def test_how_much_the_other_method_varies():
    said = "how much that other method varies makes no difference"
    runs, others = np.array([1.0, 2.0, 4.0]), [2.2 + spread * np.array([-1.0, 0.0, 1.0]) for spread in (0.1, 1, 9)]
    against, turned = spellings(WINS, "against the mean", said)
    assert len({against(runs, other) for other in others}) == 1
    assert len({turned(other, runs) for other in others}) == 1
    assert len({right(WINS)(runs, other) for other in others}) > 1


def test_the_order_of_the_runs():
    for f in spellings(WINS, "run by run", "the result depends on the order of the runs, which means nothing"):
        assert len({f(np.array(order), WORSE) for order in itertools.permutations(BETTER)}) > 2
    assert len({right(WINS)(np.array(order), WORSE) for order in itertools.permutations(BETTER)}) == 1


def test_more_runs_that_make_a_method_look_better():
    def growth(f, own, other):
        return f(np.tile(BETTER, own), np.tile(WORSE, other)) / f(BETTER, WORSE)

    count = wrong(WINS, "a count", "more runs make the method look better")
    assert growth(count, 3, 1) > 1
    for f in spellings(WINS, "divided by n²", "the more runs one method has, the better one of the two looks"):
        assert sorted([growth(f, 3, 1) > 1, growth(f, 1, 3) > 1]) == [False, True]
        assert growth(f, 3, 1) != 1 != growth(f, 1, 3)
    for f in spellings(WINS, "divided by n", "the probability may exceed 1"):
        assert f(BETTER, WORSE) > 1
    assert growth(right(WINS), 3, 1) == growth(right(WINS), 1, 3) == 1


# The explained variance.

EXPLAINED = "explained-variance"
RETURNS = np.array([1.0, 2.0, 4.0, 3.0, 7.0])
VALUES = np.array([1.5, 1.0, 5.0, 2.0, 6.0])


def learning(f):
    """What is said of values that go from a constant to the returns."""
    return [f(RETURNS.mean() + share * (RETURNS - RETURNS.mean()), RETURNS) for share in (0.0, 0.5, 0.9, 0.99, 0.9999)]


def test_values_that_learn():
    worse = wrong(EXPLAINED, "unexplained share", "a value function that learns seems to get worse")
    assert (np.diff(learning(worse)) < 0).all()
    endless = learning(wrong(EXPLAINED, "upside down", "the better the values, the lower the number, without limit"))
    assert (np.diff(endless) < 0).all()
    assert endless[-1] < -1e7
    assert (np.diff(learning(right(EXPLAINED))) > 0).all()


def test_values_that_are_all_too_high_lose_by_r_squared():
    f = wrong(EXPLAINED, "mean square of the error", "it is R², another good score: values that are all too high by 10")
    line = stats.linregress(VALUES, RETURNS)
    assert f(line.intercept + line.slope * VALUES, RETURNS) == pytest.approx(line.rvalue**2)
    assert f(VALUES + 10, RETURNS) < f(VALUES, RETURNS) - 10
    assert right(EXPLAINED)(VALUES + 10, RETURNS) == pytest.approx(right(EXPLAINED)(VALUES, RETURNS))


def test_shuffled_values_look_as_good():
    for f in spellings(EXPLAINED, "variance of the values", "shuffle the values, and they look as good as before"):
        found = [f(np.array(shuffled), RETURNS) for shuffled in itertools.permutations(VALUES)]
        np.testing.assert_allclose(found, f(VALUES, RETURNS))
    assert right(EXPLAINED)(np.sort(VALUES)[::-1], RETURNS) < 0 < right(EXPLAINED)(VALUES, RETURNS)


def test_a_number_that_depends_on_the_units():
    f = wrong(EXPLAINED, "one minus forgotten", "double the returns and the values, and the number is four times")
    assert f(2 * VALUES, 2 * RETURNS) == pytest.approx(4 * f(VALUES, RETURNS))
    assert right(EXPLAINED)(2 * VALUES, 2 * RETURNS) == pytest.approx(right(EXPLAINED)(VALUES, RETURNS))


# A test of an update.

TEST = "write-the-test"
BUGS = {name for name in UPDATES if not name.startswith("right")}


def slips_by(mistake, symptom):
    """The names of the updates that a mistaken test lets pass."""
    passed = passes(wrong(TEST, mistake, symptom))
    return {name for name, update in {**UPDATES, "gradient never cleared": NeverCleared()}.items() if passed(update)}


@pytest.mark.parametrize(
    ("mistake", "symptom", "slipping"),
    [
        ("asserts nothing", "it is green for ever", BUGS),
        ("called once", "the first batch is right", {"gradient never cleared"}),
        ("one episode", "credit may go to the wrong episode, and the test stays", {"another episode's weights"}),
        (
            "one episode, called once",
            "two of the six bugs stay in the code",
            {"another episode's weights", "gradient never cleared"},
        ),
        ("episodes of one step", "past, present and future are then the same", {"rewards so far", "product of means"}),
    ],
)
def test_bugs_that_slip_by(mistake, symptom, slipping):
    assert slips_by(mistake, symptom) & BUGS == slipping
    assert len(BUGS) == 6


def test_tests_that_are_always_red_or_may_break():
    assert not slips_by("refuses everything", "nobody believes a test that is always red")
    exact = passes(wrong(TEST, "exact equality", "it may break when anything is computed in another order"))

    def turned_round(theta, episodes, alpha):
        return right_update(theta, episodes[::-1], alpha)

    def alpha_first(theta, episodes, alpha):
        steps = (step(theta, [e], [to_go(e[2]) * (alpha / len(episodes))]) for e in episodes)
        return theta + sum(steps)

    for update, verdict in ((right_update, 1), (turned_round, 1), (alpha_first, 0)):
        np.testing.assert_allclose(update(SKEWED, TWO, 0.1), right_update(SKEWED, TWO, 0.1))
        assert exact(update) == verdict


def test_what_slips_by_does():
    never, once = NeverCleared(), right_update(SKEWED, TWO, 0.1) - SKEWED
    for steps in (1, 2, 3):  # the first is right
        np.testing.assert_allclose(never(SKEWED, TWO, 0.1) - SKEWED, steps * once)
    first, (states, actions, rewards) = TWO
    richer = [first, (states, actions, rewards + 5)]
    for update, credited in ((UPDATES["another episode's weights"], True), (right_update, False)):
        assert (update(SKEWED, TWO, 0.1)[0] != update(SKEWED, richer, 0.1)[0]).any() == credited
    passed = passes(wrong(TEST, "episodes of one step", "past, present and future are then the same"))
    for weights, sees in ((np.cumsum, True), (np.array, True), (to_go, True), (np.zeros_like, False)):
        assert passed(lambda *args, weights=weights: right_update(*args, weights)) == sees
