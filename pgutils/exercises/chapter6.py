"""The exercises of chapter 6: normalising, and what to report of several runs."""

import numpy as np
from scipy import stats

from pgutils.exercises.exercise import Convention, Exercise, Mistake


def centred(weights, mask):
    """Return the weights shifted to mean 0 over the steps of the mask; 0 elsewhere."""
    shifted = weights - weights[mask][0]  # changes nothing, and makes equal weights exactly 0
    return (shifted - shifted[mask].mean()) * mask


def scaled(weights, mask, ddof=1, epsilon=1e-8, power=0.5):
    """Return the weights shifted and scaled to mean 0 and deviation 1, over the steps of the mask; 0 elsewhere."""
    difference = centred(weights, mask)
    return difference / (((difference**2).sum() / (mask.sum() - ddof)) ** power + epsilon)


def plainly(weights, mask, ddof=1, epsilon=1e-8):
    """Return the same without care for the rounding of a mean."""
    return (weights - weights[mask].mean()) * mask / (weights[mask].std(ddof=ddof) + epsilon)


def alike_as_0(weights, mask, ddof=1):
    """Return the same with 0 where nothing is divided by nothing."""
    with np.errstate(invalid="ignore"):
        return np.nan_to_num(plainly(weights, mask, ddof, epsilon=0.0))


def from_masked_sums(weights, mask, ddof=1):
    """Return the same from sums of masked arrays, without care for the rounding of a mean."""
    difference = (weights - (weights * mask).sum() / mask.sum()) * mask
    return difference / (np.sqrt((difference**2).sum() / (mask.sum() - ddof)) + 1e-8)


def beyond_the_mask(weights, mask, ddof=1):
    """Return the weights with the right mean and deviation, but padded steps scaled as well."""
    shifted = weights - weights[mask][0]
    taken = shifted[mask]
    return (shifted - taken.mean()) / (taken.std(ddof=ddof) + 1e-8)


def of_everything(weights, ddof=1):
    """Return the weights with mean and deviation taken over the padding, too."""
    return scaled(weights, np.ones(weights.shape, dtype=bool), ddof)


def mean_beyond_the_mask(weights, mask, ddof=1):
    """Return the weights with the mean taken over the padding, too, and the deviation over the steps taken."""
    return (weights - weights.mean()) * mask / (weights[mask].std(ddof=ddof) + 1e-8)


def deviation_beyond_the_mask(weights, mask, ddof=1):
    """Return the weights with the deviation taken over the padding, too, and the mean over the steps taken."""
    return (weights - weights[mask].mean()) * mask / (weights.std(ddof=ddof) + 1e-8)


def zeros_counted(weights, mask, ddof=1):
    """Return the weights with the padding set to 0 first and then counted."""
    return of_everything(weights * mask, ddof) * mask


def row_by_row(weights, mask, ddof=0):
    """Return the weights, those of each episode scaled by themselves; 0 in an episode of one step."""
    rows = zip(weights, mask, strict=True)
    return np.array([scaled(row, taken, ddof=min(ddof, taken.sum() - 1)) for row, taken in rows])


def step_by_step(weights, mask):
    """Return the weights, those of each step of all episodes scaled by themselves."""
    return row_by_row(weights.T, mask.T).T


RAGGED = np.array([[True, True, True], [True, False, False]])
LENGTHS = np.arange(6) < np.array([[6], [3], [4]])  # thirteen steps
WEIGHTS = np.array([[3.0, 1.0, 2.0], [6.0, -4.0, 9.0]])


def alike(number, dtype):
    """Return weights that are all alike over the thirteen steps taken, and their mask."""
    return np.where(LENGTHS, number, -3.0).astype(dtype), LENGTHS


def another_epsilon(epsilon):
    """Return the convention of those who add another small number to the deviation."""

    def wrap(answer):
        def wrapped(weights, mask):
            deviation, alike = weights[mask].std(ddof=1), np.ptp(weights[mask]) == 0
            return answer(weights, mask) * (1 if alike else (deviation + 1e-8) / (deviation + epsilon))

        return wrapped

    explanation = f"You add {epsilon:g} to the deviation, the book 1e-08: only weights that are nearly alike notice."
    return Convention(f"ε = {epsilon:g}", explanation=explanation, wrap=wrap)


NORMALISATION = Exercise(
    name="normalisation",
    chapter=6,
    solution=lambda weights, mask: scaled(weights, mask),
    probes={
        "two steps": (np.array([[1.0, 3.0]]), np.array([[True, True]])),
        "a padded episode": (WEIGHTS, RAGGED),
        "a large offset": (WEIGHTS + 1000.0, RAGGED),
        "all alike": (np.array([[2.0, 2.0, 2.0], [2.0, 5.0, -1.0]]), RAGGED),
        "three episodes": (np.cos(np.arange(18.0)).reshape(3, 6), LENGTHS),
        "all 99.34 in float32": alike(99.34, np.float32),
        "all 1000000.1": alike(1e6 + 0.1, np.float64),
        "nearly alike": (5e-4 * np.sin(np.arange(800.0)).reshape(2, 400), np.ones((2, 400), dtype=bool)),
    },
    tolerance=3e-5,  # so that a small number of 1e-8 or less in the denominator makes no difference
    conventions=(
        another_epsilon(1e-5),
        another_epsilon(1e-6),
        another_epsilon(1e-7),
        Convention(
            "ddof = 0",
            explanation="You divide by n (ddof = 0), the book by n - 1 (ddof = 1, as torch.std does and numpy.std "
            "does not). With hundreds of steps in a batch nobody can tell them apart; use one of them throughout.",
            wrap=lambda answer: lambda weights, mask: answer(weights, mask) * (mask.sum() / (mask.sum() - 1)) ** 0.5,
        ),
    ),
    mistakes=(
        Mistake(
            "mask ignored",
            lambda weights, mask: of_everything(weights) * mask,
            "mean and deviation include the padding.",
            "the mean of the weights that are used is no longer 0: what follows the end has a say.",
            "how many numbers does the mean run over, and how many steps were taken?",
            also=(
                lambda weights, mask: of_everything(weights, ddof=0) * mask,
                zeros_counted,
                lambda weights, mask: zeros_counted(weights, mask, ddof=0),
            ),
        ),
        Mistake(
            "mean of everything",
            mean_beyond_the_mask,
            "the deviation is right, but the mean includes the padding.",
            "the mean of the weights that are used is no longer 0: what follows the end has a say.",
            "how many numbers does the mean run over, and how many steps were taken?",
            also=(lambda weights, mask: mean_beyond_the_mask(weights, mask, ddof=0),),
        ),
        Mistake(
            "deviation of everything",
            deviation_beyond_the_mask,
            "the mean is right, but the deviation includes the padding.",
            "the size of the weights depends on what stands after the end.",
            "how many numbers does the deviation run over, and how many steps were taken?",
            also=(lambda weights, mask: deviation_beyond_the_mask(weights, mask, ddof=0),),
        ),
        Mistake(
            "mask never used",
            lambda weights, mask: of_everything(weights),
            "the mask is not used at all, and steps that were never taken get weights.",
            "a loss without a mask would learn from steps that did not happen.",
            "what is in the array where no step was taken?",
            also=(lambda weights, mask: of_everything(weights, ddof=0),),
        ),
        Mistake(
            "padding not zero",
            beyond_the_mask,
            "all is right but the padded steps, which have weights.",
            "none, if the loss has a mask of its own; without one it learns from what did not happen.",
            "what should the weight of a step be that did not happen?",
            also=(
                lambda weights, mask: beyond_the_mask(weights, mask, ddof=0),
                lambda weights, mask: np.where(mask, scaled(weights, mask), weights),
            ),
        ),
        Mistake(
            "not centred",
            lambda weights, mask: weights * mask / (weights[mask].std(ddof=1) + 1e-8),
            "the mean is not subtracted.",
            "where all weights are positive all actions are still pushed up.",
            "what should the mean of the result be?",
        ),
        Mistake(
            "not scaled",
            centred,
            "the mean is subtracted, but nothing is divided.",
            "the more the returns vary, the larger the weights, as before.",
            "what should the deviation of the result be?",
        ),
        Mistake(
            "divided by the variance",
            lambda weights, mask: scaled(weights, mask, power=1),
            "you divide by the variance, not by its root.",
            "the more the returns vary, the smaller the weights.",
            "double all weights: the result must not change.",
            also=(lambda weights, mask: scaled(weights, mask, ddof=0, power=1),),
        ),
        Mistake(
            "between 0 and 1",
            lambda weights, mask: (
                (weights - weights[mask].min()) * mask / (weights[mask].max() - weights[mask].min() + 1e-8)
            ),
            "you scale the weights to lie between 0 and 1.",
            "no weight is negative: nothing is ever pushed down.",
            "what should the mean of the result be, and what its deviation?",
        ),
        Mistake(
            "each episode by itself",
            row_by_row,
            "each episode is normalised by itself.",
            "good episodes are no longer told from bad ones.",
            "over which steps should the mean run: of one episode, or of all?",
            also=(lambda weights, mask: row_by_row(weights, mask, ddof=1),),
        ),
        Mistake(
            "each step by itself",
            step_by_step,
            "each step is normalised by itself, over the episodes.",
            "a step that the longest episode alone has taken gets no weight.",
            "over which steps should the mean run: of one number t, or of all?",
        ),
        Mistake(
            "deviation from zero",
            lambda weights, mask: centred(weights, mask) / (np.sqrt((weights[mask] ** 2).mean()) + 1e-8),
            "you divide by the root of the mean square of the weights, not by their deviation from the mean.",
            "the more deviations the mean is away from 0, the smaller the weights.",
            "from where is the deviation measured?",
        ),
        Mistake(
            "a bound below which nothing varies",
            lambda weights, mask: scaled(weights, mask) * (weights[mask].std() > 1e-3),
            "right, but a deviation below some bound of yours counts as none.",
            "where rewards are ten-thousandths nothing is learned.",
            "which deviation comes from rounding alone?",
            also=(lambda weights, mask: scaled(weights, mask, ddof=0) * (weights[mask].std() > 1e-3),),
        ),
        Mistake(
            "division by zero",
            lambda weights, mask: scaled(weights, mask, epsilon=0.0),
            "right, until all weights are alike: then you divide 0 by 0.",
            "where each step has the total return, a batch of 500s in CartPole turns all weights to NaN.",
            "a very small number in the denominator does no harm elsewhere.",
        ),
        Mistake(
            "rounding blown up",
            plainly,
            "right, until all weights are alike and their mean is rounded.",
            "a difference in the last digit becomes weights of up to 1.",
            "of which x - y do you know that it is exactly 0? Subtract that first.",
            also=(
                lambda weights, mask: plainly(weights, mask, ddof=0),
                *(
                    lambda weights, mask, ddof=ddof, e=e: plainly(weights, mask, ddof, e)
                    for ddof in (0, 1)
                    for e in (1e-6, 1e-7, 1e-10, 1e-12)
                ),
                alike_as_0,
                lambda weights, mask: alike_as_0(weights, mask, ddof=0),
                from_masked_sums,
                lambda weights, mask: from_masked_sums(weights, mask, ddof=0),
            ),
        ),
    ),
    hints=(
        "`weights[mask]` holds the weights of the steps that were taken, and nothing else.",
        "Which three things must hold of the result: its mean, its deviation, and the padded steps?",
        "Try thirteen weights of 99.34 in float32. Is their mean 99.34?",
    ),
)


def trimmed(scores):
    """Return the interquartile mean along the last axis."""
    return unsorted_middle(np.sort(scores, -1))


def interval_of(statistic, low=2.5, high=97.5, centre=None):
    """Return a function that gives a statistic and a bootstrap interval for it, from resamples that are given."""

    def estimate(scores, resamples):
        ends = np.percentile(statistic(scores[resamples]), [low, high])
        return np.array([(centre or statistic)(scores), *ends])

    return estimate


def normal_interval(scores, resamples, ddof=0):
    """Return the IQM and 1.96 standard deviations of its resamples on either side."""
    half = 1.96 * trimmed(scores[resamples]).std(ddof=ddof)
    return np.array([trimmed(scores), trimmed(scores) - half, trimmed(scores) + half])


def spread(scores, resamples):
    """Return the IQM and the middle 95% of the runs themselves."""
    return np.array([trimmed(scores), *np.percentile(scores, [2.5, 97.5])])


def reflected(scores, resamples):
    """Return the IQM and the interval whose ends are reflected at it (the "basic" bootstrap interval)."""
    centre, low, high = interval_of(trimmed)(scores, resamples)
    return np.array([centre, 2 * centre - high, 2 * centre - low])


def unsorted_middle(scores):
    """Return the mean of the middle half in the order in which the runs stand."""
    quarter = scores.shape[-1] // 4
    return scores[..., quarter : scores.shape[-1] - quarter].mean(-1)


def half_of(scores, side):
    """Return the mean of all but the worst quarter of the runs (``side`` 1), or but the best (-1)."""
    quarter = scores.shape[-1] // 4
    return np.sort(scores, -1)[..., ::side][..., quarter:].mean(-1)


def between_quartiles(scores):
    """Return the mean of the scores that lie between the quartiles, however many those are."""
    low, high = np.percentile(scores, [25, 75], axis=-1)
    inside = (scores >= low[..., None]) & (scores <= high[..., None])
    return (scores * inside).sum(-1) / inside.sum(-1)


def sorted_among_the_resamples(scores):
    """Return the IQM, but of resamples sorted along the wrong axis."""
    return unsorted_middle(np.sort(scores, 0))


def runs(count, seed, decimals=0):
    """Return the scores of some runs, one of them hopeless, and 200 resamples, the same every time."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(300, 80, size=count).round(decimals)
    scores[rng.integers(count)] = 20.0
    return scores, rng.integers(count, size=(200, count))


def defensible(scores, resamples, numbers):
    """Return whether these are the IQM and, by some definition, the 2.5% and 97.5% quantiles of the resampled IQMs.

    Definitions differ in what they give between two neighbours among the sorted numbers.
    """
    middle, last = np.sort(trimmed(scores[resamples])), len(resamples) - 1
    below = np.array([0.025, 0.975]) * len(middle)  # how many lie below
    left, right = np.ceil(below.round(9)).astype(int) - 1, np.floor(below.round(9)).astype(int)
    lowest = np.append(trimmed(scores), middle[np.clip(np.minimum(left, right), 0, last)])
    highest = np.append(trimmed(scores), middle[np.clip(np.maximum(left, right), 0, last)])
    slack = 1e-5 * highest.max()
    return np.shape(numbers) == (3,) and bool(((numbers >= lowest - slack) & (numbers <= highest + slack)).all())


INTERVAL = Exercise(
    name="iqm-interval",
    chapter=6,
    solution=interval_of(trimmed),
    probes={
        "four runs": runs(4, seed=1),
        "eight runs": runs(8, seed=2),
        "sixteen runs": runs(16, seed=3),
        "twenty runs": runs(20, seed=4, decimals=3),
        "equal runs": (np.full(4, 7.0), np.array([[0, 1, 2, 3], [3, 3, 1, 0], [2, 2, 2, 2]])),
    },
    accepts=lambda results: all(
        defensible(*runs, numbers) for runs, numbers in zip(INTERVAL.probes.values(), results, strict=True)
    ),
    mistakes=(
        Mistake(
            "mean",
            interval_of(lambda scores: scores.mean(-1)),
            "this is the mean of all runs, with an interval for it.",
            "one hopeless run of eight drags the number down, and the interval widens.",
            "which runs belong to the middle half?",
        ),
        Mistake(
            "median",
            interval_of(lambda scores: np.median(scores, -1)),
            "this is the median, with an interval for it.",
            "robust; but of eight normal scores it varies more than the IQM.",
            "a quarter of the runs goes at each end; what is done with the rest?",
        ),
        Mistake(
            "trimmed at one end",
            interval_of(lambda scores: half_of(scores, 1)),
            "you drop the worst quarter of the runs and keep the best.",
            "the result looks better than it is.",
            "lucky runs are to be left out as well.",
        ),
        Mistake(
            "trimmed at the other end",
            interval_of(lambda scores: half_of(scores, -1)),
            "you drop the best quarter of the runs and keep the worst.",
            "the result looks worse than it is.",
            "hopeless runs are to be left out as well.",
        ),
        Mistake(
            "an eighth at each end",
            interval_of(lambda scores: stats.trim_mean(scores, 0.125, axis=-1)),
            "too few runs are left out: an eighth at each end.",
            "a second hopeless run of eight still moves the number.",
            "the middle half: how much must go at either end?",
        ),
        Mistake(
            "not sorted",
            interval_of(unsorted_middle),
            "you take the runs in the middle of the list, not those of middling scores.",
            "which runs count depends on the order of their seeds.",
            "what has to be done with the scores before the ends are cut off?",
        ),
        Mistake(
            "resamples not sorted",
            interval_of(unsorted_middle, centre=trimmed),
            "the number is right, but the resamples are not sorted, each by itself.",
            "one hopeless run of eight drags the interval much too far down.",
            "apply the same function to the scores and to the resamples.",
            also=(interval_of(sorted_among_the_resamples, centre=trimmed),),
        ),
        Mistake(
            "sorted before resampling",
            lambda scores, resamples: interval_of(unsorted_middle, centre=trimmed)(np.sort(scores), resamples),
            "you sort the scores first, and then pick the resamples from them.",
            "the numbers in `resamples` no longer stand for the runs that they were drawn for.",
            "is a resample of sorted scores sorted?",
            also=(lambda scores, resamples: interval_of(trimmed)(np.sort(scores), resamples),),
        ),
        Mistake(
            "cut by value",
            interval_of(between_quartiles),
            "you keep the scores between the quartiles, of which resamples with ties have too many.",
            "a resample with ties at a quartile is trimmed less than others.",
            "count instead: of n runs, how many go at each end?",
        ),
        Mistake(
            "90%",
            interval_of(trimmed, 5, 95),
            "this interval leaves out 5% on each side: it is a 90% interval.",
            "it leaves out twice as many resamples as it claims.",
            "95% in the middle leave how much on each side?",
        ),
        Mistake(
            "95% on one side",
            interval_of(trimmed, 0, 95),
            "you leave out more at one end than at the other.",
            "the interval is not in the middle of the resampled IQMs.",
            "95% in the middle leave how much on each side?",
            also=(interval_of(trimmed, 5, 100), interval_of(trimmed, 2.5, 95), interval_of(trimmed, 5, 97.5)),
        ),
        Mistake(
            "shares for per cent",
            interval_of(trimmed, 0.025, 0.975),
            "`np.percentile` wants per cent, and you give it shares of 1.",
            "both ends lie among the lowest hundredth of the resamples.",
            "print the two ends. Does the IQM lie between them?",
            also=(interval_of(trimmed, 0.05, 0.95),),
        ),
        Mistake(
            "the middle half of the resamples",
            interval_of(trimmed, 25, 75),
            "these are the quartiles of the resampled IQMs: an interval of 50%.",
            "it leaves out every other resample.",
            "the quarters are those of the runs. How much of the resamples is to lie inside?",
        ),
        Mistake(
            "ends swapped",
            interval_of(trimmed, 97.5, 2.5),
            "the two ends have changed places.",
            "none but a negative length.",
            "read the last line of the task again.",
        ),
        Mistake(
            "order",
            lambda scores, resamples: interval_of(trimmed)(scores, resamples)[[1, 0, 2]],
            "the numbers are right, and the IQM is not the first of them.",
            "whoever plots it draws the point below its interval.",
            "read the last line of the task again.",
            also=(lambda scores, resamples: interval_of(trimmed)(scores, resamples)[[1, 2, 0]],),
        ),
        Mistake(
            "spread of the runs",
            spread,
            "this is the spread of single runs, not the uncertainty of their IQM.",
            "more runs would not narrow it.",
            "what do the resamples stand for? Take the IQM of each.",
            also=(lambda scores, resamples: np.array([trimmed(scores), *np.percentile(scores, [25, 75])]),),
        ),
        Mistake(
            "interval of the mean",
            interval_of(lambda scores: scores.mean(-1), centre=trimmed),
            "the number is the IQM, but the interval is one for the mean.",
            "the number may lie outside of its own interval.",
            "apply the same statistic to the scores and to the resamples.",
        ),
        Mistake(
            "mean of the resamples",
            lambda scores, resamples: np.array(
                [trimmed(scores[resamples]).mean(), *interval_of(trimmed)(scores, resamples)[1:]]
            ),
            "the interval is right, but the number is the mean of the resampled IQMs.",
            "the number changes with the resamples, though the runs are the same.",
            "of what is the first number the IQM?",
        ),
        Mistake(
            "median of the resamples",
            lambda scores, resamples: np.array(
                [np.median(trimmed(scores[resamples])), *interval_of(trimmed)(scores, resamples)[1:]]
            ),
            "the interval is right, but the number is the median of the resampled IQMs.",
            "the number changes with the resamples, though the runs are the same.",
            "of what is the first number the IQM?",
        ),
        Mistake(
            "normal approximation",
            normal_interval,
            "this is 1.96 standard deviations on either side.",
            "it lies evenly around the number, though the resamples of a few runs do not.",
            "between which two values do the middle 95% of the resampled IQMs lie?",
            also=(lambda scores, resamples: normal_interval(scores, resamples, ddof=1),),
        ),
        Mistake(
            "reflected",
            reflected,
            "you reflect the ends at the IQM, as the “basic” bootstrap does; the percentile interval does not.",
            "where resamples reach far down, it reaches far up.",
            "between which two values do the middle 95% of the resampled IQMs lie?",
        ),
        Mistake(
            "extremes",
            interval_of(trimmed, 0, 100),
            "these are the smallest and the largest of the resampled IQMs.",
            "the interval widens with the number of resamples.",
            "95% of the resamples are to lie inside, not all.",
        ),
    ),
    hints=(
        "`scores[resamples]` has shape (resamples, runs): each row is one more experiment that might have been.",
        "One function for the IQM, along the last axis, serves for the scores and for the resamples.",
        "`np.percentile` finds the ends of the interval.",
    ),
)


def pairs(scores, baseline, ties):
    """Return the share of pairs in which the first is larger, counting ties as given."""
    difference = scores[:, None] - baseline
    return ((difference > 0) + ties * (difference == 0)).mean()


def decided(scores, baseline):
    """Return the share of wins among the pairs that are not tied; NaN if all are."""
    wins, losses = pairs(scores, baseline, 0.0), pairs(baseline, scores, 0.0)
    return wins / np.float64(wins + losses)


def paired(scores, baseline, wins):
    """Return the mean of ``wins`` of the first run of each, the second of each, and so on."""
    count = min(len(scores), len(baseline))
    return wins(scores[:count], baseline[:count]).mean()


IMPROVEMENT = Exercise(
    name="probability-of-improvement",
    chapter=6,
    solution=lambda scores, baseline: pairs(scores, baseline, 0.5),
    probes={
        "one run each": (np.array([2.0]), np.array([1.0])),
        "a tie": (np.array([2.0]), np.array([2.0])),
        "three against three": (np.array([5.0, 1.0, 3.0]), np.array([2.0, 4.0, 3.5])),
        "many ties": (np.array([500.0, 200.0, 500.0]), np.array([500.0, 100.0, 300.0])),
        "three against two": (np.array([1.0, 3.0, 3.0]), np.array([2.0, 3.0])),
        "two against five": (np.array([-1.0, 5.0]), np.array([4.0, -2.0, 7.0, 4.0, 0.5])),
        "close scores": (np.array([0.93, 0.96]), np.array([0.92, 0.95, 0.9])),
    },
    mistakes=(
        Mistake(
            "ties lose",
            lambda scores, baseline: pairs(scores, baseline, 0.0),
            "you count ties as losses.",
            "of two methods that both reach 500 in CartPole neither ever seems to beat the other.",
            "of two equal methods, how often should one beat the other?",
        ),
        Mistake(
            "ties win",
            lambda scores, baseline: pairs(scores, baseline, 1.0),
            "you count ties as wins.",
            "two methods that both reach 500 in CartPole each beat the other.",
            "of two equal methods, how often should one beat the other?",
        ),
        Mistake(
            "ties left out",
            decided,
            "you leave ties out.",
            "with one win, and all other pairs tied, the method seems to win always.",
            "how much of a win is a tie?",
        ),
        Mistake(
            "the other way round",
            lambda scores, baseline: pairs(baseline, scores, 0.5),
            "this is the chance that the baseline wins.",
            "the worse method is called an improvement.",
            "which of the two is to be the larger one?",
        ),
        Mistake(
            "wins less losses",
            lambda scores, baseline: np.sign(scores[:, None] - baseline).mean(),
            "this is the share of wins less that of losses.",
            "two equal methods get 0, and the worse one a negative number.",
            "of two equal methods, how often should one beat the other?",
        ),
        Mistake(
            "means compared",
            lambda scores, baseline: np.heaviside(scores.mean() - baseline.mean(), 0.5),
            "you compare one number of each method: that is a yes or no, not a probability.",
            "nothing says how sure one may be.",
            "draw one run of each. How many pairs are there?",
            also=(
                lambda scores, baseline: np.heaviside(scores.mean() - baseline.mean(), 0.0),
                lambda scores, baseline: np.heaviside(np.median(scores) - np.median(baseline), 0.5),
            ),
        ),
        Mistake(
            "against the mean",
            lambda scores, baseline: np.heaviside(scores - baseline.mean(), 0.5).mean(),
            "you compare the runs of one method with the mean of the other.",
            "how much that other method varies makes no difference.",
            "each run meets each run of the other method.",
            also=(lambda scores, baseline: np.heaviside(scores.mean() - baseline, 0.5).mean(),),
        ),
        Mistake(
            "run by run",
            lambda scores, baseline: paired(scores, baseline, lambda a, b: np.heaviside(a - b, 0.5)),
            "you compare the first with the first, the second with the second, and so on.",
            "the result depends on the order of the runs, which means nothing.",
            "each run meets each run of the other method.",
            also=(lambda scores, baseline: paired(scores, baseline, lambda a, b: a > b),),
        ),
        Mistake(
            "a count",
            lambda scores, baseline: pairs(scores, baseline, 0.5) * len(scores) * len(baseline),
            "this is the number of wins, not their share.",
            "more runs make the method look better.",
            "how many pairs are there?",
        ),
        Mistake(
            "divided by n²",
            lambda scores, baseline: pairs(scores, baseline, 0.5) * len(baseline) / len(scores),
            "you divide by the square of the number of runs of one of them.",
            "the more runs one method has, the better one of the two looks.",
            "how many pairs are there?",
            also=(lambda scores, baseline: pairs(scores, baseline, 0.5) * len(scores) / len(baseline),),
        ),
        Mistake(
            "divided by n",
            lambda scores, baseline: pairs(scores, baseline, 0.5) * len(baseline),
            "you divide by the number of runs, not of pairs.",
            "the probability may exceed 1.",
            "how many pairs are there?",
            also=(
                lambda scores, baseline: pairs(scores, baseline, 0.5) * len(scores),
                lambda scores, baseline: (
                    pairs(scores, baseline, 0.5) * len(scores) * len(baseline) / (len(scores) + len(baseline))
                ),
            ),
        ),
    ),
    hints=(
        "Draw one run of each method: how many pairs are possible?",
        "`scores[:, None] > baseline` compares each with each.",
        "For two methods that are the same, the answer must be ½.",
    ),
)


def explained(values, returns):
    """Return the share of the returns' variance that the values explain."""
    return 1 - (returns - values).var() / returns.var()


def covariance(values, returns):
    """Return the covariance of values and returns."""
    return ((values - values.mean()) * (returns - returns.mean())).mean()


EXPLAINED_VARIANCE = Exercise(
    name="explained-variance",
    chapter=6,
    solution=explained,
    probes={
        "a perfect prediction": (np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0])),
        "a constant": (np.array([2.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0])),
        "a constant offset": (np.array([11.0, 12.0, 13.0]), np.array([1.0, 2.0, 3.0])),
        "worse than nothing": (np.array([3.0, 2.0, 1.0]), np.array([1.0, 2.0, 3.0])),
        "a fair prediction": (np.array([1.5, 1.0, 5.0, 2.0]), np.array([1.0, 2.0, 4.0, 3.0])),
        "larger returns": (np.array([30.0, 10.0, 60.0, 25.0, 80.0]), np.array([35.0, 0.0, 90.0, 20.0, 60.0])),
    },
    mistakes=(
        Mistake(
            "unexplained share",
            lambda values, returns: 1 - explained(values, returns),
            "this is the share that is not explained.",
            "a value function that learns seems to get worse.",
            "what should a perfect prediction get?",
        ),
        Mistake(
            "mean square of the error",
            lambda values, returns: 1 - ((returns - values) ** 2).mean() / returns.var(),
            "you use the mean square of the error, not its variance.",
            "it is R², another good score: values that are all too high by 10 lose by it.",
            "what does a variance do with a constant offset?",
        ),
        Mistake(
            "mean square of the returns",
            lambda values, returns: 1 - ((returns - values) ** 2).mean() / (returns**2).mean(),
            "you use mean squares, above the line and below, not variances.",
            "returns far from 0 make their mean, a constant, look like good values.",
            "what does a variance do with a constant offset?",
        ),
        Mistake(
            "mean square below the line",
            lambda values, returns: 1 - (returns - values).var() / (returns**2).mean(),
            "you divide by the mean square of the returns, not by their variance.",
            "returns far from 0 make their mean, a constant, look like good values.",
            "what does a variance do with a constant offset?",
        ),
        Mistake(
            "two kinds of variance",
            lambda values, returns: 1 - (returns - values).var() / returns.var(ddof=1),
            "one of your variances is divided by n, the other by n - 1.",
            "a constant does not get 0: for three steps it gets a third, or -½.",
            "`ddof` of NumPy is 0, and torch divides by n - 1. Use one of them for both.",
            also=(
                lambda values, returns: 1 - (returns - values).var(ddof=1) / returns.var(),
                lambda values, returns: 1 - ((returns - values) ** 2).sum() / (len(returns) - 1) / returns.var(),
                lambda values, returns: 1 - ((returns - values) ** 2).mean() / returns.var(ddof=1),
            ),
        ),
        Mistake(
            "divided by the wrong variance",
            lambda values, returns: 1 - (returns - values).var() / np.where(values.var(), values.var(), np.nan),
            "you divide by the variance of the values.",
            "values that vary wildly get about 0, where the right number is far below.",
            "whose variance is to be explained?",
        ),
        Mistake(
            "variance of the values",
            lambda values, returns: values.var() / returns.var(),
            "you compare the variances of values and returns.",
            "shuffle the values, and they look as good as before.",
            "look at the error, return minus value.",
            also=(lambda values, returns: 1 - values.var() / returns.var(),),
        ),
        Mistake(
            "upside down",
            lambda values, returns: (
                1 - returns.var() / np.where((returns - values).var() > 1e-12, (returns - values).var(), np.nan)
            ),
            "numerator and denominator have changed places.",
            "the better the values, the lower the number, without limit.",
            "what should a perfect prediction get?",
        ),
        Mistake(
            "squared correlation",
            lambda values, returns: (
                covariance(values, returns) ** 2 / np.where(values.var(), values.var() * returns.var(), np.nan)
            ),
            "this is the squared correlation.",
            "values that predict the very opposite, or on another scale, look perfect.",
            "a prediction can be worse than none. Can your number be negative?",
            also=(lambda values, returns: covariance(values, returns) ** 2 / (values.var() * returns.var() + 1e-300),),
        ),
        Mistake(
            "correlation",
            lambda values, returns: (
                covariance(values, returns) / np.where(values.var(), np.sqrt(values.var() * returns.var()), np.nan)
            ),
            "this is the correlation.",
            "values on another scale, ten times too large, look perfect.",
            "look at the error, return minus value.",
            also=(
                lambda values, returns: covariance(values, returns) / np.sqrt(values.var() * returns.var() + 1e-300),
            ),
        ),
        Mistake(
            "covariance over variance",
            lambda values, returns: covariance(values, returns) / returns.var(),
            "you divide the covariance of values and returns by the variance of the returns.",
            "values on another scale, ten times too large, get ten times the number.",
            "look at the error, return minus value.",
        ),
        Mistake(
            "standard deviations",
            lambda values, returns: 1 - (returns - values).std() / returns.std(),
            "you compare standard deviations, not variances.",
            "useful values seem to explain less than they do.",
            "look at the name of the quantity.",
        ),
        Mistake(
            "one minus forgotten",
            lambda values, returns: returns.var() - (returns - values).var(),
            "this is the variance that is explained, not its share.",
            "double the returns and the values, and the number is four times as large.",
            "a share of what?",
        ),
    ),
    hints=(
        "The error of the prediction is return minus value. How much does it vary?",
        "Compare that with how much the returns vary.",
        "Perfect values get 1, a constant gets 0, and worse than nothing is negative.",
    ),
)

EXERCISES = (NORMALISATION, INTERVAL, IMPROVEMENT, EXPLAINED_VARIANCE)
