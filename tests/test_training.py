"""The training loop: what it records, that its runs never mix, and that it refuses to go on with nonsense."""

import multiprocessing
from copy import deepcopy
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest
import torch
from scipy import stats

import pgutils as pg

SMALL = {"runs": 3, "iterations": 3, "episodes": 4}


def train(env_id="CartPole-v1", weights=pg.rewards_to_go, **options):
    return pg.train(env_id, weights, **{**SMALL, **options})


@pytest.fixture(scope="module")
def recorded():
    """A short training together with the batches that its weights have seen."""
    batches = []

    def weights(batch):
        batches.append(batch)
        return pg.rewards_to_go(batch)

    return train(weights=weights, gamma=0.9, learning_rate=0.05), batches


def loss_by_hand(policy, batch, weights, run):
    """The loss of one run: one episode and one step at a time, the other runs left in the dark."""
    total = 0.0
    for i, length in enumerate(batch.lengths[run].tolist()):
        obs = torch.zeros_like(batch.obs[:, i, :length])
        obs[run] = batch.obs[run, i, :length]
        log_probs = policy.distribution(obs).log_probs[run]
        for t, action in enumerate(batch.actions[run, i, :length].tolist()):
            total = total - log_probs[t, action] * weights[run, i, t].item()
    return total / batch.mask.shape[1]


# What is recorded


def test_history_has_a_row_for_each_run(recorded):
    history, batches = recorded
    assert len(batches) == 3
    assert history.returns.shape == history.losses.shape == history.env_steps.shape == (3, 3)
    assert {batch.gamma for batch in batches} == {0.9}


def test_returns_are_the_undiscounted_means_of_the_batches(recorded):
    history, batches = recorded
    for iteration, batch in enumerate(batches):
        for run in range(3):
            wanted = np.mean([sum(rewards.tolist()) for rewards in batch.rewards[run]])
            assert history.returns[run, iteration] == pytest.approx(wanted, rel=1e-6)


def test_env_steps_count_what_was_taken_so_far(recorded):
    history, batches = recorded
    for run in range(3):
        taken = [sum(len(episode[episode]) for episode in batch.mask[run]) for batch in batches]
        assert history.env_steps[run].tolist() == [taken[0], taken[0] + taken[1], sum(taken)]


def test_losses_are_those_before_the_update(recorded):
    history, batches = recorded
    for run in range(3):
        wanted = loss_by_hand(history.initial_policy, batches[0], pg.rewards_to_go(batches[0]), run).item()
        assert history.losses[run, 0] == pytest.approx(wanted, rel=1e-10)


def test_each_iteration_is_one_step_of_adam():
    batches = []
    history = train(weights=lambda batch: batches.append(batch) or batch.rewards, iterations=2, learning_rate=0.03)
    policy = deepcopy(history.initial_policy)
    first, second = ([0.0] * len(list(policy.parameters())) for _ in range(2))  # moments of the gradient
    for step, batch in enumerate(batches, start=1):
        policy.zero_grad()
        sum(loss_by_hand(policy, batch, batch.rewards, run) for run in range(3)).backward()
        for i, parameter in enumerate(policy.parameters()):
            first[i] = 0.9 * first[i] + 0.1 * parameter.grad
            second[i] = 0.999 * second[i] + 0.001 * parameter.grad**2
            unbiased, square = first[i] / (1 - 0.9**step), second[i] / (1 - 0.999**step)
            parameter.data -= 0.03 * unbiased / (square.sqrt() + 1e-8)
    for wanted, trained in zip(policy.parameters(), history.policy.parameters(), strict=True):
        torch.testing.assert_close(trained, wanted, rtol=1e-7, atol=1e-10)


def test_weights_may_be_shared_by_all_steps_of_an_episode():
    def spread(batch):
        return pg.total_return(batch)[..., None].expand(batch.mask.shape)

    shared, written_out = train(weights=pg.total_return), train(weights=spread)
    np.testing.assert_array_equal(shared.losses, written_out.losses)
    np.testing.assert_array_equal(shared.returns, written_out.returns)
    assert (shared.losses != train().losses).any()


def test_training_improves_cartpole_and_its_opposite_makes_it_worse():
    options = {"runs": 8, "iterations": 10, "episodes": 8, "learning_rate": 0.03}
    up = train(**options).returns
    down = train(weights=lambda batch: -pg.rewards_to_go(batch), **options).returns
    np.testing.assert_array_equal(up[:, 0], down[:, 0])
    assert pg.interquartile_mean(up[:, -1]) > 2 * pg.interquartile_mean(up[:, 0])
    assert pg.interquartile_mean(down[:, -1]) < 0.7 * pg.interquartile_mean(down[:, 0])


def test_first_returns_are_those_of_an_indifferent_policy():
    # A random CartPole episode lasts about 22 steps. Mann-Whitney against plain random play, at 1e-6, of the means of
    # 8 episodes; an untrained policy is only almost indifferent, so that the seed is fixed.
    first = pg.train("CartPole-v1", runs=64, iterations=1, episodes=8).returns[:, 0]
    env, rng, lengths = gym.make("CartPole-v1").unwrapped, np.random.default_rng(0), []
    env.reset(seed=0)
    for _ in range(64 * 8):
        env.reset()
        lengths.append(1)
        while not env.step(int(rng.integers(2)))[2]:
            lengths[-1] += 1
    assert stats.mannwhitneyu(first, np.reshape(lengths, (64, 8)).mean(-1)).pvalue > 1e-6


# What is recorded for diagnosis


def test_entropies_are_those_of_the_policy_that_acted(recorded):
    history, batches = recorded
    batch, policy = batches[0], history.initial_policy
    for run in range(3):
        probabilities = policy.distribution(batch.obs).log_probs[run][batch.mask[run]].exp().detach()
        assert history.entropies[run, 0] == pytest.approx(stats.entropy(probabilities, axis=-1).mean(), rel=1e-10)


def test_signal_and_noise_split_the_squared_gradient_without_bias():
    # 600 runs with one and the same policy. A bias of four standard errors is found; the seed is fixed.
    runs = 600
    rngs = pg.generator(1).spawn(runs)
    policy = pg.CategoricalPolicy(4, 2, rngs)
    for parameter in policy.parameters():
        parameter.data[:] = parameter.data[:1]
    for episodes in (2, 3, 8):
        batch = pg.collect_episodes(pg.make_envs("CartPole-v1", runs * episodes), policy, rngs, gamma=0.9)
        found = pg.gradient_step(policy, torch.optim.SGD(policy.parameters(), lr=0.0), batch, pg.rewards_to_go(batch))
        gradients = torch.cat([parameter.grad.flatten(1) for parameter in policy.parameters()], 1)
        torch.testing.assert_close(found["signals"] + found["noises"], gradients.square().sum(1))
        deviations = (gradients - gradients.mean(0)).square().sum(1) * runs / (runs - 1)
        bias = found["noises"] - deviations
        assert abs(bias.mean()) < 4 * bias.std() / runs**0.5
        assert 0 < found["signals"].mean() < found["noises"].mean() * episodes


def test_one_episode_tells_nothing_of_the_noise():
    history = train(episodes=1)
    assert np.isnan(history.signals).all()
    assert np.isnan(history.noises).all()


def test_successes_are_the_shares_of_the_episodes_that_succeed(recorded):
    history = train(success=lambda batch: batch.lengths > 20, gamma=0.9, learning_rate=0.05)
    wanted = [(batch.lengths > 20).double().mean(-1).tolist() for batch in recorded[1]]
    assert history.successes.T.tolist() == wanted
    assert np.isnan(recorded[0].successes).all()


def test_training_ends_when_every_run_has_taken_its_steps():
    history = train(iterations=50, env_steps=400)
    assert history.env_steps[:, -1].min() >= 400 > history.env_steps[:, -2].min()
    np.testing.assert_array_equal(history.returns, train(iterations=history.returns.shape[1]).returns)


# The value function


def with_values(**options):
    """Train with the values as baseline, and return the history and the batches."""
    batches = []

    def weights(batch):
        batches.append(batch)
        return pg.rewards_to_go(batch) - batch.values

    return train(weights=weights, **options), batches


def test_values_are_there_when_asked_for(recorded):
    assert all(batch.values is None for batch in recorded[1])
    _, batches = with_values(value_steps=2)
    for batch in batches:
        assert batch.values.shape == batch.mask.shape
        assert not batch.values.requires_grad


def test_values_are_zero_where_no_step_was_taken():
    for batch in with_values(value_steps=2)[1]:
        assert (batch.values[~batch.mask] == 0).all()


def test_values_start_at_the_mean_of_the_returns_seen_before():
    _, (before, after, _) = with_values(value_steps=1, gamma=0.9, episodes=16)
    for run in range(3):
        seen = pg.rewards_to_go(before)[run][before.mask[run]]
        assert seen.mean() > 2 * seen.std(), "so far from 0 that one step of Adam cannot have brought the values here"
        assert (after.values[run][after.mask[run]].mean() - seen.mean()).abs() < 1.5 * seen.std()


def test_values_are_from_before_the_batch_was_seen():
    (_, few), (_, many) = (with_values(value_steps=steps) for steps in (1, 5))
    assert torch.equal(few[0].values, many[0].values)
    assert (few[1].values != many[1].values).any()


def test_values_come_to_predict_the_rewards_to_go():
    batches = []

    def weights(batch):  # the policy stays as it is, so that there is something to be learned
        batches.append(batch)
        return torch.zeros(batch.mask.shape)

    history = train(weights=weights, runs=4, iterations=30, episodes=16, value_steps=10, gamma=0.9)

    def unexplained(batch, run):
        returns, values = (x[run][batch.mask[run]] for x in (pg.rewards_to_go(batch), batch.values))
        return ((returns - values).square().mean() / returns.var(correction=0)).item()

    for run in range(4):
        assert np.mean([unexplained(batch, run) for batch in batches[-10:]]) < 0.6 < unexplained(batches[0], run)
        # A constant error is no variance.
        assert 1 - history.explained_variances[run, -1] <= unexplained(batches[-1], run) * (1 + 1e-9)


def test_values_of_a_run_do_not_depend_on_the_other_runs():
    (together, _), (alone, _) = (with_values(value_steps=3, runs=runs, learning_rate=0.05) for runs in (3, 1))
    np.testing.assert_array_equal(alone.returns, together.returns[:1])
    np.testing.assert_allclose(alone.losses, together.losses[:1], rtol=1e-9)


# Seeds and runs


@pytest.mark.parametrize(
    ("env_id", "options"),
    [("CartPole-v1", {}), ("LunarLander-v3", {"iterations": 2, "episodes": 2})],
    ids=["CartPole-v1", "LunarLander-v3"],
)
@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__ attribute:DeprecationWarning")
class TestSeedsAndRuns:
    def test_the_same_seed_gives_the_same_curve(self, env_id, options):
        one, two = (train(env_id, seed=5, **options) for _ in range(2))
        for name in ("returns", "losses", "env_steps"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        for a, b in zip(one.policy.parameters(), two.policy.parameters(), strict=True):
            assert torch.equal(a, b)

    def test_other_seeds_and_other_runs_differ(self, env_id, options):
        one, two = (train(env_id, seed=seed, **options) for seed in (5, 6))
        rows = [*one.losses, *two.losses]
        assert all((a != b).all() for i, a in enumerate(rows) for b in rows[:i])
        assert (one.returns != two.returns).any()

    def test_a_curve_does_not_change_when_later_runs_are_removed(self, env_id, options):
        together = train(env_id, **options)
        for runs in (1, 2):
            fewer = train(env_id, **{**options, "runs": runs})
            np.testing.assert_array_equal(fewer.returns, together.returns[:runs])
            np.testing.assert_array_equal(fewer.env_steps, together.env_steps[:runs])
            # Padding to another length may change the order of a sum, and with it the last digits of a loss.
            np.testing.assert_allclose(fewer.losses, together.losses[:runs], rtol=1e-12)


def test_a_curve_does_not_change_with_the_number_of_threads():
    one, before = train(), torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        two = train()
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(one.returns, two.returns)
    np.testing.assert_allclose(one.losses, two.losses, rtol=1e-12)


@pytest.mark.parametrize("n_jobs", [2, 3, 9])
def test_nothing_changes_with_the_number_of_processes(n_jobs):
    options = {"env_id": "LunarLander-v3", "runs": 5, "iterations": 2, "episodes": 2, "value_steps": 2}
    alone, shared = train(**options), train(**options, n_jobs=n_jobs)
    np.testing.assert_array_equal(alone.returns, shared.returns)
    np.testing.assert_array_equal(alone.env_steps, shared.env_steps)
    np.testing.assert_allclose(alone.losses, shared.losses, rtol=1e-10)
    for name in ("policy", "initial_policy"):
        pairs = zip(getattr(alone, name).parameters(), getattr(shared, name).parameters(), strict=True)
        assert all(torch.allclose(one, other, rtol=0, atol=1e-12) for one, other in pairs)


def test_an_error_in_another_process_is_not_lost():
    def weights(batch):
        if batch.obs.shape[0] == 1:  # the second process has one run, the first has two
            raise RuntimeError("in the second process")
        return pg.rewards_to_go(batch)

    with pytest.raises(RuntimeError, match="in the second process"):
        train(weights=weights, n_jobs=2)


def test_a_curve_does_not_change_when_earlier_runs_are_removed():
    together = train(learning_rate=0.05)
    envs, rngs = pg.make_envs("CartPole-v1", 4), pg.generator(0).spawn(3)[2:]
    policy = pg.CategoricalPolicy(4, 2, rngs)
    optimizer = torch.optim.Adam(policy.parameters(), lr=0.05)
    for iteration in range(3):
        batch = pg.collect_episodes(envs, policy, rngs)
        loss = pg.gradient_step(policy, optimizer, batch, pg.rewards_to_go(batch))["losses"]
        assert batch.returns.mean() == together.returns[2, iteration]
        assert loss.item() == pytest.approx(together.losses[2, iteration], rel=1e-12)


def test_a_run_learns_from_its_own_weights_only():
    def last_run_without_weight(batch):
        weights = pg.rewards_to_go(batch)
        weights[-1] = 0
        return weights

    whole, partial = train(), train(weights=last_run_without_weight)
    np.testing.assert_array_equal(whole.returns[:-1], partial.returns[:-1])
    assert (partial.losses[-1] == 0).all()
    for before, after in zip(partial.initial_policy.parameters(), partial.policy.parameters(), strict=True):
        assert torch.equal(before[-1], after[-1])
        assert (before[:-1] != after[:-1]).any()


def test_the_initial_policy_is_kept():
    history = train()
    rngs = pg.generator(0).spawn(3)
    drawn = pg.CategoricalPolicy(4, 2, rngs)
    for a, b, c in zip(
        drawn.parameters(), history.initial_policy.parameters(), history.policy.parameters(), strict=True
    ):
        assert torch.equal(a, b)
        assert (b != c).any()


@pytest.mark.parametrize("hidden", [(), (5,), (6, 3)])
def test_hidden_layers_are_as_asked_for(hidden):
    history = train(hidden=hidden, iterations=1)
    sizes = [4, *hidden, 2]
    shapes = [tuple(weight.shape) for weight in history.policy.weights]
    assert shapes == [(3, *pair) for pair in pairwise(sizes)]


def test_one_line_is_left_behind(capsys):
    train(seed=7)
    out, err = capsys.readouterr()
    assert out == "CartPole-v1: 3 runs × 3 iterations × 4 episodes, seed 7\n"
    assert err == ""


# Bad input and divergence


@pytest.mark.parametrize("name", ["runs", "iterations", "episodes", "value_epochs", "n_jobs"])
@pytest.mark.parametrize("number", [0, -2])
def test_counts_must_be_positive(name, number):
    with pytest.raises(ValueError, match=f"{name} must be a whole number of at least 1, got {number}"):
        train(**{name: number})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"env_id": "CartPole-v99"}, "unknown environment id 'CartPole-v99'"),
        ({"gamma": 1.2}, r"gamma must lie in \[0, 1\], got 1.2"),
        ({"gamma": -0.1, "weights": lambda batch: batch.rewards}, r"gamma must lie in \[0, 1\], got -0.1"),
        ({"seed": -1}, "seed must be a non-negative integer, got -1"),
        ({"value_steps": -1}, "value_steps must be a whole number of at least 0, got -1"),
        ({"env_steps": 0}, "env_steps must be a whole number of at least 1, got 0"),
        ({"env_steps": 9, "n_jobs": 2}, "env_steps goes with n_jobs=1, got n_jobs=2"),
        ({"seed": 0.5}, "seed must be a non-negative integer, got 0.5"),
        ({"learning_rate": -1.0}, r"[Ll]earning.rate.* -1.0"),
    ],
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        train(**options)


@pytest.mark.parametrize(
    ("weights", "got"),
    [
        (lambda batch: batch.rewards[:, :1], r"\(3, 1, \d+\)"),
        (lambda batch: batch.rewards[..., :1], r"\(3, 4, 1\)"),
        (lambda batch: batch.rewards.sum((1, 2)), r"\(3,\)"),
    ],
)
def test_weights_must_have_the_shape_of_the_batch(weights, got):
    message = rf"weights must have shape \(3, 4, \d+\) or \(3, 4\), got {got}"
    with pytest.raises(ValueError, match=message):
        train(weights=weights)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
@pytest.mark.parametrize("when", [0, 2])
def test_divergence_names_its_iteration(number, when):
    seen = []

    def update(*args):
        seen.append(args)
        return {"losses": torch.tensor([0.0, number if len(seen) > when else 1.0, 0.0])}

    with pytest.raises(FloatingPointError, match=f"training diverged in iteration {when}: .*(nan|inf)"):
        train(update=update)
    assert len(seen) == when + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"iterations": 1e3}, r"iterations must be a whole number of at least 1, got 1000\.0"),
        ({"runs": 2.0}, r"runs must be a whole number of at least 1, got 2\.0"),
        ({"hidden": 64}, r"hidden must be a tuple of whole numbers such as \(64,\), got 64"),
        ({"hidden": (8, 0)}, r"hidden\[1\] must be a whole number of at least 1, got 0"),
        ({"weights": torch.ones(3)}, r"weights must be a function, got tensor"),
        ({"targets": 0.9}, r"targets must be a function, got 0\.9"),
        ({"update": "ppo"}, "update must be a function, got 'ppo'"),
        ({"optimizer": None}, "optimizer must be a function, got None"),
        ({"policy": 3}, "policy must be a function or None, got 3"),
        ({"success": 200}, "success must be a function or None, got 200"),
        ({"weights": pg.leave_one_out}, r"expected numbers such as rewards_to_go\(batch\), got the batch itself"),
        ({"value_learning_rate": -1.0}, r"value_learning_rate must be positive and finite, got -1\.0"),
        ({"weights": lambda b: torch.full_like(b.rewards, torch.nan)}, "weights must be finite numbers"),
    ],
)
def test_slips_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        train(**options)


def test_weights_on_the_padding_do_not_count():
    def padded_with_nan(batch):
        return torch.where(batch.mask, pg.rewards_to_go(batch), torch.nan)

    np.testing.assert_array_equal(train(weights=padded_with_nan).losses, train().losses)


def test_weights_may_be_an_array():
    arrays = train(weights=lambda batch: pg.rewards_to_go(batch.rewards.numpy()))
    np.testing.assert_array_equal(arrays.losses, train().losses)


def test_the_number_of_threads_is_put_back():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        during = []
        train(weights=lambda batch: during.append(torch.get_num_threads()) or batch.rewards)
        with pytest.raises(ValueError, match="expected numbers"):
            train(weights=pg.leave_one_out)
        assert (set(during), torch.get_num_threads()) == ({1}, 3)
    finally:
        torch.set_num_threads(before)


def interrupting(iteration):
    """Return a weights function that is interrupted in the given iteration of this process."""
    seen = []

    def weights(batch):
        seen.append(batch)
        if len(seen) > iteration and multiprocessing.parent_process() is None:
            raise KeyboardInterrupt
        return pg.rewards_to_go(batch)

    return weights


def test_an_interrupted_training_keeps_what_it_has(capsys):
    whole, stopped = train(iterations=5), train(weights=interrupting(2), iterations=5)
    np.testing.assert_array_equal(stopped.returns, whole.returns[:, :2])
    assert stopped.policy.runs == 3
    assert capsys.readouterr().out.count("\n") == 2


def test_an_interrupted_process_keeps_its_own_runs():
    whole, stopped = train(iterations=5), train(weights=interrupting(2), iterations=5, n_jobs=2)
    np.testing.assert_array_equal(stopped.returns, whole.returns[::2, :2])


def test_a_training_interrupted_before_its_first_step_has_nothing_to_keep():
    with pytest.raises(KeyboardInterrupt):
        train(weights=interrupting(0))


class Walk(gym.Env):
    """Stands for a reader's own environment, known to this process alone."""

    observation_space, action_space = gym.spaces.Discrete(7), gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place = 3
        return self.place, {}

    def step(self, action):
        self.place += 2 * int(action) - 1
        return self.place, float(self.place == 6), self.place in (0, 6), False, {}


@pytest.mark.filterwarnings("ignore:builtin type .* has no __module__ attribute:DeprecationWarning")
@pytest.mark.parametrize("register", [True, False])
def test_ones_own_environment_is_known_in_other_processes(register, capsys):
    env_id = "Walk-v0" if register else lambda: gym.wrappers.TimeLimit(Walk(), 50)
    gym.register("Walk-v0", Walk, max_episode_steps=50)
    try:
        alone, shared = train(env_id, iterations=5), train(env_id, iterations=5, n_jobs=2)
    finally:
        del gym.registry["Walk-v0"]
    np.testing.assert_array_equal(alone.returns, shared.returns)
    assert alone.returns[:, -1].mean() >= alone.returns[:, 0].mean()
    name = "Walk-v0" if register else "<lambda>"
    assert capsys.readouterr().out.startswith(f"{name}: 3 runs")


def test_a_label_says_what_was_trained(capsys):
    train(label="reward-to-go")
    assert capsys.readouterr().out == "reward-to-go, CartPole-v1: 3 runs × 3 iterations × 4 episodes, seed 0\n"


@np.errstate(all="ignore")
@pytest.mark.parametrize("iterations", [1, 3])
def test_an_infinite_learning_rate_diverges(iterations):
    with pytest.raises((FloatingPointError, ValueError), match=r"diverged in iteration \d|learning.rate"):
        train(learning_rate=float("inf"), iterations=iterations)
