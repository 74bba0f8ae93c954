"""The book's small Markov decision processes."""

import numpy as np

from pgutils.mdp import TabularMDP


def short_corridor() -> TabularMDP:
    """Return the short corridor with switched actions: three states, then the goal; -1 for each step.

    Action 0 is *left* and 1 is *right*, except in the middle state, where they are switched.

    Source: Sutton and Barto (2018), example 13.1. *Introduced in chapter 1.*
    """
    transitions = np.zeros((4, 2, 4))
    for state, (left, right) in enumerate([(0, 1), (2, 0), (1, 3), (3, 3)]):
        transitions[state, 0, left] = transitions[state, 1, right] = 1
    rewards = np.array([[-1, -1], [-1, -1], [-1, -1], [0, 0]])
    return TabularMDP(transitions, rewards, initial=np.eye(4)[0], gamma=1.0)


def mountain_hike(gamma: float = 0.9) -> TabularMDP:
    """Return the book's running example: a hike of at most three steps with twelve possible trajectories.

    States are 0 *trailhead*, 1 *forest*, 2 *ridge* and 3 *home*; action 0 is *path* and 1 is *climb*.

    *Introduced in chapter 1.*
    """
    transitions = np.zeros((4, 2, 4))
    transitions[0] = [[0, 0.8, 0.2, 0], [0, 0.4, 0.6, 0]]
    transitions[1] = [[0, 0, 0, 1], [0, 0, 0.5, 0.5]]
    transitions[2:, :, 3] = 1
    rewards = np.array([[0, -1], [1, -1], [1, 4], [0, 0]])
    return TabularMDP(transitions, rewards, initial=np.eye(4)[0], gamma=gamma)
