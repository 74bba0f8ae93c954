"""The exercises of chapter 1: returns and values."""

import numpy as np

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.mdp import TabularMDP
from pgutils.problems import mountain_hike, short_corridor
from pgutils.returns import rewards_to_go, total_return


def powers(rewards, gamma, first=0):
    """Return the powers of γ from ``first`` on, one for each step."""
    return gamma ** (np.arange(len(rewards)) + first)


def discounted(rewards, gamma, shift=0):
    """Return the terms of the return, each discounted ``shift`` times more than it should be; shape (steps,)."""
    return rewards * powers(rewards, gamma, shift)


HIKE_RETURNS = Exercise(
    name="hike-returns",
    chapter=1,
    solution=[2.34, 0.5, 0.5],
    mistakes=(
        Mistake(
            "discounted once too often",
            [2.106, 0.25, 0.5],
            "you discount the first reward as well.",
            "all returns shrink by γ, as if every episode began one step later.",
            "which power of γ belongs to the step t = 0?",
        ),
        Mistake(
            "no discount",
            [3, 3, 0.5],
            "your first two numbers are the same: they are plain sums.",
            "for γ < ½ she would still climb, though it is better then to leave.",
            "how many steps has she walked when she gets the 4?",
            also=([3, 3, 1], [3, 3, 0]),
        ),
        Mistake(
            "same discount for all",
            [2.7, 1.5, 0.5],
            "you multiply every reward by the same γ.",
            "it does not matter any more when a reward comes.",
            "the discount grows with each step that one has to wait.",
        ),
        Mistake(
            "break-even at one",
            [2.34, 0.5, 1],
            "both returns are right; the last number is not.",
            "with γ = 0.9 she would leave by the path, for less than half of the return.",
            "write both returns as polynomials in γ and ask where they cross.",
        ),
        Mistake(
            "the path's reward not discounted",
            [2.34, 0.5, (1 + 17**0.5) / 8],
            "both returns are right. For the last number the path's 1 comes too early.",
            "between ½ and your number she would leave, though it is better to climb.",
            "how many steps has she walked when she gets the 1?",
            also=([2.34, 0.5, 0.64],),
        ),
        Mistake(
            "where the climb is worth nothing",
            [2.34, 0.5, 0.25],
            "both returns are right. At ¼ the climb has a return of 0.",
            "between ¼ and ½ she would climb, though it is better to leave.",
            "compare with what she gets if she leaves, not with nothing.",
        ),
        Mistake(
            "the other crossing",
            [2.34, 0.5, 0],
            "both returns are right. At γ = 0 the two are equal as well.",
            "for γ between 0 and ½ she would climb, though it is better to leave.",
            "between 0 and 1 the two polynomials cross once more.",
        ),
    ),
    hints=(
        "The first reward, at t = 0, is worth its full amount.",
        "Write the return with γ as a letter before you put in a number.",
        "For the third number compare two polynomials in γ; one of their crossings is at γ = 0.",
    ),
)

DISCOUNTED_RETURN = Exercise(
    name="discounted-return",
    chapter=1,
    solution=total_return,
    probes={
        "one step": (np.array([3.0]), 0.5),
        "three steps": (np.array([1.0, 2.0, 3.0]), 0.5),
        "γ = 1": (np.array([1.0, 2.0, 4.0]), 1.0),
        "γ = 0": (np.array([5.0, 2.0, 4.0]), 0.0),
        "whole numbers": (np.array([0, -1, 4]), 0.9),
        "a long episode": (np.cos(np.arange(60.0)), 0.99),
        "γ = 0.999": (np.cos(np.arange(400.0)), 0.999),
        "a late prize": (np.append(np.zeros(12), 4096.0), 0.5),
    },
    mistakes=(
        Mistake(
            "no discount",
            lambda rewards, gamma: rewards.sum(),
            "this is the plain sum of the rewards; γ has no say in it.",
            "far rewards count in full: of 500 noisy ones with γ = 0.9, 95 times the variance.",
            "what is a reward worth that comes one step later?",
        ),
        Mistake(
            "discounted once too often",
            lambda rewards, gamma: discounted(rewards, gamma, 1).sum(),
            "the first reward is discounted as well.",
            "every return is too small by a factor of γ; with γ = 0 nothing is left.",
            "which power of γ belongs to the step t = 0?",
        ),
        Mistake(
            "same discount for all",
            lambda rewards, gamma: gamma * rewards.sum(),
            "every reward is multiplied by the same γ.",
            "the agent no longer cares when a reward comes.",
            "the discount must depend on the step.",
        ),
        Mistake(
            "same discount for all but the first",
            lambda rewards, gamma: rewards[0] + gamma * rewards[1:].sum(),
            "all rewards but the first are multiplied by the same γ.",
            "after the first step the agent no longer cares when a reward comes.",
            "the discount must depend on the step.",
        ),
        Mistake(
            "γ of your own",
            lambda rewards, gamma: total_return(rewards, 0.9),
            "you discount by a number of your own; the argument γ has no say in it.",
            "whatever γ is asked for, the agent looks equally far ahead.",
            "where in your function does the γ that you are given appear?",
            also=tuple(lambda rewards, gamma, own=own: total_return(rewards, own) for own in (0.5, 0.95, 0.99)),
        ),
        Mistake(
            "only the first reward",
            lambda rewards, gamma: rewards[0],
            "only the first reward is left, as if a `return` stood inside the loop.",
            "what comes later does not count, whatever γ is.",
            "how often does your loop go round? Print t.",
        ),
        Mistake(
            "only the last term",
            lambda rewards, gamma: discounted(rewards, gamma)[-1],
            "only the last term is left, as if each round overwrote the one before it.",
            "whatever is earned before the end of an episode does not count.",
            "what is the difference between `=` and `+=`?",
        ),
        Mistake(
            "squares of γ",
            lambda rewards, gamma: total_return(rewards, gamma**2),
            "step t is multiplied by γ to the power of 2t.",
            "the agent looks half as far ahead as it was asked to.",
            "how often is your discount multiplied by γ in one round?",
        ),
        Mistake(
            "a discount that grows",
            lambda rewards, gamma: (rewards * np.cumprod(powers(rewards, gamma))).sum(),
            "from step to step the discount is multiplied by γᵗ, where γ is meant.",
            "with γ = 0.9 the tenth reward counts for less than a hundredth.",
            "by what does the discount change from one step to the next?",
            also=(lambda rewards, gamma: (rewards * np.cumprod(powers(rewards, gamma, 1))).sum(),),
        ),
        Mistake(
            "from the wrong end",
            lambda rewards, gamma: discounted(rewards[::-1], gamma).sum(),
            "the last reward counts in full, and the first one least.",
            "the agent puts rewards off instead of collecting them.",
            "which reward comes at once, and which has to be waited for?",
        ),
        Mistake(
            "divided by the powers of γ",
            lambda rewards, gamma: discounted(rewards, 1 / np.float64(gamma)).sum(),
            "you divide by the powers of γ.",
            "the longer one has to wait for a reward, the more it counts.",
            "is a reward that comes later worth more, or less?",
        ),
        Mistake(
            "factor, not power",
            lambda rewards, gamma: (
                rewards * np.where(np.arange(len(rewards)), gamma * np.arange(len(rewards)), 1)
            ).sum(),
            "step t is multiplied by γt instead of a power of γ.",
            "from the second step on, a reward counts the more the later it comes.",
            "waiting one more step multiplies by γ once more.",
            also=(
                lambda rewards, gamma: (rewards * gamma * np.arange(len(rewards))).sum(),
                lambda rewards, gamma: (rewards * gamma * (np.arange(len(rewards)) + 1)).sum(),
            ),
        ),
        Mistake(
            "last reward left out",
            lambda rewards, gamma: discounted(rewards, gamma)[:-1].sum(),
            "the last reward of the episode is missing.",
            "a prize at the very end, often the only one, is never seen.",
            "count the terms: an episode of T steps has T rewards.",
        ),
        Mistake(
            "first reward left out",
            lambda rewards, gamma: discounted(rewards, gamma)[1:].sum(),
            "the first reward of the episode is missing.",
            "what the first action earns at once does not count.",
            "at which number does Python begin to count?",
        ),
        Mistake(
            "mean over steps",
            lambda rewards, gamma: discounted(rewards, gamma).mean(),
            "the discounted rewards are averaged over the steps, not added.",
            "in CartPole with γ = 1 all returns are 1, however long the pole stands.",
            "look at the sign in front of the terms of the return: is there a division?",
        ),
        Mistake(
            "mean with weights",
            lambda rewards, gamma: discounted(rewards, gamma).sum() / powers(rewards, gamma).sum(),
            "the sum is divided by the sum of the powers of γ.",
            "in CartPole all returns are 1, however long the pole stands.",
            "look at the definition: is there a division?",
        ),
        Mistake(
            "times 1 - γ",
            lambda rewards, gamma: (1 - gamma) * total_return(rewards, gamma),
            "the return is multiplied by 1 - γ.",
            "with γ = 1 all returns are 0, and there is nothing to climb.",
            "with γ = 0, and with γ = 1, what should the return be?",
        ),
        Mistake(
            "whole numbers truncate",
            lambda rewards, gamma: discounted(rewards, gamma).astype(rewards.dtype).sum(),
            "whole numbers go in, and the discounted ones are cut off to whole numbers.",
            "of rewards of 0 and 1, with γ < 1, only the first is left.",
            "what does `np.zeros_like` make of whole numbers? Choose the type yourself.",
        ),
        Mistake(
            "not added up",
            discounted,
            "these are the discounted rewards, one for each step.",
            "each step would be judged by its own reward alone.",
            "a return is one number. What is still to be done with them?",
        ),
        Mistake(
            "one for each step",
            rewards_to_go,
            "you return a number for each step: what is still to come from there (chapter 4).",
            "none, if one takes the first of them.",
            "which of your numbers counts all rewards, seen from the start?",
        ),
        Mistake(
            "one for each step, from the start",
            lambda rewards, gamma: discounted(rewards, gamma).cumsum(),
            "you return a number for each step: the discounted sum so far.",
            "none, if one takes the last of them.",
            "which of your numbers counts all rewards?",
        ),
    ),
    hints=(
        "Start with the powers of γ that belong to the steps 0, 1, 2, …",
        "Each reward has a power of γ of its own; the return is one number.",
        "In NumPy, a number to the power of an array is an array.",
    ),
)


def endless():
    """Return an MDP of two states and three actions without an end, so that γ matters for ever."""
    transitions = [[[0.5, 0.5], [0.0, 1.0], [0.9, 0.1]], [[1.0, 0.0], [0.2, 0.8], [0.4, 0.6]]]
    return TabularMDP(transitions, rewards=[[1.0, 0.0, 0.5], [2.0, -1.0, 3.0]], initial=[1.0, 0.0], gamma=0.5)


def mean(Q, policy):
    """Return the mean over the actions, shape (S,)."""
    return (policy * Q).sum(-1)


def sweeps(number, power=lambda k: 1, backup=mean):
    """Return the values after some sweeps from V = 0, fewer if they rest; γ is taken to a power that depends on k."""

    def values(transitions, rewards, policy, gamma):
        V, before = np.zeros(len(rewards)), None
        for k in range(number):
            before, V = V, backup(rewards + gamma ** power(k) * transitions @ V, policy)
            if (before == V).all():
                break
        return V

    return values


iterate = sweeps(3000)


def until(enough):
    """Return the values after the first sweep whose largest change is no more than ``enough``."""

    def values(transitions, rewards, policy, gamma):
        V, change = np.zeros(len(rewards)), np.inf
        while change > enough:
            before, V = V, mean(rewards + gamma * transitions @ V, policy)
            change = np.abs(V - before).max()
        return V

    return values


def action_values(transitions, rewards, policy, gamma):
    """Return the action values, shape (S, A)."""
    return rewards + gamma * transitions @ iterate(transitions, rewards, policy, gamma)


def evenly(transitions, rewards, policy, gamma):
    """Return the values of the policy that takes all actions with equal probability."""
    return iterate(transitions, rewards, np.full_like(policy, 1 / policy.shape[1]), gamma)


def arrived_from(transitions, rewards, policy, gamma):
    """Return the values if they come from the states before; not finite where there are no such values."""
    chain = np.einsum("sa,sat->ts", policy, transitions)
    try:
        return np.linalg.solve(np.eye(len(chain)) - gamma * chain, mean(rewards, policy))
    except np.linalg.LinAlgError:
        return np.full(len(chain), np.nan)


def added(transitions, rewards, policy, gamma):
    """Return the values after some sweeps in which the backup is added to the values instead of replacing them."""
    V = np.zeros(len(rewards))
    for _ in range(100):
        V = V + mean(rewards + gamma * transitions @ V, policy)
    return V


def arrays(mdp, policy, gamma):
    """Return the arguments of the exercise on state values."""
    return np.array(mdp.transitions), np.array(mdp.rewards), np.array(policy), gamma


ROUNDS = (3, 4, 5, 8, 10, 15, 16, 20, 25, 30, 32, 40, 50, 64, 99, 150, 200)  # how often a reader may go round
RANDOM = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]]
STEPS = [[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]

STATE_VALUES = Exercise(
    name="state-values",
    chapter=1,
    solution=lambda transitions, rewards, policy, gamma: iterate(transitions, rewards, policy, gamma),
    probes={
        "two states with γ = 0": arrays(endless(), RANDOM, 0.0),
        "two states for ever": arrays(endless(), RANDOM, 0.5),
        "a policy that is certain": arrays(endless(), [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], 0.5),
        "the hike": arrays(mountain_hike(), STEPS, 0.9),
        "γ = 0.97 for ever": arrays(endless(), RANDOM, 0.97),
        "γ = 1 in a corridor with an end": arrays(short_corridor(), np.full((4, 2), 0.5), 1.0),
    },
    mistakes=(
        Mistake(
            "one sweep",
            sweeps(1),
            "these are the mean rewards of one step.",
            "a state is judged by its next reward alone, and nobody climbs for a summit.",
            "what follows after the first step? Put your result in again, many times.",
        ),
        Mistake(
            "two sweeps",
            sweeps(2),
            "you look two steps ahead and then stop.",
            "whatever comes later than the second step is not seen.",
            "go on until the numbers no longer change.",
        ),
        Mistake(
            "stops too soon",
            sweeps(100),
            "right as far as it goes, but you stop before the numbers rest.",
            "with γ = 0.97 what is left to come may be 32 times the last change.",
            "the nearer γ is to 1, the more rounds it takes. How small must a change be?",
            also=(
                *(sweeps(number) for number in ROUNDS),
                *(until(enough) for enough in (0.1, 0.05, 0.01, 0.005)),
            ),
        ),
        Mistake(
            "no discount",
            sweeps(100, lambda k: 0),
            "γ has no say in these values.",
            "where episodes do not end and rewards are positive, the values grow with every round.",
            "the next state's value comes one step later. What is it worth now?",
            also=tuple(sweeps(number, lambda k: 0) for number in (*ROUNDS, 500, 1000)),
        ),
        Mistake(
            "γ to the power of the round",
            sweeps(1000, lambda k: k),
            "you multiply by γᵏ in round k.",
            "in the end only the next reward is left.",
            "one round looks one step ahead, whichever round it is. What is one step worth?",
            also=(sweeps(100, lambda k: k), sweeps(100, lambda k: k + 1)),
        ),
        Mistake(
            "reward discounted",
            lambda *args: args[-1] * iterate(*args),
            "the reward of the present step is discounted, too.",
            "all values shrink by γ, and no longer agree with the returns.",
            "to which of the two terms does γ belong?",
        ),
        Mistake(
            "best action",
            sweeps(3000, backup=lambda Q, policy: Q.max(-1)),
            "these are the values of the best policy, not of the one that was given.",
            "every policy gets the same values, however bad it is.",
            "what should happen to the actions: a maximum, or a mean?",
        ),
        Mistake(
            "policy ignored",
            evenly,
            "all actions count alike, whatever their probability.",
            "every policy gets the same values, however bad it is.",
            "the mean over the actions is a weighted one.",
        ),
        Mistake(
            "likeliest action",
            sweeps(3000, backup=lambda Q, policy: Q[np.arange(len(Q)), policy.argmax(-1)]),
            "you follow the likeliest action of each state and forget the others.",
            "a policy may change a good deal without any change in its values.",
            "the mean over the actions is a weighted one, over all of them.",
        ),
        Mistake(
            "actions added up",
            sweeps(100, backup=lambda Q, policy: Q.sum(-1)),
            "the actions are added up without their probabilities.",
            "every policy gets the same values, however bad it is.",
            "how often is each of the actions taken?",
            also=(sweeps(1000, backup=lambda Q, policy: Q.sum(-1)),),
        ),
        Mistake(
            "arrived from, not going to",
            arrived_from,
            "the value comes from the states before, not from those after.",
            "a summit's reward does not reach the states that lead to it.",
            "rows and columns: which index of the matrix is the present state?",
        ),
        Mistake(
            "added, not replaced",
            added,
            "in each round you add to the old values instead of replacing them.",
            "the values grow with every round.",
            "the right-hand side of the Bellman equation *is* the new value.",
        ),
        Mistake(
            "action values",
            action_values,
            "these are action values, one for each state and action.",
            "as a baseline they would depend on the action, which biases the gradient (chapter 5).",
            "a state's value is an average of them. Which one?",
        ),
    ),
    hints=(
        "Start from V = 0 and write one line for the right-hand side of the Bellman equation.",
        "First average over the actions: the mean reward, and the matrix of moves from state to state.",
        "Repeat the line until no entry moves by more than 1e-8; for γ < 1 it must come to rest.",
    ),
    tolerance=1e-3,
)


def bootstrapped(rewards, gamma, terminated, final_value, extra=0):
    """Return the return of an episode plus the discounted value of where it was cut off."""
    return total_return(rewards, gamma) + (not terminated) * gamma ** (len(rewards) + extra) * final_value


TRUNCATED_RETURN = Exercise(
    name="truncated-return",
    chapter=1,
    solution=lambda rewards, gamma, terminated, final_value: bootstrapped(rewards, gamma, terminated, final_value),
    probes={
        "cut off at once": (np.array([1.0]), 0.5, False, 8.0),
        "terminated at once": (np.array([1.0]), 0.5, True, 8.0),
        "cut off after three steps": (np.array([1.0, 1.0, 2.0]), 0.5, False, 16.0),
        "terminated after three steps": (np.array([1.0, -1.0, 2.0]), 0.5, True, 16.0),
        "γ = 1": (np.array([1.0, 1.0]), 1.0, False, 5.0),
        "γ = 0": (np.array([1.0, 2.0]), 0.0, False, 5.0),
        "a long episode": (np.sin(np.arange(50.0)), 0.99, False, -20.0),
    },
    mistakes=(
        Mistake(
            "nothing after the cut",
            lambda rewards, gamma, terminated, final_value: total_return(rewards, gamma),
            "what comes after a truncated episode is missing.",
            "standing upright for 500 steps is judged as if the pole had fallen.",
            "the future after a cut is worth something. How much do you know about it?",
        ),
        Mistake(
            "always a future",
            lambda rewards, gamma, terminated, final_value: bootstrapped(rewards, gamma, False, final_value),
            "you add a future to episodes that have come to their own end.",
            "the agent believes that life goes on after a crash, and does not avoid it.",
            "what is the future worth after the pole has fallen?",
        ),
        Mistake(
            "the wrong way round",
            lambda rewards, gamma, terminated, final_value: bootstrapped(rewards, gamma, not terminated, final_value),
            "you add the future when the episode terminated, and not when it was cut.",
            "where the future is worth something, failing is rewarded.",
            "read the box “Terminated is not truncated” once more.",
        ),
        Mistake(
            "~ of a bool",
            lambda rewards, gamma, terminated, final_value: (
                total_return(rewards, gamma) + (-2 if terminated else -1) * gamma ** len(rewards) * final_value
            ),
            "`~` of Python's True is -2, and of False -1: a number to multiply with, not the opposite.",
            "the future is subtracted, and after a failure twice.",
            "print `~terminated`. Which word does Python have for it?",
        ),
        Mistake(
            "not discounted",
            lambda rewards, gamma, terminated, final_value: (
                total_return(rewards, gamma) + (not terminated) * final_value
            ),
            "the value after the cut is added in full.",
            "values learned from such values grow and grow, where rewards are positive.",
            "how many steps away is it, seen from the start?",
        ),
        Mistake(
            "discounted once",
            lambda rewards, gamma, terminated, final_value: (
                total_return(rewards, gamma) + (not terminated) * gamma * final_value
            ),
            "the value after the cut is multiplied by γ once, however long the episode was.",
            "after 460 steps with γ = 0.99 the future counts a hundred times too much.",
            "how many steps away is it, seen from the start?",
        ),
        Mistake(
            "discounted once too little",
            lambda *args: bootstrapped(*args, extra=-1),
            "the value after the cut has the discount of the last reward.",
            "the future counts too much, by a factor of 1/γ.",
            "the last reward comes at t = T - 1. When does the final observation come?",
        ),
        Mistake(
            "discounted once too often",
            lambda *args: bootstrapped(*args, extra=1),
            "the value after the cut is discounted once too often.",
            "the future counts too little, by a factor of γ.",
            "count the steps from the start to the final observation: rewards sit between.",
        ),
        Mistake(
            "rewards not discounted",
            lambda rewards, gamma, terminated, final_value: (
                rewards.sum() + (not terminated) * gamma ** len(rewards) * final_value
            ),
            "the future is discounted, but the rewards are not.",
            "a reward at t = 100 and the value at t = 101 are measured in different coins.",
            "the rewards that were seen have to be waited for as well.",
        ),
        Mistake(
            "nothing discounted",
            lambda rewards, gamma, terminated, final_value: rewards.sum() + (not terminated) * final_value,
            "neither the rewards nor the future are discounted.",
            "values learned from such values grow and grow, where rewards are positive.",
            "what is a reward worth that comes one step later?",
        ),
        Mistake(
            "the future alone",
            lambda rewards, gamma, terminated, final_value: (
                total_return(rewards, gamma) if terminated else gamma ** len(rewards) * final_value
            ),
            "when the episode is cut you return the future alone.",
            "what was earned before the cut does not count.",
            "the rewards that were seen belong to the estimate, whichever way the episode ended.",
            also=(
                lambda rewards, gamma, terminated, final_value: (
                    total_return(rewards, gamma) if terminated else final_value
                ),
            ),
        ),
        Mistake(
            "in place of the last reward",
            lambda rewards, gamma, terminated, final_value: total_return(
                rewards if terminated else np.append(rewards[:-1], final_value), gamma
            ),
            "the value takes the place of the last reward.",
            "what the last step before the cut earned does not count.",
            "does the final observation come with the last reward, or after it?",
        ),
    ),
    hints=(
        "Begin with the return of the rewards that were seen.",
        "Something is added in one of the two cases only. In which?",
        "Seen from the start, the final observation lies T steps ahead.",
    ),
)

EXERCISES = (DISCOUNTED_RETURN, STATE_VALUES, TRUNCATED_RETURN, HIKE_RETURNS)
