"""The exercises of chapter 9: divergences, what a step promises, and how a trust region finds its step."""

import numpy as np

from pgutils.exercises.exercise import Convention, Exercise, Mistake


def kl(p, q, weight=None):
    """Return Σ_a weight (log p - log q) from log-probabilities, shape (S,); the weight is p unless given."""
    return ((np.exp(p) if weight is None else weight) * (p - q)).sum(-1)


def log_probabilities(*rows):
    """Return the logarithms of rows of probabilities."""
    return np.log(np.array(rows))


KL_CATEGORICAL = Exercise(
    name="kl-categorical",
    chapter=9,
    solution=lambda old, new: kl(old, new),
    inputs=("array", "tensor"),
    probes={
        "one state": (log_probabilities([0.5, 0.5]), log_probabilities([0.9, 0.1])),
        "three actions": (log_probabilities([0.2, 0.3, 0.5]), log_probabilities([0.6, 0.3, 0.1])),
        "two states": (log_probabilities([0.25, 0.75], [0.9, 0.1]), log_probabilities([0.5, 0.5], [0.8, 0.2])),
        "the same policy": (log_probabilities([0.3, 0.7]), log_probabilities([0.3, 0.7])),
        "a rare action": (log_probabilities([0.999, 0.001]), log_probabilities([0.5, 0.5])),
    },
    mistakes=(
        Mistake(
            "the wrong way round",
            lambda old, new: kl(new, old),
            "this is KL(new ‖ old): the two policies have changed places.",
            "near the old policy there is hardly a difference; far from it another policy is called near.",
            "which of the two has drawn the actions that you average over?",
        ),
        Mistake(
            "averaged under the new policy",
            lambda old, new: kl(old, new, np.exp(new)),
            "the log-ratio is right, but you average it under the new policy.",
            "the result is negative, so any step is short enough.",
            "which of the two has drawn the actions?",
        ),
        Mistake(
            "sign",
            lambda old, new: -kl(old, new),
            "the sign is turned round.",
            "a divergence is never negative; here any step is short enough.",
            "which of the two stands in the numerator?",
        ),
        Mistake(
            "not averaged",
            lambda old, new: kl(old, new, 1.0),
            "each log-ratio counts as much as any other.",
            "actions that are never taken decide how far the policy has moved.",
            "how often is each action taken?",
            also=(lambda old, new: (old - new).mean(-1),),
        ),
        Mistake(
            "mean over the actions",
            lambda old, new: kl(old, new) / old.shape[-1],
            "you divide by the number of actions.",
            "the policy moves farther than the bound allows, the more so the more actions there are.",
            "the probabilities are weights that sum to 1 already.",
        ),
        Mistake(
            "terms of the sum",
            lambda old, new: np.exp(old) * (old - new),
            "these are the terms, one for each action; they are to be added up.",
            "some of them are negative, and look like no step at all.",
            "how many numbers has a state?",
        ),
        Mistake(
            "cross-entropy",
            lambda old, new: -(np.exp(old) * new).sum(-1),
            "this is the cross-entropy: the old policy's own entropy is still in it.",
            "it is not 0 where nothing has changed: an undecided policy may not move.",
            "what should come out if both policies are the same?",
        ),
        Mistake(
            "logarithm of a logarithm",
            lambda old, new: (old * (old - new)).sum(-1),
            "you average with log-probabilities as if they were probabilities.",
            "rare actions count most.",
            "what are the arguments?",
        ),
        Mistake(
            "one number for all states",
            lambda old, new: np.broadcast_to(kl(old, new).mean(-1, keepdims=True), old.shape[:-1]),
            "you average over the states; here each has a divergence of its own.",
            "none in a mean; but no maximum over the states can be taken any more.",
            "over which axis does the sum run?",
            also=(lambda old, new: kl(old, new).mean(),),
        ),
        Mistake(
            "sum over the states",
            lambda old, new: kl(old, new).sum(),
            "you add up the states as well; here each has a divergence of its own.",
            "the more states a batch has, the shorter the step.",
            "over which axis does the sum run?",
        ),
    ),
    hints=(
        "What is to be averaged is a log-ratio, the difference of two log-probabilities.",
        "The average is one under the old policy: each action counts as often as it takes it.",
    ),
)


def gaussian_kl(
    mean, log_std, new_mean, new_log_std, distance=1.0, spread=1.0, logs=1.0, half=0.5, over=lambda x: x.sum(-1)
):
    """Return the divergence of two Gaussians, shape (S,); the last five are for mistakes, four of them factors."""
    moved = distance * (mean - new_mean) ** 2 / np.exp(2 * new_log_std)
    widened = spread * np.exp(2 * (log_std - new_log_std))
    return over(logs * (new_log_std - log_std) + (widened + moved) / 2 - half)


def ratio_of(x, y):
    """Return x / y, not finite where y is 0."""
    with np.errstate(all="ignore"):
        return x / y


def logarithm(x):
    """Return log x, not finite where x is not positive."""
    with np.errstate(all="ignore"):
        return np.log(x)


def bells(count, numbers, seed):
    """Return means and log standard deviations (count, numbers) of an old and a new policy, the same every time."""
    return tuple(np.random.default_rng(seed).normal(size=(4, count, numbers)).round(1))


KL_GAUSSIAN = Exercise(
    name="kl-gaussian",
    chapter=9,
    solution=lambda mean, log_std, new_mean, new_log_std: gaussian_kl(mean, log_std, new_mean, new_log_std),
    inputs=("array", "tensor"),
    probes={
        "another mean": (np.array([[1.0]]), np.array([[0.0]]), np.array([[3.0]]), np.array([[0.0]])),
        "another spread": (np.array([[1.0]]), np.array([[0.0]]), np.array([[1.0]]), np.array([[0.5]])),
        "both": (np.array([[1.0]]), np.array([[0.3]]), np.array([[2.0]]), np.array([[-0.4]])),
        "two numbers": bells(1, 2, seed=1),
        "three states": bells(3, 2, seed=2),
    },
    mistakes=(
        Mistake(
            "the wrong way round",
            lambda mean, log_std, new_mean, new_log_std: gaussian_kl(new_mean, new_log_std, mean, log_std),
            "this is KL(new ‖ old): the two policies have changed places.",
            "a policy that has become narrow seems nearer than it is.",
            "which of the two has drawn the actions that you average over?",
        ),
        Mistake(
            "half forgotten",
            lambda *args: gaussian_kl(*args, half=0.0),
            "the constant is missing.",
            "it is not 0 even where nothing has changed, so no step is short enough.",
            "what should come out if both policies are the same?",
        ),
        Mistake(
            "one half for all numbers",
            lambda *args: gaussian_kl(*args, half=0.5 / args[0].shape[-1]),
            "the constant is subtracted once, not for each number of an action.",
            "with several numbers it is not 0 where nothing has changed.",
            "divergences of independent numbers add up; what does each of them bring along?",
        ),
        Mistake(
            "deviation in place of variance",
            lambda mean, log_std, new_mean, new_log_std: (
                new_log_std - log_std + (np.exp(log_std) + (mean - new_mean) ** 2) / (2 * np.exp(new_log_std)) - 0.5
            ).sum(-1),
            "σ stands where σ² belongs.",
            "narrow policies are called near to each other though they hardly overlap.",
            "what is the mean of (a - μ)²?",
        ),
        Mistake(
            "log of the variance",
            lambda *args: gaussian_kl(*args, logs=2.0),
            "the logarithm counts twice: it is one of σ, not of σ².",
            "a policy that narrows a little is at a negative distance: step by step, nothing stops it.",
            "the density has 1/σ in front of it.",
        ),
        Mistake(
            "log σ taken for log σ²",
            lambda mean, log_std, new_mean, new_log_std: gaussian_kl(mean, log_std / 2, new_mean, new_log_std / 2),
            "you are given log σ, and read it as log σ².",
            "σ = 9 is taken for 3, and σ = ¼ for ½.",
            "exp of `log_std`: is it the deviation, or the variance?",
        ),
        Mistake(
            "logarithm turned round",
            lambda *args: gaussian_kl(*args, logs=-1.0),
            "the logarithm has the wrong sign.",
            "a policy that widens is at a negative distance, so nothing stops it.",
            "is log p - log q larger where q is wider, or smaller?",
        ),
        Mistake(
            "spread left out",
            lambda *args: gaussian_kl(*args, spread=0.0),
            "the old policy's own spread is missing.",
            "it is not 0 even where nothing has changed.",
            "what is the mean of (a - μ')² under the old policy? It has two parts.",
        ),
        Mistake(
            "one for each number",
            lambda *args: gaussian_kl(*args, over=lambda x: x),
            "you return a divergence for each number; a state has one.",
            "each number may move as far as the bound allows, and all together farther.",
            "log-probabilities of independent numbers add up.",
        ),
        Mistake(
            "log σ for σ",
            lambda mean, log_std, new_mean, new_log_std: (
                new_log_std - log_std + ratio_of(log_std**2 + (mean - new_mean) ** 2, 2 * new_log_std**2) - 0.5
            ).sum(-1),
            "you are given log σ, and use it as σ itself.",
            "a policy of σ = 1 divides by zero.",
            "how does one get σ from log σ?",
            also=(
                lambda mean, log_std, new_mean, new_log_std: (
                    logarithm(new_log_std)
                    - logarithm(log_std)
                    + ratio_of(log_std**2 + (mean - new_mean) ** 2, 2 * new_log_std**2)
                    - 0.5
                ).sum(-1),
                lambda mean, log_std, new_mean, new_log_std: (
                    logarithm(np.abs(ratio_of(new_log_std, log_std)))
                    + ratio_of(log_std**2 + (mean - new_mean) ** 2, 2 * new_log_std**2)
                    - 0.5
                ).sum(-1),
            ),
        ),
        Mistake(
            "means left out",
            lambda *args: gaussian_kl(*args, distance=0.0),
            "the distance of the means does not count.",
            "only the spread is held back; the mean may go anywhere.",
            "what is the mean of (a - μ')² under the old policy? It has two parts.",
        ),
        Mistake(
            "the old policy's measure",
            lambda mean, log_std, new_mean, new_log_std: (
                gaussian_kl(mean, log_std, new_mean, new_log_std, distance=0.0)
                + (((mean - new_mean) / np.exp(log_std)) ** 2).sum(-1) / 2
            ),
            "the distance of the means is measured by the old σ.",
            "if the policy narrows while its mean moves, the step seems shorter than it is.",
            "which of the two densities has μ' in its exponent?",
        ),
        Mistake(
            "mean over the numbers",
            lambda *args: gaussian_kl(*args) / args[0].shape[-1],
            "you average over the numbers of an action.",
            "with many numbers the policy moves farther than the bound allows.",
            "log-probabilities of independent numbers add up.",
        ),
    ),
    hints=(
        "Write down log p - log q first; only two of its terms depend on the action.",
        "Under the old policy, (a - μ)² has the mean σ². And (a - μ')²?",
    ),
)


def promised(factor, divisor=len, constant=True):
    """Return an answer: factor of the log-ratio times the advantage, summed over the steps, over a divisor."""

    def surrogate(new_log_probs, old_log_probs, advantages, mask):
        old = old_log_probs.detach() if constant else old_log_probs
        return (factor(new_log_probs - old) * advantages.detach() * mask).sum() / divisor(mask)

    return surrogate


def played(lengths, steps, seed):
    """Return new and old log-probabilities, advantages and mask (N, T); the padding is not zero."""
    rng = np.random.default_rng(seed)
    shape = len(lengths), steps
    new, old = -rng.uniform(0.1, 2, size=(2, *shape)).round(1)
    return new, old, rng.normal(size=shape).round(1), np.arange(steps) < np.array(lengths)[:, None]


SURROGATE = Exercise(
    name="surrogate",
    chapter=9,
    solution=promised(lambda log_ratio: log_ratio.exp()),
    gradients=("new_log_probs", "old_log_probs", "advantages"),
    conventions=(
        Convention(
            "sum over episodes",
            explanation="You add the episodes up where we take their mean: the same direction, N times as far.",
            wrap=lambda f: lambda new_log_probs, *rest: f(new_log_probs, *rest) * len(new_log_probs),
        ),
    ),
    probes={
        "one step": (np.array([[-0.5]]), np.array([[-1.0]]), np.array([[2.0]]), np.array([[True]])),
        "one episode": played([3], 3, seed=1),
        "two episodes": played([3, 1], 4, seed=2),
        "nothing has changed": (*(np.array([[-0.5, -1.0]]),) * 2, np.array([[1.0, 3.0]]), np.array([[True, True]])),
    },
    mistakes=(
        Mistake(
            "ratio upside down",
            promised(lambda log_ratio: (-log_ratio).exp()),
            "the ratio is upside down: old over new.",
            "its slope is that of the return, turned round: the policy learns to lose.",
            "an action that has become more probable should count more.",
        ),
        Mistake(
            "log-ratio",
            promised(lambda log_ratio: log_ratio),
            "you multiply by the log-ratio, not by the ratio.",
            "the first step is right; beyond it the promise is not that of the surrogate.",
            "the difference of the logarithms is the logarithm of what you need.",
        ),
        Mistake(
            "ratio of logarithms",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                (new_log_probs / old_log_probs.detach() * advantages.detach() * mask).sum(1).mean()
            ),
            "you divide logarithms.",
            "the slope is turned round, since a log-probability is negative.",
            "what is the logarithm of a ratio?",
        ),
        Mistake(
            "probability in place of the ratio",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                (new_log_probs.exp() * advantages.detach() * mask).sum(1).mean()
            ),
            "the old policy's probability is missing in the denominator.",
            "frequent actions count twice: once because they are in the batch often, once more by their probability.",
            "who has drawn the actions, and how often?",
        ),
        Mistake(
            "gradient through the old policy",
            promised(lambda log_ratio: log_ratio.exp(), constant=False),
            "the value is right, but a gradient flows into the old policy as well.",
            "if both log-probabilities come from the same network, the two gradients cancel: nothing is learned.",
            "which of the arguments are constants?",
        ),
        Mistake(
            "gradient through the advantages",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                ((new_log_probs - old_log_probs.detach()).exp() * advantages * mask).sum(1).mean()
            ),
            "the value is right, but a gradient flows into the advantages.",
            "the value function is bent so that the advantages come out large.",
            "which of the arguments are constants?",
            also=(
                lambda new_log_probs, old_log_probs, advantages, mask: (
                    ((new_log_probs - old_log_probs).exp() * advantages * mask).sum(1).mean()
                ),
            ),
        ),
        Mistake(
            "no gradient",
            promised(lambda log_ratio: log_ratio.exp().detach()),
            "the value is right, but no gradient reaches the new policy.",
            "nothing is learned.",
            "through which of the arguments does the policy learn?",
        ),
        Mistake(
            "mean over each episode's steps",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                ((new_log_probs - old_log_probs.detach()).exp() * advantages.detach() * mask).sum(1) / mask.sum(1)
            ).mean(),
            "you take the mean over the steps of each episode; their sum is meant.",
            "the longer an episode, the less each of its steps counts.",
            "over what should one add up, and over what take the mean?",
        ),
        Mistake(
            "ratio of the episode",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                (
                    ((new_log_probs - old_log_probs.detach()) * mask).sum(1, keepdim=True).exp()
                    * advantages.detach()
                    * mask
                )
                .sum(1)
                .mean()
            ),
            "each step has the ratio of the whole episode.",
            "the later steps count, too, and the variance grows with the length.",
            "the surrogate keeps the old states; what is brought over?",
        ),
        Mistake(
            "product of the ratios",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                (((new_log_probs - old_log_probs.detach()) * mask).cumsum(1).exp() * advantages.detach() * mask)
                .sum(1)
                .mean()
            ),
            "you multiply the ratios of all steps up to each one.",
            "the new policy's states count, too; the variance grows with the length.",
            "the surrogate keeps the old states; what is brought over?",
        ),
        Mistake(
            "padding counted",
            lambda new_log_probs, old_log_probs, advantages, mask: (
                ((new_log_probs - old_log_probs.detach()).exp() * advantages.detach()).sum(1).mean()
            ),
            "steps that were never taken are counted.",
            "short episodes promise gains that nobody will see.",
            "what is `mask` there for?",
        ),
        Mistake(
            "mean over steps",
            promised(lambda log_ratio: log_ratio.exp(), lambda mask: mask.sum()),
            "you divide by the number of steps.",
            "batches of long episodes count for less (chapter 3).",
            "over what should one add up, and over what take the mean?",
            also=(promised(lambda log_ratio: log_ratio.exp(), lambda mask: mask.numel()),),
        ),
        Mistake(
            "sign",
            promised(lambda log_ratio: -log_ratio.exp()),
            "this is a loss: the surrogate with its sign turned round.",
            "whoever accepts a step because the surrogate rises accepts the wrong ones.",
            "the surrogate is to be made large.",
        ),
        Mistake(
            "ratio minus one",
            promised(lambda log_ratio: log_ratio.exp() - 1),
            "you subtract what the old policy had: the gain alone, not the surrogate.",
            "none: the gradient is the same, and a line search wants just that number.",
            "what should come out if nothing has changed? Not 0, on a batch.",
        ),
    ),
    hints=(
        "The difference of two logarithms is the logarithm of a ratio.",
        "Sum over the steps that were taken, mean over the episodes; `.detach()` for what is constant.",
    ),
)


def fisher(scores, probabilities, v):
    """Return F v for each run, shape (runs, k)."""
    along = np.einsum("rnak,rk->rna", scores, v)
    return np.einsum("rna,rnak->rk", probabilities * along, scores) / scores.shape[1]


def some_scores(runs, states, actions, parameters, damping, seed):
    """Return scores that have mean 0 in every state, probabilities, a vector and the damping, for a probe."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(actions), size=(runs, states))
    scores = rng.normal(size=(runs, states, actions, parameters))
    scores -= np.einsum("rna,rnak->rnk", probabilities, scores)[:, :, None]
    return scores, probabilities, rng.normal(size=(runs, parameters)).round(1), damping


FISHER_PRODUCT = Exercise(
    name="fisher-product",
    chapter=9,
    solution=lambda scores, probabilities, v, damping: fisher(scores, probabilities, v) + damping * v,
    probes={
        "one number": (np.array([[[[0.5], [-0.5]]]]), np.array([[[0.5, 0.5]]]), np.array([[2.0]]), 0.0),
        "with damping": (np.array([[[[0.2], [-0.8]]]]), np.array([[[0.8, 0.2]]]), np.array([[3.0]]), 0.5),
        "three states": some_scores(1, 3, 2, 2, damping=0.0, seed=1),
        "two runs": some_scores(2, 4, 3, 3, damping=0.1, seed=2),
    },
    mistakes=(
        Mistake(
            "no damping",
            lambda scores, probabilities, v, damping: fisher(scores, probabilities, v),
            "the damping is missing.",
            "in directions that the batch says nothing about, the step is without limit.",
            "what is the product of λ times the unit matrix with v?",
        ),
        Mistake(
            "damping for every direction alike",
            lambda scores, probabilities, v, damping: fisher(scores, probabilities, v) + damping,
            "you add λ to each component, not λ times v.",
            "conjugate gradient solves another equation.",
            "what is the product of λ times the unit matrix with v?",
        ),
        Mistake(
            "damping as a factor",
            lambda scores, probabilities, v, damping: (1 + damping) * fisher(scores, probabilities, v),
            "the damping multiplies F v; a matrix that is singular stays so.",
            "in directions that the batch says nothing about, the step is without limit.",
            "to what is λ times the unit matrix added?",
        ),
        Mistake(
            "mean over runs",
            lambda scores, probabilities, v, damping: (
                np.broadcast_to(fisher(scores, probabilities, v).mean(0), v.shape) + damping * v
            ),
            "the runs are mixed: all of them have one F v.",
            "a run's step depends on what the others have played.",
            "which axes may be summed over?",
            also=(
                lambda scores, probabilities, v, damping: (
                    np.broadcast_to(fisher(scores, probabilities, v).sum(0), v.shape) + damping * v
                ),
            ),
        ),
        Mistake(
            "sum over states",
            lambda scores, probabilities, v, damping: scores.shape[1] * fisher(scores, probabilities, v) + damping * v,
            "you add the states up where their mean is asked for.",
            "against so large a matrix the damping counts for nothing.",
            "F is a mean over the states of a batch.",
        ),
        Mistake(
            "all actions alike",
            lambda scores, probabilities, v, damping: (
                fisher(scores, np.full_like(probabilities, 1 / probabilities.shape[-1]), v) + damping * v
            ),
            "you average over the actions as if all were equally probable.",
            "it is the Fisher matrix of another policy; rare actions hold back the step.",
            "how often is each action taken?",
        ),
        Mistake(
            "not averaged over the actions",
            lambda scores, probabilities, v, damping: fisher(scores, np.ones_like(probabilities), v) + damping * v,
            "you add the actions up, each counting as much as any other.",
            "it is the Fisher matrix of no policy; rare actions hold back the step.",
            "how often is each action taken?",
        ),
        Mistake(
            "divided by the actions",
            lambda scores, probabilities, v, damping: (
                fisher(scores, probabilities, v) / probabilities.shape[-1] + damping * v
            ),
            "you weight the actions by their probabilities, and divide by their number as well.",
            "F is too small by the number of actions, so the step is too long.",
            "the probabilities are weights that sum to 1 already.",
        ),
        Mistake(
            "damping subtracted",
            lambda scores, probabilities, v, damping: fisher(scores, probabilities, v) - damping * v,
            "the damping is subtracted.",
            "the matrix may have eigenvalues below 0, and conjugate gradient fails.",
            "what should be left where F is 0?",
        ),
        Mistake(
            "mean score first",
            lambda scores, probabilities, v, damping: (
                np.einsum("rnk,rnj,rj->rk", *(2 * (np.einsum("rna,rnak->rnk", probabilities, scores),)), v)
                / scores.shape[1]
                + damping * v
            ),
            "you average the scores before you multiply; their mean is 0.",
            "F vanishes, only the damping is left: the direction is the plain gradient.",
            "the mean of a product is not the product of the means.",
        ),
        Mistake(
            "diagonal",
            lambda scores, probabilities, v, damping: (
                np.einsum("rna,rnak->rk", probabilities, scores**2) / scores.shape[1] * v + damping * v
            ),
            "this is v times the diagonal of F alone.",
            "another direction: each parameter is scaled by itself.",
            "first multiply each score with v: one number. And then?",
        ),
        Mistake(
            "v left out",
            lambda scores, probabilities, v, damping: fisher(scores, probabilities, np.ones_like(v)) + damping * v,
            "v does not enter the product with F.",
            "whatever conjugate gradient asks for, it is told the same.",
            "where does the scalar product of score and v come in?",
        ),
    ),
    hints=(
        "The scalar product of each score with v is one number for each run, state and action.",
        "Multiply by the score again; mean over the actions, by probability; mean over the states; then λ v.",
    ),
)


def conjugate_gradient(matrix, b, steps, length=None, conjugate=None, stop=True, enough=0.0):
    """Return x after some steps; functions for the step length and for the share of the old direction, for mistakes.

    It stops where the squared residual is at most ``enough``, or nothing beside b.
    """
    x, r, p = 0 * b, b, b
    for _ in range(steps):
        if stop and r @ r <= max(enough, 1e-20 * (b @ b)):
            break
        with np.errstate(all="ignore"):
            alpha = length(r, p, matrix) if length else r @ r / (p @ matrix @ p)
            x, left = x + alpha * p, r - alpha * (matrix @ p)
            p, r = left + (conjugate(left, r) if conjugate else left @ left / (r @ r)) * p, left
    return x


def system(size, steps, seed):
    """Return a symmetric positive matrix, a right-hand side and a number of steps, for a probe."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(size, size)).round(1)
    return root @ root.T + np.eye(size), rng.normal(size=size).round(1), steps


CONJUGATE_GRADIENT = Exercise(
    name="conjugate-gradient",
    chapter=9,
    solution=lambda matrix, b, steps: conjugate_gradient(matrix, b, steps),
    probes={
        "one number": (np.array([[2.0]]), np.array([3.0]), 1),
        "one step": (np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([1.0, 1.0]), 1),
        "two steps": (np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 0.0]), 2),
        "two of three steps": system(3, 2, seed=1),
        "three of four steps": system(4, 3, seed=2),
        "two of five steps": system(5, 2, seed=3),
        "a small b": (np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([0.003, -0.001]), 2),
        "more steps than it takes": (2 * np.eye(2), np.array([1.0, 0.0]), 4),
        "nothing to solve": (np.eye(2), np.zeros(2), 2),
    },
    mistakes=(
        Mistake(
            "nothing divided by nothing",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps, stop=False),
            "when nothing is left you divide 0 by 0.",
            "one run whose gradient is 0, and its parameters are NaN.",
            "what is r once x is the solution?",
        ),
        Mistake(
            "steepest descent",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps, conjugate=lambda left, r: 0.0),
            "each direction is the residual itself: this is steepest descent.",
            "it never quite arrives where eigenvalues differ.",
            "what keeps a direction from undoing what the last has done?",
        ),
        Mistake(
            "length by the residual",
            lambda matrix, b, steps: conjugate_gradient(
                matrix, b, steps, length=lambda r, p, matrix: r @ r / (r @ matrix @ r)
            ),
            "the curvature is taken along the residual, but the step goes along p.",
            "right for one step, which is steepest descent; then it wanders off.",
            "along which direction do you go?",
        ),
        Mistake(
            "share upside down",
            lambda matrix, b, steps: conjugate_gradient(
                matrix, b, steps, conjugate=lambda left, r: r @ r / (left @ left) if left @ left else 0.0
            ),
            "the share of the old direction is upside down.",
            "the smaller the residual, the more of the old direction is kept.",
            "which residual should be in the numerator if the share is to shrink?",
        ),
        Mistake(
            "no length",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps, length=lambda r, p, matrix: 1.0),
            "each direction is followed with a step of 1.",
            "along large eigenvalues it goes much too far.",
            "how far along p is the solution nearest?",
        ),
        Mistake(
            "old direction kept whole",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps, conjugate=lambda left, r: 1.0),
            "the old direction is added whole.",
            "later directions repeat what was done before.",
            "how much of it makes the two directions conjugate?",
        ),
        Mistake(
            "one step too many",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps + 1),
            "you take one step more than you are asked for.",
            "none but its cost.",
            "with `steps=1`, how often is the matrix multiplied by p?",
        ),
        Mistake(
            "one step too few",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps - 1),
            "you take one step less than you are asked for.",
            "with one step there is none at all.",
            "with `steps=1`, how often is the matrix multiplied by p?",
        ),
        Mistake(
            "stopped too early",
            lambda matrix, b, steps: conjugate_gradient(matrix, b, steps, enough=1e-2),
            "it stops while something is left: small is not nothing.",
            "where the gradient is small, no step is taken at all.",
            "against what should a residual be small?",
            also=tuple(
                lambda matrix, b, steps, enough=enough: conjugate_gradient(matrix, b, steps, enough=enough)
                for enough in (1e-1, 1e-3, 1e-4, 1e-5)
            ),
        ),
        Mistake(
            "solved at once",
            lambda matrix, b, steps: np.linalg.solve(matrix, b),
            "this is the solution itself, as if the matrix were at hand.",
            "none on a small problem; a large network's matrix cannot be stored.",
            "what is x after the given number of steps?",
        ),
        Mistake(
            "started at b",
            lambda matrix, b, steps: b + conjugate_gradient(matrix, b, steps),
            "you start at x = b, with a residual that belongs to x = 0.",
            "off by the gradient, always.",
            "if r = b, what is x?",
        ),
    ),
    hints=(
        "Three vectors are carried along: x, the residual r = b - A x, and the direction p.",
        "From x = 0, r and p are both b. One product with the matrix is enough for each step.",
    ),
)


def searched(good, length=lambda good: 0.5 ** good.argmax(1), otherwise=0.0):
    """Return an answer: what is good, which of the good ones is taken, and what if there is none."""

    def fractions(gains, kls, max_kl):
        accepted = good(gains, kls, max_kl)
        return np.where(accepted.any(1), length(accepted), otherwise)

    return fractions


def both(gains, kls, max_kl):
    """Return where a try is good enough."""
    return (gains > 0) & (kls <= max_kl)


LINE_SEARCH = Exercise(
    name="line-search",
    chapter=9,
    solution=searched(both),
    probes={
        "one try": (np.array([[1.0]]), np.array([[0.02]]), 0.05),
        "the bound itself": (np.array([[1.0, 0.6]]), np.array([[0.05, 0.01]]), 0.05),
        "too far at first": (np.array([[3.0, 2.0, 1.0]]), np.array([[0.2, 0.04, 0.01]]), 0.05),
        "a loss at first": (np.array([[-1.0, 0.0, 0.5, 0.3]]), np.array([[0.04, 0.02, 0.01, 0.004]]), 0.05),
        "nothing will do": (np.array([[-1.0, -0.5]]), np.array([[0.04, 0.01]]), 0.05),
        "a gain but too far": (np.array([[2.0, -1.0, 0.5]]), np.array([[0.2, 0.04, 0.01]]), 0.05),
        "gone too far for good": (np.array([[2.0, 1.0]]), np.array([[0.9, 0.3]]), 0.05),
        "four runs": (
            np.array([[2.0, 3.0, 1.0], [-1.0, 1.0, 2.0], [1.0, 0.6, 0.3], [-3.0, -2.0, -1.0]]),
            np.array([[0.04, 0.02, 0.01], [0.04, 0.02, 0.01], [0.4, 0.1, 0.03], [0.04, 0.02, 0.01]]),
            0.05,
        ),
    },
    mistakes=(
        Mistake(
            "gain not asked for",
            searched(lambda gains, kls, max_kl: kls <= max_kl),
            "you look at the divergence alone.",
            "steps that make the policy worse by its own estimate are taken.",
            "why is the surrogate looked at?",
        ),
        Mistake(
            "divergence not asked for",
            searched(lambda gains, kls, max_kl: gains > 0),
            "you look at the gain alone.",
            "the policy goes where the surrogate knows nothing.",
            "how far may the policy move?",
        ),
        Mistake(
            "a step after all",
            searched(both, otherwise=0.5),
            "a run for which nothing will do takes a step all the same.",
            "it is the run that was refused that moves, and for the worse.",
            "what if all tries fail?",
            also=(
                lambda gains, kls, max_kl: np.where(
                    both(gains, kls, max_kl).any(1),
                    0.5 ** both(gains, kls, max_kl).argmax(1),
                    0.5 ** (gains.shape[1] - 1),
                ),
                lambda gains, kls, max_kl: 0.5 ** both(gains, kls, max_kl).argmax(1),
            ),
        ),
        Mistake(
            "the largest gain",
            lambda gains, kls, max_kl: np.where(
                both(gains, kls, max_kl).any(1),
                0.5 ** np.where(both(gains, kls, max_kl), gains, -np.inf).argmax(1),
                0.0,
            ),
            "you take the good try with the largest gain; the line search takes the first.",
            "none: it has to try all lengths, which costs time.",
            "from the longest on; when does it stop?",
        ),
        Mistake(
            "the last that is good",
            searched(both, lambda good: 0.5 ** (good.shape[1] - 1 - good[:, ::-1].argmax(1))),
            "you take the shortest good step; the longest is meant.",
            "every step is as short as can be.",
            "from the longest on; when does it stop?",
        ),
        Mistake(
            "one for all runs",
            lambda gains, kls, max_kl: np.full(
                len(gains),
                0.5 ** both(gains, kls, max_kl).all(0).argmax() if both(gains, kls, max_kl).all(0).any() else 0.0,
            ),
            "all runs take one fraction.",
            "the run that is hardest to please holds back all others.",
            "which numbers may the fraction of a run depend on?",
            also=(
                lambda gains, kls, max_kl: np.full(len(gains), searched(both)(gains, kls, max_kl).min()),
                lambda gains, kls, max_kl: np.full(len(gains), searched(both)(gains, kls, max_kl).max()),
            ),
        ),
        Mistake(
            "number of the try",
            lambda gains, kls, max_kl: both(gains, kls, max_kl).argmax(1),
            "this is the number of the try, not the fraction of the step.",
            "the whole step becomes none at all.",
            "what fraction has the try with number 0?",
        ),
        Mistake(
            "looked for apart",
            lambda gains, kls, max_kl: np.where(
                (gains > 0).any(1) & (kls <= max_kl).any(1),
                0.5 ** np.maximum((gains > 0).argmax(1), (kls <= max_kl).argmax(1)),
                0.0,
            ),
            "you look for the first gain and for the first divergence apart; one try must have both.",
            "a step may be taken that makes the policy worse by its own estimate.",
            "does the try that you return gain anything itself?",
        ),
        Mistake(
            "one of the two",
            searched(lambda gains, kls, max_kl: (gains > 0) | (kls <= max_kl)),
            "a try is good for you if it gains *or* is near enough.",
            "where the surrogate gains, the whole step is taken, however far it leads.",
            "which of the two may be missing?",
        ),
        Mistake(
            "given up at the first that is near",
            lambda gains, kls, max_kl: np.where(
                both(gains, kls, max_kl).any(1) & (both(gains, kls, max_kl).argmax(1) == (kls <= max_kl).argmax(1)),
                0.5 ** both(gains, kls, max_kl).argmax(1),
                0.0,
            ),
            "you give up if the first try that is near enough gains nothing.",
            "runs stay where they are though a shorter step would have helped.",
            "which tries are left after it?",
        ),
        Mistake(
            "begun at one half",
            lambda gains, kls, max_kl: searched(both)(gains, kls, max_kl) / 2,
            "your first fraction is ½; the first try is the whole step.",
            "steps are half as long as they could be.",
            "what is ½ to the power of 0?",
        ),
        Mistake(
            "four fifths",
            searched(both, lambda good: 0.8 ** good.argmax(1)),
            "these are powers of 0.8, as in the code above; the task halves.",
            "the step that is taken is not the one that was tried.",
            "which fractions does the task name?",
        ),
        Mistake(
            "strictly below",
            searched(lambda gains, kls, max_kl: (gains > 0) & (kls < max_kl)),
            "a divergence of just the bound is refused.",
            "none, but for numbers that are exactly at the bound.",
            "at most, or less than?",
        ),
        Mistake(
            "no loss",
            searched(lambda gains, kls, max_kl: (gains >= 0) & (kls <= max_kl)),
            "a try that gains nothing is accepted.",
            "a policy that has nothing to learn moves about all the same.",
            "has the surrogate risen if its gain is 0?",
        ),
    ),
    hints=(
        "First a table of booleans, (runs, tries): which tries are good?",
        "`argmax` of booleans is the place of the first one that is true, and 0 if none is.",
    ),
)


def log_softmax(logits):
    """Return the log-probabilities."""
    shifted = logits - logits.max()
    return shifted - np.log(np.exp(shifted).sum())


def backtracked(from_start=True, put_back=True, factor=1.0, measure=kl, more=0):
    """Return an answer to the exercise; the arguments are for mistakes."""

    def search(logits, step, max_kl, tries):
        tried, old = logits, log_softmax(logits)
        for k in range(tries + more):
            tried = (logits if from_start else tried) + factor * 0.5**k * step
            if measure(old, log_softmax(tried)) <= max_kl:
                return tried
        return logits if put_back else tried

    return search


A_STEP_TOO_FAR = Exercise(
    name="a-step-too-far",
    chapter=9,
    solution=backtracked(),
    broken=backtracked(from_start=False, put_back=False),
    inputs=("array", "tensor"),
    probes={
        "short enough": (np.zeros(2), np.array([0.1, -0.1]), 0.05, 3),
        "the last try": (np.zeros(2), np.array([0.4, -0.4]), 0.05, 2),
        "the second would do": (np.zeros(2), np.array([0.4, -0.4]), 0.05, 1),
        "the fourth try": (np.array([0.5, -1.0, 0.2]), np.array([3.0, -1.0, 0.0]), 0.02, 8),
        "all in vain": (np.array([0.5, -1.0]), np.array([4.0, -4.0]), 0.01, 3),
        "towards certainty": (np.array([2.0, 0.0]), np.array([3.0, -3.0]), 0.06, 8),
    },
    mistakes=(
        Mistake(
            "refused and kept",
            backtracked(put_back=False),
            "if all tries are refused, the last of them is returned.",
            "a run that should have stayed moves, farther than the bound allows.",
            "what does the function return if all tries fail?",
        ),
        Mistake(
            "on from the last try",
            backtracked(from_start=False),
            "each try still begins where the last one ended.",
            "later tries lead farther away, so nearly every step is refused.",
            "how far from the start is the second try?",
        ),
        Mistake(
            "divergence the wrong way round",
            backtracked(measure=lambda old, new: kl(new, old)),
            "the search is right now, but the divergence is the wrong way round.",
            "a rare action may die out altogether, and the divergence stays small.",
            "which of the two has drawn the actions?",
        ),
        Mistake(
            "half a step",
            backtracked(factor=0.5),
            "the whole step is never tried.",
            "steps are half as long as they could be.",
            "which fraction comes first?",
        ),
        Mistake(
            "one try too many",
            backtracked(more=1),
            "the search goes on for one try more than it is allowed.",
            "none but its cost, and a short step where there should be none.",
            "with `tries=1`, which fractions are tried?",
        ),
        Mistake(
            "one try too few",
            backtracked(more=-1),
            "the last try is never made.",
            "a run stays where it is though one more try would have moved it.",
            "with `tries=1`, which fractions are tried?",
        ),
        Mistake(
            "the shortest that will do",
            lambda logits, step, max_kl, tries: next(
                (
                    logits + 0.5**k * step
                    for k in reversed(range(tries))
                    if kl(log_softmax(logits), log_softmax(logits + 0.5**k * step)) <= max_kl
                ),
                logits,
            ),
            "the search goes on after a try has been accepted.",
            "every step is as short as can be.",
            "which of the tries that are short enough is wanted, the first or the last?",
        ),
        Mistake(
            "back from where it is",
            backtracked(factor=-1.0),
            "you subtract the step.",
            "the policy goes down the gradient.",
            "which way does `step` lead?",
        ),
        Mistake(
            "no step at all",
            lambda logits, step, max_kl, tries: logits + 0 * step,
            "the policy stays where it is, always.",
            "nothing is learned.",
            "if a try is accepted, what should be returned?",
        ),
    ),
    hints=(
        "Print how far from the start each of the tries is.",
        "Two names are needed: where the step begins, and what is being tried.",
        "And what should come back if no try is accepted?",
    ),
)


EXERCISES = (
    KL_CATEGORICAL,
    KL_GAUSSIAN,
    SURROGATE,
    FISHER_PRODUCT,
    CONJUGATE_GRADIENT,
    LINE_SEARCH,
    A_STEP_TOO_FAR,
)
