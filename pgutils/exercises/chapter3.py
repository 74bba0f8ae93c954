"""The exercises of chapter 3: from an action that is drawn to a whole update of REINFORCE."""

import numpy as np
import torch
from scipy.special import softmax

from pgutils.exercises.exercise import Convention, Exercise, Mistake
from pgutils.returns import rewards_to_go, total_return


def drawn(probabilities, u):
    """Return the first action at which the cumulative probability exceeds u."""
    return int((np.cumsum(probabilities) <= u).sum())


CHOOSE_ACTION = Exercise(
    name="choose-action",
    chapter=3,
    solution=lambda logits, u: drawn(softmax(logits), u),
    probes={
        "even odds": (np.array([0.0, 0.0]), 0.2),
        "a larger u": (np.array([0.0, 0.0]), 0.7),
        "three actions": (np.array([1.0, 2.0, 0.5]), 0.1),
        "a middling u": (np.array([1.0, 2.0, 0.5]), 0.3),
        "a large u": (np.array([1.0, 2.0, 0.5]), 0.95),
        "negative logits": (np.array([-3.0, -1.0, -2.0]), 0.85),
    },
    mistakes=(
        Mistake(
            "most probable action",
            lambda logits, u: logits.argmax(),
            "this is always the most probable action.",
            "nothing is explored, and the estimate of the gradient is no longer one.",
            "two calls with different u should sometimes give different actions.",
        ),
        Mistake(
            "evenly",
            lambda logits, u: int(u * len(logits)),
            "all actions are equally probable; the logits have no say.",
            "the agent acts at random for ever, however much it has learned.",
            "divide the interval from 0 to 1 into pieces. How long is each?",
        ),
        Mistake(
            "logits taken for probabilities",
            lambda logits, u: drawn(logits, u),
            "you add up the logits as if they were probabilities.",
            "actions with negative logits misbehave, and the scores no longer fit the actions.",
            "what turns logits into probabilities?",
        ),
        Mistake(
            "from the other end",
            lambda logits, u: len(logits) - 1 - drawn(softmax(logits)[::-1], u),
            "you hand out the interval from its other end. As a draw that is just as good.",
            "none: every action has its right probability.",
            "here the first action should get the piece that begins at 0.",
        ),
        Mistake(
            "one too far",
            lambda logits, u: drawn(softmax(logits), u) + 1,
            "each action is one too large.",
            "the first action is never taken, and the last one does not exist.",
            "for u just above 0 the answer is action 0.",
        ),
        Mistake(
            "compared with single probabilities",
            lambda logits, u: int((softmax(logits) > u).argmax()),
            "you compare u with each probability by itself.",
            "some actions are hardly ever taken, whatever their probability.",
            "the second piece begins where the first one ends.",
        ),
    ),
    hints=(
        "Lay the probabilities end to end: they fill the interval from 0 to 1.",
        "u falls into one of the pieces. Where does each piece end?",
        "The ends of the pieces are cumulative sums.",
    ),
)


def chosen(log_probs, actions):
    """Return what belongs to the actions taken, shape (steps,), of an array (steps, A)."""
    return log_probs[torch.arange(len(actions)), actions]


def log_pi(logits, actions):
    """Return log π of the actions taken, shape (steps,)."""
    return chosen(torch.log_softmax(logits, -1), actions)


def flat_loss(logits, actions, weights, episodes):
    """Return the policy-gradient loss of N episodes whose steps stand in one row."""
    return -(log_pi(logits, actions) * weights.detach()).sum() / episodes


def loss_of(log_probs):
    """Return a loss in which something else takes the place of log π of the actions taken."""

    def wrong(logits, actions, weights, episodes):
        return -(log_probs(logits, actions) * weights.detach()).sum() / episodes

    return wrong


def steps(count, actions, seed):
    """Return logits (count, actions), actions and weights (count,) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(count, actions)).round(1),
        rng.integers(actions, size=count),
        rng.normal(size=count).round(1),
    )


POLICY_GRADIENT_LOSS = Exercise(
    name="policy-gradient-loss",
    chapter=3,
    solution=flat_loss,
    probes={
        "one step": (np.array([[1.0, 0.0]]), np.array([1]), np.array([2.0]), 1),
        "two steps": (np.array([[1.0, 0.0], [0.5, -0.5]]), np.array([1, 0]), np.array([2.0, -1.0]), 1),
        "two episodes of three steps": (*steps(6, 3, seed=1), 2),
        "three episodes of different lengths": (*steps(7, 2, seed=2), 3),
    },
    gradients=("logits", "weights"),
    conventions=(
        Convention(
            "sum over episodes",
            lambda logits, actions, weights, episodes: flat_loss(logits, actions, weights, 1),
            "You add the episodes where the book takes their mean. That is N times as long a step in the same "
            "direction, so a step size N times smaller makes up for it; Adam does so by itself.",
        ),
    ),
    mistakes=(
        Mistake(
            "sign",
            lambda *args: -flat_loss(*args),
            "the sign is turned round.",
            "the optimiser minimises, so the return falls from the first iteration on.",
            "J is to rise, and PyTorch goes downhill.",
        ),
        Mistake(
            "mean over steps",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions) * weights.detach()).mean(),
            "you divide by the number of steps, not of episodes.",
            "batches with long episodes count for less; a small batch may favour the worse road.",
            "which of the two numbers does not depend on what the agent did?",
        ),
        Mistake(
            "mean times sum",
            lambda logits, actions, weights, episodes: (
                -(log_pi(logits, actions).mean() * weights.detach().sum()) / episodes
            ),
            "a mean of log-probabilities is multiplied by a sum.",
            "all actions share one weight: good ones are not told from bad.",
            "multiply first, step by step.",
        ),
        Mistake(
            "sum times sum",
            lambda logits, actions, weights, episodes: (
                -(log_pi(logits, actions).sum() * weights.detach().sum()) / episodes
            ),
            "each log-probability meets all weights: sums were multiplied, or shapes (steps, 1) and (steps,) were.",
            "all actions share one weight: good ones are not told from bad.",
            "print the shape of the product: it should be (steps,).",
        ),
        Mistake(
            "mean of a broadcast product",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions).mean() * weights.detach().mean()),
            "each log-probability meets all weights: means were multiplied, or the mean "
            "hides that shapes (steps, 1) and (steps,) were.",
            "all actions share one weight: good ones are not told from bad.",
            "print the shape of the product: it should be (steps,).",
        ),
        Mistake(
            "π instead of log π",
            loss_of(lambda logits, actions: chosen(torch.softmax(logits, -1), actions)),
            "you use π where log π is meant.",
            "rare actions are counted for too little, and the policy stays with what it does.",
            "∇π = π ∇ log π: one factor too many.",
        ),
        Mistake(
            "softmax twice",
            loss_of(lambda logits, actions: log_pi(torch.softmax(logits, -1), actions)),
            "the logits went through two softmaxes.",
            "the gradient fades as the policy gets certain: learning stops early.",
            "does your last function expect logits or probabilities?",
        ),
        Mistake(
            "no softmax",
            loss_of(chosen),
            "you use the logits where log-probabilities are meant.",
            "the logits grow without limit: nothing pushes the other actions down.",
            "what turns logits into log-probabilities?",
        ),
        Mistake(
            "softmax over the steps",
            loss_of(lambda logits, actions: chosen(torch.log_softmax(logits, 0), actions)),
            "the softmax runs along the steps, not along the actions.",
            "the actions of different steps compete with each other.",
            "along which axis must the probabilities sum to 1?",
        ),
        Mistake(
            "every step with every action",
            lambda logits, actions, weights, episodes: (
                -(torch.log_softmax(logits, -1)[:, actions] * weights.detach()).sum() / episodes
            ),
            "the action of each step is looked up in every row, as `[:, actions]` does.",
            "actions are credited in states where they were not taken.",
            "print the shape of what you picked: it should be (steps,).",
        ),
        Mistake(
            "all actions",
            lambda logits, actions, weights, episodes: (
                -(torch.log_softmax(logits, -1) * weights.detach()[:, None]).sum() / episodes
            ),
            "the log-probabilities of all actions are added, not those of the actions taken.",
            "which action was taken makes no difference to the step.",
            "what do you need `actions` for?",
        ),
        Mistake(
            "most probable action",
            loss_of(lambda logits, actions: torch.log_softmax(logits, -1).max(-1).values),
            "you take the most probable action of each step, not the one taken.",
            "exploring is useless: what was tried is never learned from.",
            "what do you need `actions` for?",
        ),
        Mistake(
            "log-probabilities detached",
            lambda *args: flat_loss(*args).detach(),
            "the value is right, but no gradient reaches the logits.",
            "the loss can be printed, and nothing is ever learned.",
            "look for `.detach()`, `.item()`, `.data`, `.numpy()` or `no_grad` in the way.",
        ),
        Mistake(
            "log-probabilities detached, weights not",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions).detach() * weights).sum() / episodes,
            "you detach the log-probabilities, not the weights.",
            "what should be constant gets a gradient, the policy none: nothing is learned.",
            "which of the two depends on the parameters that are to learn?",
        ),
        Mistake(
            "weights not detached",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions) * weights).sum() / episodes,
            "the value is right, but the weights get a gradient, too.",
            "with a learned baseline (chapter 5) it drives the values away from the truth.",
            "the weights are constants here. How do you tell PyTorch so?",
        ),
    ),
    hints=(
        "First get log π of each action that was taken: a tensor of shape (steps,).",
        "`torch.log_softmax(logits, -1)` has shape (steps, actions); `actions` says which entry of each row counts.",
        "Multiply step by step, add up, divide by the number of episodes. Then think of the sign.",
    ),
)


def score_of(theta, state, action):
    """Return ∇ log π(action | state) of a tabular softmax, shape (S, A)."""
    score = np.zeros_like(theta)
    score[state] = np.eye(theta.shape[1])[action] - softmax(theta[state])
    return score


def estimate(theta, episodes, weights, score=score_of):
    """Return the sum over all steps of score times weight; ``weights`` maps the rewards of an episode to numbers."""
    return sum(
        score(theta, s, a) * w
        for states, actions, rewards in episodes
        for s, a, w in zip(states, actions, weights(rewards), strict=True)
    )


def with_weights(weights, score=score_of):
    """Return an update of REINFORCE with other weights or another score."""

    def update(theta, episodes, gamma, alpha):
        total = estimate(theta, episodes, lambda rewards: weights(rewards, gamma), score)
        return theta + alpha * total / len(episodes)

    return update


def whole(rewards, gamma):
    """Return the return of the episode, once for each step."""
    return np.full(len(rewards), total_return(rewards, gamma))


reinforce = with_weights(whole)


def one_by_one(theta, episodes, gamma, alpha):
    """Return θ after an update by each episode in turn, with the scores of the policy so far."""
    for episode in episodes:
        theta = theta + alpha * estimate(theta, [episode], lambda rewards: whole(rewards, gamma)) / len(episodes)
    return theta


def episode(states, actions, rewards):
    """Return one episode of the exercise on REINFORCE."""
    return [np.array(states), np.array(actions), np.array(rewards)]


SHORT, LONG = episode([0], [1], [2.0]), episode([0, 1, 0], [0, 1, 1], [1.0, 0.0, 3.0])
OTHER = episode([1, 0], [0, 0], [-1.0, 0.5])
THETA = np.array([[0.2, -0.3], [0.6, -0.4]])

REINFORCE_UPDATE = Exercise(
    name="reinforce-update",
    chapter=3,
    solution=reinforce,
    probes={
        "one step": (np.zeros((1, 2)), [SHORT], 1.0, 0.5),
        "one episode": (THETA, [LONG], 0.5, 0.1),
        "γ = 1": (THETA, [LONG], 1.0, 0.1),
        "two episodes": (THETA, [SHORT, LONG], 0.5, 0.1),
        "three episodes": (THETA, [SHORT, LONG, OTHER], 0.9, 0.2),
    },
    conventions=(
        Convention(
            "sum over episodes",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, alpha * len(episodes)),
            "You add the episodes where the book takes their mean. That is the same direction with a step N times "
            "as long, so remember it when you compare step sizes.",
        ),
    ),
    mistakes=(
        Mistake(
            "downhill",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, -alpha),
            "the step goes downhill.",
            "the return falls from the first iteration on.",
            "there is no loss here, and J is to rise.",
        ),
        Mistake(
            "mean over steps",
            lambda theta, episodes, gamma, alpha: reinforce(
                theta, episodes, gamma, alpha * len(episodes) / sum(len(rewards) for *_, rewards in episodes)
            ),
            "you divide by the number of steps, not of episodes.",
            "batches with long episodes count for less; a small batch may favour the worse road.",
            "which of the two numbers does not depend on what the agent did?",
        ),
        Mistake(
            "one episode after the other",
            one_by_one,
            "θ changes between the episodes, so later scores are those of another policy.",
            "data goes stale within the batch; with large steps runs get stuck.",
            "with which θ were the episodes played?",
        ),
        Mistake(
            "own reward",
            with_weights(lambda rewards, gamma: rewards * gamma ** np.arange(len(rewards))),
            "each score is multiplied by the reward of its own step.",
            "nobody climbs for a summit: what comes later does not count.",
            "what is an action responsible for?",
        ),
        Mistake(
            "no discount",
            with_weights(lambda rewards, gamma: whole(rewards, 1.0)),
            "γ has no say in your returns.",
            "another objective is climbed than the one that was asked for.",
            "look at the definition of R(τ) in chapter 1.",
        ),
        Mistake(
            "reward-to-go",
            with_weights(rewards_to_go),
            "you use the reward-to-go, which is the idea of the next chapter.",
            "usually less noise; for γ < 1 a factor of γᵗ is missing then.",
            "here each score of an episode gets the same weight.",
        ),
        Mistake(
            "score without π",
            with_weights(whole, lambda theta, s, a: np.where(score_of(theta, s, a) > 0, 1.0, 0.0)),
            "only the logit of the action taken moves; the others should, too.",
            "what is done becomes more probable, even if all returns are alike.",
            "the components of a softmax score sum to 0.",
        ),
        Mistake(
            "gradient of π",
            with_weights(whole, lambda theta, s, a: score_of(theta, s, a) * softmax(theta[s])[a]),
            "you use ∇π where ∇ log π is meant.",
            "rare actions are counted for too little, and the policy stays with what it does.",
            "∇π = π ∇ log π: one factor too many.",
        ),
        Mistake(
            "gradient alone",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, alpha) - theta,
            "this is the step; the new θ is wanted.",
            "each iteration throws away all that was learned before.",
            "where does the step start?",
        ),
    ),
    hints=(
        "Three loops, or two: over the episodes and over the steps of each. Compute R(τ) before the inner one.",
        "The score of one step is zero except in the row of its state.",
        "Add up everything first, with the old θ; change θ once, at the end.",
    ),
)

EXERCISES = (CHOOSE_ACTION, POLICY_GRADIENT_LOSS, REINFORCE_UPDATE)
