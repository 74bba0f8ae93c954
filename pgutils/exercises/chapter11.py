"""The exercises of chapter 11: probabilities of answers, the weights of groups, a penalty and pass@k."""

import numpy as np
import torch
from scipy.special import comb, log_softmax

from pgutils.exercises.exercise import Convention, Exercise, Mistake


def chosen(logits, tokens, shift=1):
    """Return log π of each token from the second on, given the logits some places before it, (T - 1,)."""
    places = np.arange(1, len(tokens))
    return log_softmax(logits, -1)[np.maximum(places - shift, 0), tokens[1:]]


def answered(tokens, prompt_length, end):
    """Return where the answer stands among the tokens from the second on, its first end token included, (T - 1,)."""
    places = np.arange(1, len(tokens))
    ends = np.flatnonzero((tokens == end) & (np.arange(len(tokens)) >= prompt_length))
    return (places >= prompt_length) & (places <= (ends[0] if len(ends) else len(tokens)))


def two_answers():
    """Return logits (7, 4) and tokens (7,): a prompt of three tokens, an answer of two and its end, padding."""
    logits = np.array(
        [
            [0.5, -1.0, 0.2, 0.0],
            [1.5, 0.3, -0.7, 0.1],
            [-0.2, 0.9, 0.4, -1.1],
            [2.0, 0.1, 0.6, 0.3],
            [0.0, -0.4, 0.8, 1.2],
            [0.7, 0.7, -0.9, 0.2],
            [-1.3, 0.5, 0.1, 0.6],
        ]
    )
    return logits, np.array([0, 2, 1, 2, 0, 3, 3])


ANSWER_LOG_PROB = Exercise(
    name="answer-log-probability",
    chapter=11,
    solution=lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[
        answered(tokens, prompt_length, end)
    ].sum(),
    probes={
        "an answer of one token": (two_answers()[0][:2], np.array([1, 3]), 1, 3),
        "an answer, its end and padding": (*two_answers(), 3, 3),
        "cut off before its end": (two_answers()[0][:5], two_answers()[1][:5], 3, 3),
        "the end token in the prompt": (two_answers()[0], np.array([0, 3, 1, 2, 3, 3, 3]), 3, 3),
        "logits in the thousands": (two_answers()[0] * 1000, two_answers()[1], 2, 3),
    },
    mistakes=(
        Mistake(
            "prompt included",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[
                : answered_end(tokens, prompt_length, end)
            ].sum(),
            "the tokens of the prompt are counted as well.",
            "the model is trained to repeat its users' prompts, with the weight of its answer.",
            "which tokens did the policy choose?",
        ),
        Mistake(
            "end token left out",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[
                answered(tokens, prompt_length, end) & (tokens[1:] != end)
            ].sum(),
            "the end token is left out.",
            "no end is ever praised: with rewards of 0 or 1 and no baseline, answers run on to the limit.",
            "is stopping an action?",
        ),
        Mistake(
            "padding included",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[max(prompt_length - 1, 0) :].sum(),
            "what stands behind the end token is counted, too.",
            "short answers, which have more padding, get larger scores, all about nothing.",
            "when is an answer over?",
        ),
        Mistake(
            "shifted by one",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens, shift=0)[
                answered(tokens, prompt_length, end)
            ].sum(),
            "each token is looked up in the logits of its own position, which are those of the next token.",
            "the model is taught whether to repeat a token, not which one comes next.",
            "what has been read when the logits at position t are computed?",
        ),
        Mistake(
            "mean over the tokens",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[
                answered(tokens, prompt_length, end)
            ].mean(),
            "the mean over the tokens is returned, not their sum.",
            "long answers count less per token than short ones: GRPO's length bias.",
            "the logarithm of a product is which combination of logarithms?",
        ),
        Mistake(
            "logits not normalised",
            lambda logits, tokens, prompt_length, end: logits[:-1][np.arange(len(tokens) - 1), tokens[1:]][
                answered(tokens, prompt_length, end)
            ].sum(),
            "logits are added up, not log-probabilities.",
            "where rewards are positive, logits grow without limit: nothing is taken from the other tokens.",
            "do the probabilities of all next tokens add up to one?",
        ),
        Mistake(
            "sign",
            lambda logits, tokens, prompt_length, end: (
                -chosen(logits, tokens)[answered(tokens, prompt_length, end)].sum()
            ),
            "the sign is turned: this is the surprise, or cross-entropy.",
            "right answers become less probable.",
            "can a log-probability be positive?",
        ),
        Mistake(
            "first token left out",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[prompt_length:][
                answered(tokens, prompt_length, end)[prompt_length:]
            ].sum(),
            "the first token of the answer is left out.",
            "how to begin an answer is never learned.",
            "at which position does the answer begin?",
        ),
        Mistake(
            "one token of the prompt",
            lambda logits, tokens, prompt_length, end: (
                chosen(logits, tokens)[answered(tokens, prompt_length, end)].sum()
                + chosen(logits, tokens)[max(prompt_length - 2, 0) : prompt_length - 1].sum()
            ),
            "the last token of the prompt is counted as well.",
            "the model is trained to end its users' prompts, with the weight of its answer.",
            "at which position does the answer begin?",
        ),
        Mistake(
            "stops at an end token of the prompt",
            lambda logits, tokens, prompt_length, end: chosen(logits, tokens)[
                answered(tokens, prompt_length, end) & (np.cumsum(tokens == end)[:-1] == 0)
            ].sum(),
            "an end token in the prompt ends the answer.",
            "prompts of several turns, which contain end tokens, teach nothing.",
            "from which position on does an end token end the answer?",
        ),
    ),
    hints=(
        "Which position holds the logits for the first token of the answer?",
        "The end token belongs to the answer. What comes after it does not.",
        "An answer that was cut off has no end token; then it goes to the last position.",
    ),
)


def answered_end(tokens, prompt_length, end):
    """Return how many of the tokens from the second on come up to the end of the answer."""
    return int(np.flatnonzero(answered(tokens, prompt_length, end))[-1]) + 1


def grouped(rewards, group):
    """Return rewards (prompts · group,) as floats (prompts, group)."""
    return np.asarray(rewards, dtype=float).reshape(-1, group)


def centred(rewards, group):
    """Return the rewards less the mean of their group, (prompts, group)."""
    return grouped(rewards, group) - grouped(rewards, group).mean(1, keepdims=True)


def interleaved(rewards, group):
    """Return RLOO's weights with the answers to one prompt taken to stand a stride apart."""
    apart = np.reshape(rewards, (group, -1))
    return (apart - (apart.sum(0) - apart) / (group - 1)).ravel()


RLOO = Exercise(
    name="rloo",
    chapter=11,
    solution=lambda rewards, group: centred(rewards, group).ravel() * group / (group - 1),
    probes={
        "one group of two": (np.array([1.0, 0.0]), 2),
        "one group of four": (np.array([1.0, 0.0, 0.0, 1.0]), 4),
        "two groups of three": (np.array([1.0, 0.0, 0.0, 2.0, 5.0, 0.5]), 3),
        "three groups of two": (np.array([1.0, 3.0, -2.0, 0.5, 4.0, 4.0]), 2),
        "whole numbers": (np.array([1, 0, 0, 2, 0, 1, 1, 1]), 4),
    },
    mistakes=(
        Mistake(
            "own answer included",
            lambda rewards, group: centred(rewards, group).ravel(),
            "the answer itself is in the mean that is subtracted from it.",
            "the expected gradient shrinks by 1 - 1/G; this is the group mean of Dr. GRPO.",
            "which answers may the baseline of answer i look at?",
        ),
        Mistake(
            "all prompts in one mean",
            lambda rewards, group: rewards - (rewards.sum() - rewards) / (len(rewards) - 1),
            "the others are those of all prompts, not of the same one.",
            "unbiased, but what the baseline misses is how hard each prompt is: more noise.",
            "a hard prompt and an easy one: should they share a mean?",
        ),
        Mistake(
            "groups interleaved",
            interleaved,
            "answers are grouped that belong to different prompts.",
            "unbiased, so nobody notices; but the baseline knows nothing of the prompt.",
            "the answers to the first prompt stand first: which axis is the group?",
        ),
        Mistake(
            "divided by G",
            lambda rewards, group: (
                grouped(rewards, group)
                - (grouped(rewards, group).sum(1, keepdims=True) - grouped(rewards, group)) / group
            ).ravel(),
            "the sum of the others is divided by G.",
            "unbiased, but the baseline is too small: part of the noise stays.",
            "how many others are there?",
        ),
        Mistake(
            "own reward in the sum",
            lambda rewards, group: (
                grouped(rewards, group) - grouped(rewards, group).sum(1, keepdims=True) / (group - 1)
            ).ravel(),
            "your own reward is still in the sum that is divided by G - 1.",
            "the expected gradient shrinks by 1 - 1/(G - 1): from groups of two there is none.",
            "whose rewards does the sum of the others hold?",
        ),
        Mistake(
            "batch mean",
            lambda rewards, group: rewards - np.mean(rewards),
            "you subtract the mean of all answers to all prompts, your own among them.",
            "the baseline knows nothing of the prompt: more noise, and a step that is a little short.",
            "which answers may the baseline of answer i look at?",
        ),
        Mistake(
            "baseline alone",
            lambda rewards, group: (
                grouped(rewards, group).ravel() - centred(rewards, group).ravel() * group / (group - 1)
            ),
            "this is the baseline itself.",
            "the expected gradient is zero: an answer's weight has nothing to do with it.",
            "one operation is missing.",
        ),
        Mistake(
            "sign",
            lambda rewards, group: -centred(rewards, group).ravel() * group / (group - 1),
            "reward and baseline have changed places.",
            "right answers become less probable.",
            "should an answer that beats the others have a positive weight?",
        ),
        Mistake(
            "deviation as well",
            lambda rewards, group: standardised(rewards, group, 0).ravel(),
            "the weights are divided by the deviation of the group, as in GRPO.",
            "another scale for each prompt: with 0/1 rewards and large groups, hard ones count more.",
            "RLOO only subtracts.",
            also=(
                lambda rewards, group: standardised(rewards, group, 1).ravel(),
                lambda rewards, group: standardised(rewards, group, 0).ravel() * group / (group - 1),
            ),
        ),
    ),
    hints=(
        "Give the rewards a second axis first. Which of the two is the group?",
        "The sum of the others is the sum of all, less your own.",
    ),
)


def standardised(rewards, group, ddof):
    """Return the centred rewards over the deviation of their group, 0 where that is 0, (prompts, group)."""
    deviation = grouped(rewards, group).std(1, ddof=ddof, keepdims=True)
    known = deviation > 1e-9
    return np.where(known, centred(rewards, group) / np.where(known, deviation, 1.0), 0.0)


def one_group(rewards, lengths, ddof=0, offset=0.0):
    """Return GRPO's weights of one group, (G,)."""
    w = standardised(rewards, len(rewards), ddof)[0]
    deviation = np.asarray(rewards, dtype=float).std(ddof=ddof)
    return w * deviation / (deviation + offset) / lengths if offset and deviation else w / lengths


def undivided(rewards, ddof=0):
    """Return centred rewards over their deviation, with nothing done about a deviation of zero."""
    rewards = np.asarray(rewards, dtype=float)
    return (rewards - rewards.mean()) / rewards.std(ddof=ddof)


GRPO = Exercise(
    name="grpo",
    chapter=11,
    solution=lambda rewards, lengths: one_group(rewards, lengths),
    probes={
        "two answers": (np.array([1.0, 0.0]), np.array([2, 1])),
        "four answers": (np.array([1.0, 0.0, 0.0, 0.0]), np.array([2, 4, 1, 3])),
        "all right": (np.array([1.0, 1.0, 1.0]), np.array([2, 3, 2])),
        "all alike": (np.array([0.1, 0.1, 0.1]), np.array([2, 3, 2])),
        "graded": (np.array([0.5, 2.0, -1.0, 0.25, 3.0]), np.array([5, 2, 3, 3, 1])),
        "little between them": (np.array([0.50, 0.52, 0.51, 0.50]), np.array([2, 1, 3, 2])),
        "all alike and large": (np.array([3000.1, 3000.1, 3000.1]), np.array([1, 2, 4])),
    },
    conventions=(
        Convention(
            "n - 1",
            lambda rewards, lengths: one_group(rewards, lengths, ddof=1),
            "Your deviation has n - 1 in its denominator, as in TRL. All weights are smaller by √(1 - 1/G).",
        ),
        Convention(
            "a small number in the denominator",
            lambda rewards, lengths: one_group(rewards, lengths, offset=1e-4),
            "With 1e-4 added to the deviation, as TRL does, rewards that differ by little count for less.",
        ),
        Convention(
            "both",
            lambda rewards, lengths: one_group(rewards, lengths, ddof=1, offset=1e-4),
            "n - 1 in the deviation, and 1e-4 added to it: this is TRL to the letter.",
        ),
    ),
    mistakes=(
        Mistake(
            "zero over zero",
            lambda rewards, lengths: undivided(rewards) / lengths,
            "where all rewards are alike you divide by zero, or by a rounding error.",
            "not a number in all parameters after the first silent group; or weights of ±1 made of rounding.",
            "what should a group teach whose answers were all equally good?",
            also=(lambda rewards, lengths: undivided(rewards, 1) / lengths,),
        ),
        Mistake(
            "not centred",
            lambda rewards, lengths: (
                np.where(np.std(rewards) > 1e-9, rewards / np.maximum(np.std(rewards), 1e-9), 0.0) / lengths
            ),
            "the mean of the group is not subtracted.",
            "every right answer is pushed up by a number that depends on its luck in the group.",
            "should a wrong answer have a weight of zero?",
        ),
        Mistake(
            "not divided by the deviation",
            lambda rewards, lengths: centred(rewards, len(rewards))[0] / lengths,
            "the deviation is missing.",
            "no factor that depends on the prompt, and a step that depends on the units of the reward.",
            "read the definition of the weights once more.",
        ),
        Mistake(
            "not divided by the length",
            lambda rewards, lengths: one_group(rewards, np.ones(len(rewards))),
            "the length of the answers is missing.",
            "no length bias: Dr. GRPO leaves the length out, too, but then the deviation as well.",
            "what does a mean over the tokens of an answer do to its weight?",
        ),
        Mistake(
            "mean length",
            lambda rewards, lengths: one_group(rewards, np.full(len(rewards), np.mean(lengths))),
            "all answers are divided by the mean length of the group.",
            "this is DAPO: most of the length bias is gone.",
            "each answer has its own length.",
        ),
        Mistake(
            "multiplied by the length",
            lambda rewards, lengths: one_group(rewards, 1 / np.asarray(lengths, dtype=float)),
            "the weights are multiplied by the length.",
            "long answers count most per token: the bias goes the other way.",
            "a mean is a sum divided by what?",
        ),
        Mistake(
            "variance",
            lambda rewards, lengths: (
                centred(rewards, len(rewards))[0] / np.where(np.var(rewards) > 1e-12, np.var(rewards), np.inf) / lengths
            ),
            "the weights are divided by the variance.",
            "double the rewards, and the steps are half as long.",
            "which of the two has the units of a reward?",
        ),
        Mistake(
            "others' mean",
            lambda rewards, lengths: one_group(rewards, lengths) * len(rewards) / (len(rewards) - 1),
            "the baseline is that of RLOO, the mean of the others.",
            "all weights are larger by G/(G - 1), the same for every group.",
            "GRPO's mean is over the whole group.",
        ),
    ),
    hints=(
        "Three steps: subtract, divide, divide.",
        "A group that is all right or all wrong has a deviation of zero. Decide about it before you divide.",
    ),
)


def losses_of(log_probs, weights, mask, tokens=None):
    """Return the three losses; ``tokens`` counts an answer's tokens in the two that are divided."""
    each = -(log_probs * weights[:, None] * mask).sum(1)
    tokens = mask.sum(1) if tokens is None else tokens
    return np.array([each.mean(), (each / tokens).mean(), each.sum() / tokens.sum()])


def three_answers():
    """Return log-probabilities (3, 4), weights (3,) and mask (3, 4); what is masked is not zero."""
    log_probs = np.array([[-0.5, -1.0, -0.2, -3.0], [-2.0, -0.3, -4.0, -1.0], [-0.1, -0.6, -0.9, -0.4]])
    return log_probs, np.array([1.0, -0.5, 0.25]), np.arange(4) < np.array([[3], [1], [4]])


THREE_MEANS = Exercise(
    name="three-means",
    chapter=11,
    solution=lambda log_probs, weights, mask: losses_of(log_probs, weights, mask),
    probes={
        "one answer": (np.array([[-0.5, -1.0]]), np.array([2.0]), np.array([[True, True]])),
        "two answers": (
            np.array([[-0.5, -1.5], [-1.0, -9.0]]),
            np.array([1.0, -1.0]),
            np.array([[True, True], [True, False]]),
        ),
        "three answers": three_answers(),
    },
    mistakes=(
        Mistake(
            "padding in the lengths",
            lambda log_probs, weights, mask: losses_of(log_probs, weights, mask, np.full(len(mask), mask.shape[1])),
            "you divide by the length of the row, padding included.",
            "no division by the answer's length at all, whatever the loss is called.",
            "how many tokens of a row were really written?",
            also=(
                lambda log_probs, weights, mask: np.where(
                    [False, True, False],
                    losses_of(log_probs, weights, mask, np.full(len(mask), mask.shape[1])),
                    losses_of(log_probs, weights, mask),
                ),
            ),
        ),
        Mistake(
            "padding in the third",
            lambda log_probs, weights, mask: (
                losses_of(log_probs, weights, mask) * np.array([1, 1, mask.sum() / mask.size])
            ),
            "the third is divided by the size of the whole array, padding included.",
            "the more padding a group has, the shorter the step.",
            "how many tokens of the group were really written?",
        ),
        Mistake(
            "mean of the means",
            lambda log_probs, weights, mask: losses_of(log_probs, weights, mask)[[0, 1, 1]],
            "your third is the second once more: it averages answers, not tokens.",
            "DAPO is GRPO, and a token of a long answer counts less.",
            "if one answer has three tokens and one has one, how much does each token count?",
        ),
        Mistake(
            "mask ignored",
            lambda log_probs, weights, mask: losses_of(log_probs, weights, np.ones_like(mask)),
            "the padding is counted as if it had been written.",
            "short answers are trained on what stands behind their end.",
            "what is the mask for?",
        ),
        Mistake(
            "sign",
            lambda log_probs, weights, mask: -losses_of(log_probs, weights, mask),
            "the sign is that of the objective, not of a loss.",
            "the optimiser minimises the reward.",
            "a loss is minimised.",
        ),
        Mistake(
            "first not averaged",
            lambda log_probs, weights, mask: losses_of(log_probs, weights, mask) * np.array([len(weights), 1, 1]),
            "the first loss is the sum over the answers, not their mean.",
            "the step grows with the size of the group.",
            "averaged over what?",
        ),
        Mistake(
            "weights of answers summed twice",
            lambda log_probs, weights, mask: losses_of(log_probs, np.full(len(weights), weights.sum()), mask),
            "each token is multiplied by the sum of all weights.",
            "with centred weights the loss is zero, whatever the model does.",
            "print the shape of your product of log-probabilities and weights.",
        ),
        Mistake(
            "second and third exchanged",
            lambda log_probs, weights, mask: losses_of(log_probs, weights, mask)[[0, 2, 1]],
            "the second and the third have changed places.",
            "GRPO is called DAPO, and the other way round.",
            "which of the two gives every answer the same say?",
        ),
    ),
    hints=(
        "Multiply log-probabilities, weights and mask first; then only the order of sums and divisions differs.",
        "The mask, summed over the right axis, counts the tokens of each answer.",
    ),
)


def k3_of(log_probs, reference, mask, ratio=lambda rho: rho.exp() - 1 - rho):
    """Return a penalty of each token, from log ρ, summed over tokens and averaged over answers."""
    return (ratio(reference - log_probs) * mask).sum(-1).mean()


def log_prob_pair():
    """Return log-probabilities (2, 3) of a model and of its reference, and a mask."""
    log_probs = np.array([[-0.5, -1.2, -0.3], [-2.0, -0.7, -1.0]])
    reference = np.array([[-0.9, -0.4, -1.3], [-1.1, -1.9, -3.0]])
    return log_probs, reference, np.array([[True, True, True], [True, True, False]])


K3_PENALTY = Exercise(
    name="k3-penalty",
    chapter=11,
    solution=lambda log_probs, reference_log_probs, mask: k3_of(log_probs, reference_log_probs, mask),
    probes={
        "one token": (np.array([[-0.5]]), np.array([[-1.2]]), np.array([[True]])),
        "the reference itself": (np.array([[-0.5, -1.0]]), np.array([[-0.5, -1.0]]), np.array([[True, True]])),
        "two answers": log_prob_pair(),
    },
    gradients=("log_probs",),
    conventions=(
        Convention(
            "mean over all tokens",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask) * len(mask) / mask.sum(),
            "You average over all tokens of the group, as the default loss of TRL does.",
        ),
    ),
    mistakes=(
        Mistake(
            "upside down",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask, lambda rho: (-rho).exp() - 1 + rho),
            "the ratio is upside down: policy over reference.",
            "under the policy's own answers the mean is no longer the divergence.",
            "which of the two stands in the numerator of ρ?",
        ),
        Mistake(
            "k1",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask, lambda rho: -rho),
            "this is k₁.",
            "as a loss it has an expected gradient of exactly zero: no leash at all.",
            "what is added to make it never negative?",
        ),
        Mistake(
            "k2",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask, lambda rho: rho.square() / 2),
            "this is k₂.",
            "the wrong mean, and as it happens nearly the right gradient.",
            "read the three definitions again.",
        ),
        Mistake(
            "ρ detached",
            lambda log_probs, reference, mask: k3_of(
                log_probs, reference, mask, lambda rho: rho.exp().detach() - 1 - rho
            ),
            "the number is right, and the gradient is not: no gradient flows through ρ.",
            "what is left has the gradient of k₁: no leash at all.",
            "through which of the three terms does the model learn?",
        ),
        Mistake(
            "sum over the answers",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask) * len(mask),
            "the answers are added up, not averaged.",
            "the larger the group, the shorter the leash.",
            "what should happen if every answer stood there twice?",
        ),
        Mistake(
            "whole answers",
            lambda log_probs, reference, mask: (lambda d: d.exp() - 1 - d)(
                ((reference - log_probs) * mask).sum(-1)
            ).mean(),
            "this is k₃ of the whole answers; GRPO takes it of each token.",
            "the ρ of an answer is a product, and varies far more than that of a token.",
            "what comes first, the sum over the tokens or k₃?",
        ),
        Mistake(
            "KL's sign",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask, lambda rho: rho.exp() - 1 + rho),
            "the logarithm has the wrong sign.",
            "its mean is minus the divergence.",
            "ρ - 1 - log ρ is never negative. Is yours?",
        ),
        Mistake(
            "no one subtracted",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, mask, lambda rho: rho.exp() - rho),
            "the 1 is missing.",
            "the gradient is right; the number that you log is too large by the length of the answers.",
            "what should the penalty of the reference itself be?",
        ),
        Mistake(
            "mask ignored",
            lambda log_probs, reference, mask: k3_of(log_probs, reference, torch.ones_like(mask)),
            "what stands behind the end token is counted, too.",
            "the leash pulls on padding.",
            "what is the mask for?",
        ),
        Mistake(
            "mean over the tokens of each answer",
            lambda log_probs, reference, mask: (
                (((reference - log_probs).exp() - 1 - (reference - log_probs)) * mask / mask.sum(-1, keepdim=True))
                .sum(-1)
                .mean()
            ),
            "each answer is averaged over its tokens.",
            "the leash of a long answer is looser than that of a short one.",
            "the divergence of an answer is a sum over its tokens.",
        ),
        Mistake(
            "no gradient",
            lambda log_probs, reference, mask: k3_of(log_probs.detach(), reference, mask),
            "no gradient flows: the log-probabilities are detached.",
            "a penalty that is logged and does nothing.",
            "which of the two log-probabilities is a constant?",
        ),
    ),
    hints=(
        "Start from log ρ, the difference of two log-probabilities. Which minus which?",
        "Padding must not count, and a mean over answers comes last.",
    ),
)


def passes(correct, n, k):
    """Return the unbiased estimate of pass@k for each prompt."""
    correct = np.asarray(correct)
    return 1 - comb(n - correct, k) / comb(n, k)


PASS_AT_K = Exercise(
    name="pass-at-k",
    chapter=11,
    solution=lambda correct, n, k: passes(correct, n, k).mean(),
    probes={
        "one prompt": (np.array([1]), 4, 2),
        "none right": (np.array([0]), 4, 2),
        "more right than could be missed": (np.array([3]), 4, 2),
        "four prompts": (np.array([0, 1, 5, 8]), 8, 3),
        "k = 1": (np.array([2, 7, 1]), 10, 1),
        "many answers": (np.array([3, 200]), 256, 64),
    },
    mistakes=(
        Mistake(
            "with the estimated p",
            lambda correct, n, k: (1 - (1 - correct / n) ** k).mean(),
            "the estimate c/n is put in the place of p.",
            "too low on average: a power of a noisy number is not the number's power.",
            "is the mean of (1 - c/n)^k equal to (1 - p)^k?",
        ),
        Mistake(
            "pass@1",
            lambda correct, n, k: (correct / n).mean(),
            "this is pass@1, whatever k is.",
            "it cannot see that a model has lost its second-best answers.",
            "what has become of k?",
        ),
        Mistake(
            "any of n",
            lambda correct, n, k: (correct > 0).mean(),
            "this asks whether any of the n answers is right.",
            "it estimates pass@n, from a single draw of n answers.",
            "only k of the n answers may be used at a time.",
        ),
        Mistake(
            "none missing",
            lambda correct, n, k: np.where(n - np.asarray(correct) < k, 0.0, passes(correct, n, k)).mean(),
            "where fewer than k answers are wrong you count 0; but then every choice has a right one.",
            "the prompts that are solved best count as if they were hopeless.",
            "if only one of four answers is wrong, can two be drawn that are both wrong?",
        ),
        Mistake(
            "the probability of missing",
            lambda correct, n, k: 1 - passes(correct, n, k).mean(),
            "this is the probability that all k answers are wrong.",
            "the better the model, the lower the number.",
            "one operation is missing.",
        ),
        Mistake(
            "all k right",
            lambda correct, n, k: (comb(correct, k) / comb(n, k)).mean(),
            "this is the probability that all k answers are right.",
            "it falls with k, where pass@k rises.",
            "at least one, or all?",
        ),
        Mistake(
            "mean before the formula",
            lambda correct, n, k: 1 - (1 - np.mean(correct) / n) ** k,
            "all prompts are thrown together before the formula is applied.",
            "too high where prompts differ: who solves half of them always, the others never, seems to solve all.",
            "whose answers are these k?",
        ),
        Mistake(
            "not averaged",
            lambda correct, n, k: passes(correct, n, k).sum(),
            "the prompts are added up, not averaged.",
            "pass@k can come out above 1.",
            "wanted is one number between 0 and 1.",
        ),
    ),
    hints=(
        "How many choices of k answers among n are there, and how many of them miss all c right ones?",
        "`scipy.special.comb` gives 0 where there is nothing to choose from.",
    ),
)


def leashed_loss(rewards, log_probs, reference, beta, leash=lambda d: d, penalty=None):
    """Return RLOO's loss of one group, with a leash in the rewards, of log-ratios, and a penalty of its own."""
    d = log_probs - reference
    scored = rewards - beta * leash(d)
    others = (scored.sum() - scored) / (len(scored) - 1)
    loss = -((scored - others).detach() * log_probs).mean()
    return loss if penalty is None else loss + beta * penalty(d).mean()


def group_of(count, seed, beta):
    """Return rewards, log-probabilities of answers, those of the reference model, and β."""
    rng = np.random.default_rng(seed)
    rewards = rng.integers(2, size=count).astype(float)
    return rewards, -rng.gamma(2, 1, size=count).round(1), -rng.gamma(2, 1, size=count).round(1), beta


def unleashed(d):
    """Return no leash."""
    return torch.zeros_like(d)


A_LEASH_OF_AIR = Exercise(
    name="a-leash-of-air",
    chapter=11,
    solution=lambda rewards, log_probs, reference_log_probs, beta: leashed_loss(
        rewards, log_probs, reference_log_probs, beta
    ),
    broken=lambda rewards, log_probs, reference, beta: leashed_loss(
        rewards, log_probs, reference, beta, unleashed, penalty=lambda d: d
    ),
    probes={
        "two answers": (np.array([1.0, 0.0]), np.array([-1.0, -0.5]), np.array([-1.5, -0.2]), 0.5),
        "three answers": group_of(3, seed=1, beta=0.2),
        "eight answers": group_of(8, seed=2, beta=0.1),
        "all right": (np.ones(4), np.array([-1.0, -2.0, -0.5, -3.0]), np.array([-2.0, -1.0, -0.5, -1.5]), 1.0),
    },
    gradients=("log_probs",),
    conventions=(
        Convention(
            "k2 as a loss",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, unleashed, penalty=lambda d: d.square() / 2
            ),
            "You took k₂ of the whole answer as a loss. Its expected gradient is exact, too; it has no baseline.",
        ),
        Convention(
            "leash behind the baseline",
            lambda rewards, log_probs, reference, beta: (
                leashed_loss(
                    rewards, log_probs, reference, beta, unleashed, penalty=lambda d: d.detach() * (d - d.detach())
                )
                + beta * ((log_probs - reference) * log_probs).detach().mean()
            ),
            "You subtract the leash from the weights, behind the baseline: unbiased, and a little noisier.",
        ),
    ),
    mistakes=(
        Mistake(
            "k3 as a loss",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, unleashed, penalty=lambda d: (-d).exp() - 1 + d
            ),
            "now k₃ is the loss.",
            "a leash, but of another divergence: 99.8% of the best at β = ½, 96% at ⅕.",
            "which of the three is exact in which place?",
        ),
        Mistake(
            "no leash",
            lambda rewards, log_probs, reference, beta: leashed_loss(rewards, log_probs, reference, beta, unleashed),
            "the leash is gone, or it is the same for all answers and cancels.",
            "just what the broken code does, in expectation.",
            "where, if not in the loss, can a divergence be paid for?",
        ),
        Mistake(
            "sign",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, leash=lambda d: -d
            ),
            "the divergence is paid, not charged.",
            "the model runs from its reference as fast as it can.",
            "should an answer that the reference finds improbable gain reward or lose it?",
        ),
        Mistake(
            "as a number in the loss",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, unleashed, penalty=lambda d: d.detach()
            ),
            "the divergence is in the loss as a number, without a gradient.",
            "just what the broken code does, in expectation.",
            "where, if not in the loss, can a divergence be paid for?",
        ),
        Mistake(
            "k2 without its half",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, unleashed, penalty=lambda d: d.square()
            ),
            "you took k₂ as a loss, and its ½ is missing.",
            "a leash of 2β.",
            "what is the derivative of a square?",
        ),
        Mistake(
            "mean of the group",
            lambda rewards, log_probs, reference, beta: (
                leashed_loss(rewards, log_probs, reference, beta) * (len(rewards) - 1) / len(rewards)
            ),
            "the leash is right; but the mean that you subtract now has the answer itself in it.",
            "the expected gradient shrinks by 1 - 1/G.",
            "which answers may the baseline of answer i look at?",
        ),
        Mistake(
            "in both places",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, penalty=lambda d: d
            ),
            "k₁ is in the reward, and still in the loss.",
            "the part in the loss is noise of mean zero.",
            "what is the expected gradient of the term that you left?",
        ),
        Mistake(
            "weights with a gradient",
            lambda rewards, log_probs, reference, beta: (
                leashed_loss(rewards, log_probs, reference, beta)
                - (
                    (others_subtracted(rewards - beta * (log_probs - reference)) * log_probs.detach()).mean()
                    - (others_subtracted(rewards - beta * (log_probs - reference)) * log_probs).detach().mean()
                )
            ),
            "a gradient flows through the weights.",
            "besides reinforcing, the step also changes what the reward is.",
            "weights are numbers: which part of yours still has a gradient?",
        ),
        Mistake(
            "k3 in the reward",
            lambda rewards, log_probs, reference, beta: leashed_loss(
                rewards, log_probs, reference, beta, leash=lambda d: (-d).exp() - 1 + d
            ),
            "k₃ is in the reward.",
            "once the model is sure of an answer, this leash pushes it off.",
            "which of the three is exact in the reward?",
        ),
    ),
    hints=(
        "The gradient of log π(y) - log π_ref(y) is the score of y. What is its mean?",
        "Charge each answer for its own log-ratio before the baseline is computed.",
        "What is charged is a number: no gradient may flow through it.",
    ),
)


def others_subtracted(scored):
    """Return the rewards less the mean of the others, (G,)."""
    return scored - (scored.sum() - scored) / (len(scored) - 1)


EXERCISES = (ANSWER_LOG_PROB, RLOO, GRPO, THREE_MEANS, K3_PENALTY, PASS_AT_K, A_LEASH_OF_AIR)
