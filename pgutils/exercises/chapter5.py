"""The exercises of chapter 5: what may be subtracted from a return, and what is best."""

import numpy as np
import torch

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.returns import rewards_to_go


def baseline(scores, returns, probability, power=2):
    """Return the mean of the returns weighted by a power of each score's size, one for each component, shape (d,)."""
    weights = probability[:, None] * np.abs(scores) ** power
    return (weights * returns[:, None]).sum(0) / weights.sum(0)


def one_for_all(scores, returns, probability):
    """Return the best single number, once for each component, shape (d,)."""
    weights = probability * (scores**2).sum(1)
    return np.full(scores.shape[1], weights @ returns / weights.sum())


def trajectories(count, dimensions, seed):
    """Return scores (count, dimensions) of mean zero, as scores are, returns and probabilities (count,)."""
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet(np.full(count, 2.0))
    scores = rng.normal(size=(count, dimensions))
    return scores - probability @ scores, rng.normal(3, 2, size=count).round(1), probability


def three_trajectories():
    """Return scores (3, 2) of mean zero, returns (3,) and probabilities (3,)."""
    return np.array([[2.0, -0.5], [-1.4, 0.8], [1.0, -1.0]]), np.array([2.0, -1.0, 4.0]), np.array([0.2, 0.5, 0.3])


OPTIMAL_BASELINE = Exercise(
    name="optimal-baseline",
    chapter=5,
    solution=lambda scores, returns, probability: baseline(scores, returns, probability),
    probes={
        "the bandit": (np.array([[-0.9], [0.1]]), np.array([0.0, 1.0]), np.array([0.1, 0.9])),
        "three trajectories": three_trajectories(),
        "equal returns": (three_trajectories()[0], np.array([3.0, 3.0, 3.0]), three_trajectories()[2]),
        "as many components as trajectories": trajectories(4, 4, seed=1),
        "seven trajectories": trajectories(7, 3, seed=2),
    },
    mistakes=(
        Mistake(
            "mean return",
            lambda scores, returns, probability: np.full(scores.shape[1], probability @ returns),
            "this is the mean return, the value of the start.",
            "for the bandit it makes the variance 64 times as large as without any baseline.",
            "trajectories do not all count alike: some hardly move the estimate.",
        ),
        Mistake(
            "plain mean",
            lambda scores, returns, probability: np.full(scores.shape[1], returns.mean()),
            "this is the plain mean of the returns: their probabilities have no say.",
            "for the bandit, 16 times the variance that one has without any baseline.",
            "are all trajectories equally probable? Do all move the estimate?",
        ),
        Mistake(
            "one for all components",
            one_for_all,
            "this is one number for all components, as in the text.",
            "the sum of the variances is the lowest for one number; with one for each it is lower.",
            "over which axis do you add up the squares?",
        ),
        Mistake(
            "scores not squared",
            lambda *args: baseline(*args, power=1),
            "the scores count by their size, not by their square.",
            "the variance is not the lowest.",
            "what is squared in a variance is the product of score and weight.",
        ),
        Mistake(
            "scores squared twice",
            lambda *args: baseline(*args, power=4),
            "the scores count by their fourth power.",
            "the variance is not the lowest.",
            "differentiate E[s²(R - b)²] with respect to b.",
        ),
        Mistake(
            "signed scores",
            lambda scores, returns, probability: (
                (probability * returns) @ scores / (np.abs(probability @ scores) + 1e-8)
            ),
            "you divide by the mean score, which is zero.",
            "what comes out is rounding, or nothing finite at all.",
            "what is squared in a variance is the product of score and weight.",
        ),
        Mistake(
            "score times return squared",
            lambda scores, returns, probability: (
                (probability[:, None] * (scores * returns[:, None]) ** 2).sum(0)
                / (probability[:, None] * scores**2).sum(0)
            ),
            "the returns are squared as well.",
            "the baseline has the wrong units: double the rewards, and it is four times as large.",
            "differentiate E[s²(R - b)²] with respect to b.",
        ),
        Mistake(
            "probabilities ignored",
            lambda scores, returns, probability: baseline(scores, returns, np.ones_like(probability)),
            "all trajectories count alike, however probable.",
            "rare trajectories pull the baseline away, and the variance is not the lowest.",
            "an expectation is a weighted sum.",
        ),
        Mistake(
            "probabilities in one of two",
            lambda scores, returns, probability: (probability * returns) @ scores**2 / (scores**2).mean(0),
            "one of your two means is weighted with the probabilities, the other is not.",
            "where all returns are alike the baseline is not that return.",
            "an expectation is a weighted sum, above the line and below.",
            also=(
                lambda scores, returns, probability: (probability * returns) @ scores**2 / (scores**2).sum(0),
                lambda scores, returns, probability: (returns @ scores**2) / (probability @ scores**2),
                lambda scores, returns, probability: (returns @ scores**2) / len(returns) / (probability @ scores**2),
            ),
        ),
        Mistake(
            "probabilities squared",
            lambda scores, returns, probability: baseline(scores, returns, probability**2),
            "the probabilities are squared as well.",
            "rare trajectories hardly count, and the variance is not the lowest.",
            "E[X²] is a sum over P·X², not over (P·X)².",
        ),
        Mistake(
            "sign",
            lambda *args: -baseline(*args),
            "the sign is turned round.",
            "subtracting it doubles what it should take away.",
            "where all returns are 3, which baseline makes all weights 0?",
        ),
        Mistake(
            "not divided",
            lambda scores, returns, probability: (probability * returns) @ scores**2,
            "the denominator is missing.",
            "the baseline depends on the size of the scores, and shrinks as the policy gets certain.",
            "a weighted mean of equal returns must be that return.",
        ),
        Mistake(
            "upside down",
            lambda *args: 1 / baseline(*args),
            "numerator and denominator have changed places.",
            "the baseline has the wrong units: double the rewards, and it is half as large.",
            "a weighted mean of equal returns must be that return.",
        ),
        Mistake(
            "the gradient itself",
            lambda scores, returns, probability: (probability * returns) @ scores,
            "this is the policy gradient E[s R].",
            "the baseline has the wrong units: double the scores, and it is twice as large.",
            "where do the squares in b* come from?",
        ),
    ),
    hints=(
        "The variance of one component is E[s²(R - b)²] minus something that does not depend on b.",
        "b* is a weighted mean of the returns. What are the weights?",
        "Keep the components apart: give `returns` and `probability` a second axis.",
    ),
)


def others(returns):
    """Return the mean of the other episodes' returns, shape (..., episodes)."""
    return (returns.sum(-1, keepdims=True) - returns) / (returns.shape[-1] - 1)


def centred(returns):
    """Return the returns minus the mean of all, the own one included."""
    return returns - returns.mean(-1, keepdims=True)


def neighbour(returns, shift=-1):
    """Return the return of another episode, by default the next, shape (..., episodes)."""
    return np.roll(returns, shift, -1)


def standardised(returns, ddof, axis=-1):
    """Return the centred returns divided by their standard deviation; over all runs if ``axis`` is None."""
    difference = returns - returns.mean(axis, keepdims=True)
    count = returns.size if axis is None else returns.shape[axis]
    return difference / (np.sqrt((difference**2).sum(axis, keepdims=True) / (count - ddof)) + 1e-8)


def best_of_others(returns):
    """Return the largest of the other episodes' returns."""
    apart = np.where(np.eye(returns.shape[-1], dtype=bool), -np.inf, returns[..., None, :])
    return apart.max(-1)


def median_of_others(returns):
    """Return the median of the other episodes' returns."""
    apart = np.where(np.eye(returns.shape[-1], dtype=bool), np.nan, returns[..., None, :])
    return np.nanmedian(apart, -1)


LEAVE_ONE_OUT = Exercise(
    name="leave-one-out",
    chapter=5,
    solution=lambda returns: returns - others(returns),
    probes={
        "two episodes": (np.array([[1.0, 3.0]]),),
        "three episodes": (np.array([[1.0, 2.0, 6.0]]),),
        "two runs": (np.array([[1.0, 2.0, 6.0, -1.0], [10.0, 14.0, 9.0, 7.5]]),),
        "three runs of three": (np.array([[1.0, 5.0, 0.0], [2.0, 2.0, 8.0], [-3.0, 0.5, 1.0]]),),
        "three runs of two": (np.array([[1.0, 5.0], [2.0, 8.0], [-3.0, 0.5]]),),
        "whole numbers": (np.array([[1, 2, 4, 8]]),),
    },
    mistakes=(
        Mistake(
            "own episode included",
            centred,
            "your own episode is in the mean that you subtract.",
            "the expected gradient shrinks by 1 - 1/N: half of it is lost with two episodes.",
            "which episodes may the baseline of episode i look at?",
        ),
        Mistake(
            "divided by N",
            lambda returns: returns - others(returns) * (1 - 1 / returns.shape[-1]),
            "the own return is left out of the sum, but you divide by N.",
            "still unbiased, but the baseline is too small by 1 - 1/N: weights of equal returns are not 0.",
            "how many others are there?",
        ),
        Mistake(
            "own return left in the sum",
            lambda returns: returns - returns.sum(-1, keepdims=True) / (returns.shape[-1] - 1),
            "you divide by N - 1, but your own return is still in the sum.",
            "the expected gradient shrinks by 1 - 1/(N - 1): nothing is left with two episodes.",
            "divisor and sum must speak of the same episodes.",
        ),
        Mistake(
            "baseline alone",
            others,
            "this is the baseline itself.",
            "the expected gradient is zero: no weight knows how its own episode went.",
            "what is a baseline for? One operation is missing.",
        ),
        Mistake(
            "sign",
            lambda returns: others(returns) - returns,
            "return and baseline have changed places.",
            "what was better than the others is pushed down, and the return falls.",
            "should an episode that beats the others have a positive weight?",
        ),
        Mistake(
            "sum, not difference",
            lambda returns: returns + others(returns),
            "the baseline is added, not subtracted.",
            "unbiased; but where returns have the same sign, noisier than without any baseline.",
            "a return that is like all the others should get the weight 0.",
        ),
        Mistake(
            "number of runs for N",
            lambda returns: returns - others(returns) * (returns.shape[-1] - 1) / np.subtract(len(returns), 1.0),
            "the sum is divided by a number of runs, not of episodes.",
            "the baseline depends on how many runs one happens to train side by side.",
            "returns has shape (runs, N): `len` counts which of the two?",
            also=(
                lambda returns: returns - others(returns) * (returns.shape[-1] - 1) / len(returns),
                lambda returns: returns - returns.sum(-1, keepdims=True) / len(returns),
            ),
        ),
        Mistake(
            "others among the runs",
            lambda returns: returns - (returns.sum(0) - returns) / np.subtract(len(returns), 1.0),
            "the others are those of the other runs, not the other episodes.",
            "runs that should be independent depend on each other.",
            "returns has shape (runs, N): which axis is which?",
        ),
        Mistake(
            "across the runs",
            lambda returns: returns - returns.mean(0),
            "the mean is taken over the runs, not over the episodes of each.",
            "runs that should be independent depend on each other.",
            "returns has shape (runs, episodes): which axis is which?",
        ),
        Mistake(
            "mean of all runs",
            lambda returns: returns - returns.mean(),
            "one mean for all runs is subtracted.",
            "a run that does well is pushed up, one that does badly down, whatever it did.",
            "each run has a baseline of its own: mind the axis, and `keepdims`.",
        ),
        Mistake(
            "others of all runs",
            lambda returns: returns - (returns.sum() - returns) / (returns.size - 1),
            "the others come from all runs, not from the own run alone.",
            "a run that does well is pushed up, one that does badly down, whatever it did.",
            "each run has a baseline of its own: mind the axis, and `keepdims`.",
            also=(lambda returns: returns - (returns.sum() - returns) / (returns.shape[-1] - 1),),
        ),
        Mistake(
            "sum of the others",
            lambda returns: returns - others(returns) * (returns.shape[-1] - 1),
            "you subtract the sum of the others, not their mean.",
            "with positive returns nearly all weights are negative, more so in larger batches.",
            "what would you subtract if all returns were alike?",
        ),
        Mistake(
            "sum of all",
            lambda returns: returns - returns.sum(-1, keepdims=True),
            "you subtract the sum of all returns.",
            "with positive returns all weights are negative.",
            "what would you subtract if all returns were alike?",
        ),
        Mistake(
            "one neighbour",
            lambda returns: returns - neighbour(returns),
            "you subtract the return of a single other episode.",
            "unbiased, but the baseline is as noisy as the return itself.",
            "use all the others: more of them make a quieter mean.",
            also=(lambda returns: returns - neighbour(returns, 1),),
        ),
        Mistake(
            "turned round",
            lambda returns: returns - returns[..., ::-1],
            "you subtract the returns in turned order: the first meets the last.",
            "a noisy baseline; and if N is odd, the one in the middle is its own baseline and learns nothing.",
            "use all the others: more of them make a quieter mean.",
        ),
        Mistake(
            "first or last left out",
            lambda returns: returns - returns[..., 1:].mean(-1, keepdims=True),
            "you leave out the same episode for all, not each one's own.",
            "all episodes but one are in their own baseline, and the expected gradient shrinks.",
            "which episode may the baseline of episode i not look at?",
            also=(lambda returns: returns - returns[..., :-1].mean(-1, keepdims=True),),
        ),
        Mistake(
            "earlier episodes",
            lambda returns: returns - (returns.cumsum(-1) - returns) / np.maximum(np.arange(returns.shape[-1]), 1),
            "you subtract the mean of the episodes before, not of all the others.",
            "unbiased, but the first episode has no baseline at all.",
            "do later episodes of the batch know less than earlier ones?",
        ),
        Mistake(
            "standardised",
            lambda returns: standardised(returns, 1),
            "you subtract the mean of all and divide by the standard deviation (chapter 6).",
            "your own episode is in both: the estimate is biased.",
            "only a mean is to be subtracted here, and not of all episodes.",
            also=(lambda returns: standardised(returns, 0),),
        ),
        Mistake(
            "divided by the deviation",
            lambda returns: (returns - others(returns)) / (returns.std(-1, keepdims=True) + 1e-8),
            "the differences are right; then you divide them by the standard deviation.",
            "your own episode is in the deviation: the estimate is biased.",
            "only a mean is to be subtracted here.",
            also=(lambda returns: (returns - others(returns)) / (returns.std(-1, ddof=1, keepdims=True) + 1e-8),),
        ),
        Mistake(
            "standardised over all runs",
            lambda returns: standardised(returns, 0, axis=None),
            "one mean and one standard deviation are taken of all runs together.",
            "a run that does well is pushed up, one that does badly down, whatever it did.",
            "only a mean is to be subtracted here, and only one of the own run's others.",
            also=(lambda returns: standardised(returns, 1, axis=None),),
        ),
        Mistake(
            "best of the others",
            lambda returns: returns - best_of_others(returns),
            "you subtract the best of the others, not their mean.",
            "of a batch of different returns all weights but the best one's are negative.",
            "what do you expect of an episode: the best, or the mean?",
        ),
        Mistake(
            "median of the others",
            lambda returns: returns - median_of_others(returns),
            "you subtract the median of the others, not their mean.",
            "none that can be foreseen: unbiased as well, at times noisier and at times not.",
            "the equation has a mean.",
        ),
        Mistake(
            "median",
            lambda returns: returns - np.median(returns, -1, keepdims=True),
            "you subtract the median of all episodes, your own included.",
            "the baseline depends on the own actions, and the estimate is biased.",
            "which episodes may the baseline of episode i look at?",
        ),
        Mistake(
            "floor division",
            lambda returns: returns - np.floor(others(returns)),
            "the mean of the others is rounded down to a whole number.",
            "returns between 0 and 1 get no baseline at all.",
            "what is the difference between `/` and `//`?",
        ),
        Mistake(
            "whole numbers truncate",
            lambda returns: returns - others(returns).astype(returns.dtype),
            "when whole numbers go in, the mean is cut off to whole numbers.",
            "of rewards of 0 and 1 a mean of less than 1 is cut off to nothing.",
            "`//` and `np.zeros_like` of whole numbers give whole numbers.",
        ),
        Mistake(
            "whole weights",
            lambda returns: (returns - others(returns)).astype(returns.dtype),
            "when whole numbers go in, the weights are cut off to whole numbers, too.",
            "an episode that is better than the others by less than 1 has no weight.",
            "what does `np.zeros_like` make of whole numbers? Choose the type yourself.",
        ),
    ),
    hints=(
        "By hand first: of the returns 1, 2, 6, what is the mean of the others for the first episode?",
        "The sum of the others is the sum of all minus something.",
        "`keepdims=True` lets the sum of each run line up with its episodes again.",
    ),
)


def advantages(rewards, values, gamma):
    """Return G_t - V(s_t) as constants, shape (steps,)."""
    return rewards_to_go(rewards, gamma) - values.detach().squeeze(-1)


def following_values(values):
    """Return V(s_{t+1}), 0 after the end, shape (steps,)."""
    flat = values.detach().squeeze(-1)
    return torch.cat([flat[1:], torch.zeros_like(flat[:1])])


def one_step(rewards, values, gamma):
    """Return r_t + γ V(s_{t+1}) - V(s_t), shape (steps,)."""
    return rewards + gamma * following_values(values) - values.detach().squeeze(-1)


def normalised(weights, correction=0):
    """Return weights shifted and scaled to mean 0 and deviation 1; 0 for a single step."""
    difference = weights - weights.mean()
    return difference / ((difference.square().sum() / max(len(weights) - correction, 1)).sqrt() + 1e-8)


ADVANTAGE = Exercise(
    name="advantage",
    chapter=5,
    solution=advantages,
    probes={
        "one step": (np.array([2.0]), np.array([[0.5]]), 0.9),
        "three steps": (np.array([1.0, 2.0, 3.0]), np.array([[2.0], [4.0], [1.0]]), 0.5),
        "γ = 1": (np.array([1.0, 1.0, 1.0, 1.0]), np.array([[3.5], [3.0], [2.5], [0.5]]), 1.0),
        "γ = 0.99": (np.sin(np.arange(12.0)), np.cos(np.arange(12.0))[:, None], 0.99),
    },
    gradients=("values",),
    mistakes=(
        Mistake(
            "table instead of a row",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.detach(),
            "(steps,) minus (steps, 1) is a table: every return meets every value.",
            "no error is raised, and each action is weighted with returns or values of all steps.",
            "print the shapes of both before you subtract.",
            also=(lambda rewards, values, gamma: rewards_to_go(rewards, gamma)[:, None] - values.detach().squeeze(-1),),
        ),
        Mistake(
            "column instead of a row",
            lambda rewards, values, gamma: advantages(rewards, values, gamma)[:, None],
            "the numbers are right, but stand in a column, shape (steps, 1).",
            "times log-probabilities of shape (steps,) it is a table, and no error is raised.",
            "which of the two has to change its shape?",
        ),
        Mistake(
            "gradient into the values",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.squeeze(-1),
            "the numbers are right, but a gradient flows back into the values.",
            "the policy's loss drives the values up, even where they are right.",
            "as a weight the advantage is a constant. How do you tell PyTorch so?",
        ),
        Mistake(
            "sign",
            lambda *args: -advantages(*args),
            "return and value have changed places.",
            "what was better than expected is pushed down.",
            "an advantage is positive when things went better than expected.",
        ),
        Mistake(
            "total return",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma)[0] - values.detach().squeeze(-1),
            "you subtract the values from the total return of the episode.",
            "late values expect little and are compared with everything: late actions look brilliant.",
            "what does the value of s_t predict: all rewards, or those from t on?",
        ),
        Mistake(
            "return alone",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma),
            "this is the reward-to-go; the values have no say in it.",
            "where rewards are positive all actions are pushed up.",
            "what is a baseline for? One operation is missing.",
        ),
        Mistake(
            "sum, not difference",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) + values.detach().squeeze(-1),
            "the values are added, not subtracted.",
            "where rewards are positive all actions are pushed up.",
            "a return that was expected should get the weight 0.",
        ),
        Mistake(
            "one step",
            one_step,
            "this is r_t + γ V(s_{t+1}) - V(s_t), the advantage of actor-critic methods.",
            "none if the values are right; a bias if they are not.",
            "here the rewards that were really collected are asked for, up to the end.",
        ),
        Mistake(
            "no discount",
            lambda rewards, values, gamma: advantages(rewards, values, 1.0),
            "γ has no say in your returns.",
            "with values that know γ, positive rewards make early steps look better than expected.",
            "returns and values must speak of the same γ.",
        ),
        Mistake(
            "weighted by γᵗ as well",
            lambda rewards, values, gamma: (
                rewards_to_go(rewards, gamma) * gamma ** torch.arange(len(rewards)) - values.detach().squeeze(-1)
            ),
            "the returns are discounted from the start, but the values from step t.",
            "with values that are right, positive rewards make late steps look worse than expected.",
            "returns and values must be seen from the same step.",
        ),
        Mistake(
            "γᵗ in front",
            lambda rewards, values, gamma: advantages(rewards, values, gamma) * gamma ** torch.arange(len(rewards)),
            "the differences are right; then you multiply them by γᵗ.",
            "none for the gradient of J, which has this factor. Here it is not asked for.",
            "the task says which difference is wanted.",
        ),
        Mistake(
            "value discounted",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - gamma * values.detach().squeeze(-1),
            "you multiply V(s_t) by γ.",
            "with values that are right, positive rewards make every step look better than expected.",
            "return and value both begin at step t.",
        ),
        Mistake(
            "value of the next state",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - following_values(values),
            "you subtract the value of the next state.",
            "the next state depends on the action, so the gradient is biased.",
            "what was known just before the action was chosen?",
            also=(
                lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - gamma * following_values(values),
                lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.detach().squeeze(-1).roll(-1),
            ),
        ),
        Mistake(
            "mean of the values",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.detach().mean(),
            "you subtract the mean of the values, one number for all steps.",
            "where rewards are positive and values right, early steps look too good, late ones too bad.",
            "each step has a value of its own.",
        ),
        Mistake(
            "value of the start",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.detach()[0],
            "you subtract the value of the first step everywhere.",
            "where rewards are positive and values right, late steps look too bad.",
            "each step has a value of its own.",
        ),
        Mistake(
            "rewards instead of returns",
            lambda rewards, values, gamma: rewards - values.detach().squeeze(-1),
            "you subtract the values from the rewards of single steps.",
            "with values that are right and positive rewards, the weights are below 0 on average.",
            "what do the values predict?",
        ),
        Mistake(
            "normalised",
            lambda *args: normalised(advantages(*args)),
            "the differences are right; then you normalise them (an idea of chapter 6).",
            "an episode that went well gets no more praise than one that went badly.",
            "here the plain differences are asked for.",
            also=(lambda *args: normalised(advantages(*args), correction=1),),
        ),
        Mistake(
            "squared error",
            lambda *args: advantages(*args).square(),
            "this is the squared error, which the values are fitted with.",
            "what was worse than expected is praised like what was better.",
            "a weight needs a sign.",
        ),
    ),
    hints=(
        "Two ingredients: the reward-to-go of chapter 4, and the values in the same shape.",
        "`values` comes from a network, with shape (steps, 1). Make it (steps,).",
        "The result is a weight: no gradient may flow through it.",
    ),
)

BANDIT = Exercise(
    name="bandit-baseline",
    chapter=5,
    solution=[0.1, 0.0],
    mistakes=(
        Mistake(
            "the value",
            [0.9, 0.0576],
            "0.9 is the value, and the text above says what that does to the variance.",
            "64 times the variance that one has without any baseline.",
            "set 0.1 (1 - b) equal to the estimate for the other action.",
            also=([0.9, 0.0],),
        ),
        Mistake(
            "no baseline",
            [0.0, 0.0009],
            "that is the variance without a baseline; one can do better.",
            "not bad here. But were all rewards larger by 10, it would be 10,000 times as large.",
            "write both estimates as functions of b.",
            also=([0.0, 0.0],),
        ),
        Mistake(
            "middle",
            [0.5, 0.0144],
            "half-way between the rewards is not where the two estimates meet.",
            "16 times the variance without a baseline.",
            "the two scores differ in size: 0.1 and -0.9.",
            also=([0.5, 0.0],),
        ),
        Mistake(
            "variance of the returns",
            [0.1, 0.09],
            "b is right. 0.09 is the estimate itself, and the variance of the returns as well.",
            "none.",
            "how much does a random variable vary that has only one value?",
        ),
        Mistake(
            "mean square",
            [0.1, 0.0081],
            "b is right. 0.0081 is the mean square of the estimate, not its variance.",
            "none.",
            "how much does a random variable vary that has only one value?",
        ),
        Mistake(
            "sign of the score",
            [-0.125, 0.0],
            "you have the scores 0.1 and 0.9; the second has another sign.",
            "the two estimates differ: more variance than without a baseline.",
            "the mean of the score is zero: what does that say about the signs?",
        ),
    ),
    hints=(
        "Action 1: score 0.1, reward 1. Action 0: score -0.9, reward 0.",
        "Two straight lines in b. Where do they cross?",
    ),
)

EXERCISES = (OPTIMAL_BASELINE, LEAVE_ONE_OUT, ADVANTAGE, BANDIT)
