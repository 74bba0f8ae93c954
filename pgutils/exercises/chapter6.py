"""The exercises of chapter 6: normalising, and what to report of several runs."""

import numpy as np
from scipy import stats

from pgutils.exercises.exercise import Convention, Exercise, Mistake


def scaled(weights, mask, ddof=1, epsilon=1e-8):
    """Return the weights shifted and scaled to mean 0 and deviation 1 over the steps that were taken."""
    taken = weights[mask]
    return (weights - taken.mean()) * mask / (taken.std(ddof=ddof) + epsilon)


def each_episode(weights, mask):
    """Return the weights, those of each episode scaled by themselves."""
    rows = [scaled(row, taken, ddof=0) for row, taken in zip(weights, mask, strict=True)]
    return np.array(rows)


RAGGED = np.array([[True, True, True], [True, False, False]])
WEIGHTS = np.array([[3.0, 1.0, 2.0], [6.0, 0.0, 0.0]])

NORMALISATION = Exercise(
    name="normalisation",
    chapter=6,
    solution=lambda weights, mask: scaled(weights, mask),
    probes={
        "two steps": (np.array([[1.0, 3.0]]), np.array([[True, True]])),
        "a padded episode": (WEIGHTS, RAGGED),
        "a large offset": (WEIGHTS + 1000.0 * RAGGED, RAGGED),
        "all alike": (2.0 * RAGGED, RAGGED),
    },
    conventions=(
        Convention(
            "ddof = 0",
            lambda weights, mask: scaled(weights, mask, ddof=0),
            "You divide by n (ddof = 0), the book by n - 1 (ddof = 1, as torch.std does and numpy.std does not). "
            "With hundreds of steps in a batch nobody can tell them apart; use one of them throughout.",
        ),
    ),
    mistakes=(
        Mistake(
            "mask ignored",
            lambda weights, mask: scaled(weights, np.ones_like(mask)) * mask,
            "mean and deviation include the padding.",
            "the zeros after the end pull the mean to 0, and too much is pushed up.",
            "how many numbers does the mean run over, and how many steps were taken?",
        ),
        Mistake(
            "mask ignored, ddof = 0",
            lambda weights, mask: scaled(weights, np.ones_like(mask), ddof=0) * mask,
            "mean and deviation include the padding.",
            "the zeros after the end pull the mean to 0, and too much is pushed up.",
            "how many numbers does the mean run over, and how many steps were taken?",
        ),
        Mistake(
            "mask never used",
            lambda weights, mask: scaled(weights, np.ones_like(mask), ddof=0) + 0,
            "the mask is not used at all, and steps that were never taken get weights.",
            "a loss without a mask would learn from steps that did not happen.",
            "what is in the array where no step was taken?",
        ),
        Mistake(
            "mask never used, ddof = 1",
            lambda weights, mask: scaled(weights, np.ones_like(mask)),
            "the mask is not used at all, and steps that were never taken get weights.",
            "a loss without a mask would learn from steps that did not happen.",
            "what is in the array where no step was taken?",
        ),
        Mistake(
            "padding not zero",
            lambda weights, mask: (weights - weights[mask].mean()) / (weights[mask].std(ddof=1) + 1e-8),
            "all is right but the padded steps, which have weights.",
            "none, if the loss has a mask of its own, and a bug where it has not.",
            "what should the weight of a step be that did not happen?",
        ),
        Mistake(
            "padding not zero, ddof = 0",
            lambda weights, mask: (weights - weights[mask].mean()) / (weights[mask].std() + 1e-8),
            "all is right but the padded steps, which have weights.",
            "none, if the loss has a mask of its own, and a bug where it has not.",
            "what should the weight of a step be that did not happen?",
        ),
        Mistake(
            "not centred",
            lambda weights, mask: weights * mask / (weights[mask].std(ddof=1) + 1e-8),
            "the mean is not subtracted.",
            "where all rewards are positive all actions are still pushed up.",
            "what should the mean of the result be?",
        ),
        Mistake(
            "not scaled",
            lambda weights, mask: (weights - weights[mask].mean()) * mask,
            "the mean is subtracted, but nothing is divided.",
            "the size of the steps still grows with the returns.",
            "what should the deviation of the result be?",
        ),
        Mistake(
            "divided by the variance",
            lambda weights, mask: (weights - weights[mask].mean()) * mask / (weights[mask].var(ddof=1) + 1e-8),
            "you divide by the variance, not by its root.",
            "the larger the returns, the smaller the steps.",
            "double all weights: the result must not change.",
        ),
        Mistake(
            "each episode by itself",
            each_episode,
            "each episode is normalised by itself.",
            "good episodes are no longer told from bad ones.",
            "over which steps should the mean run: of one episode, or of all?",
        ),
        Mistake(
            "division by zero",
            lambda weights, mask: scaled(weights, mask, epsilon=0.0),
            "right, until all weights are alike: then you divide 0 by 0.",
            "a batch of equal returns, not rare in CartPole at 500, turns all weights to NaN.",
            "a very small number in the denominator does no harm elsewhere.",
        ),
        Mistake(
            "division by zero, ddof = 0",
            lambda weights, mask: scaled(weights, mask, ddof=0, epsilon=0.0),
            "right, until all weights are alike: then you divide 0 by 0.",
            "a batch of equal returns, not rare in CartPole at 500, turns all weights to NaN.",
            "a very small number in the denominator does no harm elsewhere.",
        ),
    ),
    hints=(
        "`weights[mask]` holds the weights of the steps that were taken, and nothing else.",
        "Which three things must hold of the result: its mean, its deviation, and the padded steps?",
        "Try a batch in which all weights are alike.",
    ),
)


def trimmed(scores, axis=-1):
    """Return the interquartile mean along an axis."""
    return stats.trim_mean(scores, 0.25, axis=axis)


def interval_of(statistic, low=2.5, high=97.5, centre=None):
    """Return a function that gives a statistic and a bootstrap interval for it, from resamples that are given."""

    def estimate(scores, resamples):
        ends = np.percentile(statistic(scores[resamples]), [low, high])
        return np.array([(centre or statistic)(scores), *ends])

    return estimate


def normal_interval(scores, resamples):
    """Return the IQM and 1.96 standard deviations of its resamples on either side."""
    half = 1.96 * trimmed(scores[resamples]).std()
    return np.array([trimmed(scores), trimmed(scores) - half, trimmed(scores) + half])


def spread(scores, resamples):
    """Return the IQM and the middle 95% of the runs themselves."""
    return np.array([trimmed(scores), *np.percentile(scores, [2.5, 97.5])])


def unsorted_middle(scores):
    """Return the mean of the middle half in the order in which the runs stand."""
    quarter = scores.shape[-1] // 4
    return scores[..., quarter : scores.shape[-1] - quarter].mean(-1)


def runs(count, seed):
    """Return the scores of some runs, one of them hopeless, and 200 resamples, the same every time."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(300, 80, size=count).round()
    scores[rng.integers(count)] = 20.0
    return scores, rng.integers(count, size=(200, count))


INTERVAL = Exercise(
    name="iqm-interval",
    chapter=6,
    solution=interval_of(trimmed),
    probes={
        "four runs": runs(4, seed=1),
        "eight runs": runs(8, seed=2),
        "sixteen runs": runs(16, seed=3),
        "equal runs": (np.full(4, 7.0), np.array([[0, 1, 2, 3], [3, 3, 1, 0], [2, 2, 2, 2]])),
    },
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
            "robust, but it jumps from run to run: wide intervals with few runs.",
            "a quarter of the runs goes at each end; what is done with the rest?",
        ),
        Mistake(
            "trimmed at one end",
            interval_of(lambda scores: np.sort(scores, -1)[..., scores.shape[-1] // 4 :].mean(-1)),
            "you drop the worst quarter of the runs and keep the best.",
            "the result looks better than it is.",
            "lucky runs are to be left out as well.",
        ),
        Mistake(
            "an eighth at each end",
            interval_of(lambda scores: stats.trim_mean(scores, 0.125, axis=-1)),
            "too few runs are left out: an eighth at each end.",
            "lucky and hopeless runs still move the number.",
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
            "90%",
            interval_of(trimmed, 5, 95),
            "this interval leaves out 5% on each side: it is a 90% interval.",
            "it misses the truth twice as often as it claims.",
            "95% in the middle leave how much on each side?",
        ),
        Mistake(
            "spread of the runs",
            spread,
            "this is the spread of single runs, not the uncertainty of their IQM.",
            "more runs would not narrow it, and no two methods could ever be told apart.",
            "what do the resamples stand for? Take the IQM of each.",
        ),
        Mistake(
            "interval of the mean",
            interval_of(lambda scores: scores.mean(-1), centre=trimmed),
            "the number is the IQM, but the interval is one for the mean.",
            "the number may lie outside of its own interval.",
            "apply the same statistic to the scores and to the resamples.",
        ),
        Mistake(
            "normal approximation",
            normal_interval,
            "this is 1.96 standard deviations on either side.",
            "nearly the same for many runs; wrong for few, where resamples are skewed.",
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


IMPROVEMENT = Exercise(
    name="probability-of-improvement",
    chapter=6,
    solution=lambda scores, baseline: pairs(scores, baseline, 0.5),
    probes={
        "one run each": (np.array([2.0]), np.array([1.0])),
        "a tie": (np.array([2.0]), np.array([2.0])),
        "three against three": (np.array([5.0, 1.0, 3.0]), np.array([2.0, 4.0, 0.0])),
        "many ties": (np.array([500.0, 200.0, 500.0]), np.array([500.0, 100.0, 300.0])),
        "three against two": (np.array([1.0, 3.0, 3.0]), np.array([2.0, 3.0])),
    },
    mistakes=(
        Mistake(
            "ties lose",
            lambda scores, baseline: pairs(scores, baseline, 0.0),
            "you count ties as losses.",
            "two methods that both reach 500 in CartPole seem to differ.",
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
            "the other way round",
            lambda scores, baseline: pairs(baseline, scores, 0.5),
            "this is the chance that the baseline wins.",
            "the worse method is called an improvement.",
            "which of the two is to be the larger one?",
        ),
        Mistake(
            "means compared",
            lambda scores, baseline: np.heaviside(scores.mean() - baseline.mean(), 0.5),
            "you compare the means: that is a yes or no, not a probability.",
            "one hopeless run decides, and nothing says how sure one may be.",
            "draw one run of each. How many pairs are there?",
        ),
        Mistake(
            "run by run",
            lambda scores, baseline: np.array(
                [(a > b) + 0.5 * (a == b) for a, b in zip(scores, baseline, strict=False)]
            ).mean(),
            "you compare the first with the first, the second with the second, and so on.",
            "the result depends on the order of the runs, which means nothing.",
            "each run meets each run of the other method.",
        ),
        Mistake(
            "a count",
            lambda scores, baseline: pairs(scores, baseline, 0.5) * len(scores) * len(baseline),
            "this is the number of wins, not their share.",
            "more runs make the method look better.",
            "how many pairs are there?",
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


EXPLAINED_VARIANCE = Exercise(
    name="explained-variance",
    chapter=6,
    solution=explained,
    probes={
        "a perfect prediction": (np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 4.0])),
        "a constant": (np.array([2.0, 2.0, 2.0]), np.array([1.0, 2.0, 4.0])),
        "a constant offset": (np.array([11.0, 12.0, 14.0]), np.array([1.0, 2.0, 4.0])),
        "worse than nothing": (np.array([4.0, 2.0, 1.0]), np.array([1.0, 2.0, 4.0])),
        "a fair prediction": (np.array([1.5, 1.0, 5.0, 2.0]), np.array([1.0, 2.0, 4.0, 3.0])),
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
            "it is R², a sensible score as well; but a constant error, which does little "
            "harm to a baseline, counts in it.",
            "what does a variance do with a constant offset?",
        ),
        Mistake(
            "divided by the wrong variance",
            lambda values, returns: 1 - (returns - values).var() / np.where(values.var(), values.var(), np.inf),
            "you divide by the variance of the values.",
            "values that vary wildly seem to explain a lot.",
            "whose variance is to be explained?",
        ),
        Mistake(
            "variance of the values",
            lambda values, returns: values.var() / returns.var(),
            "you compare the variances of values and returns.",
            "values that vary as much as the returns, but elsewhere, look perfect.",
            "look at the error, return minus value.",
        ),
        Mistake(
            "squared correlation",
            lambda values, returns: (
                ((values - values.mean()) * (returns - returns.mean())).mean() ** 2
                / (returns.var() * values.var() + 1e-300)
            ),
            "this is the squared correlation.",
            "values that predict the very opposite, or on another scale, look perfect.",
            "a prediction can be worse than none. Can your number be negative?",
        ),
        Mistake(
            "standard deviations",
            lambda values, returns: 1 - (returns - values).std() / returns.std(),
            "you compare standard deviations, not variances.",
            "values seem to explain less than they do.",
            "look at the name of the quantity.",
        ),
    ),
    hints=(
        "The error of the prediction is return minus value. How much does it vary?",
        "Compare that with how much the returns vary.",
        "Perfect values get 1, a constant gets 0, and worse than nothing is negative.",
    ),
)

EXERCISES = (NORMALISATION, INTERVAL, IMPROVEMENT, EXPLAINED_VARIANCE)
