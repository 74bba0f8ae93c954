"""How a step is taken. An update is a function (policy, optimizer, batch, weights) that changes the policy in place."""

import torch

from pgutils.losses import policy_gradient_loss
from pgutils.policies import Policy
from pgutils.rollouts import EpisodeBatch


def gradient_step(
    policy: Policy, optimizer: torch.optim.Optimizer, batch: EpisodeBatch, weights: torch.Tensor
) -> dict[str, torch.Tensor]:
    """Take one step along the estimated policy gradient, which is added up from the two halves of the batch.

    The sum over the runs is the only place that knows of them: no weight of one run is in the loss of another.

    Args:
        policy: the policies of all runs; changed in place.
        optimizer: of their parameters.
        batch: what the policies have played.
        weights: what multiplies each score, shape (runs, episodes, steps).

    Returns:
        The losses and entropies from before the step, and the signals and noises of the gradient, each of shape
        (runs,); ``History`` says what they are.

    Raises:
        FloatingPointError: the square of a gradient is beyond what a float can hold.

    Source: Williams (1992). *Introduced in chapter 3.*
    """
    halves = zip(*(x.chunk(2, dim=1) for x in (batch.obs, batch.actions, weights, batch.mask)), strict=True)
    losses, entropies, shares, gradients = 0.0, 0.0, [], []
    optimizer.zero_grad()
    for obs, actions, half_weights, mask in halves:
        distribution = policy.distribution(obs, mask)
        shares.append(mask.shape[1] / batch.mask.shape[1])
        loss = shares[-1] * policy_gradient_loss(distribution.log_prob(actions), half_weights, mask)
        loss.sum().backward()
        losses = losses + loss.detach()
        entropies = entropies + (distribution.entropy().detach() * mask).sum((-2, -1)) / batch.mask.sum((-2, -1))
        gradients.append([parameter.grad.clone() for parameter in policy.parameters()])
    signals, noises = signal_and_noise(gradients, shares)
    optimizer.step()
    return {"losses": losses, "entropies": entropies, "signals": signals, "noises": noises}


def signal_and_noise(gradients, shares: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    """Split ‖g‖² into unbiased estimates of ‖∇J‖² and of the variance of g, each of shape (runs,).

    With shares p and q of the episodes in the two halves, E‖g_half - g‖² is q/p times the variance of g.

    Args:
        gradients: the sum p g_half of the first half, and g, each a list of tensors (runs, ...).
        shares: p and q; p alone for a batch of one episode, whose noise is unknown.

    Raises:
        FloatingPointError: ‖g‖² is beyond what a float can hold, and any optimiser would stand still.
    """

    def square(gradient):
        return sum(part.square().flatten(1).sum(1) for part in gradient)

    total = square(gradients[-1])
    if total.isinf().any():
        raise FloatingPointError("the square of the gradient is too large for a float: scale the rewards down")
    if len(shares) < 2:
        return torch.full_like(total, torch.nan), torch.full_like(total, torch.nan)
    noise = square([half / shares[0] - g for half, g in zip(*gradients, strict=True)]) * shares[0] / shares[1]
    return total - noise, noise
