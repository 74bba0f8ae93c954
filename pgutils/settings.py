"""What a training is asked for, and what the reader's functions give it: checked, with the guilty one named."""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import torch

from pgutils.environments import Env
from pgutils.returns import require_share
from pgutils.rollouts import EpisodeBatch

Quantity = Callable[[EpisodeBatch], torch.Tensor]


@dataclass(frozen=True)
class Settings:
    """What ``train`` was asked for, less the seed and the sharing out of the runs; ``train`` says what they are."""

    env: Env
    weights: Quantity
    targets: Quantity
    update: Callable
    optimizer: Callable
    policy: Callable | None
    iterations: int
    episodes: int
    gamma: float
    learning_rate: float
    value_learning_rate: float
    hidden: tuple[int, ...]
    value_steps: int
    value_epochs: int
    env_steps: int | None
    success: Quantity | None

    def __post_init__(self):
        for name in ("weights", "targets", "update", "optimizer"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be a function, got {getattr(self, name)!r}")
        for name in ("policy", "success"):
            if not (getattr(self, name) is None or callable(getattr(self, name))):
                raise ValueError(f"{name} must be a function or None, got {getattr(self, name)!r}")
        require_count(iterations=self.iterations, episodes=self.episodes, value_epochs=self.value_epochs)
        require_count(least=0, value_steps=self.value_steps)
        if self.env_steps is not None:
            require_count(env_steps=self.env_steps)
        require_share("gamma", self.gamma)
        for name in ("learning_rate", "value_learning_rate"):
            if not 0 < getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}")
        if not isinstance(self.hidden, (tuple, list)):
            raise ValueError(f"hidden must be a tuple of whole numbers such as (64,), got {self.hidden!r}")
        require_count(**{f"hidden[{layer}]": units for layer, units in enumerate(self.hidden)})


def require_count(least: int = 1, **counts: int) -> None:
    """Raise ValueError, naming the argument, unless each is a whole number of at least ``least``."""
    for name, number in counts.items():
        if not isinstance(number, Integral) or number < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {number!r}")


def as_weights(weights, batch: EpisodeBatch) -> torch.Tensor:
    """Return the weights with shape (runs, episodes, steps), 0 where no step was taken; or raise ValueError."""
    weights, wanted = torch.as_tensor(weights), tuple(batch.mask.shape)
    if weights.shape == wanted[:-1]:
        weights = weights[..., None].expand(wanted)
    if weights.shape != wanted:
        raise ValueError(f"weights must have shape {wanted} or {wanted[:-1]}, got {tuple(weights.shape)}")
    if not weights[batch.mask].isfinite().all():
        raise ValueError("weights must be finite numbers where a step was taken, got NaN or infinity")
    return torch.where(batch.mask, weights, 0)


def require_finite(diagnostics, iteration: int) -> None:
    """Raise FloatingPointError where the update says that its loss is no number any more."""
    losses = diagnostics.get("losses")
    if losses is not None and not losses.isfinite().all():
        raise FloatingPointError(f"training diverged in iteration {iteration}: the losses are {losses.tolist()}")
