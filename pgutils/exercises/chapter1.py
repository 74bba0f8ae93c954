"""The exercises of chapter 1: returns and values."""

import numpy as np

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.mdp import TabularMDP
from pgutils.problems import mountain_hike
from pgutils.returns import total_return


def discounted(rewards, gamma, shift=0):
    """Return the terms of the return, each discounted ``shift`` times more than it should be; shape (steps,)."""
    return rewards * gamma ** (np.arange(len(rewards)) + shift)


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
            "late rewards count too much, and the agent plans further than it was asked to.",
            "how many steps has she walked when she gets the 4?",
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
            "an agent that discounts a little would leave the hike too early.",
            "write both returns as polynomials in γ and ask where they cross.",
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
    },
    mistakes=(
        Mistake(
            "no discount",
            lambda rewards, gamma: rewards.sum(),
            "this is the plain sum of the rewards; γ has no say in it.",
            "rewards in the far future count in full, and returns become very noisy.",
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
            "from the wrong end",
            lambda rewards, gamma: discounted(rewards[::-1], gamma).sum(),
            "the last reward counts in full, and the first one least.",
            "the agent puts rewards off instead of collecting them.",
            "which reward comes at once, and which has to be waited for?",
        ),
        Mistake(
            "factor, not power",
            lambda rewards, gamma: (
                rewards * np.where(np.arange(len(rewards)), gamma * np.arange(len(rewards)), 1)
            ).sum(),
            "step t is multiplied by γt instead of a power of γ.",
            "later rewards count more and more, and the sum does not stay finite.",
            "waiting one more step multiplies by γ once more.",
        ),
        Mistake(
            "last reward left out",
            lambda rewards, gamma: discounted(rewards, gamma)[:-1].sum(),
            "the last reward of the episode is missing.",
            "a prize at the very end, often the only one, is never seen.",
            "count the terms: an episode of T steps has T rewards.",
        ),
        Mistake(
            "mean over steps",
            lambda rewards, gamma: discounted(rewards, gamma).mean(),
            "the discounted rewards are averaged over the steps, not added.",
            "in CartPole with γ = 1 all returns are 1, however long the pole stands.",
            "look at the sign in front of the terms of the return: is there a division?",
        ),
        Mistake(
            "not added up",
            discounted,
            "these are the discounted rewards, one for each step.",
            "a return is one number; with several, each step would be judged by itself.",
            "what is still to be done with them?",
        ),
    ),
    hints=(
        "Start with the powers of γ that belong to the steps 0, 1, 2, …",
        "Each reward has a power of γ of its own; the return is one number.",
        "In NumPy, a number to the power of an array is an array.",
    ),
)


def loop():
    """Return an MDP of two states without an end, so that γ matters for ever."""
    transitions = [[[0.5, 0.5], [0.0, 1.0]], [[1.0, 0.0], [0.2, 0.8]]]
    return TabularMDP(transitions, rewards=[[1.0, 0.0], [2.0, -1.0]], initial=[1.0, 0.0], gamma=0.5)


def solve(transitions, rewards, policy, gamma):
    """Return the state values, shape (S,)."""
    chain = np.einsum("sa,sat->st", policy, transitions)
    return np.linalg.solve(np.eye(len(chain)) - gamma * chain, (policy * rewards).sum(-1))


def backed_up(transitions, rewards, policy, gamma):
    """Return the action values, shape (S, A)."""
    return rewards + gamma * transitions @ solve(transitions, rewards, policy, gamma)


def without_discount(transitions, rewards, policy, gamma):
    """Return the values after 100 sweeps in which γ is forgotten."""
    values = np.zeros(len(rewards))
    for _ in range(100):
        values = (policy * (rewards + transitions @ values)).sum(-1)
    return values


def greedy_values(transitions, rewards, policy, gamma):
    """Return the values of the best policy instead of the given one."""
    values = np.zeros(len(rewards))
    for _ in range(500):
        values = (rewards + gamma * transitions @ values).max(-1)
    return values


def arrays(mdp, policy):
    """Return the arguments of the exercise on state values."""
    return np.array(mdp.transitions), np.array(mdp.rewards), np.array(policy), mdp.gamma


STATE_VALUES = Exercise(
    name="state-values",
    chapter=1,
    solution=solve,
    probes={
        "two states with γ = 0": (*arrays(loop(), [[0.5, 0.5], [0.25, 0.75]])[:3], 0.0),
        "two states for ever": arrays(loop(), [[0.5, 0.5], [0.25, 0.75]]),
        "a policy that is certain": arrays(loop(), [[1.0, 0.0], [0.0, 1.0]]),
        "the hike": arrays(mountain_hike(), [[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.5, 0.5]]),
    },
    mistakes=(
        Mistake(
            "one sweep",
            lambda transitions, rewards, policy, gamma: (policy * rewards).sum(-1),
            "these are the mean rewards of one step.",
            "a state is judged by its next reward alone, and nobody climbs for a summit.",
            "what follows after the first step? Put your result in again, many times.",
        ),
        Mistake(
            "two sweeps",
            lambda transitions, rewards, policy, gamma: (
                policy * (rewards + gamma * transitions @ (policy * rewards).sum(-1))
            ).sum(-1),
            "you look two steps ahead and then stop.",
            "whatever comes later than the second step is not seen.",
            "go on until the numbers no longer change.",
        ),
        Mistake(
            "no discount",
            without_discount,
            "γ has no say in these values.",
            "where episodes do not end, the values grow without limit.",
            "the next state's value comes one step later. What is it worth now?",
        ),
        Mistake(
            "reward discounted",
            lambda *args: args[-1] * solve(*args),
            "the reward of the present step is discounted, too.",
            "all values shrink by γ, and no longer agree with the returns.",
            "to which of the two terms does γ belong?",
        ),
        Mistake(
            "best action",
            greedy_values,
            "these are the values of the best policy, not of the one that was given.",
            "a policy gradient needs to know how good the present policy is.",
            "what should happen to the actions: a maximum, or a mean?",
        ),
        Mistake(
            "policy ignored",
            lambda transitions, rewards, policy, gamma: solve(
                transitions, rewards, np.full_like(policy, 1 / policy.shape[1]), gamma
            ),
            "all actions count alike, whatever their probability.",
            "improving the policy would not show in its values.",
            "the mean over the actions is a weighted one.",
        ),
        Mistake(
            "arrived from, not going to",
            lambda transitions, rewards, policy, gamma: np.linalg.solve(
                np.eye(len(rewards)) - gamma * np.einsum("sa,sat->ts", policy, transitions), (policy * rewards).sum(-1)
            ),
            "the value comes from the states before, not from those after.",
            "credit flows forwards in time, and no state learns what it leads to.",
            "rows and columns: which index of the matrix is the present state?",
        ),
        Mistake(
            "action values",
            backed_up,
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
    tolerance=1e-4,
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
        "γ = 1": (np.array([1.0, 1.0]), 1.0, False, 5.0),
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
            "failing is rewarded, and surviving is punished.",
            "read the box “Terminated is not truncated” once more.",
        ),
        Mistake(
            "not discounted",
            lambda rewards, gamma, terminated, final_value: (
                total_return(rewards, gamma) + (not terminated) * final_value
            ),
            "the value after the cut is added in full.",
            "with γ < 1 the values grow from iteration to iteration and do not settle.",
            "how many steps away is it, seen from the start?",
        ),
        Mistake(
            "discounted once too little",
            lambda *args: bootstrapped(*args, extra=-1),
            "the value after the cut has the discount of the last reward.",
            "a small bias at each cut that repeats itself whenever values are learned from values.",
            "the last reward comes at t = T - 1. When does the final observation come?",
        ),
        Mistake(
            "discounted once too often",
            lambda *args: bootstrapped(*args, extra=1),
            "the value after the cut is discounted once too often.",
            "the future counts too little, and the agent becomes short-sighted.",
            "count the steps from the start to the final observation: rewards sit between.",
        ),
    ),
    hints=(
        "Begin with the return of the rewards that were seen.",
        "Something is added in one of the two cases only. In which?",
        "Seen from the start, the final observation lies T steps ahead.",
    ),
)

EXERCISES = (DISCOUNTED_RETURN, STATE_VALUES, TRUNCATED_RETURN, HIKE_RETURNS)
