"""Small neural networks with a leading ``runs`` axis: one for each independent run."""

from collections.abc import Sequence
from copy import deepcopy
from itertools import pairwise

import numpy as np
import torch
from torch import nn


class RunsMLP(nn.Module):
    """A multilayer perceptron with tanh units for each of several independent runs.

    Args:
        sizes: units in each layer, from the input to the output.
        rngs: one generator for each run, from which its weights are drawn.
        last_scale: what the weights of the last layer are multiplied by; a small number starts the output near 0.

    All weights are float64, so that the order of a sum does not show in a learning curve.

    *Introduced in chapter 3.*
    """

    def __init__(self, sizes: Sequence[int], rngs: Sequence[np.random.Generator], last_scale: float = 1.0):
        super().__init__()
        self.sizes, self.runs = tuple(sizes), len(rngs)
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            scale = inputs**-0.5 * (last_scale if layer == len(sizes) - 2 else 1.0)
            weight = np.stack([rng.normal(scale=scale, size=(inputs, outputs)) for rng in rngs])
            self.weights.append(nn.Parameter(torch.from_numpy(weight)))
            self.biases.append(nn.Parameter(torch.zeros(len(rngs), 1, outputs, dtype=torch.float64)))

    def forward(self, obs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the outputs (runs, ..., outputs) for ``obs`` (runs, ..., inputs).

        With a ``mask`` (runs, ...), only where it is true is anything computed; elsewhere the outputs are 0.
        """
        return self.where_taken(obs, mask)

    def where_taken(self, obs, mask, finish=lambda outputs: outputs) -> torch.Tensor:
        """Compute the outputs where ``mask`` is true, ``finish`` them, and put them into their places among zeros."""
        if mask is None:
            mask = torch.ones(obs.shape[:-1], dtype=torch.bool)
        taken = obs[mask].to(torch.float64).split(mask.flatten(1).sum(1).tolist())
        weights, biases = (list(zip(*(x.unbind() for x in part), strict=True)) for part in (self.weights, self.biases))
        rows = finish(torch.cat([_layers(*run) for run in zip(taken, weights, biases, strict=True)]))
        outputs = torch.zeros(*mask.shape, rows.shape[-1], dtype=torch.float64)
        outputs[mask] = rows
        return outputs

    def in_numpy(self):
        """Return a function from observations (runs, episodes, inputs) to outputs, fast, in NumPy and float32.

        It keeps the weights as they are now.
        """
        layers = [
            (weight.detach().numpy().astype(np.float32), bias.detach().numpy().astype(np.float32))
            for weight, bias in zip(self.weights, self.biases, strict=True)
        ]

        def outputs(obs: np.ndarray) -> np.ndarray:
            x = obs.astype(np.float32, copy=False)
            for layer, (weight, bias) in enumerate(layers):
                x = (np.tanh(x, out=x) if layer else x) @ weight
                x += bias
            return x

        return outputs


def _layers(x: torch.Tensor, weights: Sequence[torch.Tensor], biases: Sequence[torch.Tensor]) -> torch.Tensor:
    """Return the outputs (rows, outputs) of one run's network for its rows of inputs."""
    for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        x = torch.addmm(bias, x.tanh_() if layer else x, weight)
    return x


def join_runs(modules: Sequence[RunsMLP], order: np.ndarray) -> RunsMLP:
    """Return one module with the runs of all ``modules``, in the given order of their concatenation."""
    joined, parts = deepcopy(modules[0]), [module.state_dict() for module in modules]
    for name, parameter in joined.named_parameters():
        parameter.data = torch.cat([part[name] for part in parts])[order]
    joined.runs = len(order)
    return joined


class ValueFunction(RunsMLP):
    """An estimate of V(s) for each run; see ``RunsMLP``.

    The network works on a standard scale: its output is multiplied by ``scale`` and shifted by ``shift``, one of each
    for each run, which training sets to the standard deviation and the mean of what the values are fitted to.

    Args:
        obs_dim: numbers in an observation.
        rngs: one generator for each run.
        hidden: units in each hidden layer.

    *Introduced in chapter 5.*
    """

    def __init__(self, obs_dim: int, rngs: Sequence[np.random.Generator], hidden=(32,)):
        super().__init__([obs_dim, *hidden, 1], rngs)
        self.register_buffer("shift", torch.zeros(len(rngs), dtype=torch.float64))
        self.register_buffer("scale", torch.ones(len(rngs), dtype=torch.float64))

    def forward(self, obs: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Return the values (runs, ...) for ``obs`` (runs, ..., obs_dim); 0 where there is a ``mask`` that is false."""
        values = super().forward(obs, mask).squeeze(-1)
        each_run = (-1,) + (1,) * (values.ndim - 1)
        values = values * self.scale.view(each_run) + self.shift.view(each_run)
        return values if mask is None else torch.where(mask, values, 0.0)
