"""PPO: the clipped loss against its quadrants, runs that never mix, and runs that have stopped and stand still."""

import math

import numpy as np
import pytest
import torch

import pgutils as pg
from pgutils.ppo import _parts

SMALL = {"runs": 3, "iterations": 3, "episodes": 4}
ENVS = pytest.mark.parametrize("env_id", ["CartPole-v1", "Pendulum-v1"])


def batch_and_policy(env_id, runs=3, episodes=4, seed=0):
    """A policy of each run, and what it has played; for Pendulum, the first fifty steps, of different lengths."""
    rngs = pg.generator(seed).spawn(runs)
    envs = pg.make_envs(env_id, runs * episodes)
    kind = pg.CategoricalPolicy if env_id == "CartPole-v1" else pg.GaussianPolicy
    policy = kind(envs.single_observation_space.shape[0], 2 if env_id == "CartPole-v1" else 1, rngs)
    return pg.collect_episodes(envs, policy, rngs, gamma=0.99), policy


def some_weights(batch, seed=0):
    return torch.from_numpy(pg.generator(seed).normal(1, 2, size=tuple(batch.mask.shape)))


def state(policy):
    return [parameter.detach().clone() for parameter in policy.parameters()]


def numbers(runs=2, episodes=3, steps=5, seed=0):
    """Log-probabilities, old ones, weights and a mask."""
    rng = pg.generator(seed)
    log_probs, old, weights = (torch.from_numpy(rng.normal(size=(runs, episodes, steps))) for _ in range(3))
    lengths = torch.from_numpy(rng.integers(1, steps + 1, size=(runs, episodes, 1)))
    return log_probs - 1, old - 1, 2 * weights, torch.arange(steps) < lengths


# The loss


@pytest.mark.parametrize("clip", [0.05, 0.2, 0.8, 3.0, math.inf])
def test_the_loss_is_the_one_of_the_paper_step_by_step(clip):
    log_probs, old, weights, mask = numbers()
    found = pg.clipped_loss(log_probs, old, weights, mask, clip)
    for run in range(2):
        gains = []
        for episode, step in mask[run].nonzero().tolist():
            at = run, episode, step
            ratio = math.exp(log_probs[at] - old[at])
            clipped = min(max(ratio, 1 - clip), 1 + clip)
            gains.append(min(ratio * weights[at].item(), clipped * weights[at].item()))
        assert found[run].item() == pytest.approx(-np.mean(gains), rel=1e-12)


@pytest.mark.parametrize(
    ("weight", "ratio", "alive"),
    [
        (1.0, 0.5, True),
        (1.0, 1.0, True),
        (1.0, 1.19, True),
        (1.0, 1.21, False),
        (-1.0, 0.5, False),
        (-1.0, 0.81, True),
        (-1.0, 1.0, True),
        (-1.0, 50.0, True),
    ],
)
def test_the_four_quadrants(weight, ratio, alive):
    log_prob = torch.tensor([[math.log(ratio)]], dtype=torch.float64, requires_grad=True)
    one = torch.ones(1, 1, dtype=torch.float64)
    pg.clipped_loss(log_prob, 0 * one, weight * one, one > 0, 0.2).backward()
    assert log_prob.grad.item() == pytest.approx(-weight * ratio if alive else 0.0, abs=1e-12)


def test_without_clip_the_gradient_at_the_old_policy_is_the_policy_gradient():
    log_probs, _, weights, mask = numbers()
    log_probs.requires_grad_()
    (clipped,) = torch.autograd.grad(pg.clipped_loss(log_probs, log_probs, weights, mask, 0.2).sum(), log_probs)
    (plain,) = torch.autograd.grad(pg.policy_gradient_loss(log_probs, weights, mask).sum(), log_probs)
    per_step = 3 / mask.sum((-2, -1))[:, None, None]  # a mean over steps in place of one over episodes
    torch.testing.assert_close(clipped, plain * per_step)


def test_old_log_probabilities_and_weights_are_constants_and_padding_is_nothing():
    log_probs, old, weights, mask = (x.requires_grad_() if x.is_floating_point() else x for x in numbers())
    pg.clipped_loss(log_probs, old, weights, mask, 0.2).sum().backward()
    assert old.grad is None
    assert weights.grad is None
    assert (log_probs.grad[~mask] == 0).all()
    wild = torch.where(mask, log_probs.detach(), 1e6)
    torch.testing.assert_close(
        pg.clipped_loss(wild, old, weights, mask, 0.2), pg.clipped_loss(log_probs, old, weights, mask, 0.2)
    )


# The update


@ENVS
def test_one_epoch_in_one_piece_is_a_gradient_step(env_id):
    batch, policy = batch_and_policy(env_id)
    _, other = batch_and_policy(env_id)
    weights, start = some_weights(batch), state(policy)
    once = pg.ppo(epochs=1, minibatches=1, normalized=False)
    found = once(policy, torch.optim.SGD(policy.parameters(), lr=0.1), batch, weights)
    plain = pg.gradient_step(other, torch.optim.SGD(other.parameters(), lr=0.1), batch, weights)
    steps = batch.mask.sum((-2, -1))[:, None, None] / batch.mask.shape[1]  # a mean over steps, not over episodes
    for ours, wanted, before in zip(state(policy), state(other), start, strict=True):
        torch.testing.assert_close((ours - before) * steps, wanted - before, rtol=1e-7, atol=1e-12)
    torch.testing.assert_close(found["entropies"], plain["entropies"])


@ENVS
def test_runs_never_mix(env_id):
    batch, policy = batch_and_policy(env_id)
    log_probs = policy.distribution(batch.obs, batch.mask).log_prob(batch.actions)
    losses = pg.clipped_loss(log_probs, log_probs, some_weights(batch), batch.mask, 0.2)
    for run in range(3):
        for gradient in torch.autograd.grad(losses[run], list(policy.parameters()), retain_graph=True):
            others = [other for other in range(3) if other != run]
            assert (gradient[others] == 0).all()
            assert (gradient[run] != 0).any()


OPTIONS = ({}, {"stop_kl": 1e-3}, {"clip": math.inf, "entropy": 0.1}, {"epochs": 2, "minibatches": 7})


@ENVS
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_removing_runs_changes_nothing(env_id, options):
    settings = {"update": pg.ppo(**options), "episodes": 2, "iterations": 3, "value_steps": 4, "gamma": 0.99}
    many = pg.train(env_id, pg.gae(0.95), runs=4, **settings)
    few = pg.train(env_id, pg.gae(0.95), runs=2, **settings)
    np.testing.assert_array_equal(many.returns[:2], few.returns)
    for name, column in few.diagnostics.items():
        np.testing.assert_allclose(many.diagnostics[name][:2], column, rtol=1e-9, err_msg=name)
    for ours, wanted in zip(state(many.policy), state(few.policy), strict=True):
        torch.testing.assert_close(ours[:2], wanted, rtol=1e-9, atol=1e-12)


def test_a_batch_padded_further_gives_the_same():
    batch, policy = batch_and_policy("CartPole-v1")
    _, other = batch_and_policy("CartPole-v1")
    weights, padded = some_weights(batch), {}
    for name in ("obs", "actions", "rewards", "mask"):
        x = getattr(batch, name)
        padded[name] = torch.cat([x, torch.zeros_like(x[:, :, :3])], 2)
    longer = pg.EpisodeBatch(**padded, final_obs=None, terminated=None, truncated=None)
    for p, b, w in ((policy, batch, weights), (other, longer, torch.nn.functional.pad(weights, (0, 3), value=9.0))):
        pg.ppo()(p, torch.optim.Adam(p.parameters(), lr=1e-2), b, w)
    for ours, wanted in zip(state(policy), state(other), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_a_run_that_has_stopped_stands_still_whatever_its_momentum(optimizer):
    # Of two runs the first has large weights and goes far in its first epoch, the second small ones.
    batch, policy = batch_and_policy("CartPole-v1", runs=2)
    _, alone = batch_and_policy("CartPole-v1", runs=2)
    weights = pg.normalize(some_weights(batch), batch.mask) * torch.tensor([5.0, 1e-4])[:, None, None]
    rate = {torch.optim.Adam: {"lr": 1e-2, "eps": 1e-2}, torch.optim.SGD: {"lr": 3.0, "momentum": 0.9}}[optimizer]
    long, short = (pg.ppo(clip=math.inf, epochs=n, stop_kl=1e-4, normalized=False) for n in (10, 1))
    found = long(policy, optimizer(policy.parameters(), **rate), batch, weights)
    once = short(alone, optimizer(alone.parameters(), **rate), batch, weights)
    assert found["epochs"].tolist() == [1, 10]
    assert found["kls"][0] == once["kls"][0] > 1e-4
    for ours, wanted in zip(state(policy), state(alone), strict=True):
        assert torch.equal(ours[0], wanted[0])
        assert not torch.equal(ours[1], wanted[1])


def test_a_minibatch_without_a_step_moves_nothing():
    batch, policy = batch_and_policy("CartPole-v1")
    _, other = batch_and_policy("CartPole-v1")
    one = torch.arange(batch.mask.shape[-1]) + 9 * torch.arange(4)[:, None] == 0
    single = pg.EpisodeBatch(batch.obs, batch.actions, batch.rewards, batch.mask & one, None, None, None)
    # The one step of each run falls into the first part of four; in the other three the velocity fades.
    for p, parts, momentum in ((policy, 1, 0.9**4), (other, 4, 0.9)):
        update = pg.ppo(epochs=3, minibatches=parts, normalized=False)
        update(p, torch.optim.SGD(p.parameters(), lr=0.1, momentum=momentum), single, batch.rewards)
    for ours, wanted in zip(state(policy), state(other), strict=True):
        torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)


def test_minibatches_share_out_the_steps_that_were_taken():
    mask = torch.arange(7) < torch.tensor([[[7], [3], [1]], [[2], [7], [4]]])
    numbers = torch.arange(mask.numel()).view(mask.shape)
    for count in (1, 3, 4, 9):
        parts = _parts(count, mask, numbers)
        for run in range(2):
            shared = [part[run][taken[run]] for taken, part in parts]
            assert sorted(torch.cat(shared).tolist()) == numbers[run][mask[run]].tolist()
            assert max(map(len, shared)) - min(map(len, shared)) <= 3  # of each episode one step more or less
    assert torch.equal(_parts(1, mask, numbers)[0][1], numbers)


@ENVS
def test_what_is_reported_is_what_happened(env_id):
    batch, policy = batch_and_policy(env_id)
    _, before = batch_and_policy(env_id)
    weights = some_weights(batch)
    update = pg.ppo(clip=0.1, epochs=4, normalized=False)
    found = update(policy, torch.optim.Adam(policy.parameters(), lr=1e-2), batch, weights)
    with torch.no_grad():
        old, new = before.distribution(batch.obs), policy.distribution(batch.obs)
        ratio = (new.log_prob(batch.actions) - old.log_prob(batch.actions)).exp()
    for run in range(3):
        taken = batch.mask[run]
        r, w = ratio[run][taken], weights[run][taken]
        dead = ((r > 1.1) & (w > 0)) | ((r < 0.9) & (w < 0))
        wanted = {
            "kls": old.kl(new)[run][taken].mean(),
            "outside": ((r > 1.1) | (r < 0.9)).double().mean(),
            "clipped": dead.double().mean(),
            "largest_ratios": r.max(),
            "entropies": old.entropy()[run][taken].mean(),
            "losses": -w.mean(),
            "epochs": torch.tensor(4.0),
        }
        assert set(found) == set(wanted)
        for name, number in wanted.items():
            assert found[name][run].item() == pytest.approx(number.item(), rel=1e-6), name
    assert (found["clipped"] > 0).any()
    assert (found["clipped"] < found["outside"]).any()


def test_the_entropy_bonus_keeps_the_policy_undecided():
    drops = {}
    for beta in (0.0, 3.0):
        batch, policy = batch_and_policy("CartPole-v1")
        update = pg.ppo(entropy=beta)
        optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
        first, second = (update(policy, optimizer, batch, some_weights(batch)) for _ in range(2))
        drops[beta] = first["entropies"] - second["entropies"]
    assert (drops[3.0] < 0.5 * drops[0.0]).all()


def test_a_transformer_learns_by_it_too():
    rngs = pg.generator(0).spawn(2)
    model = pg.Transformer(vocabulary=4, longest=6, rngs=rngs, width=8, heads=2)
    prompts = torch.zeros(2, 16, 1, dtype=torch.long)
    answers = pg.write_answers(model, prompts, 3, 3, rngs)
    batch = pg.answer_batch(prompts, answers, (answers[..., 0] == 1).double(), 3)
    weights = batch.returns[..., None].expand(batch.mask.shape)
    before = model.distribution(batch.obs).log_probs[..., 0, 1].exp().mean()
    found = pg.ppo(minibatches=1)(model, torch.optim.Adam(model.parameters(), lr=1e-2), batch, weights)
    assert model.distribution(batch.obs).log_probs[..., 0, 1].exp().mean() > before
    assert (found["kls"] > 0).all()


def test_divergence_is_named():
    batch, policy = batch_and_policy("CartPole-v1")
    with torch.no_grad():
        next(policy.parameters()).fill_(torch.nan)
    found = pg.ppo()(policy, torch.optim.Adam(policy.parameters()), batch, some_weights(batch))
    assert found["losses"].isnan().all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip": 0}, "clip must be positive, got 0"),
        ({"clip": math.nan}, "clip must be positive, got nan"),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"minibatches": 1.5}, "minibatches must be a whole number of at least 1, got 1.5"),
        ({"entropy": -0.1}, "entropy must be a finite number of at least 0, got -0.1"),
        ({"stop_kl": 0.0}, "stop_kl must be positive or None, got 0.0"),
    ],
)
def test_settings_are_checked(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        pg.ppo(**options)


def test_it_learns_cartpole_and_reports_it():
    history = pg.train(
        "CartPole-v1",
        pg.gae(0.95),
        update=pg.ppo(),
        runs=4,
        iterations=12,
        episodes=8,
        gamma=0.99,
        value_steps=10,
    )
    assert pg.interquartile_mean(history.returns[:, -1]) > 4 * pg.interquartile_mean(history.returns[:, 0])
    assert set(history.diagnostics) == {"kls", "outside", "clipped", "largest_ratios", "epochs"}
    assert np.isnan(history.signals).all()
