"""The natural gradient: products with the Fisher matrix of a policy, and conjugate gradient, batched over runs."""

from collections.abc import Callable, Iterable

import torch

from pgutils.distributions import Distribution
from pgutils.policies import Policy
from pgutils.rollouts import EpisodeBatch


def fisher_product(policy: Policy, batch: EpisodeBatch, damping: float = 0.0, every: int = 1) -> Callable:
    """Return the function v ↦ (F + damping) v, with the Fisher matrix F of each run, which is never built.

    F is the second derivative of the mean divergence from the policy as it is now, so that a product with it costs two
    more gradients.

    Args:
        policy: the policies of all runs.
        batch: what they have played; F is the mean over its states.
        damping: what is added to the diagonal.
        every: how many time steps share one that is looked at.

    Returns:
        A function from (runs, parameters) to (runs, parameters).

    Source: Schulman et al. (2015), appendix C. *Introduced in chapter 9.*
    """
    parameters = list(policy.parameters())
    episode, step = (torch.arange(size) for size in batch.mask.shape[1:])
    some = batch.mask & ((episode[:, None] + step) % every == 0)
    now = policy.distribution(batch.obs, some)
    divergence = mean_over_steps(constant(now).kl(now), some).sum()
    slope = flat(torch.autograd.grad(divergence, parameters, create_graph=True))

    def product(v: torch.Tensor) -> torch.Tensor:
        return flat(torch.autograd.grad((slope * v).sum(), parameters, retain_graph=True)) + damping * v

    return product


def conjugate_gradient(product: Callable, b: torch.Tensor, steps: int, tolerance: float = 1e-20) -> torch.Tensor:
    """Solve A x = b for each run, by products with A alone.

    Args:
        product: a function v ↦ A v for symmetric, positive A, from (runs, n) to (runs, n).
        b: shape (runs, n).
        steps: as many as A has different eigenvalues are enough.
        tolerance: a run whose squared residual is this small, relative to that of x = 0, stands still.

    Returns:
        x, shape (runs, n).

    Source: Hestenes and Stiefel (1952). *Introduced in chapter 9.*
    """
    x, residual, along = torch.zeros_like(b), b.clone(), b.clone()
    size = b.square().sum(1, keepdim=True)
    enough = tolerance * size
    for _ in range(steps):
        image = product(along)
        curvature = (along * image).sum(1, keepdim=True)
        length = torch.where((size > enough) & (curvature > 0), size / curvature, 0.0)
        x, residual = x + length * along, residual - length * image
        before, size = size, residual.square().sum(1, keepdim=True)
        along = residual + torch.where(before > 0, size / before, 0.0) * along
    return x


def constant(distribution: Distribution) -> Distribution:
    """Return a distribution that keeps its numbers when the policy moves, and lets no gradient through."""
    return type(distribution)(**{name: numbers.detach().clone() for name, numbers in vars(distribution).items()})


def mean_over_steps(numbers: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean of ``numbers`` (runs, episodes, steps) where ``mask`` is true, shape (runs,); 0 without any."""
    return (numbers * mask).sum((-2, -1)) / mask.sum((-2, -1)).clamp(min=1)


def flat(tensors: Iterable[torch.Tensor]) -> torch.Tensor:
    """Return tensors (runs, ...) as rows, shape (runs, parameters)."""
    return torch.cat([tensor.flatten(1) for tensor in tensors], 1)


@torch.no_grad()
def move(policy: Policy, rows: torch.Tensor) -> None:
    """Set the parameters of all runs to the rows (runs, parameters)."""
    parameters = list(policy.parameters())
    parts = rows.split([parameter[0].numel() for parameter in parameters], 1)
    for parameter, part in zip(parameters, parts, strict=True):
        parameter.copy_(part.view_as(parameter))
