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


def factors(*args):
    """Return the factors of P(τ | θ) in one row."""
    return np.concatenate([np.ravel(term) for term in terms(*args)])


def long_walk():
    """Return 2000 steps to and fro between two states, whose probability is smaller than any float."""
    transitions = np.array([[[0.25, 0.75], [0.5, 0.5]], [[0.75, 0.25], [0.4, 0.6]]])
    steps = np.arange(2001) % 2
    return steps, steps[:-1], np.array([[0.75, 0.25], [0.5, 0.5]]), np.array([0.4, 0.6]), transitions


def hike(states, actions):
    """Return the arguments for a trajectory of the hike that may start anywhere but at home."""
    initial = np.array([0.5, 0.3, 0.2, 0.0])
    return np.array(states), np.array(actions), POLICY, initial, np.array(HIKE.transitions)


def three_states():
    """Return a trajectory in which every action may lead everywhere, so that no two factors are the same."""
    rng = np.random.default_rng(1)
    policy, initial, transitions = (rng.dirichlet(np.ones(3), size) for size in (3, None, (3, 3)))
    return np.array([2, 0, 1, 1, 0]), np.array([1, 2, 0, 2]), policy, initial, transitions


LOG_PROBABILITY = Exercise(
    name="trajectory-log-probability",
    chapter=2,
    solution=log_probability,
    probes={
        "one step": hike([2, 3], [1]),
        "two steps": hike([0, 1, 3], [0, 0]),
        "three steps": hike([0, 1, 2, 3], [1, 1, 0]),
        "three states and actions": three_states(),
        "two thousand steps": long_walk(),
    },
    mistakes=(
        Mistake(
            "probability, not its logarithm",
            lambda *args: np.prod(factors(*args)),
            "this is the probability; its logarithm is wanted.",
            "its derivative contains the dynamics, that of the logarithm does not.",
            "the logarithm turns a product into something else.",
        ),
        Mistake(
            "logarithm of a product",
            lambda *args: np.log(np.prod(factors(*args))),
            "right for short trajectories; a long product is rounded to 0, and log 0 is -∞.",
            "the first long episode makes the loss infinite and its gradient NaN.",
            "take the logarithms before you combine the factors.",
        ),
        Mistake(
            "a floor under the product",
            lambda *args: np.log(max(np.prod(factors(*args)), 1e-300)),
            "right for short trajectories; a long product is rounded to 0, and log 0 becomes that of your floor.",
            "all long episodes look equally probable, and have no gradient.",
            "take the logarithms before you combine the factors.",
            also=tuple(lambda *args, floor=floor: np.log(np.prod(factors(*args)) + floor) for floor in (1e-300, 1e-30)),
        ),
        Mistake(
            "start left out",
            lambda *args: log_probability(*args) - np.log(terms(*args)[0]),
            "the start distribution is missing.",
            "none, for the gradient: ρ₀ does not depend on θ. As a probability it is wrong.",
            "how was the first state chosen?",
        ),
        Mistake(
            "start not in logarithms",
            lambda *args: log_probability(*args) - np.log(terms(*args)[0]) + terms(*args)[0],
            "the start's probability is added, not its logarithm.",
            "none, for the gradient: ρ₀ does not depend on θ. As a probability it is wrong.",
            "the logarithm of a product is a sum of logarithms, of all of them.",
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
            "the last action of an episode never gets a score.",
            "there is one more state than there are actions: where must the loop end?",
        ),
        Mistake(
            "first step left out",
            lambda *args: np.log(terms(*args)[0]) + sum(np.log(term[1:]).sum() for term in terms(*args)[1:]),
            "the first step is missing.",
            "the first action of an episode never gets a score.",
            "the start's probability is that of the state; what of the action chosen there?",
        ),
        Mistake(
            "last move left out",
            lambda *args: log_probability(*args) - np.log(terms(*args)[2][-1]),
            "the move to the last state is missing.",
            "none, for the gradient: the dynamics drop out of it. As a probability it is wrong.",
            "there are as many moves as actions: where must the loop end?",
        ),
        Mistake(
            "actions of the next state",
            lambda states, actions, policy, initial, transitions: (
                log_probability(states, actions, policy, initial, transitions)
                + np.log(policy[states[1:], actions] / policy[states[:-1], actions]).sum()
            ),
            "the policy is read at the state that an action leads to, not where it is chosen.",
            "each action's score lands in the row of the wrong state.",
            "which comes first in a step: the state, the action, or the next state?",
        ),
        Mistake(
            "moves backwards",
            lambda states, actions, policy, initial, transitions: (
                np.log(initial[states[0]])
                + np.log(policy[states[:-1], actions]).sum()
                + np.log(transitions[states[1:], actions, states[:-1]]).sum()
            ),
            "the dynamics are read backwards in time.",
            "none, for the gradient: the dynamics drop out of it. As a probability it is wrong.",
            "`transitions` has shape (S, A, S): which of the two states comes first?",
        ),
        Mistake(
            "mean over steps",
            lambda *args: np.log(terms(*args)[0]) + np.log(terms(*args)[1] * terms(*args)[2]).mean(),
            "the steps are averaged, not added.",
            "long episodes count for less, and the estimate is biased (chapter 3).",
            "the logarithm of a product is what?",
            also=(lambda *args: log_probability(*args) / len(args[1]), lambda *args: np.log(factors(*args)).mean()),
        ),
        Mistake(
            "base 2",
            lambda *args: log_probability(*args) / np.log(2),
            "this is a logarithm to base 2.",
            "the gradient is 1.44 times too long.",
            "∇ log P = ∇P / P holds for one base only.",
        ),
        Mistake(
            "base 10",
            lambda *args: log_probability(*args) / np.log(10),
            "this is a logarithm to base 10.",
            "the gradient has 0.43 of its length.",
            "∇ log P = ∇P / P holds for one base only.",
        ),
        Mistake(
            "sign",
            lambda *args: -log_probability(*args),
            "the sign is turned round.",
            "ascent becomes descent, and the return falls.",
            "what sign has the logarithm of a number below 1?",
        ),
        Mistake(
            "logarithm of a sum",
            lambda *args: np.log(factors(*args).sum()),
            "the factors are added before the logarithm is taken.",
            "each factor's score is too small, and the longer the episode the more so.",
            "the probability of several draws is not the sum of theirs.",
            also=(
                lambda *args: sum(np.log(np.sum(term)) for term in terms(*args)),
                lambda *args: np.log(terms(*args)[0]) + np.log(terms(*args)[1] + terms(*args)[2]).sum(),
            ),
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
MORE_FEATURES = np.array([[0.5, -1.0, 2.0], [1.5, 0.5, -0.5]])

SOFTMAX_SCORE = Exercise(
    name="softmax-score",
    chapter=2,
    solution=linear_score,
    probes={
        "one feature": (np.array([0.5]), np.array([[0.0], [1.0]]), 1),
        "even odds": (np.array([0.0, 0.0]), FEATURES, 0),
        "three actions": (np.array([0.4, -0.2]), FEATURES, 2),
        "three features of two actions": (np.array([0.4, -0.2, 0.3]), MORE_FEATURES, 0),
        "one-hot features": (np.array([0.1, 0.2, -0.5]), np.eye(3), 1),
        "logits in the thousands": (np.array([1000.0, 2000.0]), FEATURES, 0),
        "logits below -1000": (np.array([-2000.0, -2001.0]), FEATURES[:2], 1),
    },
    mistakes=(
        Mistake(
            "chosen features alone",
            lambda theta, features, action: features[action],
            "these are the features of the chosen action alone.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "θ also stands in the softmax's normaliser. What is the gradient of that?",
        ),
        Mistake(
            "mean features alone",
            lambda theta, features, action: linear_softmax(theta, features) @ features,
            "this is the mean of the features; the action taken has no say.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "where in log π(a) does the chosen action appear?",
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
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "the mean of the features is one under the policy.",
        ),
        Mistake(
            "plain sum",
            lambda theta, features, action: features[action] - features.sum(0),
            "you subtract the features of all actions, each in full.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "how often is each action taken?",
        ),
        Mistake(
            "chosen action's share alone",
            lambda theta, features, action: (1 - linear_softmax(theta, features)[action]) * features[action],
            "of the mean you subtract the chosen action's share alone.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "the softmax's normaliser is a sum over all actions: differentiate it all.",
        ),
        Mistake(
            "gradient of π",
            lambda *args: linear_softmax(*args[:2])[args[2]] * linear_score(*args),
            "this is ∇π, not ∇ log π.",
            "rare actions count for too little: likely ones gain from equal returns.",
            "by what does one divide ∇π to get ∇ log π?",
        ),
        Mistake(
            "overflow",
            overflowing_score,
            "right for small logits; the exponentials of large ones overflow.",
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
            "less the most probable action",
            lambda theta, features, action: features[action] - features[(features @ theta).argmax()],
            "you subtract the features of the most probable action.",
            "the most probable action never gets a score, whatever it earns.",
            "what is subtracted is a mean over all actions. Which one?",
        ),
        Mistake(
            "one-hot minus π",
            lambda theta, features, action: np.eye(len(features))[action] - linear_softmax(theta, features),
            "this is the derivative with respect to the logits, one number for each action.",
            "it does not even have the length of θ, unless d = A.",
            "θ moves the logits through the features: use the chain rule.",
        ),
        Mistake(
            "all actions",
            lambda theta, features, action: features - linear_softmax(theta, features) @ features,
            "you return a score for each action.",
            "it does not have the length of θ, and the action taken has no say in it.",
            "one action was taken. Which row is its score?",
        ),
        Mistake(
            "logits for weights",
            lambda theta, features, action: features[action] - (features @ theta) @ features,
            "you weight the features by the logits, not by the probabilities.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "what turns logits into probabilities?",
        ),
        Mistake(
            "exponentials not normalised",
            lambda theta, features, action: features[action] - np.exp(features @ theta) @ features,
            "you weight the features by exponentials that do not sum to 1.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "what else does the softmax do with the exponentials?",
        ),
        Mistake(
            "the logarithm itself",
            lambda theta, features, action: np.log(linear_softmax(theta, features)[action]),
            "this is log π(a), one number; its gradient with respect to θ is wanted.",
            "it does not have the length of θ: there is no direction to step in.",
            "differentiate it for each component of θ.",
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


def scaled(mu_power, sigma_power, factor=1.0):
    """Return the score with its parts multiplied by powers of σ, and the second by a factor."""

    def wrong(action, mu, log_sigma):
        return (
            gaussian_score(action, mu, log_sigma) * np.exp(log_sigma * np.array([mu_power, sigma_power])) * [1, factor]
        )

    return wrong


def of_sigma(sigma, second=lambda z, sigma: z**2 - 1):
    """Return the score that takes ``sigma(log_sigma)`` for σ."""

    def wrong(action, mu, log_sigma):
        deviation = np.float64(sigma(log_sigma))
        z = (action - mu) / deviation
        return np.array([z / deviation, second(z, deviation)])

    return wrong


GAUSSIAN_SCORE = Exercise(
    name="gaussian-score",
    chapter=2,
    solution=gaussian_score,
    probes={
        "σ = 2": (2.5, 0.5, np.log(2.0).item()),
        "the mean itself": (2.0, 2.0, 0.5),
        "a wide policy": (-1.0, 0.5, 1.0),
        "a narrow policy": (0.3, 0.5, -1.5),
    },
    mistakes=(
        Mistake(
            "σ not squared",
            scaled(1, 0),
            "in the derivative for μ, σ is not squared.",
            "the mean's steps are σ times too long: too long for a wide policy, short for a narrow.",
            "what stands under the square in the exponent of a Gaussian?",
        ),
        Mistake(
            "σ forgotten",
            scaled(2, 0),
            "in the derivative for μ, σ is missing.",
            "the mean's steps are σ² times too long: too long for a wide policy, short for a narrow.",
            "what stands under the square in the exponent of a Gaussian?",
        ),
        Mistake(
            "with respect to σ",
            scaled(0, -1),
            "the second number is the derivative for σ, not for log σ.",
            "the spread's steps are 1/σ times too long, and explode as the policy narrows.",
            "σ = exp(log σ): one more factor from the chain rule.",
        ),
        Mistake(
            "with respect to σ²",
            scaled(0, -2, 0.5),
            "the second number is the derivative for σ², not for log σ.",
            "as the policy narrows the spread's steps explode.",
            "what is the parameter that will be moved? Differentiate for that one.",
        ),
        Mistake(
            "with respect to log σ²",
            scaled(0, 0, 0.5),
            "the second number is the derivative for log σ², not for log σ.",
            "the spread's steps are half as long as they should be.",
            "the logarithm of σ² is twice that of σ. What does that do to the derivative?",
        ),
        Mistake(
            "normaliser forgotten",
            lambda *args: gaussian_score(*args) + np.array([0, 1]),
            "the second number is never negative: the normaliser is missing.",
            "where returns are positive every action widens the policy.",
            "σ stands in two places of the density, in the exponent and in front.",
        ),
        Mistake(
            "sign of the normaliser",
            lambda *args: gaussian_score(*args) + np.array([0, 2]),
            "the second number is never negative: the normaliser has the wrong sign.",
            "where returns are positive every action widens the policy.",
            "1/σ stands in front of the density. What is its logarithm?",
        ),
        Mistake(
            "sign",
            lambda *args: -gaussian_score(*args),
            "both signs are turned round.",
            "the policy's mean runs away from good actions.",
            "if an action above the mean was good, which way should the mean move?",
        ),
        Mistake(
            "sign of μ",
            lambda *args: gaussian_score(*args) * np.array([-1, 1]),
            "the sign of the first number is turned round.",
            "the policy's mean runs away from good actions.",
            "if an action above the mean was good, which way should the mean move?",
        ),
        Mistake(
            "sign of the spread",
            lambda *args: gaussian_score(*args) * np.array([1, -1]),
            "the sign of the second number is turned round.",
            "a good action far from the mean narrows the policy.",
            "if an action three standard deviations away was good, should σ grow or shrink?",
        ),
        Mistake(
            "log σ taken for σ",
            of_sigma(lambda log_sigma: log_sigma),
            "the third argument is the logarithm of σ, and you use it as σ itself.",
            "a policy of σ = 1 divides by zero.",
            "how does one get σ from log σ?",
            also=(of_sigma(lambda log_sigma: log_sigma, lambda z, sigma: (z**2 - 1) / sigma),),
        ),
        Mistake(
            "log σ taken for log σ²",
            of_sigma(lambda log_sigma: np.exp(log_sigma / 2)),
            "the third argument is log σ, and you read it as log σ².",
            "σ = 9 is taken for 3, and σ = ¼ for ½.",
            "exp of the third argument: is it the deviation, or the variance?",
            also=(
                of_sigma(lambda log_sigma: np.exp(log_sigma / 2), lambda z, sigma: (z**2 - 1) / 2),
                of_sigma(lambda log_sigma: np.exp(log_sigma / 2), lambda z, sigma: (z**2 - 1) / sigma),
                of_sigma(lambda log_sigma: np.exp(log_sigma / 2), lambda z, sigma: (z**2 - 1) / 2 / sigma**2),
            ),
        ),
        Mistake(
            "exp taken twice for σ²",
            of_sigma(lambda log_sigma: np.exp(2 * log_sigma)),
            "you take exp(2 log σ), which is σ², for σ.",
            "σ = 3 is taken for 9, and σ = ½ for ¼.",
            "exp of log σ is σ. What is exp of 2 log σ?",
        ),
        Mistake(
            "order",
            lambda *args: gaussian_score(*args)[::-1],
            "both numbers are right, and in the wrong order.",
            "the mean takes the spread's steps, and the spread the mean's.",
            "read the last line of the task again.",
        ),
        Mistake(
            "for μ alone",
            lambda *args: gaussian_score(*args)[0],
            "you return the derivative for μ alone.",
            "the spread is never learned.",
            "which two numbers does the policy put out?",
            also=(lambda *args: gaussian_score(*args)[:1],),
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
            "the mean score is not 0: away from even odds the policy drifts though returns are alike.",
            "the components of the score must sum to 0.",
        ),
        Mistake(
            "third alone",
            [0, 0, 0.75, 0],
            "the third number is right. But the other three logits move, too.",
            "the mean score is not 0: away from even odds the policy drifts though returns are alike.",
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
            "rare actions count for too little: here for a quarter.",
            "by what does one divide ∇π to get ∇ log π?",
        ),
        Mistake(
            "the probabilities",
            [0.25, 0.25, 0.25, 0.25],
            "these are the probabilities; the action that was chosen has no say.",
            "all logits move alike, and the policy stays what it is.",
            "what is the derivative of log π(a) with respect to the logit of a itself?",
        ),
        Mistake(
            "minus the probabilities",
            [-0.25, -0.25, -0.25, -0.25],
            "this is one of two terms; the action that was chosen has no say.",
            "all logits move alike, and the policy stays what it is.",
            "what is the derivative of the chosen logit with respect to itself?",
        ),
        Mistake(
            "sign of the others",
            [0.25, 0.25, 0.75, 0.25],
            "the other three have the wrong sign.",
            "each step is half as long as it should be; the rest moves all logits alike.",
            "the components of the score must sum to 0.",
        ),
        Mistake(
            "one in full",
            [-1 / 3, -1 / 3, 1, -1 / 3],
            "they sum to 0, as they must, but they are all too large.",
            "the direction is right, and each step a third too long.",
            "what must the number of an action with π(a) = 1 be, and what with π(a) = 0?",
            also=([-0.33, -0.33, 1, -0.33], [-0.333, -0.333, 1, -0.333]),
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
