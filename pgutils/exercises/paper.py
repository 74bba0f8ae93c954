"""Exercises for pen and paper whose answers can be checked: of chapters 1, 3 and 4."""

import numpy as np

from pgutils.exercises.exercise import Convention, Exercise, Mistake


def corridor(p, turned=True, state=0):
    """Return the value of a state of the corridor if one goes right with probability p; ``turned`` as in the book."""
    right = np.array([p, 1 - p if turned else p, p])
    chain = np.zeros((3, 3))
    chain[0] = [1 - right[0], right[0], 0]
    chain[1] = [1 - right[1], 0, right[1]]
    chain[2, 1] = 1 - right[2]
    return np.linalg.solve(np.eye(3) - chain, -np.ones(3))[state]


CORRIDOR_VALUE = Exercise(
    name="corridor-value",
    chapter=1,
    solution=lambda p: corridor(p),
    probes={
        "even odds": (0.5,),
        "mostly right": (0.9,),
        "mostly left": (0.05,),
        "somewhat right": (0.6,),
    },
    mistakes=(
        Mistake(
            "not switched",
            lambda p: corridor(p, turned=False),
            "in your corridor right means right everywhere.",
            "going right for certain looks best, and would walk to and fro for ever.",
            "in the middle state the two actions are switched.",
        ),
        Mistake(
            "left for right",
            lambda p: corridor(1 - p),
            "your p is the probability of going left.",
            "the best p comes out mirrored.",
            "which of p and q = 1 - p leads out of the first state?",
        ),
        Mistake(
            "value of the middle state",
            lambda p: corridor(p, state=1),
            "this is the value of the middle state.",
            "the steps in the first state, 1/p of them on average, are not counted.",
            "where does an episode start?",
        ),
        Mistake(
            "value of the last state",
            lambda p: corridor(p, state=2),
            "this is the value of the state next to the goal.",
            "it is always better than where an episode starts.",
            "where does an episode start?",
        ),
        Mistake(
            "number of steps",
            lambda p: -corridor(p),
            "this is the mean number of steps.",
            "the best p would make the episode as long as possible.",
            "each step is worth -1.",
        ),
        Mistake(
            "last step free",
            lambda p: corridor(p) + 1,
            "the step into the goal costs nothing in your equations.",
            "all values are 1 too high; the best p is the same.",
            "what is the reward of the step from the last state?",
        ),
    ),
    hints=(
        "Three unknowns, three equations: V₀ = -1 + q V₀ + p V₁ is the first, with q = 1 - p.",
        "Express V₁ by V₀ with the first equation and V₂ by V₁ with the third, and put both into the second.",
        "Try your formula with p = ½: it should give -12.",
    ),
)

CORRIDOR_BEST = Exercise(
    name="corridor-best",
    chapter=1,
    solution=2 - np.sqrt(2),
    tolerance=5e-3,
    mistakes=(
        Mistake(
            "other root",
            2 + np.sqrt(2),
            "this is a root, but not a probability.",
            "no policy has it.",
            "a quadratic equation has two roots. Which lies between 0 and 1?",
        ),
        Mistake(
            "probability of left",
            np.sqrt(2) - 1,
            "this is the best probability of going left.",
            "mirrored, the value at the start is -13.1 in place of -11.7.",
            "p is the probability of going right.",
        ),
        Mistake(
            "even odds",
            0.5,
            "½ is good, and not the best.",
            "the value at the start is -12 there.",
            "set the derivative of v(p) to zero.",
        ),
        Mistake(
            "the value itself",
            -(6 + 4 * np.sqrt(2)),
            "this is the best value; wanted is where it is attained.",
            "none.",
            "which p did you put in?",
        ),
    ),
    hints=(
        "The derivative of a quotient is zero where its numerator is: a quadratic equation.",
        "It is p² - 4p + 2 = 0.",
    ),
)

CUT_OFF = Exercise(
    name="cut-off",
    chapter=1,
    solution=[0.99**500, 0.999**500],
    tolerance=8e-4,
    digits=True,
    conventions=(
        Convention(
            "three decimals", [0.007, 0.606], "These are three decimals; three digits of the first are 0.00657."
        ),
        Convention("four decimals", [0.0066, 0.6064], "The first has two digits; with three it is 0.00657."),
    ),
    mistakes=(
        Mistake(
            "what was seen",
            [1 - 0.99**500, 1 - 0.999**500],
            "this is the share that she sees.",
            "none: the other share is 1 minus this one.",
            "which rewards come after the cut?",
            also=([0.993, 0.394],),
        ),
        Mistake(
            "one step too many",
            [0.99**501, 0.999**501],
            "your exponent is one too large.",
            "a share that is too small by γ.",
            "rewards come at t = 0 to 499. At which t is the first one that she misses?",
            also=([0.0065, 0.606], [0.0065, 0.6058]),
        ),
        Mistake(
            "one step too few",
            [0.99**499, 0.999**499],
            "your exponent is one too small.",
            "a share that is too large, by 1/γ.",
            "rewards come at t = 0 to 499. At which t is the first one that she misses?",
            also=([0.00664, 0.607],),
        ),
        Mistake(
            "amounts",
            [0.99**500 * 100, 0.999**500 * 1000],
            "these are amounts; wanted are shares of the exact value.",
            "none: divide by 100, and by 1000.",
            "how large is the exact value for each γ?",
            also=([0.657, 606],),
        ),
        Mistake(
            "per cent",
            [0.99**500 * 100, 0.999**500 * 100],
            "these are percentages; wanted are shares between 0 and 1.",
            "none.",
            "divide by 100.",
            also=([0.657, 60.6], [0.66, 60.6]),
        ),
        Mistake(
            "nothing",
            [0, 0],
            "something is missing: the pole still stands after 500 steps.",
            "values learned so are too low near the cut.",
            "what are all rewards from step 500 on worth today?",
        ),
        Mistake(
            "γ only",
            [0.01, 0.001],
            "this is 1 - γ. Count the steps until the cut.",
            "the longer the episode, the less is missing.",
            "what is a reward of 1 worth that comes 500 steps later?",
        ),
    ),
    hints=(
        "All rewards from step k on are worth γᵏ / (1 - γ) today.",
        "Divide by the exact value, 1 / (1 - γ).",
    ),
)

FOUR_COPIES = Exercise(
    name="four-copies",
    chapter=3,
    solution=35 / 128,
    tolerance=1e-3,
    mistakes=(
        Mistake(
            "slow first",
            9 / 32,
            "of two that end together you let the slow one go first, or a copy gives three at most.",
            "the share comes out too large.",
            "who goes first if both end at once? And how many may one copy give?",
        ),
        Mistake(
            "two episodes of each copy",
            41 / 128,
            "each copy plays two episodes at most, as in the text.",
            "a quick copy that would have given a third is left out.",
            "how many of the four episodes may come from the same copy?",
        ),
        Mistake(
            "batch of two",
            1 / 8,
            "this is the share in a batch of two, from four copies.",
            "the smaller the batch, the quicker its episodes.",
            "a batch of as many episodes as there are copies.",
        ),
        Mistake(
            "fair share",
            0.5,
            "half would be slow if each copy gave one episode, whenever it ends.",
            "none: that is the remedy, and what `pg.collect_episodes` does.",
            "which episodes are over first?",
        ),
        Mistake(
            "two copies",
            0.375,
            "this is the share with two copies.",
            "more copies make it worse.",
            "four copies, and a batch of four.",
        ),
        Mistake(
            "three copies",
            0.3125,
            "this is the share with three copies.",
            "more copies make it worse.",
            "four copies, and a batch of four.",
        ),
        Mistake(
            "per cent",
            100 * 35 / 128,
            "this is a percentage; wanted is a share between 0 and 1.",
            "none.",
            "divide by 100.",
        ),
        Mistake(
            "share of the quick",
            93 / 128,
            "this is the share of quick episodes.",
            "none: the other share is 1 minus this one.",
            "which road takes four steps?",
        ),
    ),
    hints=(
        "One copy may give all four episodes of the batch, so play four in each: 16 cases for one copy.",
        "`itertools.product(plays, repeat=4)` has 65,536 cases, all equally probable.",
    ),
)

BY_HAND = Exercise(
    name="by-hand",
    chapter=4,
    solution=[2, 4, 8, 4, 3, 2, 1],
    mistakes=(
        Mistake(
            "total return",
            [2, 2, 2, 4, 4, 4, 4],
            "this is the total return, the same at each step.",
            "past rewards stay in the weights as noise.",
            "which rewards can the last action still change?",
        ),
        Mistake(
            "past",
            [0, 0, 2, 1, 2, 3, 4],
            "this is the sum of the rewards up to each step.",
            "the expected gradient has only each action's own reward in it.",
            "from which end should the sum run?",
        ),
        Mistake(
            "forwards",
            [0, 0, 8, 1, 2, 3, 4],
            "the recursion runs forwards: each step collects its past.",
            "future rewards do not count.",
            "which of two neighbouring steps must be known first?",
        ),
        Mistake(
            "last step first",
            [8, 4, 2, 1, 2, 3, 4],
            "the numbers are right, but the last step comes first.",
            "the last action is praised for everything, the first for the end only.",
            "how much is still to come at the very first step?",
        ),
        Mistake(
            "no discount",
            [8, 8, 8, 4, 3, 2, 1],
            "in the first three γ has no say.",
            "rewards in the far future count in full.",
            "what is the 8 worth two steps before it comes?",
        ),
        Mistake(
            "counted from the start",
            [2, 2, 2, 4, 3, 2, 1],
            "in the first three the discount counts from the start, not from each step.",
            "late steps hardly learn.",
            "at the last step, what is its own reward worth?",
        ),
    ),
    hints=(
        "Begin with the last of the three numbers: nothing comes after it.",
        "Each number is its own reward plus γ times the next number.",
    ),
)

EXERCISES = (CORRIDOR_VALUE, CORRIDOR_BEST, CUT_OFF, FOUR_COPIES, BY_HAND)
