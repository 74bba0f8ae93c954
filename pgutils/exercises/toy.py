"""The exercise of “How to do the exercises”, which has nothing to do with the book's subject."""

import numpy as np

from pgutils.exercises.exercise import Exercise, Mistake


def running_mean(x):
    """Return the mean of all entries up to each one."""
    return np.cumsum(x) / np.arange(1, len(x) + 1)


RUNNING_MEAN = Exercise(
    name="running-mean",
    chapter=0,
    solution=running_mean,
    probes={
        "one number": (np.array([3.0]),),
        "three numbers": (np.array([2.0, 4.0, 9.0]),),
        "negative numbers": (np.array([-1.0, -3.0, 4.0, 2.0]),),
        "whole numbers": (np.array([1, 2, 4]),),
        "a long list": (np.sin(np.arange(30.0)),),
    },
    mistakes=(
        Mistake(
            "running sum",
            lambda x: np.cumsum(x),
            "these are the sums so far, not yet their means.",
            "of positive numbers, the later, the larger.",
            "how many numbers have been added up by then?",
        ),
        Mistake(
            "divided by the whole length",
            lambda x: np.cumsum(x) / len(x),
            "each sum is divided by the length of the whole list.",
            "the first means are too small, and only the last is right.",
            "how many numbers have been added up by then?",
        ),
        Mistake(
            "one short",
            lambda x: np.append(x[0], np.cumsum(x)[1:] / np.arange(1, len(x))),
            "each sum is divided by one number too few.",
            "the means are too large, the early ones most.",
            "counting from 0, how many numbers are there up to number t?",
        ),
        Mistake(
            "from the end",
            lambda x: running_mean(x[::-1])[::-1],
            "these are the means of what comes after, not before.",
            "the first number already knows the last.",
            "which numbers are known by then?",
        ),
    ),
    hints=(
        "By hand first: of 2, 4, 9, what are the three means?",
        "`np.cumsum` gives all the sums at once.",
    ),
)

EXERCISES = (RUNNING_MEAN,)
