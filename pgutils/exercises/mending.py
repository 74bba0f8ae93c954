"""Exercises in which broken code stands in the reader's cell and is mended there: of chapters 2 to 6."""

import numpy as np
import torch

from pgutils.exercises.exercise import Convention, Exercise, Mistake
from pgutils.policies import softmax_policy
from pgutils.returns import normalize


def estimate(theta, states, actions, returns, score):
    """Return the mean over the trajectories of the sum of scores times the return, shape (S, A)."""
    total, policy = np.zeros_like(theta), softmax_policy(theta)
    for path, choices, weight in zip(states, actions, returns, strict=True):
        for state, action in zip(path, choices, strict=True):
            total[state] += weight * score(policy[state], action)
    return total / len(returns)


def softmax_score_of(policy, action):
    """Return ∇ log π(action) with respect to the logits, shape (A,)."""
    return np.eye(len(policy))[action] - policy


def estimating(score, factor=lambda returns: 1.0):
    """Return the estimate with another score, multiplied by a factor that depends on the batch."""

    def wrong(theta, states, actions, returns):
        return factor(returns) * estimate(theta, states, actions, returns, score)

    return wrong


def visits_lost(theta, states, actions, returns):
    """Return the estimate of `total[path, choices] += R`, which counts a pair that occurs twice only once."""
    total, policy = np.zeros_like(theta), softmax_policy(theta)
    for path, choices, weight in zip(states, actions, returns, strict=True):
        total[path] -= weight * policy[path]
        total[path, choices] += weight
    return total / len(returns)


def rows_lost(theta, states, actions, returns):
    """Return the estimate of `total[path] += R * scores`, in which a state's last visit overwrites the others."""
    total, policy = np.zeros_like(theta), softmax_policy(theta)
    for path, choices, weight in zip(states, actions, returns, strict=True):
        total[path] += weight * (np.eye(theta.shape[1])[choices] - policy[path])
    return total / len(returns)


def trajectories(count, steps, actions, seed):
    """Return θ (3, A), states (N, T), actions (N, T) and returns (N,) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(3, actions)).round(1)
    shape = count, steps
    return theta, rng.integers(3, size=shape), rng.integers(actions, size=shape), rng.normal(1, 2, size=count).round(1)


PROBABILITY_BUG = Exercise(
    name="rare-and-good",
    chapter=2,
    solution=estimating(softmax_score_of),
    broken=estimating(lambda policy, action: policy[action] * softmax_score_of(policy, action)),
    probes={
        "one step": (np.zeros((1, 2)), np.array([[0]]), np.array([[1]]), np.array([2.0])),
        "two steps": trajectories(1, 2, 2, seed=1),
        "two trajectories": trajectories(2, 2, 3, seed=2),
        "many trajectories": trajectories(5, 3, 4, seed=3),
    },
    conventions=(
        Convention(
            "sum over trajectories",
            explanation="You add trajectories where the estimate is their mean: the same direction, N times as long.",
            wrap=lambda f: lambda theta, states, actions, returns: f(theta, states, actions, returns) * len(returns),
        ),
    ),
    mistakes=(
        Mistake(
            "divided twice",
            estimating(lambda policy, action: softmax_score_of(policy, action) / policy[action]),
            "now you divide by the probability once too often.",
            "rare actions are counted far too much, and a single one may ruin the policy.",
            "∇π = π ∇ log π: how often does π have to go?",
        ),
        Mistake(
            "one of two factors",
            estimating(lambda policy, action: np.eye(len(policy))[action] - policy[action] * policy),
            "of the two places where the probability of the action stands in front, one is mended and one is not.",
            "the mean score is not 0: logits move though all returns are alike.",
            "what must the components of the derivative sum to?",
            also=(estimating(lambda policy, action: policy[action] * np.eye(len(policy))[action] - policy),),
        ),
        Mistake(
            "repeated visits lost",
            visits_lost,
            "of several visits to a state in a trajectory only one counts.",
            "a bias wherever a trajectory may come by the same state twice.",
            "what does `x[[0, 0]] += 1` do? `np.add.at` counts each.",
            also=(rows_lost,),
        ),
        Mistake(
            "one-hot alone",
            estimating(lambda policy, action: np.eye(len(policy))[action]),
            "the other logits of the state have to move, too.",
            "away from even odds the policy drifts though returns are alike.",
            "what do the components of a softmax score sum to?",
        ),
        Mistake(
            "sign",
            estimating(lambda policy, action: -softmax_score_of(policy, action)),
            "the sign is turned round.",
            "good actions become less probable.",
            "which logit should rise to make the chosen action more probable?",
        ),
        Mistake(
            "product with log π",
            estimating(lambda policy, action: np.log(policy[action]) * softmax_score_of(policy, action)),
            "you put log π where π stood: the logarithm is inside the derivative, not in front of it.",
            "log π is negative: what brings a positive return becomes rarer.",
            "differentiate log π(a) for a softmax: what is the result?",
        ),
        Mistake(
            "mean over steps",
            lambda theta, states, actions, returns: (
                estimate(theta, states, actions, returns, softmax_score_of) / states.shape[1]
            ),
            "you take the mean over the steps as well.",
            "where episodes differ in length, the long ones count for less (chapter 3).",
            "what is the gradient of the logarithm of a product: a sum, or a mean?",
        ),
        Mistake(
            "constant factor",
            estimating(lambda policy, action: softmax_score_of(policy, action) / len(policy)),
            "all is right up to a constant: the number of actions.",
            "a shorter step in the right direction.",
            "the mean is one over trajectories.",
        ),
    ),
    hints=(
        "Work out ∇ log π from ∇π with the rule that gives chapter 2 its name.",
        "One factor has to go. Which of those that you see depends on how probable the action was?",
    ),
)


def loss_of(total, divisor):
    """Return a loss: minus a total of log-probability times weight over the steps taken, over a divisor."""

    def loss(log_probs, weights, mask):
        return -total(log_probs * weights.detach() * mask, mask) / divisor(mask)

    return loss


def everything(products, mask):
    """Return the sum of all."""
    return products.sum()


def padded(lengths, steps, seed):
    """Return log-probabilities, weights and mask (N, T) of episodes of these lengths; what is padding is not zero."""
    rng = np.random.default_rng(seed)
    shape = len(lengths), steps
    mask = np.arange(steps) < np.array(lengths)[:, None]
    return -rng.uniform(0.1, 2, size=shape).round(1), rng.normal(1, 2, size=shape).round(1), mask


A_MEAN_TOO_MANY = Exercise(
    name="a-mean-too-many",
    chapter=3,
    solution=loss_of(everything, len),
    broken=lambda log_probs, weights, mask: -(log_probs * weights.detach() * mask).mean(),
    gradients=("log_probs", "weights"),
    probes={
        "one episode": padded([2], 2, seed=1),
        "one padded episode": padded([2], 4, seed=1),
        "two episodes": padded([3, 1], 3, seed=2),
        "two episodes padded further": padded([3, 1], 6, seed=3),
        "three episodes": padded([1, 4, 2], 5, seed=4),
    },
    conventions=(
        Convention(
            "sum over episodes",
            explanation="You add the episodes where the book takes their mean: the same direction, N times as far.",
            wrap=lambda f: lambda log_probs, weights, mask: f(log_probs, weights, mask) * len(mask),
        ),
    ),
    mistakes=(
        Mistake(
            "mean over steps",
            loss_of(everything, lambda mask: mask.sum()),
            "now you divide by the number of steps that were taken.",
            "batches with long episodes count for less; a small batch may favour the worse road.",
            "which number does not depend on what the agent did?",
        ),
        Mistake(
            "mean within each episode",
            loss_of(lambda products, mask: (products.sum(-1) / mask.sum(-1)).sum(), len),
            "each episode is divided by its own length first.",
            "a step of a long episode counts for less than one of a short episode.",
            "over what should one add up, and over what take the mean?",
        ),
        Mistake(
            "padded length",
            lambda log_probs, weights, mask: -(log_probs * weights.detach() * mask).sum() / mask.shape[1],
            "you divide by the length to which the batch is padded.",
            "the longer the longest episode, the shorter the step.",
            "which number does not depend on what the agent did?",
        ),
        Mistake(
            "longest episode",
            loss_of(everything, lambda mask: mask.any(0).sum()),
            "you divide by the length of the longest episode.",
            "one long episode makes the steps of all others small.",
            "which number does not depend on what the agent did?",
            also=(loss_of(everything, lambda mask: len(mask) * mask.any(0).sum()),),
        ),
        Mistake(
            "padding counted",
            lambda log_probs, weights, mask: -(log_probs * weights.detach()).sum() / len(mask),
            "steps that were never taken are counted.",
            "the loss learns from what did not happen.",
            "what is `mask` there for?",
        ),
        Mistake(
            "sign",
            lambda log_probs, weights, mask: (log_probs * weights.detach() * mask).sum() / len(mask),
            "the sign is turned round.",
            "the optimiser minimises, so the return falls.",
            "only the divisor was wrong.",
        ),
        Mistake(
            "not detached",
            lambda log_probs, weights, mask: -(log_probs * weights * mask).sum() / len(mask),
            "the loss is right now, but the weights have got a gradient.",
            "with a learned baseline (chapter 5) it drives the values up.",
            "one call in the broken line was there for a reason.",
        ),
    ),
    hints=(
        "Pad the same episodes with ten more steps: what happens to the broken loss? What should?",
        "A sum over one axis, a mean over the other.",
    ),
)


def to_go(rewards):
    """Return the sum of the rewards from each step on, over the last axis."""
    return rewards.flip(-1).cumsum(-1).flip(-1)


def some_rewards(*shape, seed):
    """Return rewards of some shape for a probe, the same every time."""
    return (np.random.default_rng(seed).normal(1, 2, size=shape).round(1),)


FORWARDS = Exercise(
    name="a-sum-that-runs-forwards",
    chapter=4,
    solution=lambda rewards: to_go(rewards),
    broken=lambda rewards: rewards.cumsum(-1),
    inputs=("tensor",),
    probes={
        "one episode": (np.array([[[1.0, 2.0, 4.0]]]),),
        "ones": (np.ones((1, 1, 4)),),
        "two episodes": some_rewards(1, 2, 3, seed=1),
        "two runs": some_rewards(2, 3, 4, seed=2),
    },
    mistakes=(
        Mistake(
            "not turned round again",
            lambda rewards: rewards.flip(-1).cumsum(-1),
            "the sum runs from the end now, but the last step comes first.",
            "the last action is praised for everything, the first for the end only.",
            "you collected from the end; what is still to be done?",
        ),
        Mistake(
            "turned round at the end only",
            lambda rewards: rewards.cumsum(-1).flip(-1),
            "these are the sums from the start, in the wrong order.",
            "with equal rewards and lengths nobody would notice; otherwise the credit is misplaced.",
            "which of the two has to come first, the sum or the turn?",
        ),
        Mistake(
            "total return",
            lambda rewards: rewards.sum(-1, keepdims=True) + 0 * rewards,
            "every step has the total return.",
            "the mean is right; past rewards stay in as noise.",
            "which rewards can the action of the last step still change?",
        ),
        Mistake(
            "own reward left out",
            lambda rewards: to_go(rewards) - rewards,
            "the reward of the step itself is missing.",
            "an action gets no credit for what it earns at once.",
            "is r_t known before the action is chosen, or after?",
            also=(lambda rewards: rewards.sum(-1, keepdims=True) - rewards.cumsum(-1),),
        ),
        Mistake(
            "along the episodes",
            lambda rewards: rewards.flip(1).cumsum(1).flip(1),
            "you add up along the episodes, not along the steps.",
            "an episode is praised for what others collect.",
            "which axis holds the steps?",
            also=(lambda rewards: rewards.cumsum(1),),
        ),
        Mistake(
            "episodes turned round",
            lambda rewards: rewards.flip(-2).flip(-1).cumsum(-1).flip(-1),
            "the sums are right, but the episodes have changed places.",
            "episodes are judged by what others collected.",
            "which axis holds the steps? Turn round that one, twice.",
            also=(
                lambda rewards: rewards.flip(-1).cumsum(-1).flip(-1, -2),
                lambda rewards: rewards.flip(-1, -2).cumsum(-1).flip(-1),
            ),
        ),
    ),
    hints=(
        "At the last step only one reward can still be changed. What does the broken line say there?",
        "A sum from the end is a sum from the start of what was turned round.",
    ),
)


def joint(policy_weights, fitted, targets=lambda returns: returns):
    """Return policy loss plus value loss of one run, with functions that say what enters each of them."""

    def loss(log_probs, values, returns):
        policy_loss = -(log_probs * policy_weights(values, returns)).mean()
        return policy_loss + ((fitted(values) - targets(returns)) ** 2).mean()

    return loss


def kept(values):
    """Return the values as they are."""
    return values


def step_values(count, seed):
    """Return log-probabilities, values and returns (steps,) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    return -rng.uniform(0.1, 2, size=count).round(1), rng.normal(size=count).round(1), rng.normal(size=count).round(1)


TWO_LOSSES = Exercise(
    name="two-losses-in-one",
    chapter=5,
    solution=joint(lambda values, returns: returns - values.detach(), kept),
    broken=joint(lambda values, returns: returns - values, kept),
    gradients=("log_probs", "values"),
    probes={
        "one step": (np.array([-0.7]), np.array([1.0]), np.array([3.0])),
        "three steps": step_values(3, seed=1),
        "ten steps": step_values(10, seed=2),
    },
    mistakes=(
        Mistake(
            "both detached",
            joint(lambda values, returns: returns - values.detach(), lambda values: values.detach()),
            "now no gradient at all reaches the values.",
            "the value function stays as it was at the start, a baseline that predicts nothing.",
            "which of the two losses is to train the values?",
        ),
        Mistake(
            "the wrong one detached",
            joint(lambda values, returns: returns - values, lambda values: values.detach()),
            "you detached the values in the regression, where they are to learn.",
            "nothing pulls the values back: they rise without limit.",
            "which of the two losses is to train the values?",
        ),
        Mistake(
            "log-probabilities detached",
            lambda log_probs, values, returns: joint(lambda values, returns: returns - values.detach(), kept)(
                log_probs.detach(), values, returns
            ),
            "now no gradient reaches the policy.",
            "the values learn, the policy does not.",
            "which tensor is used by both losses?",
            also=(
                lambda log_probs, values, returns: joint(lambda v, r: r - v, kept)(log_probs.detach(), values, returns),
            ),
        ),
        Mistake(
            "sign",
            joint(lambda values, returns: values.detach() - returns, kept),
            "the sign of the policy's loss is turned round, or return and value have changed places in it.",
            "what was better than expected is pushed down.",
            "only the gradient was wrong, and only that of the values.",
        ),
        Mistake(
            "no baseline",
            joint(lambda values, returns: returns, kept),
            "you took the values out of the policy's loss altogether.",
            "right on average, but the baseline and its calm are gone.",
            "the numbers were right; only the gradient was not.",
        ),
    ),
    hints=(
        "Write down the derivative of each of the two losses with respect to one value.",
        "As a weight the advantage is a constant. How do you tell PyTorch so?",
    ),
)


def by_run(function):
    """Return a function that is applied to each run by itself, to arrays (episodes, steps) and their mask."""

    def apply(advantages, mask):
        return np.stack([function(a, m) * m for a, m in zip(advantages, mask, strict=True)])

    return apply


def shifted_and_scaled(a, taken, ddof=0):
    """Return ``a`` minus the mean of ``taken``, over its deviation."""
    return (a - taken.mean()) / (taken.std(ddof=ddof) + 1e-8)


def runs(count, steps, seed):
    """Return advantages and mask (runs, episodes, steps); runs differ in scale, and what is padding is not zero."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1.0, count + 1)[:, None, None]
    lengths = rng.integers(1, steps + 1, size=(count, 3))
    lengths[:, 0] = steps
    return (rng.normal(1, 2, size=(count, 3, steps)) * scale).round(1), np.arange(steps) < lengths[..., None]


def book_normalised(A, mask):
    """Return what ``normalize`` gives, as an array."""
    return normalize(torch.as_tensor(A), torch.as_tensor(mask)).numpy()


ONE_MEAN_FOR_ALL = Exercise(
    name="one-mean-for-all-runs",
    chapter=6,
    solution=book_normalised,
    broken=lambda A, mask: shifted_and_scaled(A, A),
    probes={
        "one run": runs(1, 4, seed=1),
        "two runs": runs(2, 3, seed=2),
        "four runs": runs(4, 5, seed=3),
    },
    conventions=(
        Convention(
            "ddof = 0",
            by_run(lambda a, m: shifted_and_scaled(a, a[m])),
            "You divide by n (ddof = 0), the book by n - 1 (ddof = 1). With hundreds of steps nobody can tell which.",
        ),
    ),
    mistakes=(
        Mistake(
            "padding counted",
            by_run(lambda a, m: shifted_and_scaled(a, a)),
            "the runs are apart now. Mean and deviation still include steps that were never taken.",
            "how a run learns depends on its padding.",
            "over which entries should the mean run?",
            also=(
                by_run(lambda a, m: shifted_and_scaled(a, a, ddof=1)),
                lambda a, m: np.stack([shifted_and_scaled(x, x) for x in a]),
                lambda a, m: np.stack([shifted_and_scaled(x, x, ddof=1) for x in a]),
                by_run(lambda a, m: shifted_and_scaled(a * m, a * m)),
                by_run(lambda a, m: shifted_and_scaled(a * m, a * m, ddof=1)),
            ),
        ),
        Mistake(
            "one mean for all runs",
            lambda a, m: shifted_and_scaled(a, a[m]) * m,
            "the padding is out now. But mean and deviation are still those of all runs together.",
            "runs that should be independent depend on each other, and intervals lie.",
            "which axes belong to one run?",
            also=(
                lambda a, m: shifted_and_scaled(a, a[m], ddof=1) * m,
                lambda a, m: shifted_and_scaled(a, a[m]),
                lambda a, m: shifted_and_scaled(a, a[m], ddof=1),
            ),
        ),
        Mistake(
            "each episode by itself",
            lambda a, m: np.stack(
                [by_run(lambda x, y: shifted_and_scaled(x, x[y]))(*both) for both in zip(a, m, strict=True)]
            ),
            "each episode is normalised by itself.",
            "no episode is compared with another: good ones are no longer told from bad ones.",
            "over which axes should the mean run?",
            also=(
                lambda a, m: (a - a.mean(-1, keepdims=True)) / (a.std(-1, keepdims=True) + 1e-8) * m,
                lambda a, m: (a - a.mean(-1, keepdims=True)) / (a.std(-1, keepdims=True) + 1e-8),
            ),
        ),
        Mistake(
            "padding not zero",
            lambda a, m: np.stack([shifted_and_scaled(x, x[y], ddof=1) for x, y in zip(a, m, strict=True)]),
            "all is right but the padded steps, which have weights.",
            "none, if the loss has a mask of its own, and a bug where it has not.",
            "what should the weight of a step be that did not happen?",
            also=(lambda a, m: np.stack([shifted_and_scaled(x, x[y]) for x, y in zip(a, m, strict=True)]),),
        ),
        Mistake(
            "axis of the runs",
            lambda a, m: shifted_and_scaled_along(a, 0),
            "mean and deviation run over the runs.",
            "runs that should be independent depend on each other, and intervals lie.",
            "which axes belong to one run?",
            also=(lambda a, m: shifted_and_scaled_along(a, 0) * m,),
        ),
    ),
    hints=(
        "There are two bugs. Which entries of the array should one run's mean be taken over?",
        "`axis=(-2, -1)` and `keepdims=True` keep the runs apart; a sum times the mask keeps the padding out.",
    ),
)


def shifted_and_scaled_along(a, axis):
    """Return ``a`` minus its mean along an axis, over its deviation; NaN where that is 0."""
    return (a - a.mean(axis, keepdims=True)) / a.std(axis, keepdims=True)


EXERCISES = (PROBABILITY_BUG, A_MEAN_TOO_MANY, FORWARDS, TWO_LOSSES, ONE_MEAN_FOR_ALL)
