"""The exercise in which the reader designs a weights function; it is graded by exact moments on unseen problems."""

from functools import cache

import numpy as np
import torch

from pgutils.exercises.exercise import Exercise, Mistake
from pgutils.exercises.running import Complaint
from pgutils.mdp import TabularMDP, exact_policy_gradient
from pgutils.moments import gradient_moments
from pgutils.problems import mountain_hike
from pgutils.returns import leave_one_out, normalize, rewards_to_go, total_return

EXACT = 1e-6  # γᵗ may have been computed in single precision


def layered(seed: int, steps: int, gamma: float) -> TabularMDP:
    """Return a random problem: of two states in each layer either may follow, the layer after the last is the end."""
    rng = np.random.default_rng(seed)
    transitions = np.zeros((2 * steps + 1, 2, 2 * steps + 1))
    for state in range(2 * steps - 2):
        after = 2 * (state // 2) + 2
        transitions[state, :, after : after + 2] = rng.dirichlet([1, 1], size=2)
    transitions[2 * steps - 2 :, :, -1] = 1
    rewards = rng.normal(1, 2, size=(2 * steps + 1, 2)).round(1)
    rewards[-1] = 0
    return TabularMDP(transitions, rewards, initial=np.eye(2 * steps + 1)[0], gamma=gamma)


def problem(mdp: TabularMDP, seed: int, horizon: int, episodes: int) -> tuple:
    """Return the arguments of one grading: a problem, the logits of some policy, and the size of the batch."""
    logits = np.random.default_rng(seed).normal(0, 0.7, size=mdp.rewards.shape).round(1)
    return mdp, logits, horizon, episodes


PROBLEMS = {
    "one step": problem(layered(1, 1, 1.0), 1, 1, 2),
    "the hike, with another policy": problem(mountain_hike(), 2, 3, 3),
    "the hike, discounted by half": problem(mountain_hike(0.5), 3, 3, 2),
    "two layers": problem(layered(4, 2, 0.8), 4, 2, 3),
    "three layers": problem(layered(5, 3, 1.0), 5, 3, 2),
}


def graded(weights):
    """Return a function that gives the mean and N times the variance of the estimate, both (S × A,), one by one."""

    def moments(mdp, logits, horizon, episodes):
        nothing = []

        def watched(batch):
            before = batch.rewards.clone(), batch.values.clone()
            given = weights(batch)
            if given is None or given is ...:
                nothing.append(given)
                return torch.zeros_like(batch.rewards)
            given = torch.as_tensor(given).detach().double()
            if given.shape not in (batch.mask.shape, batch.mask.shape[:-1]):
                wanted, got = tuple(batch.mask.shape), tuple(given.shape)
                raise Complaint(f"returns weights of shape {got}; wanted is the shape of the rewards, {wanted}.")
            if not given.isfinite().all():
                raise Complaint("returns weights that are not finite numbers.")
            if not (torch.equal(before[0], batch.rewards) and torch.equal(before[1], batch.values)):
                raise Complaint("changes the batch that it is given.")
            return given

        mean, variance = gradient_moments(mdp, logits, watched, horizon=horizon, episodes=episodes)
        return None if nothing else np.concatenate([mean.ravel(), episodes * variance.ravel()])

    return moments


def discounted(weights):
    """Return a weights function with the factor γᵗ in front of what another one gives."""

    def with_factor(batch):
        given = weights(batch)
        return given * batch.gamma ** torch.arange(given.shape[-1], dtype=given.dtype)

    return with_factor


def value_subtracted(batch):
    """Return G_t - V(s_t)."""
    return rewards_to_go(batch) - batch.values


def next_values(batch):
    """Return V(s_{t+1}), 0 after the last step."""
    return torch.cat([batch.values[..., 1:], torch.zeros_like(batch.values[..., :1])], -1)


def one_step(batch):
    """Return r_t + γ V(s_{t+1}) - V(s_t)."""
    return batch.rewards + batch.gamma * next_values(batch) - batch.values


def batch_mean_subtracted(batch):
    """Return G_t minus its mean over the batch, the own episode included."""
    returns = rewards_to_go(batch)
    return returns - returns.mean(-2, keepdim=True)


KNOWN = {
    "total return": total_return,
    "reward-to-go": discounted(rewards_to_go),
    "leave-one-out": discounted(lambda batch: leave_one_out(rewards_to_go(batch))),
    "values": discounted(value_subtracted),
    "best known": discounted(one_step),
}


def bias_and_variance(moments: list[np.ndarray]) -> tuple[float, float]:
    """Return the largest bias, relative to the gradient, and the mean variance, relative to that of reward-to-go."""
    exact = [exact_policy_gradient(mdp, logits).ravel() for mdp, logits, *_ in PROBLEMS.values()]
    biases, variances = [], []
    for gradient, mine, reference in zip(exact, moments, moments_of("reward-to-go"), strict=True):
        mean, variance = np.split(mine, 2)
        biases.append(np.linalg.norm(mean - gradient) / np.linalg.norm(gradient))
        variances.append(variance.sum() / np.split(reference, 2)[1].sum())
    return max(biases), float(np.mean(variances))


@cache
def moments_of(name: str) -> list[np.ndarray]:
    """Return the moments that known weights have on each problem."""
    return [graded(KNOWN[name])(*args) for args in PROBLEMS.values()]


def accepts(moments: list[np.ndarray]) -> bool:
    """Return whether the estimate is unbiased, and no noisier than with exact values as baseline."""
    bias, variance = bias_and_variance(moments)
    return bias < EXACT and variance < bias_and_variance(moments_of("values"))[1] * (1 + EXACT)


def report(moments: list[np.ndarray]) -> str:
    """Return a table of bias and variance: known weights, and the reader's."""
    rows = {name: bias_and_variance(moments_of(name)) for name in KNOWN} | {"yours": bias_and_variance(moments)}
    lines = [f"{name:16} {100 * bias:7.1f}% {variance:9.3f}" for name, (bias, variance) in rows.items()]
    return "\n".join([f"{'weights':16} {'bias':>8} {'variance':>9}", *lines, comment(*rows["yours"])])


def comment(bias: float, variance: float) -> str:
    """Return one sentence on the reader's weights."""
    values = bias_and_variance(moments_of("values"))[1]
    if bias >= EXACT:
        return "Biased: on one problem at least the mean is not the gradient."
    if variance > values * (1 + EXACT):
        return "Unbiased, but noisier than with exact values as baseline."
    if variance > values * (1 - EXACT):
        return "Unbiased, and as quiet as with exact values as baseline."
    return "Unbiased, and quieter than with exact values as baseline: chapter 7 begins there."


YOUR_WEIGHTS = Exercise(
    name="your-weights",
    chapter=5,
    solution=discounted(value_subtracted),
    probes=PROBLEMS,
    prepare=graded,
    accepts=accepts,
    report=report,
    mistakes=(
        Mistake(
            "γᵗ dropped",
            value_subtracted,
            "the factor γᵗ is missing in front of the weights.",
            "where γ < 1 it is another direction than the gradient (chapter 3).",
            "multiply by `batch.gamma ** torch.arange(T)`, or by what it is called in your code.",
            also=(rewards_to_go, lambda batch: leave_one_out(rewards_to_go(batch)), one_step),
        ),
        Mistake(
            "own episode in the mean",
            discounted(batch_mean_subtracted),
            "your own episode is in the mean that you subtract.",
            "the expected gradient shrinks by 1 - 1/N. The variance shrinks with it.",
            "which episodes may the baseline of episode i look at?",
            also=(batch_mean_subtracted,),
        ),
        Mistake(
            "normalised",
            lambda batch: normalize(discounted(rewards_to_go)(batch), batch.mask),
            "the batch's own mean and deviation are in your weights.",
            "batches count alike, one with something rare in it as well as a dull one.",
            "which numbers may the weight of an action depend on, if its mean is to stay?",
            also=(
                lambda batch: normalize(rewards_to_go(batch), batch.mask),
                lambda batch: normalize(value_subtracted(batch), batch.mask),
                lambda batch: normalize(discounted(value_subtracted)(batch), batch.mask),
            ),
        ),
        Mistake(
            "next value as baseline",
            discounted(lambda batch: rewards_to_go(batch) - next_values(batch)),
            "you subtract the value of the next state.",
            "the next state depends on the action, so the gradient is biased.",
            "what was known just before the action was chosen?",
            also=(lambda batch: rewards_to_go(batch) - next_values(batch),),
        ),
        Mistake(
            "past rewards",
            discounted(lambda batch: batch.rewards.cumsum(-1)),
            "these are the rewards up to each step: the past.",
            "only the own reward is left on average; the rest is noise.",
            "which rewards can the action of a step still change?",
            also=(lambda batch: batch.rewards.cumsum(-1),),
        ),
        Mistake(
            "sign",
            discounted(lambda batch: batch.values - rewards_to_go(batch)),
            "the sign is turned round: a minus stands in front, or return and baseline have changed places.",
            "what was better than expected is pushed down.",
            "a weight is positive when things went better than expected.",
            also=(lambda batch: batch.values - rewards_to_go(batch),),
        ),
        Mistake(
            "no baseline",
            discounted(rewards_to_go),
            "the mean is right: no bias. Now for the noise: nothing is subtracted yet.",
            "all actions are pushed up where all rewards are positive, the bad ones less.",
            "`batch.values` holds V(s_t), exactly.",
            also=(total_return, lambda batch: total_return(batch)[..., None].expand(batch.rewards.shape)),
        ),
        Mistake(
            "other episodes",
            discounted(lambda batch: leave_one_out(rewards_to_go(batch))),
            "the mean is right: no bias. But so few other episodes are a noisy baseline.",
            "with two or three episodes its own noise may take back more than the baseline gains.",
            "the batch brings a better prediction along.",
        ),
        Mistake(
            "total return minus value",
            lambda batch: total_return(batch)[..., None] - batch.values,
            "the mean is right: no bias. But the values predict what is to come, not the whole return.",
            "late values expect little and are compared with everything.",
            "what does V(s_t) predict: all rewards, or those from t on?",
            also=(discounted(lambda batch: total_return(batch)[..., None] - batch.values),),
        ),
        Mistake(
            "value not discounted",
            lambda batch: discounted(rewards_to_go)(batch) - batch.values,
            "the mean is right: no bias. But γᵗ stands in front of G_t alone, and V(s_t) is subtracted in full.",
            "the later the step, the more of its value is subtracted in vain.",
            "what does V(s_t) predict: G_t, or γᵗ G_t?",
        ),
    ),
    hints=(
        "First get the bias to 0. What stands in front of G_t in the gradient of chapter 4?",
        "Then subtract what you know just before the action is chosen.",
        "The batch has `rewards`, `values`, `mask` and `gamma`. Quieter still: what is left to chance once "
        "an action and the state after it are known?",
    ),
)

EXERCISES = (YOUR_WEIGHTS,)
