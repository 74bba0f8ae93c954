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
    """Return the reward-to-go, filled in step by step into an array of the same type as the rewards."""
    to_go = np.zeros_like(rewards)
    for step in reversed(range(len(rewards))):
        to_go[step] = rewards[step] + (gamma * to_go[step + 1] if step + 1 < len(rewards) else 0)
    return to_go


def restarted(rewards, gamma):
    """Return the recursion that begins anew at each reward that is not 0."""
    to_go, following = np.zeros(len(rewards)), 0.0
    for step in reversed(range(len(rewards))):
        following = to_go[step] = rewards[step] + gamma * following * (rewards[step] == 0)
    return to_go


def standardised(function, ddof=0):
    """Return a function whose numbers are shifted and scaled to mean 0 and deviation 1."""

    def wrong(*args):
        numbers = np.asarray(function(*args), dtype=float)
        deviation = np.sqrt(((numbers - numbers.mean()) ** 2).sum() / max(numbers.size - ddof, 1))
        return (numbers - numbers.mean()) / (deviation + 1e-8)

    return wrong


def _divided(rewards, gamma):
    """Return the discounted sum of what follows, brought back to step t by a division that may fail."""
    from_start = (rewards * powers(rewards, gamma))[::-1].cumsum()[::-1]
    return from_start / powers(rewards, gamma)


def _divided_unless_0(rewards, gamma):
    """Return the same for γ > 0, and the rewards for γ = 0."""
    return _divided(rewards, gamma) if gamma else rewards


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
        "γ = 0.99": (np.array([0.0, 1.0, 0.0, 0.0, -2.0, 0.0, 3.0]), 0.99),
        "γ = 0.999": (np.sin(np.arange(400.0)), 0.999),
        "γ = 0.1": (np.sin(np.arange(400.0)), 0.1),
        "a late prize": (np.append(np.zeros(12), 4096.0), 0.5),
    },
    mistakes=(
        Mistake(
            "total return",
            lambda rewards, gamma: np.full(len(rewards), total_return(rewards, gamma)),
            "every step has the same weight, the total return of chapter 3.",
            "past rewards stay in the weights as noise: with eight coin flips twice the variance and more.",
            "which rewards can the action of the last step still change?",
        ),
        Mistake(
            "no discount",
            lambda rewards, gamma: rewards_to_go(rewards, 1.0),
            "the right rewards are added, but γ has no say.",
            "far rewards count in full: of 500 noisy ones with γ = 0.9, 95 times the variance.",
            "what is the next step's reward-to-go worth one step earlier?",
        ),
        Mistake(
            "γ of your own",
            lambda rewards, gamma: rewards_to_go(rewards, 0.9),
            "you discount by a number of your own; the argument γ has no say in it.",
            "whatever γ is asked for, the agent looks equally far ahead.",
            "where in your function does the γ that you are given appear?",
            also=tuple(lambda rewards, gamma, own=own: rewards_to_go(rewards, own) for own in (0.5, 0.95, 0.99)),
        ),
        Mistake(
            "squares of γ",
            lambda rewards, gamma: rewards_to_go(rewards, gamma**2),
            "from step to step you discount by γ².",
            "the agent looks half as far ahead as it was asked to.",
            "how often is a reward multiplied by γ in one step?",
        ),
        Mistake(
            "γ on the wrong term",
            lambda rewards, gamma: gamma * rewards_to_go(rewards, 1.0),
            "γ multiplies the reward of the step, not what follows.",
            "far rewards count like near ones, and all are multiplied by the same γ.",
            "which of the two terms of the recursion has to be waited for?",
        ),
        Mistake(
            "same discount for all that follow",
            lambda rewards, gamma: rewards + gamma * (rewards_to_go(rewards, 1.0) - rewards),
            "all rewards that follow are multiplied by the same γ, however far away.",
            "from the next step on it does not matter when a reward comes.",
            "each step of waiting multiplies by γ once more.",
        ),
        Mistake(
            "powers of γ from the wrong end",
            lambda rewards, gamma: (rewards[::-1] * powers(rewards, gamma)).cumsum()[::-1],
            "the last reward counts in full at every step, and near ones least.",
            "a reward counts more the later it comes: the agent puts rewards off.",
            "seen from step t, which reward comes at once?",
        ),
        Mistake(
            "standardised",
            standardised(rewards_to_go),
            "you shift and scale the numbers to mean 0 and deviation 1 (an idea of chapter 6).",
            "a bad episode gets as much praise as a good one.",
            "here the plain sums are asked for.",
            also=(standardised(rewards_to_go, ddof=1),),
        ),
        Mistake(
            "mean subtracted",
            lambda rewards, gamma: rewards_to_go(rewards, gamma) - rewards_to_go(rewards, gamma).mean(),
            "you subtract the mean over the steps.",
            "a bad episode gets as much praise as a good one.",
            "here the plain sums are asked for.",
        ),
        Mistake(
            "restarted at each reward",
            restarted,
            "you begin anew at each reward that is not 0, as one may in Pong, where a point ends a rally.",
            "an action gets no credit for what comes after the next reward.",
            "does a reward end an episode here?",
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
            "in CartPole, where every step earns 1, the expected gradient is zero.",
            "which of two neighbouring steps must be known first?",
        ),
        Mistake(
            "past",
            lambda rewards, gamma: (rewards * powers(rewards, gamma)).cumsum(),
            "this is the sum of the rewards up to each step: the past.",
            "in CartPole, where every step earns 1, the expected gradient is zero.",
            "from which end should the sum run?",
        ),
        Mistake(
            "plain cumulative sum",
            lambda rewards, gamma: rewards.cumsum(),
            "this is the sum of the rewards up to each step: the past, and without γ.",
            "in CartPole, where every step earns 1, the expected gradient is zero.",
            "from which end should the sum run?",
        ),
        Mistake(
            "divided by γᵗ",
            _divided,
            "right, until γᵗ is rounded to 0: then you divide 0 by 0.",
            "with γ = ½ all weights after step 1074 are NaN, with γ = 0.1 those after step 323.",
            "the recursion G_t = r_t + γ G_{t+1} divides by nothing.",
            also=(_divided_unless_0,),
        ),
        Mistake(
            "weighted by γᵗ as well",
            lambda rewards, gamma: rewards_to_go(rewards, gamma) * powers(rewards, gamma),
            "these are γᵗ G_t: the discount counts from the start, not from step t.",
            "none for the gradient of J, which has this factor. But V predicts G_t.",
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
            "all weights shrink by γ, and the values that are learned from them as well.",
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
            "whole numbers go in, and whole numbers come out.",
            "with γ < 1, a single reward of 1 gives no credit to any step before it.",
            INTEGER_HINT,
        ),
        Mistake(
            "mean of what follows",
            lambda rewards, gamma: rewards_to_go(rewards, gamma) / np.arange(len(rewards), 0, -1),
            "the rewards that follow are averaged, not added.",
            "in CartPole with γ = 1 all weights are 1: falling soon looks as good as falling late.",
            "look at the definition: is there a division?",
            also=(lambda rewards, gamma: rewards_to_go(rewards, 1.0) / np.arange(len(rewards), 0, -1),),
        ),
        Mistake(
            "the rewards themselves",
            lambda rewards, gamma: rewards,
            "these are the rewards of single steps.",
            "each action is judged by its own reward alone (the wrong line of chapter 2).",
            "an action is responsible for more than its own reward.",
            also=(lambda rewards, gamma: gamma * rewards,),
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


def divided_in_a_row(rewards, ends, gamma):
    """Return the sum of what follows, discounted from the start of the row, and brought back by a division."""
    with np.errstate(invalid="ignore"):
        return flat_to_go(rewards * powers(rewards, gamma), ends, 1.0) / powers(rewards, gamma)


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
        "γ = 0.99": (np.sin(np.arange(12.0)), np.isin(np.arange(12), [0, 4, 5, 11]), 0.99),
        "γ = 0.999": (np.sin(np.arange(420.0)), np.isin(np.arange(420), [9, 409, 419]), 0.999),
        "γ = 0.1": (np.sin(np.arange(400.0)), np.arange(400) % 40 == 39, 0.1),
        "a late prize": (np.append(np.zeros(12), [4096.0, 1.0]), np.arange(14) > 11, 0.5),
    },
    mistakes=(
        Mistake(
            "divided by γᵗ",
            divided_in_a_row,
            "right, until γᵗ is rounded to 0: then you divide 0 by 0.",
            "the row need not be very long: with γ = 0.1 it happens after step 323.",
            "the recursion G_t = r_t + γ G_{t+1} divides by nothing.",
        ),
        Mistake(
            "leak across the end",
            lambda rewards, ends, gamma: rewards_to_go(rewards, gamma),
            "rewards of the next episode leak into the one before it.",
            "praise for what the next episode earns: noise, and a bias if γ < 1.",
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
            "the wrong way round",
            lambda rewards, ends, gamma: flat_to_go(rewards, ends, gamma, lambda ends, step: ends[step]),
            "you forget the future everywhere but where you should.",
            "the last action, often the fatal one, is praised for a new start.",
            "is `ends` true where the future belongs to the episode, or where not?",
        ),
        Mistake(
            "ends ignored but for the last reward",
            lambda rewards, ends, gamma: np.where(ends, rewards, rewards_to_go(rewards, gamma)),
            "the last step of each episode is right, but the steps before it still see the next episode.",
            "praise for what the next episode earns: noise, and a bias.",
            "what do you carry on from a last step to the one before it?",
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
            "far rewards count in full: of 500 noisy ones with γ = 0.9, 95 times the variance.",
            "what is the next step's reward-to-go worth one step earlier?",
        ),
        Mistake(
            "weighted by γᵗ as well",
            per_episode(lambda rewards, gamma: rewards_to_go(rewards, gamma) * powers(rewards, gamma)),
            "these are γᵗ G_t: the discount counts from the start.",
            "none for the gradient of J, which has this factor. But V predicts G_t.",
            "at step t, what is the reward of this very step worth?",
        ),
        Mistake(
            "discounted once too often",
            lambda rewards, ends, gamma: gamma * flat_to_go(rewards, ends, gamma),
            "all numbers are multiplied by γ once too often.",
            "all weights shrink by γ, and the values that are learned from them as well.",
            "which power of γ belongs to r_t in G_t?",
        ),
        Mistake(
            "own reward left out",
            per_episode(lambda rewards, gamma: gamma * after(rewards_to_go(rewards, gamma))),
            "the reward of the step itself is missing.",
            "an action gets no credit for what it earns at once; the last one never gets any.",
            "is r_t known before the action is chosen, or after?",
        ),
        Mistake(
            "one step ahead",
            per_episode(lambda rewards, gamma: rewards + gamma * after(rewards)),
            "you look one step ahead and then stop.",
            "what comes later than the next step is never credited.",
            "put in the next step's reward-to-go where you put in its reward.",
        ),
        Mistake(
            "the rewards themselves",
            lambda rewards, ends, gamma: rewards,
            "these are the rewards as they came in.",
            "each action is judged by its own reward alone (the wrong line of chapter 2).",
            "an action is responsible for more than its own reward.",
        ),
        Mistake(
            "forwards",
            per_episode(forwards),
            "the recursion runs forwards: each step collects its past.",
            "in CartPole, where every step earns 1, the expected gradient is zero.",
            "which of two neighbouring steps must be known first?",
            also=(per_episode(lambda rewards, gamma: (rewards * powers(rewards, gamma)).cumsum()),),
        ),
        Mistake(
            "each episode turned round",
            per_episode(lambda rewards, gamma: rewards_to_go(rewards, gamma)[::-1]),
            "the numbers are right, but in each episode the last step comes first.",
            "the last action is praised for everything, the first for the end only.",
            "you collected from the end; what is still to be done?",
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
            "whole numbers go in, and whole numbers come out.",
            "with γ < 1, a single reward of 1 gives no credit to any step before it.",
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
    return np.einsum("ntd,nt->d", scores, weights) / (len(scores) if divisor is None else divisor)


def batch(episodes, steps, dimensions, seed):
    """Return scores (N, T, d) and rewards (N, T) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(episodes, steps, dimensions)).round(1), rng.normal(size=(episodes, steps)).round(1)


def discounts(rewards, gamma):
    """Return 1, γ, γ², …, one for each step, of rewards (N, T)."""
    return gamma ** np.arange(rewards.shape[-1])


def weighted(rewards, gamma):
    """Return γᵗ G_t, what multiplies the scores, shape (N, T)."""
    return discounts(rewards, gamma) * rewards_to_go(rewards, gamma)


def summed_apart(scores, rewards, gamma):
    """Return the estimate in which the scores of an episode and its weights are added up before they are multiplied."""
    return np.einsum("nd,n->d", scores.sum(1), weighted(rewards, gamma).sum(-1)) / len(scores)


GRADIENT = Exercise(
    name="reward-to-go-gradient",
    chapter=4,
    solution=lambda scores, rewards, gamma: gradient(scores, weighted(rewards, gamma)),
    probes={
        "one step": (np.array([[[0.5, -0.5]]]), np.array([[2.0]]), 0.5),
        "two steps": (np.array([[[1.0], [10.0]]]), np.array([[1.0, 2.0]]), 0.5),
        "two episodes": (*batch(2, 3, 2, seed=1), 0.9),
        "γ = 1": (*batch(3, 2, 2, seed=2), 1.0),
        "as many episodes as steps": (*batch(3, 3, 3, seed=3), 0.99),
    },
    conventions=(
        Convention(
            "γᵗ dropped",
            explanation="You dropped the factor γᵗ in front of G_t, as most programs do. Then late steps count in "
            "full, and for γ < 1 the result is not the gradient of J, nor of any function (chapter 3).",
            wrap=lambda estimate: (
                lambda scores, rewards, gamma: estimate(scores / discounts(rewards, gamma)[:, None], rewards, gamma)
            ),
        ),
        Convention(
            "sum over episodes",
            explanation="You add the episodes where the book takes their mean: the same direction, N times as long.",
            wrap=lambda estimate: lambda scores, rewards, gamma: len(scores) * estimate(scores, rewards, gamma),
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
            "no discount in G",
            lambda scores, rewards, gamma: gradient(scores, discounts(rewards, gamma) * rewards_to_go(rewards, 1.0)),
            "γᵗ stands in front, but in G_t itself γ has no say.",
            "where γ < 1 the mean is not the gradient of J, nor of any function.",
            "what is a reward worth at step t that comes later?",
        ),
        Mistake(
            "γᵗ twice",
            lambda scores, rewards, gamma: gradient(scores, discounts(rewards, gamma) * weighted(rewards, gamma)),
            "you multiply by γᵗ twice.",
            "late steps count for too little, and the gradient is not that of J.",
            "is γᵗ perhaps in your G_t already?",
        ),
        Mistake(
            "own reward missing",
            lambda scores, rewards, gamma: gradient(
                scores, weighted(rewards, gamma) - discounts(rewards, gamma) * rewards
            ),
            "each score is multiplied by the rewards after its step; that of the step itself is missing.",
            "an action gets no credit for what it earns at once.",
            "is r_t known before the action is chosen, or after?",
        ),
        Mistake(
            "mean over steps",
            lambda scores, rewards, gamma: gradient(scores, weighted(rewards, gamma), rewards.size),
            "you divide by the number of steps, not of episodes.",
            "with padding to the longest episode, a divisor that depends on the actions: a bias.",
            "the expectation is over trajectories; the steps are summed.",
        ),
        Mistake(
            "N - 1",
            lambda scores, rewards, gamma: gradient(scores, weighted(rewards, gamma), np.float64(len(rewards) - 1)),
            "you divide by N - 1.",
            "too long a step, with two episodes twice as long; and of one episode, none at all.",
            "N - 1 belongs to a variance. Of what is this the mean?",
        ),
        Mistake(
            "along the episodes",
            lambda scores, rewards, gamma: gradient(
                scores, gamma ** np.arange(len(rewards))[:, None] * rewards_to_go(rewards.T, gamma).T
            ),
            "the sum runs along the episodes, not along the steps.",
            "an episode is praised for what the next one earns.",
            "`rewards` has shape (N, T): which axis is time?",
            also=(
                lambda scores, rewards, gamma: gradient(
                    scores, discounts(rewards, gamma) * rewards_to_go(rewards.T, gamma).T
                ),
            ),
        ),
        Mistake(
            "power of the episode",
            lambda scores, rewards, gamma: gradient(
                scores, gamma ** np.arange(len(rewards))[:, None] * rewards_to_go(rewards, gamma)
            ),
            "the power of γ in front counts the episodes, not the steps.",
            "of equal episodes, the later ones of a batch count for less.",
            "`rewards` has shape (N, T): which axis is time?",
        ),
        Mistake(
            "rewards discounted twice",
            lambda scores, rewards, gamma: gradient(scores, rewards_to_go(discounts(rewards, gamma) * rewards, gamma)),
            "the rewards are discounted before they are summed, and once more while they are.",
            "late rewards count for too little, and the gradient is not that of J.",
            "credited to step t, how often is a reward of step k multiplied by γ?",
        ),
        Mistake(
            "centred",
            lambda scores, rewards, gamma: gradient(scores, weighted(rewards, gamma) - weighted(rewards, gamma).mean()),
            "the mean of all weights is subtracted first (an idea of chapter 5).",
            "of a single step nothing is learned.",
            "here each score is multiplied by γᵗ G_t as it is.",
        ),
        Mistake(
            "sum of scores",
            summed_apart,
            "scores and weights are added up before they are multiplied.",
            "all steps share one weight, and the credit is lost.",
            "multiply step by step, then add.",
        ),
        Mistake(
            "one for each episode",
            lambda scores, rewards, gamma: np.einsum("ntd,nt->nd", scores, weighted(rewards, gamma)),
            "you return an estimate for each episode.",
            "none, if one takes their mean.",
            "one direction is wanted, shape (d,). What is done with the episodes?",
        ),
        Mistake(
            "sign",
            lambda scores, rewards, gamma: -gradient(scores, weighted(rewards, gamma)),
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
