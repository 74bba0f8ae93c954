"""The exercises of chapter 5: what may be subtracted from a return, and what is best."""

import numpy as np
import torch

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.returns import rewards_to_go


def baseline(scores, returns, probability, power=2):
    """Return the mean of the returns weighted by a power of each score's size, one for each component, shape (d,)."""
    weights = probability[:, None] * np.abs(scores) ** power
    return (weights * returns[:, None]).sum(0) / weights.sum(0)


def three_trajectories():
    """Return scores (3, 2), returns (3,) and probabilities (3,)."""
    scores = np.array([[1.0, -0.5], [-0.4, 0.2], [0.3, 2.0]])
    return scores, np.array([2.0, -1.0, 4.0]), np.array([0.2, 0.5, 0.3])


OPTIMAL_BASELINE = Exercise(
    name="optimal-baseline",
    chapter=5,
    solution=lambda scores, returns, probability: baseline(scores, returns, probability),
    probes={
        "the bandit": (np.array([[-0.9], [0.1]]), np.array([0.0, 1.0]), np.array([0.1, 0.9])),
        "three trajectories": three_trajectories(),
        "equal returns": (*three_trajectories()[:1], np.array([3.0, 3.0, 3.0]), np.array([0.25, 0.25, 0.5])),
    },
    mistakes=(
        Mistake(
            "mean return",
            lambda scores, returns, probability: np.full(scores.shape[1], probability @ returns),
            "this is the mean return, the value of the start.",
            "usually good enough; for the bandit it makes the variance 64 times as large.",
            "trajectories do not all count alike: some hardly move the estimate.",
        ),
        Mistake(
            "one for all components",
            lambda scores, returns, probability: np.full(
                scores.shape[1],
                (probability * (scores**2).sum(1) * returns).sum() / (probability * (scores**2).sum(1)).sum(),
            ),
            "this is one number for all components, as in the text.",
            "a fine baseline, but each component has a better one of its own.",
            "over which axis do you add up the squares?",
        ),
        Mistake(
            "scores not squared",
            lambda *args: baseline(*args, power=1),
            "the scores count by their size, not by their square.",
            "the variance is lower than without a baseline, but not the lowest.",
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
            "rare trajectories pull the baseline away from where it should be.",
            "an expectation is a weighted sum.",
        ),
        Mistake(
            "not divided",
            lambda scores, returns, probability: (probability * returns) @ scores**2,
            "the denominator is missing.",
            "the baseline depends on the size of the scores, and shrinks as the policy gets certain.",
            "a weighted mean of equal returns must be that return.",
        ),
        Mistake(
            "the gradient itself",
            lambda scores, returns, probability: (probability * returns) @ scores,
            "this is the policy gradient E[s R].",
            "subtracting a gradient from a return: the units do not match.",
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


def neighbour(returns):
    """Return the return of the next episode, shape (..., episodes)."""
    return np.roll(returns, -1, -1)


def standardised(returns, ddof):
    """Return the centred returns divided by their standard deviation."""
    return centred(returns) / (returns.std(-1, ddof=ddof, keepdims=True) + 1e-8)


def best_of_others(returns):
    """Return the largest of the other episodes' returns."""
    apart = np.where(np.eye(returns.shape[-1], dtype=bool), -np.inf, returns[..., None, :])
    return apart.max(-1)


LEAVE_ONE_OUT = Exercise(
    name="leave-one-out",
    chapter=5,
    solution=lambda returns: returns - others(returns),
    probes={
        "two episodes": (np.array([[1.0, 3.0]]),),
        "three episodes": (np.array([[1.0, 2.0, 6.0]]),),
        "two runs": (np.array([[1.0, 2.0, 6.0, -1.0], [10.0, 14.0, 9.0, 7.5]]),),
        "three runs of three": (np.array([[1.0, 5.0, 0.0], [2.0, 2.0, 8.0], [-3.0, 0.5, 1.0]]),),
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
            "still unbiased, but the baseline is too small: it leaves part of the noise.",
            "how many others are there?",
        ),
        Mistake(
            "own return left in the sum",
            lambda returns: returns - returns.sum(-1, keepdims=True) / (returns.shape[-1] - 1),
            "you divide by N - 1, but your own return is still in the sum.",
            "all weights are shifted by the mean over N - 1, which is noise.",
            "divisor and sum must speak of the same episodes.",
        ),
        Mistake(
            "baseline alone",
            others,
            "this is the baseline itself.",
            "good episodes get the smaller weights, and the return falls.",
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
            "number of runs for N",
            lambda returns: returns - others(returns) * (returns.shape[-1] - 1) / np.subtract(len(returns), 1.0),
            "the sum of the others is divided by the number of runs less one.",
            "the baseline depends on how many runs one happens to train side by side.",
            "returns has shape (runs, N): `len` counts which of the two?",
        ),
        Mistake(
            "others among the runs",
            lambda returns: returns - (returns.sum(0) - returns) / np.subtract(len(returns), 1.0),
            "the others are those of the other runs, not the other episodes.",
            "runs that should be independent learn from each other, and intervals lie.",
            "returns has shape (runs, N): which axis is which?",
        ),
        Mistake(
            "across the runs",
            lambda returns: returns - returns.mean(0),
            "the mean is taken over the runs, not over the episodes of each.",
            "runs that should be independent learn from each other, and intervals lie.",
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
        ),
        Mistake(
            "sum of the others",
            lambda returns: returns - others(returns) * (returns.shape[-1] - 1),
            "you subtract the sum of the others, not their mean.",
            "with positive returns nearly all weights are negative, more so in larger batches.",
            "what would you subtract if all returns were alike?",
        ),
        Mistake(
            "one neighbour",
            lambda returns: returns - neighbour(returns),
            "you subtract the return of a single other episode, the next one.",
            "unbiased, but the baseline is as noisy as the return itself.",
            "use all the others: more of them make a quieter mean.",
        ),
        Mistake(
            "standardised, ddof = 1",
            lambda returns: standardised(returns, 1),
            "you subtract the mean of all and divide by the standard deviation (chapter 6).",
            "often helps, but your own episode is in both: the estimate is biased.",
            "only a mean is to be subtracted here, and not of all episodes.",
        ),
        Mistake(
            "standardised, ddof = 0",
            lambda returns: standardised(returns, 0),
            "you subtract the mean of all and divide by the standard deviation (ddof = 0).",
            "often helps, but your own episode is in both: the estimate is biased.",
            "only a mean is to be subtracted here, and not of all episodes.",
        ),
        Mistake(
            "standardised over all runs",
            lambda returns: (returns - returns.mean()) / np.std(returns),
            "one mean and one standard deviation are taken of all runs together.",
            "a run that does well is pushed up, one that does badly down, whatever it did.",
            "only a mean is to be subtracted here, and only one of the own run's others.",
        ),
        Mistake(
            "best of the others",
            lambda returns: returns - best_of_others(returns),
            "you subtract the best of the others, not their mean.",
            "nearly all weights are negative, and the best of a batch may be a lucky one.",
            "what do you expect of an episode: the best, or the mean?",
        ),
        Mistake(
            "median",
            lambda returns: returns - np.median(returns, -1, keepdims=True),
            "you subtract the median of all episodes, your own included.",
            "the baseline depends on the own actions: a bias that is hard to state.",
            "which episodes may the baseline of episode i look at?",
        ),
        Mistake(
            "floor division",
            lambda returns: returns - np.floor(others(returns)),
            "the mean of the others is rounded down to a whole number.",
            "small differences between episodes, which are all there is to learn from, are lost.",
            "what is the difference between `/` and `//`?",
        ),
        Mistake(
            "whole numbers truncate",
            lambda returns: returns - others(returns).astype(returns.dtype),
            "when whole numbers go in, the mean is rounded to whole numbers.",
            "small differences between episodes, which are all there is to learn from, are lost.",
            "`//` and `np.zeros_like` of whole numbers give whole numbers.",
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


ADVANTAGE = Exercise(
    name="advantage",
    chapter=5,
    solution=advantages,
    probes={
        "one step": (np.array([2.0]), np.array([[0.5]]), 0.9),
        "three steps": (np.array([1.0, 2.0, 3.0]), np.array([[2.0], [4.0], [1.0]]), 0.5),
        "γ = 1": (np.array([1.0, 1.0, 1.0, 1.0]), np.array([[3.5], [3.0], [2.5], [0.5]]), 1.0),
    },
    gradients=("values",),
    mistakes=(
        Mistake(
            "table instead of a row",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.detach(),
            "(steps,) minus (steps, 1) is a table: every return meets every value.",
            "the loss adds up steps × steps terms, nearly all of them noise, and no error is raised.",
            "print the shapes of both before you subtract.",
        ),
        Mistake(
            "gradient into the values",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - values.squeeze(-1),
            "the numbers are right, but a gradient flows back into the values.",
            "the policy's loss pushes the values up, away from what they should predict.",
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
            "one step",
            lambda rewards, values, gamma: rewards + gamma * following_values(values) - values.detach().squeeze(-1),
            "this is r_t + γ V(s_{t+1}) - V(s_t), the advantage of actor-critic methods.",
            "less noise, but as wrong as the values are. Here it is not asked for.",
            "use the rewards that were really collected, up to the end.",
        ),
        Mistake(
            "no discount",
            lambda rewards, values, gamma: advantages(rewards, values, 1.0),
            "γ has no say in your returns.",
            "the values predict discounted returns: early steps always look better than expected.",
            "returns and values must speak of the same γ.",
        ),
        Mistake(
            "value of the next state",
            lambda rewards, values, gamma: rewards_to_go(rewards, gamma) - following_values(values),
            "you subtract the value of the next state.",
            "the next state depends on the action, so the gradient is biased.",
            "what was known just before the action was chosen?",
        ),
        Mistake(
            "rewards instead of returns",
            lambda rewards, values, gamma: rewards - values.detach().squeeze(-1),
            "you subtract the values from the rewards of single steps.",
            "nearly all weights are negative, and what comes later does not count.",
            "what do the values predict?",
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
        ),
        Mistake(
            "no baseline",
            [0.0, 0.0009],
            "that is the variance without a baseline; one can do better.",
            "not bad here. But where all rewards are large and positive it is.",
            "write both estimates as functions of b.",
        ),
        Mistake(
            "middle",
            [0.5, 0.0144],
            "half-way between the rewards is not where the two estimates meet.",
            "16 times the variance without a baseline.",
            "the two scores differ in size: 0.1 and -0.9.",
        ),
        Mistake(
            "variance of the returns",
            [0.1, 0.09],
            "b is right. 0.09 is the estimate itself, not its variance.",
            "none.",
            "how much does a random variable vary that has only one value?",
        ),
    ),
    hints=(
        "Action 1: score 0.1, reward 1. Action 0: score -0.9, reward 0.",
        "Two straight lines in b. Where do they cross?",
    ),
)

EXERCISES = (OPTIMAL_BASELINE, LEAVE_ONE_OUT, ADVANTAGE, BANDIT)
