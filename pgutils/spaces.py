"""From what a policy says to what an environment understands."""

import gymnasium as gym
import numpy as np


def action_dim(space: gym.Space) -> int:
    """Return how many outputs a policy needs: the number of discrete actions, or the numbers in a continuous one."""
    return int(space.n) if isinstance(space, gym.spaces.Discrete) else int(np.prod(space.shape))


def in_range(space: gym.Space, actions: np.ndarray) -> np.ndarray:
    """Return what the environment receives for a policy's actions.

    A discrete action is counted from the space's own start. Of a continuous one, -1 and 1 are the ends of the range
    where it has two, and what lies beyond an end is cut to it; the policy keeps the action as it was drawn (chapter 8).

    Args:
        space: of a single action.
        actions: shape (copies,), integers; or (copies, D).

    Returns:
        Actions of shape (copies, *space.shape).
    """
    if isinstance(space, gym.spaces.Discrete):
        return actions + space.start
    low, high = space.low.ravel().astype(float), space.high.ravel().astype(float)
    bounded = np.isfinite(low) & np.isfinite(high)
    bottom, top = np.where(bounded, low, -1.0), np.where(bounded, high, 1.0)
    scaled = np.clip((bottom + top) / 2 + (top - bottom) / 2 * actions, low, high)
    return scaled.astype(space.dtype).reshape(-1, *space.shape)
