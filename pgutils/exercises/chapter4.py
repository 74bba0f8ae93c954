"""The exercises of chapter 4: the reward-to-go, of one episode and of many in a row, and the gradient that it gives."""

import numpy as np

from pgutils.exercises.exercise import Convention, Exercise, Mistake
from pgutils.returns import rewards_to_go, total_return


def powers(rewards, gamma):
    """Return 1, γ, γ², …, one for each step."""
    return gamma ** np.arange(len(rewards))


def forwards(rewards, gamma):
    """Return the recursion run from the first step on."""
    return rewards_to_go(rewards[::-1], gamma)[::-1]


def truncating(rewards, gamma):
    """Return the reward-to-go, written into an array of the same type as the rewards."""
    return rewards_to_go(rewards, gamma).astype(rewards.dtype)


def _divided(rewards, gamma):
    """Return the discounted sum of what follows, brought back to step t by a division that may fail."""
    from_start = (rewards * powers(rewards, gamma))[::-1].cumsum()[::-1]
    return from_start / powers(rewards, gamma)


def after(rewards):
    """Return the next step's entry at each step, 0 at the last."""
    return np.append(rewards[1:], 0.0)


INTEGER_HINT = "what does `np.zeros_like` make of whole numbers? Choose the type yourself."

REWARDS_TO_GO = Exercise(
    name="rewards-to-go",
    chapter=4,
    solution=rewards_to_go,
    probes={
        "one step": (np.array([3.0]), 0.5),
        "three steps": (np.array([1.0, 2.0, 3.0]), 0.5),
        "γ = 1": (np.array([1.0, 1.0, 1.0, 1.0]), 1.0),
        "γ = 0": (np.array([1.0, -2.0, 4.0]), 0.0),
        "whole numbers": (np.array([1, 2, 3]), 0.5),
        "a long episode": (np.sin(np.arange(40.0)), 0.9),
    },
    mistakes=(
        Mistake(
            "total return",
            lambda rewards, gamma: np.full(len(rewards), total_return(rewards, gamma)),
            "every step has the same weight, the total return of chapter 3.",
            "past rewards stay in the weights as noise; CartPole learns far more slowly.",
            "which rewards can the action of the last step still change?",
        ),
        Mistake(
            "no discount",
            lambda rewards, gamma: rewards_to_go(rewards, 1.0),
            "the right rewards are added, but γ has no say.",
            "rewards in the far future count in full, and the weights become noisy.",
            "what is the next step's reward-to-go worth one step earlier?",
        ),
        Mistake(
            "not turned round again",
            lambda rewards, gamma: rewards_to_go(rewards, gamma)[::-1],
            "the numbers are right, but the last step comes first.",
            "the last action is praised for everything, the first for the end only.",
            "you collected from the end; what is still to be done?",
        ),
        Mistake(
            "forwards",
            forwards,
            "the recursion runs forwards: each step collects its past.",
            "future rewards do not count, and hardly anything is learned.",
            "which of two neighbouring steps must be known first?",
        ),
        Mistake(
            "past",
            lambda rewards, gamma: (rewards * powers(rewards, gamma)).cumsum(),
            "this is the sum of the rewards up to each step: the past.",
            "the expected gradient is almost zero; hardly anything is learned.",
            "from which end should the sum run?",
        ),
        Mistake(
            "plain cumulative sum",
            lambda rewards, gamma: rewards.cumsum(),
            "this is the sum of the rewards up to each step: the past, and without γ.",
            "the expected gradient is almost zero; hardly anything is learned.",
            "from which end should the sum run?",
        ),
        Mistake(
            "divided by γᵗ",
            _divided,
            "right, until γᵗ is rounded to 0: then you divide 0 by 0.",
            "in long episodes the late weights become huge, then NaN.",
            "the recursion G_t = r_t + γ G_{t+1} divides by nothing.",
        ),
        Mistake(
            "weighted by γᵗ as well",
            lambda rewards, gamma: rewards_to_go(rewards, gamma) * powers(rewards, gamma),
            "these are γᵗ G_t: the discount counts from the start, not from step t.",
            "it is what the gradient needs in theory, but late steps hardly learn.",
            "at step t, what is the reward of this very step worth?",
        ),
        Mistake(
            "own reward left out",
            lambda rewards, gamma: gamma * after(rewards_to_go(rewards, gamma)),
            "the reward of the step itself is missing.",
            "an action gets no credit for what it earns at once; the last one never gets any.",
            "is r_t known before the action is chosen, or after?",
        ),
        Mistake(
            "of the next step",
            lambda rewards, gamma: after(rewards_to_go(rewards, gamma)),
            "each step has the number that belongs to the next one, G_{t+1}.",
            "an action gets no credit for what it earns at once; the last one never gets any.",
            "is the last reward part of the last number?",
        ),
        Mistake(
            "discounted once too often",
            lambda rewards, gamma: gamma * rewards_to_go(rewards, gamma),
            "all numbers are multiplied by γ once too often.",
            "all weights shrink by γ; a value function learned from them is too low.",
            "which power of γ belongs to r_t in G_t?",
        ),
        Mistake(
            "one step ahead",
            lambda rewards, gamma: rewards + gamma * after(rewards),
            "you look one step ahead and then stop.",
            "what comes later than the next step is never credited.",
            "put in the next step's reward-to-go where you put in its reward.",
        ),
        Mistake(
            "whole numbers truncate",
            truncating,
            "whole numbers go in, and the results are cut off to whole numbers, too.",
            "rewards of 0 and 1 with γ < 1 lose nearly all of their future.",
            INTEGER_HINT,
        ),
        Mistake(
            "mean of what follows",
            lambda rewards, gamma: rewards_to_go(rewards, gamma) / np.arange(len(rewards), 0, -1),
            "the rewards that follow are averaged, not added.",
            "in CartPole with γ = 1 all weights are 1: falling soon looks as good as falling late.",
            "look at the definition: is there a division?",
        ),
        Mistake(
            "not added up",
            lambda rewards, gamma: rewards * powers(rewards, gamma),
            "these are the discounted rewards, not yet added up.",
            "each action is judged by its own reward alone (the wrong line of chapter 2).",
            "an action is responsible for more than its own reward.",
        ),
        Mistake(
            "last reward lost",
            lambda rewards, gamma: np.append(rewards_to_go(rewards, gamma)[:-1] - _last(rewards, gamma)[:-1], 0.0),
            "the last reward is missing, everywhere.",
            "a prize at the very end, often the only one, is never seen.",
            "at which index must a loop from the end begin?",
        ),
    ),
    hints=(
        "By hand first: with rewards 1, 2, 3 and γ = ½, what is the last of the three numbers? And the one before?",
        "Each number needs the one that follows. So walk from the end to the start.",
        "Whatever is collected from the end is in the wrong order when you are done.",
    ),
)


def _last(rewards, gamma):
    """Return what the last reward adds to each step's reward-to-go."""
    return rewards[-1] * powers(rewards, gamma)[::-1]


def flat_to_go(rewards, ends, gamma, keep=lambda ends, step: not ends[step]):
    """Return the reward-to-go of episodes in a row; ``keep`` says at which steps the future belongs to the episode."""
    to_go, following = np.zeros(len(rewards)), 0.0
    for step in reversed(range(len(rewards))):
        following = to_go[step] = rewards[step] + gamma * following * keep(ends, step)
    return to_go


def per_episode(function):
    """Return a function that is applied to the rewards of each episode by itself."""

    def apply(rewards, ends, gamma):
        cuts = np.flatnonzero(ends)[:-1] + 1
        return np.concatenate([function(part, gamma) for part in np.split(rewards, cuts)])

    return apply


FLAT_REWARDS_TO_GO = Exercise(
    name="rewards-to-go-in-a-row",
    chapter=4,
    solution=lambda rewards, ends, gamma: flat_to_go(rewards, ends, gamma),
    probes={
        "one episode": (np.array([1.0, 2.0, 3.0]), np.array([False, False, True]), 0.5),
        "two episodes": (np.array([1.0, 2.0, 4.0, 8.0]), np.array([False, True, False, True]), 0.5),
        "episodes of one step": (np.array([1.0, 2.0, 3.0]), np.array([True, True, True]), 0.9),
        "γ = 1": (np.array([1.0, 1.0, 1.0, 1.0, 1.0]), np.array([False, False, True, False, True]), 1.0),
        "whole numbers": (np.array([1, 2, 3, 5]), np.array([False, True, False, True]), 0.5),
    },
    mistakes=(
        Mistake(
            "leak across the end",
            lambda rewards, ends, gamma: rewards_to_go(rewards, gamma),
            "rewards of the next episode leak into the one before it.",
            "an episode is praised for what the next one earns, which is pure noise.",
            "what should the running sum be at the last step of an episode?",
        ),
        Mistake(
            "reset too late",
            lambda rewards, ends, gamma: flat_to_go(
                rewards, ends, gamma, lambda ends, step: step + 1 == len(ends) or not ends[step + 1]
            ),
            "you reset one step off, so episodes still leak.",
            "the last action, often the fatal one, is praised for a new start.",
            "you walk backwards: arriving at a step with `ends`, what did you just leave?",
        ),
        Mistake(
            "reset after adding",
            lambda rewards, ends, gamma: _reset_after_adding(rewards, ends, gamma),
            "the last reward of each episode is lost.",
            "a prize at the very end, often the only one, is never seen.",
            "where `ends` is true, do you forget the future before or after you add the reward?",
        ),
        Mistake(
            "total return of each episode",
            per_episode(lambda rewards, gamma: np.full(len(rewards), total_return(rewards, gamma))),
            "each step has the total return of its episode.",
            "past rewards stay in the weights as noise.",
            "which rewards can the action of the last step still change?",
        ),
        Mistake(
            "no discount",
            lambda rewards, ends, gamma: flat_to_go(rewards, ends, 1.0),
            "the episodes are kept apart, but γ has no say.",
            "rewards in the far future count in full, and the weights become noisy.",
            "what is the next step's reward-to-go worth one step earlier?",
        ),
        Mistake(
            "forwards",
            per_episode(forwards),
            "the recursion runs forwards: each step collects its past.",
            "future rewards do not count, and hardly anything is learned.",
            "which of two neighbouring steps must be known first?",
        ),
        Mistake(
            "episodes turned round",
            lambda rewards, ends, gamma: flat_to_go(rewards, ends, gamma)[::-1],
            "the numbers are right and stand in the wrong order.",
            "actions are praised for what happened in other episodes.",
            "you collected from the end; what is still to be done?",
        ),
        Mistake(
            "whole numbers truncate",
            per_episode(truncating),
            "whole numbers go in, and the results are cut off to whole numbers, too.",
            "rewards of 0 and 1 with γ < 1 lose nearly all of their future.",
            INTEGER_HINT,
        ),
    ),
    hints=(
        "Take your loop from the end and ask at which steps it must forget the future.",
        "`ends[t]` is true at the last step of an episode: nothing after t belongs to it.",
        "`1 - ends[t]`, or an `if`, in the right place of the recursion is all that is needed.",
    ),
)


def _reset_after_adding(rewards, ends, gamma):
    """Return the reward-to-go with the sum set to 0 at the end of an episode, its last reward included."""
    to_go, following = np.zeros(len(rewards)), 0.0
    for step in reversed(range(len(rewards))):
        following = to_go[step] = (rewards[step] + gamma * following) * (not ends[step])
    return to_go


def gradient(scores, weights, divisor=None):
    """Return the estimate (d,) of scores (N, T, d) and weights (N, T)."""
    return np.einsum("ntd,nt->d", scores, weights) / (divisor or len(scores))


def batch(episodes, steps, dimensions, seed):
    """Return scores (N, T, d) and rewards (N, T) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(episodes, steps, dimensions)).round(1), rng.normal(size=(episodes, steps)).round(1)


def discounts(rewards, gamma):
    """Return 1, γ, γ², …, one for each step, of rewards (N, T)."""
    return gamma ** np.arange(rewards.shape[-1])


GRADIENT = Exercise(
    name="reward-to-go-gradient",
    chapter=4,
    solution=lambda scores, rewards, gamma: gradient(scores, discounts(rewards, gamma) * rewards_to_go(rewards, gamma)),
    probes={
        "one step": (np.array([[[0.5, -0.5]]]), np.array([[2.0]]), 0.5),
        "two steps": (np.array([[[1.0], [10.0]]]), np.array([[1.0, 2.0]]), 0.5),
        "two episodes": (*batch(2, 3, 2, seed=1), 0.9),
        "γ = 1": (*batch(3, 2, 2, seed=2), 1.0),
    },
    conventions=(
        Convention(
            "γᵗ dropped",
            lambda scores, rewards, gamma: gradient(scores, rewards_to_go(rewards, gamma)),
            "You dropped the factor γᵗ in front of G_t, as most programs do. Then late steps count in full, and for "
            "γ < 1 the result is not the gradient of J, nor of any function (chapter 3).",
        ),
        Convention(
            "sum over episodes",
            lambda scores, rewards, gamma: gradient(
                scores, discounts(rewards, gamma) * rewards_to_go(rewards, gamma), divisor=1
            ),
            "You add the episodes where the book takes their mean: the same direction, N times as long.",
        ),
    ),
    mistakes=(
        Mistake(
            "total return",
            lambda scores, rewards, gamma: gradient(
                scores, np.broadcast_to(total_return(rewards, gamma)[:, None], rewards.shape)
            ),
            "each score is multiplied by the total return, as in chapter 3.",
            "the mean is right; past rewards stay in as noise.",
            "for each step, which rewards can its action still change?",
        ),
        Mistake(
            "own reward",
            lambda scores, rewards, gamma: gradient(scores, discounts(rewards, gamma) * rewards),
            "each score is multiplied by the reward of its own step.",
            "nobody climbs for a summit: what comes later does not count.",
            "what is an action responsible for?",
        ),
        Mistake(
            "past",
            lambda scores, rewards, gamma: gradient(scores, (discounts(rewards, gamma) * rewards).cumsum(-1)),
            "each score is multiplied by the rewards up to its step.",
            "only the own reward is left on average; the rest is noise.",
            "from which end should the sum run?",
        ),
        Mistake(
            "no discount",
            lambda scores, rewards, gamma: gradient(scores, rewards_to_go(rewards, 1.0)),
            "γ has no say.",
            "another objective is climbed than the one that was asked for.",
            "γ appears twice: in G_t, and in front of it.",
        ),
        Mistake(
            "mean over steps",
            lambda scores, rewards, gamma: gradient(
                scores, discounts(rewards, gamma) * rewards_to_go(rewards, gamma), rewards.size
            ),
            "you divide by the number of steps, not of episodes.",
            "with padding to the longest episode, a divisor that depends on the actions: a bias.",
            "the expectation is over trajectories; the steps are summed.",
        ),
        Mistake(
            "sum of scores",
            lambda scores, rewards, gamma: (
                np.einsum("nd,n->d", scores.sum(1), (discounts(rewards, gamma) * rewards_to_go(rewards, gamma)).sum(-1))
                / len(scores)
            ),
            "scores and weights are added up before they are multiplied.",
            "all steps share one weight, and the credit is lost.",
            "multiply step by step, then add.",
        ),
        Mistake(
            "sign",
            lambda scores, rewards, gamma: -gradient(scores, discounts(rewards, gamma) * rewards_to_go(rewards, gamma)),
            "the sign is turned round.",
            "the return falls from the first iteration on.",
            "this is a gradient to be climbed, not a loss.",
        ),
    ),
    hints=(
        "First an array of weights, shape (N, T): one number for each score.",
        "In the equation, γ stands in G_t and in front of it.",
        "The weights need one more axis before they can be multiplied with the scores; or use `np.einsum`.",
    ),
)


EXERCISES = (REWARDS_TO_GO, FLAT_REWARDS_TO_GO, GRADIENT)
