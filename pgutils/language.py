"""A language model small enough to enumerate, and what multiplies the scores of a group of answers."""

from collections.abc import Callable
from itertools import product

import numpy as np
import torch

from pgutils.mdp import TabularMDP, Trajectories
from pgutils.returns import leave_one_out
from pgutils.rollouts import EpisodeBatch

END = "."  # the token that ends an answer


def language_mdp(letters: str, longest: int, reward: Callable[[str], float]) -> tuple[TabularMDP, list[str]]:
    """Return the decision process of a language model that answers one prompt, and the prefixes that are its states.

    Actions are the letters, in order, and last the end token, which is written as a full stop. The state is what has
    been said so far; the last state is the end. An answer without an end token was cut off.

    Args:
        letters: the tokens besides the end token, each one character.
        longest: the most tokens in an answer, the end token among them.
        reward: of a complete answer, such as ``"ab."``; paid for its last token.

    Raises:
        ValueError: there are no letters, one occurs twice or is a full stop, or ``longest`` is less than 1.

    *Introduced in chapter 11.*
    """
    if not letters or len(set(letters)) < len(letters) or END in letters:
        raise ValueError(f"letters must be different characters other than {END!r}, got {letters!r}")
    if longest < 1:
        raise ValueError(f"longest must be at least 1, got {longest}")
    prefixes = ["".join(prefix) for length in range(longest) for prefix in product(letters, repeat=length)]
    number = {prefix: state for state, prefix in enumerate(prefixes)}
    end, tokens = len(prefixes), [*letters, END]
    transitions, rewards = np.zeros((end + 1, len(tokens), end + 1)), np.zeros((end + 1, len(tokens)))
    transitions[end, :, end] = 1
    for (state, prefix), (action, token) in product(enumerate(prefixes), enumerate(tokens)):
        text = prefix + token
        transitions[state, action, number.get(text, end)] = 1
        rewards[state, action] = 0.0 if text in number else reward(text)
    return TabularMDP(transitions, rewards, initial=np.eye(end + 1)[0]), prefixes


def spell(tau: Trajectories, letters: str) -> list[str]:
    """Return the answers that the trajectories of a ``language_mdp`` stand for. *Introduced in chapter 11.*"""
    tokens = np.array([*letters, END])
    return ["".join(tokens[actions[taken]]) for actions, taken in zip(tau.actions, tau.mask, strict=True)]


def rloo(group: int) -> Callable[[EpisodeBatch], torch.Tensor]:
    """Return the weights function that subtracts from each answer's return the mean of the *others* of its group.

    Args:
        group: how many answers each prompt was given; they stand side by side in the batch.

    Returns:
        A function of a batch; its weights have the shape (runs, episodes), one for all tokens of an answer.

    Raises:
        ValueError: a group has fewer than two answers, or the batch cannot be divided into groups.

    Source: Kool et al. (2019); Ahmadian et al. (2024). *Introduced in chapter 11.*
    """

    def weights(batch: EpisodeBatch) -> torch.Tensor:
        return leave_one_out(_groups(batch.returns, group)[..., None]).squeeze(-1).flatten(-2)

    return weights


def grpo(group: int, *, divide: bool = True, length: str | None = "answer") -> Callable[[EpisodeBatch], torch.Tensor]:
    """Return the weights function of group-relative policy optimization, each of whose parts can be left out.

    From each return the mean of its group is subtracted, its own included. Groups whose returns are all alike get
    weights of zero.

    Args:
        group: how many answers each prompt was given; they stand side by side in the batch.
        divide: by the standard deviation of the group's returns, whose mean square is taken over all its answers.
        length: divide by the number of tokens of the ``"answer"``, as published; by their mean in the ``"group"``, as
            in DAPO; or, with None, by nothing. Without both divisions these are the weights of Dr. GRPO.

    Returns:
        A function of a batch; its weights have the shape (runs, episodes), one for all tokens of an answer.

    Raises:
        ValueError: ``length`` is unknown, a group has fewer than two answers, or the batch cannot be divided into
            groups.

    Source: Shao et al. (2024); Yu et al. (2025); Liu et al. (2025). *Introduced in chapter 11.*
    """
    if length not in ("answer", "group", None):
        raise ValueError(f"length must be 'answer', 'group' or None, got {length!r}")

    def weights(batch: EpisodeBatch) -> torch.Tensor:
        returns, tokens = _groups(batch.returns, group), _groups(batch.lengths, group).double()
        centred = returns - returns.mean(-1, keepdim=True)
        if divide:
            deviation = centred.square().mean(-1, keepdim=True).sqrt()
            rounding = 1e-9 * returns.abs().amax(-1, keepdim=True)
            centred = torch.where(deviation > rounding, centred / deviation, 0.0)
        if length:
            centred = centred / (tokens if length == "answer" else tokens.mean(-1, keepdim=True))
        return centred.flatten(-2)

    return weights


def _groups(numbers: torch.Tensor, group: int) -> torch.Tensor:
    """Return ``numbers`` (runs, episodes) as (runs, prompts, group)."""
    if group < 2 or numbers.shape[-1] % group:
        raise ValueError(f"{numbers.shape[-1]} answers cannot be divided into groups of {group}, at least 2 each")
    return numbers.unflatten(-1, (-1, group))
