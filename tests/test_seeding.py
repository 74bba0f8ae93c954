"""Where randomness begins, and how one variable moves all of it."""

import numpy as np
import pytest
import torch

import pgutils as pg
from pgutils.animation import record_episode

OFFSET = "PGUTILS_SEED_OFFSET"


@pytest.fixture(autouse=True)
def _no_offset(monkeypatch):
    monkeypatch.delenv(OFFSET, raising=False)


def test_the_same_seed_gives_the_same_numbers():
    np.testing.assert_array_equal(pg.generator(3).random(10), pg.generator(3).random(10))


def test_different_seeds_give_different_numbers():
    rows = [pg.generator(seed).random(10) for seed in range(20)]
    assert all((a != b).all() for i, a in enumerate(rows) for b in rows[:i])


def test_numpy_integers_are_seeds_too():
    assert pg.generator(np.int64(3)).random() == pg.generator(np.uint8(3)).random() == pg.generator(3).random()


def test_no_offset_is_an_offset_of_zero(monkeypatch):
    without = pg.generator(3).random(10)
    monkeypatch.setenv(OFFSET, "0")
    np.testing.assert_array_equal(pg.generator(3).random(10), without)


def test_no_global_state_is_used():
    pg.generator(0)
    np.random.seed(0)  # noqa: NPY002
    torch.manual_seed(0)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    pg.train("CartPole-v1", runs=2, iterations=1, episodes=2)
    pg.bootstrap_interval([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def short_training():
    history = pg.train("CartPole-v1", runs=2, iterations=1, episodes=3)
    return np.concatenate([history.losses.ravel(), history.policy.weights[0].detach().numpy().ravel()])


def first_pictures():
    return record_episode("CartPole-v1", pg.CategoricalPolicy(4, 2, [np.random.default_rng(0)]), width=300)[:5]


STREAMS = {
    "generator": lambda: pg.generator(3).random(10),
    "spawned": lambda: np.concatenate([rng.random(5) for rng in pg.generator(3).spawn(2)]),
    "train": short_training,
    "bootstrap_interval": lambda: np.array(pg.bootstrap_interval(np.random.default_rng(0).normal(size=(9, 3)))),
    "record_episode": first_pictures,
}


@pytest.mark.parametrize("draw", STREAMS.values(), ids=STREAMS)
def test_the_offset_changes_every_stream(draw, monkeypatch):
    results = [draw(), draw()]
    for offset in ("1", "12345"):
        monkeypatch.setenv(OFFSET, offset)
        results.append(draw())
    np.testing.assert_array_equal(results[0], results[1])
    for i, one in enumerate(results[1:]):
        for other in results[1:][:i]:
            assert (one != other).any()


def test_the_offset_moves_no_seed_onto_another(monkeypatch):
    plain = {pg.generator(seed).random() for seed in range(50)}
    for offset in ("1", "2", "12345"):
        monkeypatch.setenv(OFFSET, offset)
        assert not plain & {pg.generator(seed).random() for seed in range(50)}


@pytest.mark.parametrize("seed", [-1, 1.0, "1", None, np.float64(1), [1, 2]])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed must be a non-negative integer, got ") as error:
        pg.generator(seed)
    assert str(error.value).endswith(repr(seed))


@pytest.mark.parametrize("offset", ["-3", "1.5", "many", ""])
def test_bad_offsets_are_refused(offset, monkeypatch):
    monkeypatch.setenv(OFFSET, offset)
    with pytest.raises(ValueError, match=f"PGUTILS_SEED_OFFSET must be a non-negative integer, got '{offset}'"):
        pg.generator(0)
