"""The exercises of chapter 8: actions that are numbers, what becomes of them at the ends of a range, and squashing."""

import math

import numpy as np

from pgutils.exercises.exercise import Convention, Exercise, Mistake

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def log_densities(actions, means, std, factor=0.5, spread=1.0, constant=HALF_LOG_2PI):
    """Return the log-density of every number by itself, shape (T, D); the last three arguments are for mistakes."""
    z = (actions - means) / std
    return -factor * z**2 - spread * np.log(std) - constant


def summed(sigma=np.exp, **parts):
    """Return an answer that adds up over the D numbers and takes ``sigma(log_std)`` for the deviations."""

    def answer(actions, means, log_std):
        with np.errstate(all="ignore"):
            return log_densities(actions, means, sigma(log_std), **parts).sum(-1)

    return answer


def some_actions(steps, dim, seed):
    """Return actions and means (steps, dim) and log_std (dim,) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    return *rng.normal(size=(2, steps, dim)).round(1), rng.uniform(-1, 1, size=dim).round(1)


LOG_PROB = Exercise(
    name="gaussian-log-probability",
    chapter=8,
    solution=summed(),
    probes={
        "one number, σ = 1": (np.array([[0.5]]), np.array([[0.0]]), np.array([0.0])),
        "one number": (np.array([[0.5]]), np.array([[-1.0]]), np.array([0.7])),
        "two numbers": (np.array([[0.5, -1.0]]), np.array([[0.0, 1.0]]), np.array([0.4, -0.7])),
        "three steps of two": some_actions(3, 2, seed=1),
        "two steps of four": some_actions(2, 4, seed=2),
    },
    mistakes=(
        Mistake(
            "sum over dimensions forgotten",
            lambda actions, means, log_std: log_densities(actions, means, np.exp(log_std)),
            "an action of several numbers has one probability.",
            "weights (T,) do not fit, or spread over the wrong axis.",
            "the numbers are drawn independently: what does that make of their joint density?",
        ),
        Mistake(
            "mean over dimensions",
            lambda actions, means, log_std: log_densities(actions, means, np.exp(log_std)).mean(-1),
            "you take the mean over the numbers of an action.",
            "the steps are D times too short, and a ratio of two policies is wrong.",
            "what is the logarithm of a product?",
        ),
        Mistake(
            "sum over everything",
            lambda actions, means, log_std: log_densities(actions, means, np.exp(log_std)).sum(),
            "you add up the steps as well.",
            "every step is praised with the sum of all weights.",
            "how many actions were taken, and how many log-probabilities do you return?",
        ),
        Mistake(
            "sum over the steps",
            lambda actions, means, log_std: log_densities(actions, means, np.exp(log_std)).sum(0),
            "you add up the steps, not the numbers of each action.",
            "as many log-probabilities as an action has numbers, and none of an action.",
            "which axis holds the numbers of an action?",
        ),
        Mistake(
            "log σ for σ",
            summed(lambda log_std: log_std),
            "the third argument is the logarithm of σ, and you use it as σ itself.",
            "a policy of σ = 1 divides by zero.",
            "how does one get σ from log σ?",
            also=(
                lambda actions, means, log_std: (
                    log_densities(actions, means, log_std, spread=0.0).sum(-1) - np.sum(log_std)
                ),
            ),
        ),
        Mistake(
            "variance for σ",
            summed(lambda log_std: np.exp(2 * log_std)),
            "you divide by the variance where the deviation belongs.",
            "σ = 3 is taken for 9, and σ = ½ for ¼.",
            "exp(log σ) is σ; what is exp(2 log σ)?",
        ),
        Mistake(
            "log σ taken for log σ²",
            summed(lambda log_std: np.exp(log_std / 2)),
            "the third argument is log σ, and you read it as log σ².",
            "σ = 9 is taken for 3, and σ = ¼ for ½.",
            "exp of the third argument: is it the deviation, or the variance?",
        ),
        Mistake(
            "half forgotten",
            summed(factor=1.0),
            "a ½ is missing in front of the square.",
            "the mean's steps are twice as long, and the spread settles where it should not.",
            "what stands in the exponent of a Gaussian?",
        ),
        Mistake(
            "square divided by σ",
            lambda actions, means, log_std: (
                -((actions - means) ** 2) / (2 * np.exp(log_std)) - log_std - HALF_LOG_2PI
            ).sum(-1),
            "the square is divided by σ, and σ² belongs there.",
            "a narrow policy calls actions likely that it hardly ever draws.",
            "what are the units of σ, and those of the square?",
        ),
        Mistake(
            "log of the variance",
            summed(spread=2.0),
            "log σ counts twice: it is one of σ, not of σ².",
            "the spread settles where it should not, too narrow.",
            "the density has 1/σ in front of it.",
        ),
        Mistake(
            "normaliser forgotten",
            summed(spread=0.0),
            "log σ is missing.",
            "where returns are positive every action widens the policy.",
            "σ stands in two places of the density, in the exponent and in front.",
        ),
        Mistake(
            "log σ with the wrong sign",
            summed(spread=-1.0),
            "log σ has the wrong sign.",
            "where returns are positive every action widens the policy.",
            "a wide density is low. Which sign must log σ have?",
        ),
        Mistake(
            "2π forgotten",
            summed(constant=0.0),
            "the constant with 2π is missing.",
            "none in the gradient; entropies and comparisons of densities are off.",
            "over all actions, to what must a density integrate?",
        ),
        Mistake(
            "constant counted once",
            lambda actions, means, log_std: (
                log_densities(actions, means, np.exp(log_std), constant=0.0).sum(-1) - HALF_LOG_2PI
            ),
            "the constant with 2π is counted once; every number of the action brings its own.",
            "none in the gradient; entropies and comparisons of densities are off.",
            "how many densities are multiplied?",
        ),
        Mistake(
            "density",
            lambda actions, means, log_std: np.exp(log_densities(actions, means, np.exp(log_std)).sum(-1)),
            "this is the density, not its logarithm.",
            "chapter 2's bug: rare actions hardly count, however good they were.",
            "read the name of the function again.",
        ),
        Mistake(
            "sign",
            lambda actions, means, log_std: -summed()(actions, means, log_std),
            "the sign is turned round.",
            "the policy's mean runs away from good actions.",
            "where should the log-probability be largest: at the mean, or far from it?",
        ),
    ),
    hints=(
        "Write the density of one number first, and compare with the probe of one number and σ = 1.",
        "Independent numbers: the densities multiply, so their logarithms add.",
        "Add up over the last axis only.",
    ),
)


def entropy(log_std):
    """Return the entropy of independent normal numbers, in nats."""
    return np.sum(log_std) + len(log_std) * (HALF_LOG_2PI + 0.5)


def logarithm_of_logarithm(log_std):
    """Return the entropy that takes log σ for σ."""
    with np.errstate(all="ignore"):
        return entropy(np.log(log_std))


ENTROPY = Exercise(
    name="gaussian-entropy",
    chapter=8,
    solution=lambda log_std: entropy(log_std),
    probes={
        "one number, σ = 1": (np.array([0.0]),),
        "one number": (np.array([0.7]),),
        "two numbers": (np.array([0.5, -1.2]),),
        "very narrow": (np.array([-3.0, -2.5, -4.0]),),
    },
    mistakes=(
        Mistake(
            "e forgotten",
            lambda log_std: entropy(log_std) - 0.5 * len(log_std),
            "a ½ is missing for every number: you left out the mean of the square.",
            "none in the gradient; the entropy is read as too low by ½ a number.",
            "what is the mean of z² / 2?",
        ),
        Mistake(
            "e with the wrong sign",
            lambda log_std: entropy(log_std) - len(log_std),
            "the ½ has the wrong sign.",
            "none in the gradient; the entropy is read as too low by 1 a number.",
            "entropy is *minus* the mean of the log-density.",
        ),
        Mistake(
            "constants forgotten",
            np.sum,
            "only log σ is left; the constants are missing.",
            "none in the gradient; the entropy is read as too low.",
            "how undecided is a policy of σ = 1?",
        ),
        Mistake(
            "constant counted once",
            lambda log_std: np.sum(log_std) + HALF_LOG_2PI + 0.5,
            "the constant is counted once; every number of the action brings its own.",
            "none in the gradient; policies of different D cannot be compared.",
            "how many entropies are added?",
        ),
        Mistake(
            "mean over dimensions",
            lambda log_std: entropy(log_std) / len(log_std),
            "this is the mean over the numbers.",
            "a bonus for entropy is D times too weak.",
            "two dice: is their entropy the mean of both, or the sum?",
        ),
        Mistake(
            "one for each number",
            lambda log_std: np.asarray(log_std) + HALF_LOG_2PI + 0.5,
            "you return an entropy for each number; the policy has one.",
            "shapes do not fit, or spread over the wrong axis.",
            "independent numbers: what becomes of their entropies?",
        ),
        Mistake(
            "σ for log σ",
            lambda log_std: entropy(np.exp(log_std)),
            "you add σ where its logarithm belongs.",
            "a bonus for entropy pulls a narrow policy hardly at all.",
            "twice as wide: by how much does the entropy grow?",
        ),
        Mistake(
            "log taken twice",
            logarithm_of_logarithm,
            "you take the logarithm of log σ.",
            "a policy of σ = 1 has no entropy, and a narrow one none either.",
            "what is given is a logarithm already.",
        ),
        Mistake(
            "variance for σ",
            lambda log_std: entropy(2 * np.asarray(log_std)),
            "log σ counts twice.",
            "a bonus for entropy is twice too strong.",
            "½ log σ² is log σ.",
        ),
        Mistake(
            "log σ forgotten",
            lambda log_std: entropy(0 * np.asarray(log_std)),
            "log σ has no say.",
            "a bonus for entropy has no gradient at all.",
            "is a narrow policy as undecided as a wide one?",
        ),
        Mistake(
            "half forgotten",
            lambda log_std: np.sum(log_std) + len(log_std) * (2 * HALF_LOG_2PI + 1),
            "a ½ is missing in front of log 2πe.",
            "none in the gradient; the entropy is read as too high.",
            "take the logarithm of the density's front factor, 1/√(2πσ²).",
        ),
        Mistake(
            "never negative",
            lambda log_std: max(entropy(log_std), 0.0),
            "you cut it off at 0; the entropy of a density may be negative.",
            "a bonus for entropy no longer holds a policy that is very narrow.",
            "how high is the density of a very narrow policy, and what is its logarithm?",
        ),
        Mistake(
            "sign",
            lambda log_std: -entropy(log_std),
            "the sign is turned round.",
            "a bonus for entropy narrows the policy.",
            "which is more undecided, a wide policy or a narrow one?",
        ),
    ),
    hints=(
        "Minus the mean of the log-density: three terms, and the mean of z² is 1.",
        "Entropies of independent numbers add.",
        "With σ = 1 and one number it is about 1.42.",
    ),
)


def cut(drawn):
    """Return actions cut to the range of -1 to 1."""
    return np.clip(drawn, -1, 1)


def acting(stored=lambda drawn, sent: drawn, within=cut, scaled=True, sigma=np.exp, noise_of=lambda noise: noise):
    """Return an answer to the exercise on the two actions; the arguments are for mistakes."""

    def answer(means, log_std, noise, low, high):
        drawn = means + sigma(log_std) * noise_of(noise)
        sent = (low + high) / 2 + (high - low) / 2 * within(drawn) if scaled else within(drawn)
        return np.stack([stored(drawn, sent), sent])

    return answer


def first_noise(noise):
    """Return the first draw in the place of all."""
    return np.full_like(noise, noise[0])


TWO_ACTIONS = Exercise(
    name="drawn-and-sent",
    chapter=8,
    solution=acting(),
    inputs=("array", "tensor"),
    probes={
        "inside the range": (np.array([0.25]), np.log(0.5).item(), np.array([0.5]), -2.0, 2.0),
        "beyond its end": (np.array([0.5]), 0.0, np.array([1.5]), -2.0, 2.0),
        "a range that is not even": (np.array([0.5, -0.5, 0.0]), 0.4, np.array([1.5, -2.0, 0.3]), -1.0, 5.0),
        "a range of 1 to 3": (np.array([0.1, -0.3, 0.2, 1.5]), -0.7, np.array([0.6, -1.8, 2.5, -0.4]), 1.0, 3.0),
    },
    mistakes=(
        Mistake(
            "clipped action stored",
            acting(lambda drawn, sent: cut(drawn)),
            "you store the action after it was cut.",
            "the score's mean is not 0: if all rewards are 1, μ drifts inwards, and inside the range σ shrinks.",
            "of which number is the log-probability that of a Gaussian?",
        ),
        Mistake(
            "action of the environment stored",
            acting(lambda drawn, sent: sent),
            "you store what the environment receives, on its own scale.",
            "the score is that of an action that nobody has drawn, unless the range is -1 to 1.",
            "on which scale does the policy's mean live?",
        ),
        Mistake(
            "not cut",
            acting(within=lambda drawn: drawn),
            "the environment receives what lies beyond its range.",
            "some environments cut it silently, some fail, and some reward the impossible.",
            "what should be sent for a drawn action of 2?",
        ),
        Mistake(
            "not scaled",
            acting(scaled=False),
            "what is sent lies between -1 and 1, whatever the range.",
            "an engine that could pull twice as hard never does.",
            "for a drawn action of 1, what should be sent? And for one of 0?",
            also=(acting(within=np.tanh, scaled=False),),
        ),
        Mistake(
            "cut without scaling",
            lambda means, log_std, noise, low, high: np.stack(
                [means + np.exp(log_std) * noise, np.clip(means + np.exp(log_std) * noise, low, high)]
            ),
            "you cut to the environment's range without scaling to it first.",
            "in a range of 1 to 3, a policy with μ = 0 and σ = 1 sends the lowest action in five steps of six.",
            "for a drawn action of 1, what should be sent? And for one of 0?",
        ),
        Mistake(
            "squashed",
            acting(within=np.tanh),
            "you squash by tanh where the task is to cut.",
            "none, if that is the policy you want; the ends are never reached.",
            "which actions inside the range should be sent as they are?",
        ),
        Mistake(
            "middle forgotten",
            lambda means, log_std, noise, low, high: acting()(
                means, log_std, noise, (low - high) / 2, (high - low) / 2
            ),
            "the middle of the range is missing.",
            "right for even ranges, and wrong for all others.",
            "for a drawn action of 0, what should be sent in a range of 1 to 3?",
            also=(
                lambda means, log_std, noise, low, high: np.stack(
                    [means + np.exp(log_std) * noise, high * cut(means + np.exp(log_std) * noise)]
                ),
            ),
        ),
        Mistake(
            "scaled too far",
            lambda means, log_std, noise, low, high: np.stack(
                [means + np.exp(log_std) * noise, low + (high - low) * (cut(means + np.exp(log_std) * noise) + 1)]
            ),
            "you scale by the full width; the range from -1 to 1 is 2 wide itself.",
            "what is sent leaves the range.",
            "for a drawn action of 1, what should be sent? And for one of -1?",
            also=(
                lambda means, log_std, noise, low, high: np.stack(
                    [means + np.exp(log_std) * noise, low + (high - low) * cut(means + np.exp(log_std) * noise)]
                ),
            ),
        ),
        Mistake(
            "log σ taken for log σ²",
            acting(sigma=lambda log_std: np.exp(log_std / 2)),
            "the second argument is log σ, and you read it as log σ².",
            "σ = 9 is taken for 3, and σ = ¼ for ½.",
            "exp of the second argument: is it the deviation, or the variance?",
        ),
        Mistake(
            "log σ for σ",
            acting(sigma=lambda log_std: log_std),
            "the second argument is the logarithm of σ, and you use it as σ itself.",
            "a policy of σ = 1 does not explore at all.",
            "how does one get σ from log σ?",
        ),
        Mistake(
            "variance for σ",
            acting(sigma=lambda log_std: np.exp(2 * log_std)),
            "you multiply the noise by the variance.",
            "narrow policies explore too little and wide ones too much.",
            "exp(log σ) is σ; what is exp(2 log σ)?",
        ),
        Mistake(
            "noise held",
            acting(noise_of=first_noise),
            "every step has the noise of the first.",
            "the log-probabilities are those of independent draws, and the draws are not.",
            "how many numbers does `noise` hold?",
        ),
        Mistake(
            "noise forgotten",
            acting(noise_of=lambda noise: 0 * noise),
            "there is no noise: this is the mean.",
            "the score of μ is 0 at every step, and the mean never learns.",
            "what was drawn?",
        ),
        Mistake(
            "order",
            lambda *args: acting()(*args)[::-1],
            "both are right, and in the wrong order.",
            "what the environment gets is not cut.",
            "read the last line of the task again.",
        ),
    ),
    hints=(
        "Three lines: draw, cut, scale. What is stored comes from the first.",
        "-1 belongs to `low`, 1 to `high`, and 0 to the middle between them.",
    ),
)


def log_slope(u):
    """Return log(1 - tanh²u), stable for large u."""
    return 2 * (math.log(2) - u - np.logaddexp(0, -2 * u))


def squashed(jacobian, over=lambda x: x.sum(-1), sigma=np.exp):
    """Return an answer with something in the place of the Jacobian's logarithm, which is subtracted."""

    def answer(u, means, log_std):
        with np.errstate(all="ignore"):
            return over(log_densities(u, means, sigma(log_std)) - jacobian(u))

    return answer


SQUASHED = Exercise(
    name="squashed-log-probability",
    chapter=8,
    solution=squashed(log_slope),
    probes={
        "the middle": (np.array([[0.0]]), np.array([[0.5]]), np.array([0.0])),
        "one number": (np.array([[0.8]]), np.array([[0.5]]), np.array([-0.5])),
        "two numbers": (
            np.array([[0.8, -1.5], [0.1, 2.0]]),
            np.array([[0.5, -1.0], [0.0, 1.0]]),
            np.array([0.3, -0.6]),
        ),
        "close to the ends": (np.array([[12.0, -30.0]]), np.array([[9.0, -25.0]]), np.array([0.3, 1.1])),
    },
    mistakes=(
        Mistake(
            "Jacobian forgotten",
            squashed(lambda u: 0 * u),
            "this is the density of u, before it is squashed.",
            "none in the score; a bonus for entropy drives σ to infinity.",
            "what does a density gain where tanh is flat?",
        ),
        Mistake(
            "Jacobian with the wrong sign",
            squashed(lambda u: -log_slope(u)),
            "the Jacobian has the wrong sign.",
            "every density but that of 0 is too low, most of all near the ends of the range.",
            "where tanh is flat, is the density of a higher or lower than that of u?",
        ),
        Mistake(
            "unstable logarithm",
            squashed(lambda u: np.log(1 - np.tanh(u) ** 2)),
            "the formula is right, but far out tanh(u) is rounded to 1, and the logarithm to -∞.",
            "one action far out makes a whole batch infinite.",
            "write 1 - tanh²u with exponentials of -2u, and take the logarithm by hand.",
        ),
        Mistake(
            "a small number added",
            squashed(lambda u: np.log(1 - np.tanh(u) ** 2 + 1e-6)),
            "the small number in the logarithm keeps it finite, and wrong for |u| above 6 or so.",
            "entropies of wide policies are too high.",
            "it is possible without: write 1 - tanh²u with exponentials of -2u.",
            also=(squashed(lambda u: np.log(np.clip(1 - np.tanh(u) ** 2, 1e-6, 1))),),
        ),
        Mistake(
            "square forgotten",
            squashed(lambda u: np.log(1 - np.abs(np.tanh(u)))),
            "the derivative of tanh is 1 - tanh², and the square is missing.",
            "the density does not integrate to 1.",
            "differentiate tanh once more.",
            also=(squashed(lambda u: np.log(1 - np.tanh(u))),),
        ),
        Mistake(
            "no logarithm",
            squashed(lambda u: 1 - np.tanh(u) ** 2),
            "the Jacobian is subtracted without its logarithm.",
            "the density does not integrate to 1.",
            "densities are divided; what does that make of their logarithms?",
        ),
        Mistake(
            "half the Jacobian",
            squashed(lambda u: log_slope(u) / 2),
            "the Jacobian counts half.",
            "the density does not integrate to 1.",
            "1 - tanh²u, or its root?",
        ),
        Mistake(
            "sum over dimensions forgotten",
            squashed(log_slope, over=lambda x: x),
            "an action of several numbers has one probability.",
            "weights (T,) do not fit, or spread over the wrong axis.",
            "independent numbers: what becomes of their densities?",
        ),
        Mistake(
            "mean over dimensions",
            squashed(log_slope, over=lambda x: x.mean(-1)),
            "you take the mean over the numbers of an action.",
            "the steps are D times too short.",
            "what is the logarithm of a product?",
        ),
        Mistake(
            "log σ for σ",
            squashed(log_slope, sigma=lambda log_std: log_std),
            "the third argument is the logarithm of σ, and you use it as σ itself.",
            "a policy of σ = 1 divides by zero.",
            "how does one get σ from log σ?",
            also=(squashed(log_slope, sigma=np.abs),),
        ),
        Mistake(
            "squashed twice",
            lambda u, means, log_std: squashed(log_slope)(np.tanh(u), means, log_std),
            "you squash u, and put the result where u belongs.",
            "what was drawn is judged as if it had been something else.",
            "of which number is the density Gaussian: of a, or of u?",
        ),
        Mistake(
            "Gaussian of the squashed action",
            lambda u, means, log_std: (
                log_densities(np.tanh(u), means, np.exp(log_std)).sum(-1) - log_slope(np.asarray(u)).sum(-1)
            ),
            "you take the Gaussian density at tanh(u); u was drawn.",
            "what was drawn is judged as if it had been something else.",
            "of which number is the density Gaussian: of a, or of u?",
        ),
    ),
    hints=(
        "Start from the Gaussian log-density of u. The density of a is that, divided by the slope of tanh.",
        "1 - tanh²u = 4 / (e^u + e^-u)². Take the logarithm, and pull out what overflows.",
        "`np.logaddexp(0, x)` and `torch.nn.functional.softplus(x)` are log(1 + exp(x)), without overflow.",
    ),
)


def mean_gradient(scored=lambda drawn, received: drawn, paid=lambda drawn, received: received, keep=None, less=0.0):
    """Return an answer to the find-the-bug exercise, given which action is scored, which one pays, and which count.

    ``less`` is the share of the mean reward that is subtracted.
    """

    def answer(mean, std, noise, target):
        drawn = mean + std * noise
        received = np.clip(drawn, -1, 1)
        rewards = 1 - (paid(drawn, received) - target) ** 2
        score = (scored(drawn, received) - mean) / std**2
        weights = rewards - less * rewards.mean()
        return np.mean((score if keep is None else score * keep(drawn, received)) * weights)

    return answer


def cut_noise(mean, std, noise, target):
    """Return the gradient where noise is cut in the place of actions."""
    return mean_gradient(paid=lambda drawn, received: drawn)(mean, std, np.clip(noise, -1, 1), target)


CUT_AND_KEPT = Exercise(
    name="cut-and-kept",
    chapter=8,
    solution=mean_gradient(),
    broken=mean_gradient(scored=lambda drawn, received: received),
    inputs=("array", "tensor"),
    probes={
        "two actions inside": (0.0, 0.5, np.array([-1.0, 1.5]), 0.25),
        "one beyond the range": (0.5, 0.5, np.array([-0.5, 2.0]), 0.25),
        "five actions": (0.8, 0.5, np.array([-1.2, -0.3, 0.2, 0.9, 1.6]), 0.9),
        "a mean beyond the range": (1.25, 0.25, np.array([-1.8, -0.4, 0.3, 1.1]), -0.5),
    },
    conventions=(
        Convention(
            "batch mean",
            mean_gradient(less=1.0),
            "You subtract the mean reward as well: less noise, and an estimate that is shorter by one part in N.",
        ),
    ),
    mistakes=(
        Mistake(
            "cut nowhere",
            mean_gradient(paid=lambda drawn, received: drawn),
            "now nothing is cut: the environment receives what it cannot execute.",
            "some environments cut it silently, some fail, and some reward the impossible.",
            "two different things are done with the action. Which of them needs the cut?",
        ),
        Mistake(
            "exchanged",
            mean_gradient(lambda drawn, received: received, lambda drawn, received: drawn),
            "now the score has the cut action, and the environment the other.",
            "the same drift, and an environment that receives what it cannot execute.",
            "which of the two has the Gaussian density?",
        ),
        Mistake(
            "cut actions left out",
            mean_gradient(keep=lambda drawn, received: drawn == received),
            "you leave out the actions that were cut.",
            "what lies beyond the range is never praised, so the mean shies away from its ends.",
            "may one drop samples, depending on what they turned out to be?",
        ),
        Mistake(
            "not divided by σ²",
            lambda mean, std, noise, target: std * mean_gradient()(mean, std, noise, target),
            "the right action is scored now, but the score is not divided by σ².",
            "a narrow policy takes steps that are far too short.",
            "what is the derivative of (a - μ)² / 2σ²?",
            also=(lambda mean, std, noise, target: std**2 * mean_gradient()(mean, std, noise, target),),
        ),
        Mistake(
            "a mean subtracted",
            mean_gradient(scored=lambda drawn, received: received, less=1.0),
            "you subtract the mean reward, and still score the cut action.",
            "equal rewards do no harm any more; what varies remains wrong.",
            "of which number is the log-probability that of a Gaussian?",
        ),
        Mistake(
            "noise cut",
            cut_noise,
            "you cut the noise, not the action.",
            "the distribution is no Gaussian any more, and the environment still gets too much.",
            "whose range is it, the noise's or the environment's?",
        ),
        Mistake(
            "sign",
            lambda *args: -mean_gradient()(*args),
            "the sign is turned round.",
            "the mean runs away from the target.",
            "only one word was wrong.",
        ),
    ),
    hints=(
        "Let all actions earn the same: what should the estimate be on average, and what is it?",
        "The action is used twice: it is paid for, and it is scored.",
    ),
)

EXERCISES = (LOG_PROB, ENTROPY, TWO_ACTIONS, SQUASHED, CUT_AND_KEPT)
