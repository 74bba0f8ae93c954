"""The exercises of chapter 10: ratios, the clip and whom it silences, the entropy bonus, and an old policy too new."""

import numpy as np
import torch

from pgutils.exercises.exercise import Convention, Exercise, Mistake


def log_softmax(logits, axis=-1):
    """Return log-probabilities, with no number too large for a float on the way."""
    shifted = logits - logits.max(axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis, keepdims=True))


def of_the_actions(numbers, actions):
    """Return from each row (T, A) the number of the action that was taken, shape (T,)."""
    return numbers[np.arange(len(actions)), actions]


def log_ratios(logits, old_logits, actions):
    """Return log π - log π_old of the actions taken, shape (T,)."""
    return of_the_actions(log_softmax(logits) - log_softmax(old_logits), actions)


def naive_softmax(logits):
    """Return probabilities; NaN where an exponential is too large for a float."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


def two_policies(steps, actions, seed):
    """Return new and old logits (steps, actions) and actions (steps,) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    new, old = rng.normal(0, 1, size=(2, steps, actions)).round(1)
    return new, old, rng.integers(actions, size=steps)


RATIO = Exercise(
    name="importance-ratio",
    chapter=10,
    solution=lambda logits, old_logits, actions: np.exp(log_ratios(logits, old_logits, actions)),
    probes={
        "one step": (np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]), np.array([0])),
        "three steps": two_policies(3, 2, seed=1),
        "five steps, four actions": two_policies(5, 4, seed=2),
        "large logits": (
            np.array([[1000.0, 0.0], [0.0, 1000.0]]),
            np.array([[999.0, 0.0], [0.0, 999.0]]),
            np.ones(2, int),
        ),
    },
    mistakes=(
        Mistake(
            "turned round",
            lambda logits, old_logits, actions: np.exp(log_ratios(old_logits, logits, actions)),
            "old and new have changed places.",
            "what has become more probable counts less, and the estimate is of no policy at all.",
            "a ratio above 1 should mean: the new policy does this more often.",
        ),
        Mistake(
            "logarithm of the ratio",
            log_ratios,
            "this is the logarithm of the ratio.",
            "0 where 1 belongs, and negative where the action has become rarer.",
            "what undoes a logarithm?",
        ),
        Mistake(
            "logits not normalised",
            lambda logits, old_logits, actions: np.exp(of_the_actions(logits - old_logits, actions)),
            "you subtract logits; a probability also depends on the logits of the other actions.",
            "adding 1 to all logits changes no probability, and all of your ratios.",
            "what has to be subtracted from a logit before it is a log-probability?",
        ),
        Mistake(
            "difference",
            lambda logits, old_logits, actions: of_the_actions(
                np.exp(log_softmax(logits)) - np.exp(log_softmax(old_logits)), actions
            ),
            "you subtract the probabilities.",
            "an action that went from 1% to 2% seems hardly to have moved.",
            "how many *times* as probable is the action now?",
        ),
        Mistake(
            "ratio of the logarithms",
            lambda logits, old_logits, actions: (
                of_the_actions(log_softmax(logits), actions) / of_the_actions(log_softmax(old_logits), actions)
            ),
            "you divide the logarithms.",
            "what has become more probable has a ratio below 1.",
            "a quotient of probabilities is a difference of logarithms.",
        ),
        Mistake(
            "all actions",
            lambda logits, old_logits, actions: np.exp(log_softmax(logits) - log_softmax(old_logits)),
            "these are the ratios of all actions, not of the one that was taken.",
            "advantages do not fit, or spread over the wrong axis.",
            "in each row, `actions` says which one counts.",
        ),
        Mistake(
            "product over the steps",
            lambda logits, old_logits, actions: np.exp(log_ratios(logits, old_logits, actions).sum()),
            "you multiply the ratios of all steps.",
            "right for a whole trajectory, and wildly variable for a long one.",
            "PPO corrects each action by itself.",
        ),
        Mistake(
            "too large for a float",
            lambda logits, old_logits, actions: of_the_actions(
                naive_softmax(logits) / naive_softmax(old_logits), actions
            ),
            "where logits are large, an exponential overflows and the quotient is no number.",
            "training ends in NaN, late and without warning.",
            "subtract logarithms first, and take the exponential last.",
        ),
        Mistake(
            "softmax along the steps",
            lambda logits, old_logits, actions: np.exp(
                of_the_actions(log_softmax(logits, 0) - log_softmax(old_logits, 0), actions)
            ),
            "your probabilities add up to 1 over the steps, not over the actions.",
            "one step's ratio depends on what was seen in another.",
            "along which axis do the alternatives lie?",
        ),
    ),
    hints=(
        "First log-probabilities, of both policies; then their difference; last the exponential.",
        "log π(a) = logit of a - log Σ exp(logits). Subtract the largest logit before you exponentiate.",
    ),
)


def objective(gain=torch.minimum, of=lambda log_ratio: log_ratio.exp(), clipped=None, old=torch.Tensor.detach):
    """Return an answer to the exercise on the clipped objective; the arguments are for mistakes."""
    clipped = clipped or (lambda ratio, clip: ratio.clamp(1 - clip, 1 + clip))

    def answer(log_probs, old_log_probs, advantages, clip):
        ratio = of(log_probs - old(old_log_probs))
        return gain(ratio * advantages, clipped(ratio, clip) * advantages).mean()

    return answer


def samples(count, seed):
    """Return new and old log-probabilities, advantages and ε for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    old = -rng.uniform(0.2, 2, size=count).round(1)
    return (old + rng.normal(0, 0.5, size=count)).round(2), old, rng.normal(0, 2, size=count).round(1), 0.2


def one_sample(ratio, advantage):
    """Return a probe of one sample with a given ratio, whose old probability is 0.3."""
    return np.log([0.3 * ratio]), np.log([0.3]), np.array([advantage]), 0.2


CLIPPED = Exercise(
    name="clipped-objective",
    chapter=10,
    solution=lambda log_probs, old_log_probs, advantages, clip: objective()(log_probs, old_log_probs, advantages, clip),
    gradients=("log_probs", "old_log_probs"),
    probes={
        "good and rarer": one_sample(0.5, 1.0),
        "good and more frequent": one_sample(1.5, 1.0),
        "bad and rarer": one_sample(0.5, -1.0),
        "bad and more frequent": one_sample(1.5, -1.0),
        "ten samples": samples(10, seed=1),
        "a wider clip": (*samples(10, seed=2)[:3], 0.6),
    },
    conventions=(
        Convention(
            "sum over samples",
            explanation="You add the samples up where we take their mean: the same direction, N times as far.",
            wrap=lambda f: lambda log_probs, *rest: f(log_probs, *rest) * len(log_probs),
        ),
    ),
    mistakes=(
        Mistake(
            "maximum",
            objective(torch.maximum),
            "you take the larger of the two.",
            "the gradient is cut where the ratio has moved the wrong way, and nothing stops it on the right one.",
            "a pessimist takes which of the two?",
        ),
        Mistake(
            "clipped alone",
            objective(lambda plain, clipped: clipped),
            "you use the clipped product alone, without the minimum.",
            "an action that has moved the wrong way has no gradient to bring it back.",
            "what is left of the gradient where a bad action has become *more* probable?",
        ),
        Mistake(
            "not clipped",
            objective(lambda plain, clipped: plain),
            "nothing is clipped: this is the surrogate.",
            "many epochs on one batch, and no brake.",
            "what should happen to a good action whose ratio is already 1.5?",
        ),
        Mistake(
            "clip on the log-ratio",
            objective(clipped=lambda ratio, clip: ratio.log().clamp(-clip, clip).exp()),
            "you clip the logarithm of the ratio.",
            "a little too wide upwards and too narrow downwards: the range is from e^-ε to e^ε.",
            "exp first, or clamp first?",
        ),
        Mistake(
            "the log-ratio in the range of the ratio",
            objective(clipped=lambda ratio, clip: ratio.log().clamp(1 - clip, 1 + clip).exp()),
            "you clip the logarithm of the ratio to a range that is meant for the ratio.",
            "at the first step either the good actions are silent or the bad ones.",
            "what is the logarithm of a ratio of 1?",
            also=(objective(clipped=lambda ratio, clip: ratio.log().clamp(1 - clip, 1 + clip)),),
        ),
        Mistake(
            "clip of the product",
            lambda log_probs, old_log_probs, advantages, clip: torch.minimum(
                (log_probs - old_log_probs.detach()).exp() * advantages,
                ((log_probs - old_log_probs.detach()).exp() * advantages).clamp(1 - clip, 1 + clip),
            ).mean(),
            "you clip ratio times advantage.",
            "advantages are cut off at 1 + ε, so large ones count no more than small ones.",
            "of which of the two factors does the range from 1 - ε to 1 + ε speak?",
        ),
        Mistake(
            "one side only",
            objective(clipped=lambda ratio, clip: ratio.clamp(max=1 + clip)),
            "you clip from above only.",
            "bad actions are pushed down without a brake.",
            "what should happen to a bad action whose ratio is already 0.5?",
        ),
        Mistake(
            "old log-probabilities not detached",
            objective(old=lambda old: old),
            "the number is right, but a gradient flows into the old policy too.",
            "where both come from one network, their gradients cancel.",
            "the old policy is history. How do you tell PyTorch so?",
        ),
        Mistake(
            "ratio detached",
            objective(of=lambda log_ratio: log_ratio.exp().detach()),
            "no gradient reaches the new policy.",
            "nothing is learned.",
            "through which of the arguments does the policy learn?",
        ),
        Mistake(
            "sign",
            lambda *args: -objective()(*args),
            "this is the loss, the objective's negative.",
            "whoever ascends it makes good actions rare.",
            "good actions that become more probable should raise the objective.",
        ),
        Mistake(
            "logarithm of the ratio",
            objective(of=lambda log_ratio: log_ratio),
            "you have left out the exponential.",
            "at the first step all seem to lie below the range, so bad actions are not pushed down.",
            "what is the ratio of two policies that agree?",
        ),
        Mistake(
            "turned round",
            objective(of=lambda log_ratio: (-log_ratio).exp()),
            "the ratio is upside down.",
            "good actions become rare.",
            "new over old.",
        ),
    ),
    hints=(
        "Four lines: the ratio, the product, the clipped product, the mean of the smaller one.",
        "`torch.minimum` compares element by element, and `clamp` clips.",
        "Only `log_probs` may have a gradient.",
    ),
)


def quadrant(high, low):
    """Return an answer to the exercise on silent samples: who is silent above the range, and who below it."""
    return lambda ratio, advantages, clip: (
        ((ratio > 1 + clip) & high(advantages)) | ((ratio < 1 - clip) & low(advantages))
    )


def good(advantages):
    """Return which samples have a positive advantage."""
    return advantages > 0


def bad(advantages):
    """Return which samples have a negative advantage."""
    return advantages < 0


def any_of_them(advantages):
    """Return all samples."""
    return advantages == advantages


def none_of_them(advantages):
    """Return no sample."""
    return advantages != advantages


SILENT = Exercise(
    name="silent-samples",
    chapter=10,
    solution=lambda ratio, advantages, clip: quadrant(good, bad)(ratio, advantages, clip),
    probes={
        "good ones": (np.array([0.5, 0.9, 1.1, 1.5]), np.full(4, 0.5), 0.25),
        "bad ones": (np.array([0.5, 0.9, 1.1, 1.5]), np.full(4, -0.5), 0.25),
        "at the borders": (np.array([0.75, 1.25, 0.75, 1.25]), np.array([1.0, 1.0, -1.0, -1.0]), 0.25),
        "a wide range": (np.array([0.2, 0.5, 1.5, 1.7, 9.0]), np.array([-1.0, -1.0, 2.0, 2.0, -3.0]), 0.6),
    },
    mistakes=(
        Mistake(
            "all outside",
            quadrant(any_of_them, any_of_them),
            "you silence everything outside the range.",
            "an action that has moved the wrong way has no gradient to bring it back.",
            "which of the two products is the smaller one, if a bad action has become more probable?",
        ),
        Mistake(
            "the wrong ones",
            quadrant(bad, good),
            "you silence those that have moved the wrong way.",
            "what is pushed too far is pushed on, and what went wrong stays so.",
            "the clip stops what has gone far enough. Which way should a good action go?",
        ),
        Mistake(
            "those that are left",
            lambda *args: ~quadrant(good, bad)(*args),
            "these are the ones that do have a gradient.",
            "the share of clipped samples looks alarming while nothing is clipped.",
            "read the task again: who has none?",
        ),
        Mistake(
            "good ones only",
            quadrant(good, none_of_them),
            "the bad ones that have become rarer are missing.",
            "the brake seems to be off when it is on.",
            "is there a second case, with the other sign?",
        ),
        Mistake(
            "bad ones only",
            quadrant(none_of_them, bad),
            "the good ones that have become more probable are missing.",
            "the brake seems to be off when it is on.",
            "is there a second case, with the other sign?",
        ),
        Mistake(
            "the border counted",
            lambda ratio, advantages, clip: (
                ((ratio >= 1 + clip) & good(advantages)) | ((ratio <= 1 - clip) & bad(advantages))
            ),
            "exactly at the border the gradient is still alive.",
            "none worth speaking of.",
            "try it: `torch.tensor(1.25, requires_grad=True).clamp(0.75, 1.25)`.",
        ),
        Mistake(
            "advantage forgotten",
            lambda ratio, advantages, clip: ratio > 1 + clip,
            "you look at one side of the ratio, and not at the advantage.",
            "actions that have moved the wrong way on that side are never mended.",
            "draw min(ρA, clip(ρ)A) as a function of ρ, once for A = 1 and once for A = -1.",
            also=(lambda ratio, advantages, clip: ratio < 1 - clip,),
        ),
    ),
    hints=(
        "Where is the smaller of the two products flat?",
        "For A > 0 that is to the right of 1 + ε. And for A < 0?",
    ),
)

ROOM = Exercise(
    name="room-to-rise",
    chapter=10,
    solution=[1 / 1.2, 0.012, 22.0],
    tolerance=5e-3,
    digits=True,
    mistakes=(
        Mistake(
            "one minus epsilon",
            [0.8, 0.012, 22.0],
            "the first number is 1 - ε; wanted is the probability that cannot grow by the factor 1 + ε.",
            "none.",
            "a probability is at most 1. From where does the factor 1.2 lead there?",
        ),
        Mistake(
            "added",
            [0.8, 0.21, 3.0],
            "you have added ε to a probability; the ratio multiplies.",
            "rare actions seem to have as much room as frequent ones.",
            "by what factor may it rise?",
        ),
        Mistake(
            "last batch missing",
            [1 / 1.2, 0.012, 21.0],
            "after 21 batches it is at 0.46.",
            "none.",
            "how often must 1.2 be multiplied with itself until it is at least 50?",
        ),
        Mistake(
            "not a whole number",
            [1 / 1.2, 0.012, np.log(50) / np.log(1.2)],
            "right, but there is no 0.46th part of a batch.",
            "none.",
            "round up.",
        ),
        Mistake(
            "each time a fifth of the start",
            [1 / 1.2, 0.012, 245.0],
            "it rises by a fifth of where it stands, not of where it began.",
            "a rare action seems to need eleven times as many batches as it does.",
            "after two batches it is at 0.01 · 1.2².",
        ),
    ),
    hints=(
        "The ratio is at most 1 divided by the old probability.",
        "After k batches the probability is 0.01 · 1.2^k.",
    ),
)


def mean_entropy(log_probs, mask, steps=lambda mask: mask.sum(), weight=torch.exp, log=lambda x: x):
    """Return the mean entropy over the steps taken; the keywords are for mistakes."""
    return -((weight(log_probs) * log(log_probs)).sum(-1) * mask).sum() / steps(mask)


def some_log_probs(steps, actions, taken, seed):
    """Return log-probabilities (steps, actions) and a mask for a probe, the same every time."""
    logits = np.random.default_rng(seed).normal(0, 1.5, size=(steps, actions))
    return log_softmax(logits), np.arange(steps) < taken


ENTROPY = Exercise(
    name="entropy-bonus",
    chapter=10,
    solution=lambda log_probs, mask: mean_entropy(log_probs, mask),
    gradients=("log_probs",),
    conventions=(
        Convention(
            "logarithms detached",
            lambda log_probs, mask: mean_entropy(log_probs, mask, log=lambda x: x.detach()),
            "You let no gradient through the logarithms. What that leaves out is the expected score, which is zero.",
        ),
        Convention(
            "normalised again",
            explanation="You normalise again, as `Categorical(logits=…)` does: the gradient of the logits is the same.",
            wrap=lambda f: lambda log_probs, mask: f(log_probs.log_softmax(-1), mask),
        ),
    ),
    probes={
        "one step": some_log_probs(1, 2, 1, seed=1),
        "even odds": (np.log(np.full((2, 4), 0.25)), np.ones(2, bool)),
        "three steps": some_log_probs(3, 3, 3, seed=2),
        "padded": some_log_probs(5, 3, 2, seed=3),
    },
    mistakes=(
        Mistake(
            "sign",
            lambda log_probs, mask: -mean_entropy(log_probs, mask),
            "this is the negative entropy.",
            "as a bonus it makes the policy decided as fast as it can.",
            "a logarithm of a probability is negative; the entropy is not.",
        ),
        Mistake(
            "padding counted",
            lambda log_probs, mask: mean_entropy(log_probs, torch.ones_like(mask)),
            "the padding has a say.",
            "the bonus is also paid for states that nobody has seen.",
            "over which steps should the mean run?",
        ),
        Mistake(
            "divided by the padded length",
            lambda log_probs, mask: mean_entropy(log_probs, mask, steps=len),
            "you divide by the padded length.",
            "the longer the longest episode, the smaller the bonus.",
            "how many steps were taken?",
        ),
        Mistake(
            "sum over the steps",
            lambda log_probs, mask: mean_entropy(log_probs, mask, steps=lambda mask: 1),
            "you add the steps up.",
            "β means something else for every batch, and more the longer the episodes.",
            "the objective is a mean over steps; so is its bonus.",
        ),
        Mistake(
            "not weighted",
            lambda log_probs, mask: mean_entropy(log_probs, mask, weight=torch.ones_like),
            "you add up the logarithms without their probabilities.",
            "it rises without end as an action dies out: as a bonus it makes the policy decided.",
            "an entropy is an expectation. Under which distribution?",
        ),
        Mistake(
            "mean over the actions",
            lambda log_probs, mask: mean_entropy(log_probs, mask) / log_probs.shape[-1],
            "you take the mean over the actions of what is to be summed.",
            "β is smaller than you think by the number of actions.",
            "the probabilities are the weights already, and add up to 1.",
        ),
        Mistake(
            "probabilities detached",
            lambda log_probs, mask: mean_entropy(log_probs, mask, weight=lambda x: x.exp().detach()),
            "the number is right and the gradient is not: the probabilities have none.",
            "the expected score is zero, so this bonus moves nothing at all.",
            "both factors depend on the policy.",
        ),
        Mistake(
            "no gradient",
            lambda log_probs, mask: mean_entropy(log_probs.detach(), mask),
            "no gradient flows.",
            "a bonus that is logged and moves nothing.",
            "does your number still know where it comes from?",
        ),
        Mistake(
            "bits",
            lambda log_probs, mask: mean_entropy(log_probs, mask) / np.log(2),
            "this is in bits; the book measures in nats.",
            "β counts 1.44 times as much.",
            "which logarithm is in `log_probs`?",
        ),
    ),
    hints=(
        "First one entropy for each step, shape (T,); then the mean over those that were taken.",
        "-Σ p log p, with p = exp(log p).",
    ),
)


def epochs_with(loop, smaller=torch.minimum):
    """Return an answer to the exercise that is mended: gradient ascent whose objective is given by ``loop``."""

    def answer(logits, actions, advantages, epochs, rate, clip):
        logits = logits.clone().requires_grad_()
        memory = {}
        for epoch in range(epochs):
            ratio = loop(logits, actions, memory, epoch)
            gain = smaller(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
            (gradient,) = torch.autograd.grad(gain.mean(), logits, allow_unused=True, materialize_grads=True)
            logits = (logits + rate * gradient).detach().requires_grad_()
        return logits.detach()

    return answer


def ratio_to(old):
    """Return a loop whose ratio is taken with respect to ``old``: a function of log-probabilities, memory and epoch."""

    def loop(logits, actions, memory, epoch):
        log_probs = logits.log_softmax(-1)[actions]
        return (log_probs - old(log_probs, memory, epoch)).exp()

    return loop


def first_epoch(log_probs, memory, epoch):
    """Return the log-probabilities of the first epoch."""
    return memory.setdefault("old", log_probs.detach())


def first_with_gradient(log_probs, memory, epoch):
    """Return the log-probabilities of the first epoch, in its graph."""
    return memory.setdefault("old", log_probs)


def epoch_before(log_probs, memory, epoch):
    """Return the log-probabilities of the epoch before."""
    old, memory["old"] = memory.get("old", log_probs.detach()), log_probs.detach()
    return old


def unclipped(logits, actions, advantages, epochs, rate, clip):
    """Return what many epochs make of the surrogate that nothing clips."""
    return epochs_with(ratio_to(first_epoch))(logits, actions, advantages, epochs, rate, float("inf"))


def bandit(epochs, clip=0.2, seed=None):
    """Return the arguments of a probe: two actions of which the second is good, or, with a seed, three."""
    if seed is None:
        return np.zeros(2), np.array([1, 0, 1, 0]), np.array([1.0, -1.0, 1.0, -1.0]), epochs, 0.5, clip
    rng = np.random.default_rng(seed)
    return rng.normal(size=3).round(1), rng.integers(3, size=8), rng.normal(size=8).round(1), epochs, 0.5, clip


TOO_NEW = Exercise(
    name="an-old-policy-too-new",
    chapter=10,
    solution=epochs_with(ratio_to(first_epoch)),
    broken=epochs_with(ratio_to(lambda log_probs, memory, epoch: log_probs.detach())),
    inputs=("tensor",),
    probes={
        "three epochs": bandit(3),
        "thirty epochs": bandit(30),
        "three actions": bandit(10, seed=1),
        "a narrow clip": bandit(20, clip=0.05, seed=2),
    },
    mistakes=(
        Mistake(
            "old log-probabilities with a gradient",
            epochs_with(ratio_to(first_with_gradient)),
            "they are computed once now, but not detached: in the first epoch the two gradients cancel.",
            "one epoch is lost, or all, where the same tensor is trained throughout.",
            "the old policy is history. How do you tell PyTorch so?",
        ),
        Mistake(
            "no gradient at all",
            epochs_with(ratio_to(lambda log_probs, memory, epoch: log_probs)),
            "now new and old are one and the same tensor, and their difference has no gradient.",
            "nothing is learned.",
            "when should the old log-probabilities be computed, and how often?",
        ),
        Mistake(
            "one epoch behind",
            epochs_with(ratio_to(epoch_before)),
            "the old policy is that of the epoch before.",
            "each epoch may move the ratio by ε once more: a brake that rolls along.",
            "which policy has played the batch?",
        ),
        Mistake(
            "clip taken out",
            unclipped,
            "the ratio is right now, but nothing is clipped any more.",
            "many epochs on one batch, and no brake.",
            "only one line is in the wrong place.",
        ),
        Mistake(
            "clipped alone",
            epochs_with(ratio_to(first_epoch), lambda plain, clipped: clipped),
            "the ratio is right now, but the minimum is gone.",
            "an action that has moved the wrong way has no gradient to bring it back.",
            "only one line is in the wrong place.",
        ),
        Mistake(
            "ratio of the start",
            epochs_with(lambda logits, actions, memory, epoch: logits.log_softmax(-1)[actions].exp()),
            "you have left out the old policy.",
            "rare actions count less than frequent ones.",
            "new over old.",
        ),
    ),
    hints=(
        "Print the ratio in the third epoch. What should it be?",
        "Which line of the loop has to run only once?",
    ),
)

EXERCISES = (RATIO, CLIPPED, SILENT, ROOM, ENTROPY, TOO_NEW)
