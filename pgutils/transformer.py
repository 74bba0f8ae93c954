"""A small transformer with a leading ``runs`` axis: a policy whose actions are tokens, and what it writes."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import layer_norm, scaled_dot_product_attention

from pgutils.distributions import Categorical
from pgutils.rollouts import EpisodeBatch


class Transformer(nn.Module):
    """A decoder-only transformer of one layer, one for each run.

    The steps of an episode run over prompt and answer together, as they are read together; the observation of a step
    is one token, and the policy sees it and those before it.

    Args:
        vocabulary: how many tokens there are.
        longest: the most tokens that are read, prompt and answer together.
        rngs: one generator for each run, from which its weights are drawn.
        width: numbers that stand for a token.
        heads: of the attention; they share the width.

    Raises:
        ValueError: the width cannot be shared among the heads.

    Weights are float32. They start normal, with a deviation of 1/2 for tokens and places, else of 1/√inputs, half of it
    where a layer adds to what stands for a token, and a tenth of it for the logits: all tokens are about equally
    probable at first.

    Source: Vaswani et al. (2017), with the order of Radford et al. (2019). *Introduced in chapter 11.*
    """

    def __init__(
        self, vocabulary: int, longest: int, rngs: Sequence[np.random.Generator], width: int = 32, heads: int = 4
    ):
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} cannot be shared among {heads} heads")
        self.runs, self.heads = len(rngs), heads

        def drawn(*shape, scale):
            weights = np.stack([rng.normal(scale=scale, size=shape) for rng in rngs])
            return nn.Parameter(torch.from_numpy(weights.astype(np.float32)))

        self.tokens, self.places = drawn(vocabulary, width, scale=0.5), drawn(longest, width, scale=0.5)
        self.attend = drawn(width, 3 * width, scale=width**-0.5)
        self.mix = drawn(width, width, scale=0.5 * width**-0.5)
        self.up = drawn(width, 4 * width, scale=width**-0.5)
        self.down = drawn(4 * width, width, scale=0.25 * width**-0.5)
        self.head = drawn(width, vocabulary, scale=0.1 * width**-0.5)

    def distribution(self, obs: torch.Tensor, mask: torch.Tensor | None = None) -> Categorical:
        """Return π(· | prompt and answer so far) after each token of ``obs`` (runs, episodes, steps, 1).

        With a ``mask`` (runs, episodes, steps) the log-probabilities are 0 where it is false.
        """
        log_probs = self.read(obs[..., 0])[0].log_softmax(-1)
        return Categorical(log_probs if mask is None else torch.where(mask[..., None], log_probs, 0.0))

    def read(self, tokens: torch.Tensor, memory: tuple | None = None) -> tuple[torch.Tensor, tuple]:
        """Return the logits of the token after each token (runs, N, T), shape (runs, N, T, vocabulary), and a memory.

        Args:
            tokens: integers; with a memory, one token for each episode, T = 1.
            memory: what was returned when the tokens before these were read.
        """
        start = memory[0].shape[-2] if memory else 0
        number, length = tokens.shape[1:]
        run = torch.arange(self.runs)[:, None, None]
        x = (self.tokens[run, tokens] + self.places[:, None, start : start + length]).flatten(1, 2)
        query, key, value = (
            part.unflatten(1, (number, length)).unflatten(-1, (self.heads, -1)).transpose(2, 3)
            for part in torch.bmm(_norm(x), self.attend).chunk(3, -1)
        )
        if memory:
            key, value = torch.cat([memory[0], key], -2), torch.cat([memory[1], value], -2)
        seen = scaled_dot_product_attention(query, key, value, is_causal=memory is None)
        x = x + torch.bmm(seen.transpose(2, 3).reshape(x.shape), self.mix)
        x = x + torch.bmm(torch.bmm(_norm(x), self.up).relu(), self.down)
        return torch.bmm(_norm(x), self.head).unflatten(1, (number, length)), (key, value)


def _norm(x: torch.Tensor) -> torch.Tensor:
    return layer_norm(x, x.shape[-1:])


@torch.no_grad()
def write_answers(
    policy: Transformer, prompts: torch.Tensor, longest: int, end: int, rngs: Sequence[np.random.Generator]
) -> torch.Tensor:
    """Let the policies of all runs write one answer to each prompt.

    Args:
        policy: the policies.
        prompts: token numbers, shape (runs, N, P).
        longest: the most tokens in an answer, the end token among them.
        end: the number of the end token, which ends an answer and fills up what is left after it.
        rngs: one generator for each run.

    Returns:
        Token numbers, shape (runs, N, longest).

    *Introduced in chapter 11.*
    """
    alive = torch.ones(prompts.shape[:2], dtype=torch.bool)
    logits, memory = policy.read(prompts)
    answers = []
    for step in range(longest):
        noise = np.stack([rng.gumbel(size=logits.shape[1::2]) for rng in rngs])
        token = torch.where(alive, (logits[:, :, -1] + torch.from_numpy(noise)).argmax(-1), end)
        answers.append(token)
        alive = alive & (token != end)
        if step < longest - 1:
            logits, memory = policy.read(token[..., None], memory)
    return torch.stack(answers, -1)


def answer_batch(prompts: torch.Tensor, answers: torch.Tensor, rewards: torch.Tensor, end: int) -> EpisodeBatch:
    """Return answers as episodes whose steps run over prompt and answer together.

    Args:
        prompts: token numbers, shape (runs, N, P).
        answers: token numbers, shape (runs, N, longest); what stands after an end token does not matter.
        rewards: of whole answers, shape (runs, N), paid for the last token.
        end: the number of the end token.

    Returns:
        A batch of N episodes in each run. The observation of a step is a token and the action the one that follows; the
        mask is true where the action belongs to the answer. An answer without an end token is truncated.

    Raises:
        ValueError: prompts, answers and rewards are not of the same runs and episodes.

    *Introduced in chapter 11.*
    """
    if not prompts.shape[:2] == answers.shape[:2] == rewards.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (prompts, answers, rewards))
        raise ValueError(f"prompts, answers and rewards must agree in runs and episodes, got shapes {shapes}")
    tokens, ended = torch.cat([prompts, answers], -1), answers == end
    chosen = ended.cumsum(-1) - ended.long() == 0  # up to and with the first end token
    mask = torch.cat([torch.zeros(prompts.shape, dtype=torch.bool)[..., 1:], chosen], -1)
    last = torch.arange(mask.shape[-1]) == prompts.shape[-1] - 2 + chosen.sum(-1, keepdim=True)
    return EpisodeBatch(
        obs=tokens[..., :-1, None],
        actions=tokens[..., 1:],
        rewards=rewards.double()[..., None] * last,
        mask=mask,
        final_obs=tokens[..., -1:],
        terminated=ended.any(-1),
        truncated=~ended.any(-1),
    )
