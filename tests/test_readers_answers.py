"""Right answers as readers write them, with the functions of the libraries they know; each of them is accepted."""

import numpy as np
import pytest
import torch
from scipy import special, stats
from scipy.signal import lfilter
from torch import distributions
from torch.nn import functional

from pgutils.exercises import EXERCISES
from pgutils.exercises.diagnosis import diagnose


def tensors(*values):
    """The same as tensors of double precision."""
    return [torch.as_tensor(np.asarray(value, dtype=float)) for value in values]


def normal(mean, log_std):
    """PyTorch's normal distribution, one for each number."""
    return distributions.Normal(mean, log_std.exp().expand_as(mean))


def joint_entropy(log_std):
    return stats.multivariate_normal(np.zeros(len(log_std)), np.diag(np.exp(2 * log_std))).entropy()


def by_distributions(actions, means, log_std):
    actions, means, log_std = tensors(actions, means, log_std)
    return distributions.Independent(normal(means, log_std), 1).log_prob(actions)


def interpolated(means, log_std, noise, low, high):
    drawn = means + np.exp(log_std) * noise
    return drawn, np.interp(drawn, [-1, 1], [low, high])  # which cuts by itself


def scaled_first(means, log_std, noise, low, high):
    drawn = means + np.exp(log_std) * noise
    return [drawn, np.clip(low + (drawn + 1) / 2 * (high - low), low, high)]


def by_hyperbolic_cosine(u, means, log_std):
    log_cosh = np.abs(u) + np.log1p(np.exp(-2 * np.abs(u))) - np.log(2)
    return (stats.norm.logpdf(u, means, np.exp(log_std)) + 2 * log_cosh).sum(1)


def by_transform(u, means, log_std):
    u, means, log_std = tensors(u, means, log_std)
    slope = distributions.TanhTransform().log_abs_det_jacobian(u, u.tanh())
    return (normal(means, log_std).log_prob(u) - slope).sum(1)


def by_autograd(mean, std, noise, target):
    centre = torch.tensor(float(mean), dtype=torch.float64, requires_grad=True)
    drawn = mean + std * torch.as_tensor(np.asarray(noise))
    rewards = 1 - (drawn.clamp(-1, 1) - target) ** 2
    (distributions.Normal(centre, std).log_prob(drawn) * rewards).mean().backward()
    return centre.grad


def library_kl(old, new):
    old, new = tensors(old, new)
    return functional.kl_div(new, old, log_target=True, reduction="none").sum(1)


def matrices_kl(mean, log_std, new_mean, new_log_std):
    rows = []
    for a, s, b, t in zip(mean, log_std, new_mean, new_log_std, strict=True):
        old, new, apart = np.diag(np.exp(2 * s)), np.diag(np.exp(2 * t)), b - a
        volumes = np.linalg.slogdet(new)[1] - np.linalg.slogdet(old)[1]
        rows.append((np.trace(np.linalg.solve(new, old)) + apart @ np.linalg.solve(new, apart) - len(a) + volumes) / 2)
    return rows


def step_by_step(new_log_probs, old_log_probs, advantages, mask):
    taken = mask.nonzero().tolist()
    gains = [(new_log_probs[i, t] - old_log_probs[i, t].item()).exp() * advantages[i, t].item() for i, t in taken]
    return sum(gains) / len(mask)


def whole_matrix(scores, probabilities, v, damping):
    rows = scores.reshape(len(v), -1, v.shape[1])
    F = np.einsum("ri,rik,rij->rkj", probabilities.reshape(len(v), -1), rows, rows) / scores.shape[1]
    return ((F + damping * np.eye(v.shape[1])) @ v[..., None])[..., 0]


def without_recursion(matrix, b, steps):
    """The best point of the space that b and its images span."""
    x, r, directions = np.zeros(len(b)), b.copy(), []
    for _ in range(min(steps, len(b))):
        if np.linalg.norm(r) < 1e-12:
            break
        p = r - sum((q @ matrix @ r) / (q @ matrix @ q) * q for q in directions)
        directions.append(p)
        x = x + (p @ r) / (p @ matrix @ p) * p
        r = b - matrix @ x
    return x


def largest_good_fraction(gains, kls, max_kl):
    gains, kls = tensors(gains, kls)
    fractions = 0.5 ** torch.arange(gains.shape[1])
    return (((gains > 0) & (kls <= max_kl)) * fractions).max(1).values


def or_else_nothing(logits, step, max_kl, tries):
    logits, step = tensors(logits, step)
    fraction, old = 1.0, logits.log_softmax(0)
    for _ in range(tries):
        if library_kl(old[None], (logits + fraction * step).log_softmax(0)[None]) <= max_kl:
            break
        fraction /= 2
    else:
        fraction = 0.0
    return logits + fraction * step


def of_categoricals(logits, old_logits, actions):
    new, old, actions = *tensors(logits, old_logits), torch.as_tensor(np.asarray(actions))
    new, old = (distributions.Categorical(logits=x).log_prob(actions) for x in (new, old))
    return (new - old).exp()


def bound_by_sign(log_probs, old_log_probs, advantages, clip):
    ratio = (log_probs - old_log_probs.detach()).exp()
    bound = torch.where(advantages > 0, (1 + clip) * advantages, (1 - clip) * advantages)
    return torch.minimum(ratio * advantages, bound).mean()


def with_an_optimizer(logits, actions, advantages, epochs, rate, clip):
    learned = torch.nn.Parameter(logits.clone())
    old = learned.detach().log_softmax(-1)[actions]
    optimizer = torch.optim.SGD([learned], lr=rate)
    for _ in range(epochs):
        ratio = (learned.log_softmax(-1)[actions] - old).exp()
        loss = -torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return learned.detach()


def cross_entropy(logits, tokens, prompt_length, end):
    logits, tokens = tensors(logits)[0], torch.as_tensor(np.asarray(tokens))
    stop = next((t for t in range(prompt_length, len(tokens)) if tokens[t] == end), len(tokens) - 1)
    answer = tokens[prompt_length : stop + 1]
    return -functional.cross_entropy(logits[prompt_length - 1 : stop], answer, reduction="sum")


def by_hypergeometric(correct, n, k):
    return np.mean(stats.hypergeom.sf(0, n, correct, k))


def every_silent_one(ratio, advantages, clip):
    ratio, advantages = tensors(ratio, advantages)
    ratio.requires_grad_()
    torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages).sum().backward()
    return ratio.grad == 0


RIGHT = {
    "gae-sum": [lambda deltas, gamma, lam: lfilter([1], [1, -gamma * lam], deltas[::-1])[::-1]],
    "gaussian-entropy": [joint_entropy],
    "gaussian-log-probability": [by_distributions],
    "drawn-and-sent": [interpolated, scaled_first],
    "squashed-log-probability": [by_hyperbolic_cosine, by_transform],
    "cut-and-kept": [by_autograd, lambda mean, std, noise, target: (
        np.mean(noise / std * (1 - (np.clip(mean + std * noise, -1, 1) - target) ** 2))
    )],
    "kl-categorical": [library_kl, lambda old, new: special.rel_entr(np.exp(old), np.exp(new)).sum(1)],
    "kl-gaussian": [matrices_kl],
    "surrogate": [step_by_step],
    "fisher-product": [whole_matrix],
    "conjugate-gradient": [without_recursion],
    "line-search": [largest_good_fraction],
    "a-step-too-far": [or_else_nothing],
    "importance-ratio": [of_categoricals],
    "clipped-objective": [bound_by_sign],
    "silent-samples": [every_silent_one],
    "entropy-bonus": [
        lambda log_probs, mask: distributions.Categorical(logits=log_probs[mask]).entropy().mean(),
        lambda log_probs, mask: torch.special.entr(log_probs.exp())[mask].sum(1).mean(),
    ],
    "an-old-policy-too-new": [with_an_optimizer],
    "answer-log-probability": [cross_entropy],
    "pass-at-k": [by_hypergeometric],
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer"), [(name, answer) for name, answers in RIGHT.items() for answer in answers])
def test_a_right_answer_is_accepted_however_it_is_written(name, answer):
    assert diagnose(EXERCISES[name], answer).startswith("✓")


NUMBERS = [
    (exercise.name, entry)
    for exercise in EXERCISES.values()
    if not callable(exercise.solution)
    for entry in range(np.size(exercise.solution))
]


@pytest.mark.parametrize("factor", [0.95, 1.05])
@pytest.mark.parametrize(("name", "entry"), NUMBERS)
def test_every_number_of_an_answer_counts_however_small(name, entry, factor):
    answer = np.array(EXERCISES[name].solution, dtype=float)
    answer.flat[entry] = answer.flat[entry] * factor or factor - 1
    assert not diagnose(EXERCISES[name], answer).startswith("✓")


@pytest.mark.parametrize("numbers", [(0.83, 0.012, 22), (0.833, 0.012, 22)])
def test_as_many_digits_as_one_writes_by_hand_are_enough(numbers):
    assert diagnose(EXERCISES["room-to-rise"], numbers).startswith("✓")
