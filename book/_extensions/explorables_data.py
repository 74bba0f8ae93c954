"""The numbers that live figures start from: for the figure ``some-name`` what
``some_name`` returns."""

from pathlib import Path

import gymnasium as gym
import numpy as np

import pgutils as pg

RESULTS = Path(__file__).parent.parent / "results"
HIKE_LOGITS = [[0.2, -0.3], [0.6, -0.4], [-0.6, 2.0], [0.0, 0.0]]  # of the chapters

LANGUAGE_LOGITS = [
    [0.2, 0.6, 0.2],
    [-0.9, 0.6, 0.3],
    [-0.4, 0.4, 0.3],
    [0.2, 0.0, 0.4],
    [-0.5, -0.1, -0.3],
    [0.4, 0.0, -0.2],
    [-0.5, -0.2, 0.0],
    [0.0, 0.0, 0.0],
]


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


hike_estimates = twelve_hikes


def baseline() -> list[dict]:
    """Return the hike and the bandit of chapter 5 as lists of outcomes."""
    hike = twelve_hikes()
    tau = pg.mountain_hike().enumerate_trajectories(horizon=3)
    policy = pg.softmax_policy(np.array(HIKE_LOGITS))
    steps = pg.softmax_score(policy, tau.states[:, :-1], tau.actions)
    scores = (steps * tau.mask[..., None, None]).sum(1)
    hikes = [
        {
            "name": route(hike["names"], trajectory["steps"]),
            "chance": float(chance),
            "return": trajectory["return"],
            "score": score[[0, 1, 2]][:, [1, 0]].T.ravel().tolist(),
        }
        for trajectory, chance, score in zip(
            hike["trajectories"], tau.probability(policy), scores, strict=True
        )
    ]
    arms = [
        {"name": "action 1", "chance": 0.9, "return": 1.0, "score": [0.1]},
        {"name": "action 0", "chance": 0.1, "return": 0.0, "score": [-0.9]},
    ]
    return [
        {
            "name": "The hike",
            "meaning": "mean return",
            "components": [
                "climbing at the trailhead",
                "climbing in the forest",
                "climbing on the ridge",
            ],
            "outcomes": sorted(hikes, key=lambda outcome: -outcome["return"]),
            **{"from": -1, "to": 3, "step": 0.01, "decimals": 3, "reach": 2.0},
            "levels": [0, 2, 4],
        },
        {
            "name": "The bandit",
            "meaning": "the value",
            "components": ["action 1"],
            "outcomes": arms,
            **{"from": -0.5, "to": 1.5, "step": 0.01, "decimals": 4, "reach": 0.5},
            "levels": [0, 0.05, 0.1, 0.15],
        },
    ]


def route(names: list[str], steps: list[list[int]]) -> str:
    """Return a hike in words."""
    return ", ".join(f"{names[s]}: {('path', 'climb')[a]}" for s, a in steps)


def cart_pole_constants() -> dict:
    """Return the constants of Gymnasium's CartPole."""
    env = gym.make("CartPole-v1")
    names = ["gravity", "masspole", "total_mass", "length", "polemass_length"]
    names += ["force_mag", "tau", "x_threshold", "theta_threshold_radians"]
    constants = {name: getattr(env.unwrapped, name) for name in names}
    return {**constants, "max_steps": env.spec.max_episode_steps}


sixteen_runs = cart_pole_constants


def cart_pole() -> dict:
    """Return CartPole's constants and the recorded policies, in five digits."""
    recorded = pg.load_results(RESULTS / "cart-pole-policies.npz")

    def rounded(array):
        return [[float(f"{x:.5g}") for x in row] for row in np.atleast_2d(array)]

    policies = [
        {
            "updates": int(updates),
            "return": round(float(recorded["returns"][k]), 1),
            "layers": [
                {
                    "weight": rounded(recorded[f"weight_{layer}"][k]),
                    "bias": rounded(recorded[f"bias_{layer}"][k])[0],
                }
                for layer in (1, 2)
            ],
        }
        for k, updates in enumerate(recorded["updates"])
    ]
    return {**cart_pole_constants(), "policies": policies}


def corridor() -> dict:
    """Return where chapter 1 starts to climb."""
    return {"p": 0.3}


def lambda_dial() -> dict:
    """Return, for several gammas, the values of an episode's states in CartPole and
    those of the hike, with its trajectories and the gradient of climbing."""
    recorded = pg.load_results(RESULTS / "cart-pole-episode.npz")
    gammas = recorded["gammas"].tolist()
    hike, tau = pg.mountain_hike(), pg.mountain_hike().enumerate_trajectories(3)
    policy = pg.softmax_policy(np.array(HIKE_LOGITS))
    trajectories = [
        {
            "chance": float(chance),
            "states": tau.states[i, : steps + 1].tolist(),
            "actions": tau.actions[i, :steps].tolist(),
            "rewards": tau.rewards[i, :steps].tolist(),
        }
        for i, (steps, chance) in enumerate(
            zip(tau.mask.sum(-1), tau.probability(policy), strict=True)
        )
    ]
    return {
        "gammas": gammas,
        "episode": np.round(recorded["values"].astype(float), 4).tolist(),
        "hike": {
            "gamma": hike.gamma,
            "tau": trajectories,
            "policy": policy[:, 1].tolist(),
            "gradient": pg.exact_policy_gradient(hike, HIKE_LOGITS)[:, 1].tolist(),
            "values": [
                pg.mountain_hike(gamma).state_values(policy).tolist()
                for gamma in gammas
            ],
        },
    }


def the_clip() -> dict:
    """Return the hike as in chapter 2, the visits of its states, and for each
    trajectory its chance and the weights of its steps, G_t - V(s_t); ``first`` is
    the batch shown first, in which there are samples of every kind."""
    hike, tau = pg.mountain_hike(), pg.mountain_hike().enumerate_trajectories(3)
    policy = pg.softmax_policy(np.array(HIKE_LOGITS))
    weights = pg.rewards_to_go(tau.rewards, hike.gamma)
    weights = weights - hike.state_values(policy)[tau.states[:, :-1]]
    start = twelve_hikes()
    for i, chance in enumerate(tau.probability(policy).tolist()):
        steps = len(start["trajectories"][i]["steps"])
        added = {"chance": chance, "weights": weights[i, :steps].tolist()}
        start["trajectories"][i].update(added)
    visits = hike.occupancy(policy) * ~hike.terminal
    return {**start, "visits": visits.tolist(), "first": [0, 2, 5]}


def answer_group() -> dict:
    """Return the answers of chapter 11's model, and the group shown first."""

    def says_a_once(answer):
        return float(answer.endswith(".") and answer.count("a") == 1)

    mdp, _ = pg.language_mdp("ab", 3, says_a_once)
    tau = mdp.enumerate_trajectories(3)
    chances = tau.probability(pg.softmax_policy(np.array(LANGUAGE_LOGITS)))
    texts = pg.spell(tau, "ab")
    answers = [
        {
            "text": text,
            "chance": float(chance),
            "right": reward > 0,
            "length": len(text),
        }
        for text, chance, reward in zip(
            texts, chances, tau.rewards.sum(-1).tolist(), strict=True
        )
    ]
    return {
        "answers": answers,
        "first": [texts.index(text) for text in ("ab.", "bbb", ".", "b.")],
    }


def three_seeds() -> dict:
    """Return the recorded runs by both methods, and how often comparisons of a few
    of them name the wrong winner, in 100 000 of them."""
    names = {"rewards_to_go": "reward-to-go", "leave_one_out": "leave-one-out"}
    recorded = pg.load_results(RESULTS / "cart-pole-128-runs.npz")
    groups = [np.round(recorded[name].astype(float), 2) for name in names]
    rng, counts = np.random.default_rng(0), [1, 3, 5, 10, 20]
    expected = []
    for count in counts:
        drawn = [rng.choice(group, size=(100_000, count)) for group in groups]
        worse, better = (runs.mean(1) for runs in drawn)
        expected.append(float((worse > better).mean()))
    return {
        "names": list(names.values()),
        "groups": [group.tolist() for group in groups],
        "counts": counts,
        "expected": expected,
    }
