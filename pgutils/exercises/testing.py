"""The exercise in which the reader writes a test: six updates with a bug, two without, and which of them pass."""

import numpy as np
import torch

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.exercises.running import Complaint
from pgutils.policies import softmax_policy


def to_go(rewards):
    """Return the sum of the rewards from each step on, without discount."""
    return rewards[::-1].cumsum()[::-1]


def right(theta, episodes, alpha, weights=to_go):
    """Return θ (S, A) after one step of REINFORCE with reward-to-go, γ = 1, a mean over the episodes.

    An episode is a tuple of its states (T + 1,), the last one included, its actions (T,) and its rewards (T,).
    """
    return theta + alpha * step(theta, episodes, [weights(rewards) for *_, rewards in episodes])


def step(theta, episodes, weights):
    """Return the mean over the episodes of the sum of score times weight, shape (S, A)."""
    total, policy = np.zeros_like(theta), softmax_policy(theta)
    for (states, actions, _), numbers in zip(episodes, weights, strict=True):
        for state, action, number in zip(states, actions, numbers, strict=False):
            total[state] -= number * policy[state]
            total[state, action] += number
    return total / len(episodes)


def by_autograd(surrogate, log_policy=lambda logits: torch.log_softmax(logits, -1)):
    """Return an update along the gradient of a function of log π(a_t | s_t) (T,) and G_t (T,), of each episode."""

    def update(theta, episodes, alpha):
        logits = torch.tensor(theta, requires_grad=True)
        log_pi = log_policy(logits)
        weights = [torch.tensor(to_go(rewards) * alpha / len(episodes)) for *_, rewards in episodes]
        terms = [surrogate(log_pi[s[:-1], a], w) for (s, a, _), w in zip(episodes, weights, strict=True)]
        (gradient,) = torch.autograd.grad(sum(terms), logits)
        return theta + gradient.numpy()

    return update


def neighbours_weights(theta, episodes, alpha):
    """Return θ after an update in which each episode has the weights of the next one, cut or padded to its length."""
    weights = [to_go(rewards) for *_, rewards in episodes]
    turned = zip(weights[1:] + weights[:1], weights, strict=True)
    return theta + alpha * step(theta, episodes, [np.pad(w, (0, len(own)))[: len(own)] for w, own in turned])


class NeverCleared:
    """An update that adds each gradient to all that came before."""

    def __init__(self):
        self.gradient = 0.0

    def __call__(self, theta, episodes, alpha):
        """Return θ after the step."""
        self.gradient = self.gradient + step(theta, episodes, [to_go(rewards) for *_, rewards in episodes])
        return theta + alpha * self.gradient


UPDATES = {
    "right code": right,
    "right code, rounded otherwise": lambda *args: right(*args) * (1 + np.finfo(float).eps),
    "rewards so far": lambda theta, episodes, alpha: right(theta, episodes, alpha, np.cumsum),
    "another episode's weights": neighbours_weights,
    "state after the step": lambda theta, episodes, alpha: right(theta, [(s[1:], a, r) for s, a, r in episodes], alpha),
    "softmax twice": by_autograd(
        lambda log_pi, weights: (log_pi * weights).sum(),
        lambda logits: torch.log_softmax(torch.softmax(logits, -1), -1),
    ),
    "gradient never cleared": NeverCleared(),
    "product of means": by_autograd(lambda log_pi, weights: log_pi.mean() * weights.sum()),
}


def passes(test):
    """Return a function that says whether a test lets an update pass: 1 or 0."""

    def verdict(update):
        try:
            returned = test(update)
        except AssertionError:
            return 0.0
        if returned is not None:
            raise Complaint("returns something, and nobody looks at it: a test says no by a failing `assert`.")
        return 1.0

    return verdict


def report(verdicts: list[np.ndarray]) -> str:
    """Return one line for each update: whether it passes, and whether it should."""
    lines = []
    for name, passed in zip(UPDATES, verdicts, strict=True):
        sound = name.startswith("right")
        words = ("passes" if passed else "refused, and should pass") if sound else ("slips by" if passed else "caught")
        lines.append(f"{name:30} {words}")
    return "\n".join(lines)


# Tests, good and bad.

TWO = [
    (np.array([0, 1, 0, 2]), np.array([0, 1, 1]), np.array([1.0, -2.0, 4.0])),
    (np.array([1, 2]), np.array([0]), np.array([3.0])),
]
SKEWED = np.array([[0.5, -1.0], [2.0, 0.0], [0.0, 0.0]])


def comparing(theta, episodes, calls=1, equal=lambda a, b: np.allclose(a, b, rtol=0, atol=1e-8)):
    """Return a test that compares an update with the right one, so many times in a row."""

    def test(update):
        for _ in range(calls):
            assert equal(update(theta.copy(), episodes, 0.1), right(theta, episodes, 0.1))

    return test


def refuses_everything(update):
    raise AssertionError


WRITE_THE_TEST = Exercise(
    name="write-the-test",
    chapter=6,
    solution=comparing(SKEWED, TWO, calls=2),
    probes={name: (update,) for name, update in UPDATES.items()},
    prepare=passes,
    report=report,
    unwritten="nothing is asserted",
    mistakes=(
        Mistake(
            "asserts nothing",
            lambda update: update(SKEWED.copy(), TWO, 0.1) is None or None,
            "your test lets everything pass.",
            "it is green for ever, and nobody looks again.",
            "what should θ be after one step that you can work out by hand?",
        ),
        Mistake(
            "refuses everything",
            refuses_everything,
            "your test refuses everything, right code as well.",
            "nobody believes a test that is always red.",
            'run it on `pg.probe("write-the-test").update` and print both sides.',
        ),
        Mistake(
            "exact equality",
            comparing(SKEWED, TWO, calls=2, equal=lambda a, b: (a == b).all()),
            "your test refuses right code that rounds in another way.",
            "it may break when anything is computed in another order.",
            "how close do two floats have to be to be the same number?",
        ),
        Mistake(
            "called once",
            comparing(SKEWED, TWO),
            "your test misses a bug that only shows the second time.",
            "the first batch is right; later steps carry all old gradients along.",
            "which of the six remembers something?",
        ),
        Mistake(
            "one episode",
            comparing(SKEWED, TWO[:1], calls=2),
            "your test does not see what one episode does to another.",
            "credit may go to the wrong episode, and the test stays green.",
            "which of the six needs two episodes, and different ones, to be wrong?",
        ),
        Mistake(
            "one episode, called once",
            comparing(SKEWED, TWO[:1]),
            "your test sees neither what one episode does to another nor what is remembered.",
            "two of the six bugs stay in the code.",
            "which of the six needs two of something to be wrong, and of what?",
        ),
        Mistake(
            "episodes of one step",
            comparing(SKEWED, [(s[:2], a[:1], r[:1]) for s, a, r in TWO], calls=2),
            "your test has episodes of a single step only.",
            "past, present and future are then the same.",
            "in an episode of one step, what is the mean over the steps?",
        ),
    ),
    hints=(
        "Make up two short episodes of different lengths, with θ not all alike.",
        "Work out the new θ in the test in another way than the code does: a sum over scores, "
        "`pg.softmax_score`, or finite differences.",
        "One bug has a memory: what does it do when it is called again with the same arguments?",
        '`pg.probe("write-the-test", "softmax twice").update` is one of the eight; try your test on it.',
    ),
)

EXERCISES = (WRITE_THE_TEST,)
