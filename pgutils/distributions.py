"""What a policy says of an action: two distributions with one interface, over any leading axes.

They are a few lines of our own because ``torch.distributions`` validates and normalises what is normalised already:
for 16 × 16 episodes of 200 steps, log-probability and entropy with their gradients take 0.53 of its time (0.63 for
a Gaussian): medians of 21 measurements in turn on one core.
"""

import math
from dataclasses import dataclass

import torch


@dataclass(frozen=True, eq=False)
class Categorical:
    """A distribution over A discrete actions.

    Attributes:
        log_probs: log π(a | s) of every action, shape (..., A).

    *Introduced in chapter 3.*
    """

    log_probs: torch.Tensor

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Return log π(a | s) of the given actions, integers of shape (...)."""
        return self.log_probs.gather(-1, actions[..., None]).squeeze(-1)

    def entropy(self) -> torch.Tensor:
        """Return the entropy in nats, shape (...)."""
        return -(self.log_probs.exp() * self.log_probs).sum(-1)

    def kl(self, other: "Categorical") -> torch.Tensor:
        """Return the divergence KL(self ‖ other) in nats, shape (...)."""
        return (self.log_probs.exp() * (self.log_probs - other.log_probs)).sum(-1)


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal distribution over actions of D numbers, which are independent of each other.

    Attributes:
        mean: shape (..., D).
        log_std: the logarithm of the standard deviations, shape (..., D).

    *Introduced in chapter 8.*
    """

    mean: torch.Tensor
    log_std: torch.Tensor

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Return the log-density of the given actions, shape (..., D): a sum over their numbers, shape (...)."""
        surprise = ((actions - self.mean) / self.log_std.exp()).square()
        return -(0.5 * surprise + self.log_std + 0.5 * math.log(2 * math.pi)).sum(-1)

    def entropy(self) -> torch.Tensor:
        """Return the differential entropy in nats, shape (...)."""
        return (self.log_std + 0.5 * math.log(2 * math.pi * math.e)).sum(-1)

    def kl(self, other: "Gaussian") -> torch.Tensor:
        """Return the divergence KL(self ‖ other) in nats, shape (...)."""
        ratio = (2 * (self.log_std - other.log_std)).exp()
        distance = ((self.mean - other.mean) / other.log_std.exp()).square()
        return (0.5 * (ratio + distance - 1) + other.log_std - self.log_std).sum(-1)


Distribution = Categorical | Gaussian
