"""The exercises of chapter 2: log-probabilities and scores."""

import numpy as np
from scipy.special import softmax

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.problems import mountain_hike

HIKE = mountain_hike()
POLICY = np.array([[0.5, 0.5], [0.75, 0.25], [0.25, 0.75], [0.5, 0.5]])


def terms(states, actions, policy, initial, transitions):
    """Return the start's probability and, for each step, that of the action and that of the next state."""
    return initial[states[0]], policy[states[:-1], actions], transitions[states[:-1], actions, states[1:]]


def log_probability(states, actions, policy, initial, transitions):
    """Return log P(τ | θ) of one trajectory."""
    start, chosen, moved = terms(states, actions, policy, initial, transitions)
    return np.log(start) + np.log(chosen).sum() + np.log(moved).sum()


def long_walk():
    """Return 2000 steps to and fro between two states, whose probability is smaller than any float."""
    transitions = np.full((2, 2, 2), 0.5)
    steps = np.arange(2001) % 2
    return steps, steps[:-1], np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([0.5, 0.5]), transitions


def hike(states, actions):
    """Return the arguments for a trajectory of the hike that may start anywhere but at home."""
    initial = np.array([0.5, 0.3, 0.2, 0.0])
    return np.array(states), np.array(actions), POLICY, initial, np.array(HIKE.transitions)


LOG_PROBABILITY = Exercise(
    name="trajectory-log-probability",
    chapter=2,
    solution=log_probability,
    probes={
        "one step": hike([2, 3], [1]),
        "two steps": hike([0, 1, 3], [0, 0]),
        "three steps": hike([0, 1, 2, 3], [1, 1, 0]),
        "two thousand steps": long_walk(),
    },
    mistakes=(
        Mistake(
            "probability, not its logarithm",
            lambda *args: np.prod(np.concatenate([np.ravel(term) for term in terms(*args)])),
            "this is the probability; its logarithm is wanted.",
            "∇P contains the dynamics, and ∇ log P does not: the trick is lost.",
            "the logarithm turns a product into something else.",
        ),
        Mistake(
            "logarithm of a product",
            lambda *args: np.log(np.prod(np.concatenate([np.ravel(term) for term in terms(*args)]))),
            "right for short trajectories; a long product is rounded to 0, and log 0 is -∞.",
            "the first long episode makes the loss infinite, then all weights NaN.",
            "take the logarithms before you combine the factors.",
        ),
        Mistake(
            "start left out",
            lambda *args: log_probability(*args) - np.log(terms(*args)[0]),
            "the start distribution is missing.",
            "none, for the gradient: ρ₀ does not depend on θ. As a probability it is wrong.",
            "how was the first state chosen?",
        ),
        Mistake(
            "dynamics left out",
            lambda *args: np.log(terms(*args)[0]) + np.log(terms(*args)[1]).sum(),
            "the dynamics are missing.",
            "none, for the gradient: they drop out of it. As a probability it is wrong.",
            "after each action the environment draws something, too.",
        ),
        Mistake(
            "policy alone",
            lambda *args: np.log(terms(*args)[1]).sum(),
            "this is the policy's part alone.",
            "none: it is just what the gradient needs. But it is not log P(τ | θ).",
            "who else draws something in an episode, and when?",
        ),
        Mistake(
            "policy left out",
            lambda *args: np.log(terms(*args)[0]) + np.log(terms(*args)[2]).sum(),
            "the policy is missing.",
            "nothing in it depends on θ, and its gradient is zero.",
            "which draws does the agent make?",
        ),
        Mistake(
            "last step left out",
            lambda states, actions, *rest: log_probability(states[:-1], actions[:-1], *rest),
            "the last step is missing.",
            "the last action of an episode, often the decisive one, never gets a score.",
            "there is one more state than there are actions: where must the loop end?",
        ),
        Mistake(
            "mean over steps",
            lambda *args: np.log(terms(*args)[0]) + np.log(terms(*args)[1] * terms(*args)[2]).mean(),
            "the steps are averaged, not added.",
            "long episodes count for less, and the estimate is biased (chapter 3).",
            "the logarithm of a product is what?",
        ),
        Mistake(
            "base 2",
            lambda *args: log_probability(*args) / np.log(2),
            "this is a logarithm to base 2.",
            "the gradient is 1.44 times too long.",
            "∇ log P = ∇P / P holds for one base only.",
        ),
        Mistake(
            "sign",
            lambda *args: -log_probability(*args),
            "the sign is turned round.",
            "ascent becomes descent, and the agent learns to do badly.",
            "what sign has the logarithm of a number below 1?",
        ),
    ),
    hints=(
        "Write down everything that is drawn at random in an episode, in order.",
        "`policy[states[:-1], actions]` picks the probability of each action that was taken.",
        "Long products vanish; long sums do not.",
    ),
)


def linear_softmax(theta, features):
    """Return π(a), shape (A,), of a policy whose logits are the features (A, d) times θ (d,)."""
    return softmax(features @ theta)


def linear_score(theta, features, action):
    """Return ∇ log π(action), shape (d,)."""
    return features[action] - linear_softmax(theta, features) @ features


def overflowing_score(theta, features, action):
    """Return the same without the shift that keeps the exponentials finite."""
    exponentials = np.exp(features @ theta)
    return features[action] - exponentials / exponentials.sum() @ features


FEATURES = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, -1.0]])

SOFTMAX_SCORE = Exercise(
    name="softmax-score",
    chapter=2,
    solution=linear_score,
    probes={
        "one feature": (np.array([0.5]), np.array([[0.0], [1.0]]), 1),
        "even odds": (np.array([0.0, 0.0]), FEATURES, 0),
        "three actions": (np.array([0.4, -0.2]), FEATURES, 2),
        "one-hot features": (np.array([0.1, 0.2, -0.5]), np.eye(3), 1),
        "logits in the thousands": (np.array([1000.0, 2000.0]), FEATURES, 0),
    },
    mistakes=(
        Mistake(
            "chosen features alone",
            lambda theta, features, action: features[action],
            "these are the features of the chosen action alone.",
            "whatever is done becomes more probable, and nothing ever less.",
            "θ also stands in the normaliser of the softmax. What is the gradient of that part?",
        ),
        Mistake(
            "sign",
            lambda *args: -linear_score(*args),
            "the sign is turned round.",
            "good actions become less probable, and the return falls.",
            "should a step along the score make the chosen action more or less probable?",
        ),
        Mistake(
            "plain mean",
            lambda theta, features, action: features[action] - features.mean(0),
            "all actions count alike in what you subtract.",
            "the expected score is not zero, and the gradient is biased.",
            "the mean of the features is one under the policy.",
        ),
        Mistake(
            "gradient of π",
            lambda *args: linear_softmax(*args[:2])[args[2]] * linear_score(*args),
            "this is ∇π, not ∇ log π.",
            "rare actions are counted for too little, and the policy stays with what it does.",
            "by what does one divide ∇π to get ∇ log π?",
        ),
        Mistake(
            "overflow",
            overflowing_score,
            "right for small logits; for large ones the exponentials overflow to NaN.",
            "after some progress the logits grow, and one NaN spoils all weights.",
            "subtracting the same number from all logits changes nothing but their size.",
        ),
        Mistake(
            "most probable action",
            lambda theta, features, action: linear_score(theta, features, (features @ theta).argmax()),
            "this is the score of the most probable action, not of the one taken.",
            "exploring is useless: what was tried is never learned from.",
            "which action gets the credit?",
        ),
        Mistake(
            "one-hot minus π",
            lambda theta, features, action: np.eye(len(features))[action] - linear_softmax(theta, features),
            "this is the derivative with respect to the logits, one number for each action.",
            "it does not even have the length of θ, unless d = A.",
            "θ moves the logits through the features: use the chain rule.",
        ),
        Mistake(
            "unnormalised weights",
            lambda theta, features, action: features[action] - (features @ theta) @ features,
            "you weight the features by the logits, not by the probabilities.",
            "the expected score is not zero, and grows with θ.",
            "what turns logits into probabilities?",
        ),
    ),
    hints=(
        "Start from log π(a) = θ·φ(a) - log Σ_b exp(θ·φ(b)), and differentiate both parts.",
        "The derivative of the logarithm of the sum is a mean of features.",
        "Check yourself with θ = 0: then all actions are equally probable.",
    ),
)


def gaussian_score(action, mu, log_sigma):
    """Return the derivatives of log N(action; μ, σ²) with respect to μ and log σ, shape (2,)."""
    z = (action - mu) * np.exp(-log_sigma)
    return np.array([z * np.exp(-log_sigma), z**2 - 1])


def scaled(mu_power, sigma_power):
    """Return the score with its parts multiplied by powers of σ."""

    def wrong(action, mu, log_sigma):
        return gaussian_score(action, mu, log_sigma) * np.exp(log_sigma * np.array([mu_power, sigma_power]))

    return wrong


GAUSSIAN_SCORE = Exercise(
    name="gaussian-score",
    chapter=2,
    solution=gaussian_score,
    probes={
        "σ = 1": (1.5, 0.5, 0.0),
        "the mean itself": (2.0, 2.0, 0.5),
        "a wide policy": (-1.0, 0.5, 1.0),
        "a narrow policy": (0.3, 0.5, -1.5),
    },
    mistakes=(
        Mistake(
            "σ not squared",
            scaled(1, 0),
            "in the derivative for μ, σ is not squared.",
            "a wide policy learns too fast, and a narrow one too slowly.",
            "what stands under the square in the exponent of a Gaussian?",
        ),
        Mistake(
            "with respect to σ",
            scaled(0, -1),
            "the second number is the derivative with respect to σ, not to log σ.",
            "as the policy narrows the steps explode.",
            "σ = exp(log σ): one more factor from the chain rule.",
        ),
        Mistake(
            "with respect to σ²",
            lambda *args: gaussian_score(*args) * np.array([1, 0.5 * np.exp(-2 * args[2])]),
            "the second number is the derivative with respect to σ², not to log σ.",
            "as the policy narrows the steps explode.",
            "what is the parameter that will be moved? Differentiate for that one.",
        ),
        Mistake(
            "normaliser forgotten",
            lambda *args: gaussian_score(*args) + np.array([0, 1]),
            "the second number is never negative: the normaliser is missing.",
            "every action widens the policy, which ends as noise.",
            "σ stands in two places of the density, in the exponent and in front.",
        ),
        Mistake(
            "sign",
            lambda *args: -gaussian_score(*args),
            "both signs are turned round.",
            "the policy runs away from good actions.",
            "if an action above the mean was good, which way should the mean move?",
        ),
        Mistake(
            "sign of μ",
            lambda *args: gaussian_score(*args) * np.array([-1, 1]),
            "the sign of the first number is turned round.",
            "the mean runs away from good actions.",
            "if an action above the mean was good, which way should the mean move?",
        ),
        Mistake(
            "log σ taken for σ",
            lambda action, mu, log_sigma: np.array(
                [(action - mu), (action - mu) ** 2 - log_sigma**2] / np.float64(log_sigma) ** 2
            ),
            "the third argument is the logarithm of σ, and you use it as σ itself.",
            "a policy of σ = 1 divides by zero.",
            "how does one get σ from log σ?",
        ),
        Mistake(
            "order",
            lambda *args: gaussian_score(*args)[::-1],
            "both numbers are right, and in the wrong order.",
            "the mean takes the spread's steps, and the spread the mean's.",
            "read the last line of the task again.",
        ),
    ),
    hints=(
        "Write down log N(a; μ, σ²): it has a part with log σ and a part with a square.",
        "Let σ = exp(log σ), and differentiate each part for μ and for log σ.",
        "Test your second number with an action one standard deviation from the mean: it must be 0.",
    ),
)

FOUR_ACTIONS = Exercise(
    name="four-actions",
    chapter=2,
    solution=[-0.25, -0.25, 0.75, -0.25],
    mistakes=(
        Mistake(
            "one-hot alone",
            [0, 0, 1, 0],
            "the other three logits move, too.",
            "whatever is done becomes more probable, and nothing ever less.",
            "the components of the score must sum to 0.",
        ),
        Mistake(
            "sign",
            [0.25, 0.25, -0.75, 0.25],
            "the signs are turned round.",
            "good actions become less probable, and the return falls.",
            "which logit should rise to make the third action more probable?",
        ),
        Mistake(
            "gradient of π",
            [-0.0625, -0.0625, 0.1875, -0.0625],
            "this is the gradient of π, not that of log π.",
            "rare actions are counted for too little.",
            "by what does one divide ∇π to get ∇ log π?",
        ),
        Mistake(
            "counting from zero",
            [-0.25, -0.25, -0.25, 0.75],
            "this is the score of the fourth action.",
            "the wrong action gets the credit.",
            "in prose the first action is the first; in Python it is number 0.",
        ),
    ),
    hints=(
        "What is left of the chosen action's probability, and what have the others?",
        "One component is positive. All four sum to 0.",
    ),
)

EXERCISES = (LOG_PROBABILITY, SOFTMAX_SCORE, GAUSSIAN_SCORE, FOUR_ACTIONS)
