"""The numbers that live figures start from: for the figure ``some-name`` what
``some_name`` returns."""

import numpy as np

import pgutils as pg

HIKE_LOGITS = [[0.2, -0.3], [0.6, -0.4], [-0.6, 2.0], [0.0, 0.0]]  # of the chapters


def twelve_hikes() -> dict:
    """Return the mountain hike and its trajectories, each with the steps (state,
    action) really taken, their discounted rewards, and its return."""
    hike = pg.mountain_hike()
    tau = hike.enumerate_trajectories(horizon=3)
    discounted = tau.rewards * hike.gamma ** np.arange(3)
    trajectories = []
    for i, steps in enumerate(tau.mask.sum(-1)):
        states, actions = tau.states[i, : steps + 1], tau.actions[i, :steps]
        trajectories.append(
            {
                "states": states.tolist(),
                "steps": np.stack([states[:-1], actions], -1).tolist(),
                "rewards": discounted[i, :steps].tolist(),
                "return": float(pg.total_return(tau.rewards[i], hike.gamma)),
            }
        )
    return {
        "names": ["trailhead", "forest", "ridge", "home"],
        "transitions": hike.transitions.tolist(),
        "ridge": float(hike.transitions[0, 0, 2]),
        "theta": HIKE_LOGITS,
        "trajectories": trajectories,
    }
