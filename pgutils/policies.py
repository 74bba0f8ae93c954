"""Policies: tables of logits for exact work, and small networks with a leading ``runs`` axis for learning.

All learned policies share one interface, so that no update knows which it has: ``distribution(obs, mask)`` gives what
the policy says of every action, as one of the two kinds in ``pgutils.distributions``; ``actor()`` and ``noise()``
choose actions fast, while episodes are collected.
"""

from collections.abc import Sequence

import gymnasium as gym
import numpy as np
import torch
from scipy.special import softmax
from torch import nn

from pgutils.distributions import Categorical, Gaussian
from pgutils.networks import RunsMLP


def softmax_policy(logits):
    """Return π(a | s) = exp(logit) / Σ exp(logit), over the last axis.

    Args:
        logits: shape (..., A), a NumPy array or a tensor.

    Returns:
        Probabilities of the same shape and kind.

    *Introduced in chapter 1.*
    """
    return torch.softmax(logits, -1) if torch.is_tensor(logits) else softmax(logits, axis=-1)


def softmax_score(policy: np.ndarray, states: np.ndarray, actions: np.ndarray) -> np.ndarray:
    """Return ∇ log π(a | s) of a tabular softmax policy with respect to its logits.

    It is 1[s' = s] (1[a' = a] - π(a' | s')) for the logit of action a' in state s'.

    Args:
        policy: π(a | s), shape (S, A).
        states: shape (...), integers.
        actions: shape (...), integers.

    Returns:
        Scores, shape (..., S, A).

    *Introduced in chapter 2.*
    """
    num_states, num_actions = policy.shape
    states, actions = np.asarray(states), np.asarray(actions)
    surprise = np.eye(num_actions)[actions] - policy[states]
    return np.eye(num_states)[states][..., None] * surprise[..., None, :]


class CategoricalPolicy(RunsMLP):
    """A softmax policy over discrete actions, one for each run.

    Args:
        obs_dim: numbers in an observation.
        num_actions: number of actions.
        rngs: one generator for each run.
        hidden: units in each hidden layer.

    *Introduced in chapter 3.*
    """

    action_space = gym.spaces.Discrete

    def __init__(self, obs_dim: int, num_actions: int, rngs: Sequence[np.random.Generator], hidden=(32,)):
        super().__init__([obs_dim, *hidden, num_actions], rngs, last_scale=0.1)

    def distribution(self, obs: torch.Tensor, mask: torch.Tensor | None = None) -> Categorical:
        """Return π(· | s), with leading axes (runs, ...), for ``obs`` (runs, ..., obs_dim).

        With a ``mask`` (runs, ...), only where it is true is anything computed; elsewhere the log-probabilities are 0.
        """
        return Categorical(self.where_taken(obs, mask, lambda logits: logits.log_softmax(-1)))

    def noise(self, stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw the Gumbel noise that one run's actor needs for ``shape`` actions, shape ``(*shape, A)``."""
        return stream.gumbel(size=(*shape, self.sizes[-1])).astype(np.float32)

    def actor(self, greedy: bool = False):
        """Return a function that chooses actions in NumPy, fast, with the weights as they are now.

        It takes observations (runs, episodes, obs_dim) and noise (runs, episodes, A), and returns actions
        (runs, episodes): the largest logit plus Gumbel noise is a sample from the softmax (Maddison et al., 2014).
        With ``greedy`` the noise is ignored.
        """
        logits = self.in_numpy()

        def act(obs: np.ndarray, noise: np.ndarray) -> np.ndarray:
            return (logits(obs) if greedy else logits(obs) + noise).argmax(-1)

        return act


class GaussianPolicy(RunsMLP):
    """A normal policy over actions of several numbers, one for each run.

    The network gives the means; the logarithms of the standard deviations are parameters of their own, the same in
    every state. On this scale -1 and 1 are the ends of an action's range, where it has two.

    Args:
        obs_dim: numbers in an observation.
        action_dim: numbers in an action.
        rngs: one generator for each run.
        hidden: units in each hidden layer.
        std: the standard deviation at the start, of every number.

    *Introduced in chapter 8.*
    """

    action_space = gym.spaces.Box

    def __init__(self, obs_dim: int, action_dim: int, rngs: Sequence[np.random.Generator], hidden=(32,), std=1.0):
        if not 0 < std < np.inf:
            raise ValueError(f"std must be positive and finite, got {std}")
        super().__init__([obs_dim, *hidden, action_dim], rngs, last_scale=0.1)
        self.log_std = nn.Parameter(torch.full((len(rngs), 1, action_dim), float(np.log(std)), dtype=torch.float64))

    def distribution(self, obs: torch.Tensor, mask: torch.Tensor | None = None) -> Gaussian:
        """Return π(· | s), with leading axes (runs, ...), for ``obs`` (runs, ..., obs_dim).

        With a ``mask`` (runs, ...), only where it is true are the means computed; elsewhere they are 0.
        """
        mean = self.where_taken(obs, mask)
        return Gaussian(mean, self.log_std.view(self.runs, *(1,) * (mean.ndim - 2), -1).expand_as(mean))

    def noise(self, stream: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Draw the standard normal noise that one run's actor needs for ``shape`` actions, shape ``(*shape, D)``."""
        return stream.standard_normal((*shape, self.sizes[-1])).astype(np.float32)

    def actor(self, greedy: bool = False):
        """Return a function that chooses actions in NumPy, fast, with the weights as they are now.

        It takes observations (runs, episodes, obs_dim) and noise (runs, episodes, D), and returns actions of the same
        shape as the noise: mean plus standard deviation times noise. With ``greedy`` it is the mean.
        """
        mean, std = self.in_numpy(), 0.0 if greedy else self.log_std.detach().exp().numpy().astype(np.float32)
        return lambda obs, noise: mean(obs) + std * noise


Policy = CategoricalPolicy | GaussianPolicy
