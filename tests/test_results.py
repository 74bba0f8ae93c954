"""Recorded runs: what is stored, what a wrong file is told, and that an interrupted recording goes on."""

import numpy as np
import pytest
import record_methods
import record_results
import torch
from record_results import EXPERIMENTS, WEIGHTS, is_recorded, main, stack

import pgutils as pg

SETTINGS = {"env_id": "CartPole-v1", "hidden": (4,), "weights": "total_return", "value_steps": 0}
TINY = {**SETTINGS, "env_steps": 300, "episodes": 2, "gamma": 1.0, "learning_rate": 0.01}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "some-runs.npz"
    pg.save_results(path, {"returns": np.arange(6.0).reshape(2, 3)}, {**SETTINGS, "seeds": [0, 1]}, {"numpy": "2"})
    return path


def test_what_is_stored_is_loaded_without_pickle(path):
    arrays = pg.load_results(path, hidden=(4,), weights="total_return")
    assert list(arrays) == ["returns"]
    assert arrays["returns"].tolist() == [[0, 1, 2], [3, 4, 5]]
    with np.load(path, allow_pickle=False) as file:
        assert '"versions": {"numpy": "2"}' in str(file["about"])


def test_the_folders_of_a_file_are_made_if_need_be(tmp_path):
    for name in ("first", "second"):
        pg.save_results(tmp_path / "some" / "folder" / f"{name}.npz", {"returns": np.zeros(2)}, SETTINGS, {})
    assert len(list((tmp_path / "some" / "folder").iterdir())) == 2


def test_a_missing_file_is_named_with_what_makes_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.npz is missing: run `make results`"):
        pg.load_results(tmp_path / "none.npz")


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.95, 0.999])
def test_a_truncated_file_is_named_with_what_makes_it(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"some-runs\.npz cannot be read .* run `make results`"):
        pg.load_results(path)


def test_a_damaged_file_is_named_with_what_makes_it(path):
    whole = bytearray(path.read_bytes())
    middle = len(whole) // 4
    whole[middle : middle + 40] = bytes(40)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match=r"some-runs\.npz cannot be read .* run `make results`"):
        pg.load_results(path)


def test_a_file_without_settings_is_refused(tmp_path):
    np.savez(tmp_path / "bare.npz", returns=np.zeros(3))
    with pytest.raises(ValueError, match=r"bare\.npz cannot be read"):
        pg.load_results(tmp_path / "bare.npz")


@pytest.mark.parametrize(("name", "value"), [("weights", "rewards_to_go"), ("hidden", (8,)), ("gamma", 0.9)])
def test_other_settings_are_named_with_what_makes_them(path, name, value):
    with pytest.raises(ValueError, match=rf"some-runs\.npz was made with {name}=.*, not .*: run `make results`"):
        pg.load_results(path, **{name: value})


def test_curves_are_padded_with_nan_to_the_longest():
    stacked = stack([{"returns": np.array([[1.0]])}, {"returns": np.array([[2.0, 3.0]])}])
    np.testing.assert_array_equal(stacked["returns"], [[1, np.nan], [2, 3]])


def test_recording_goes_on_where_it_was_interrupted(tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(record_results, "stack", stop)
    with pytest.raises(KeyboardInterrupt):
        main(tmp_path, {"tiny": TINY}, runs=3)
    kept = list(tmp_path.glob(".runs/**/output.pkl"))
    assert len(kept) == 3
    monkeypatch.undo()
    kept[0].unlink()
    times = {file: file.stat().st_mtime_ns for file in kept[1:]}
    monkeypatch.setattr(record_results.Memory, "clear", lambda self, warn: None)
    main(tmp_path, {"tiny": TINY}, runs=3)
    assert {file: file.stat().st_mtime_ns for file in kept[1:]} == times
    assert is_recorded(tmp_path / "tiny.npz", {**TINY, "seeds": [0, 1, 2]})


def test_a_recorded_run_is_that_of_the_book(tmp_path):
    main(tmp_path, {"tiny": TINY}, runs=2)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["tiny.npz"]
    arrays = pg.load_results(tmp_path / "tiny.npz", **TINY, seeds=[0, 1])
    options = {key: value for key, value in TINY.items() if key != "weights"}
    history = pg.train(**options, iterations=300, weights=pg.total_return, runs=1, seed=1)
    returns = arrays["returns"][1]
    np.testing.assert_allclose(returns[~np.isnan(returns)], history.returns[0], rtol=1e-6)
    assert arrays["stochastic_returns"].shape == arrays["greedy_landed"].shape == (2, 100)


def test_the_runs_of_a_job_train_together(tmp_path):
    changes = {"weights": "gae(0.98)", "targets": "td_lambda(1)", "value_steps": 1, "gamma": 0.9}
    pair = {**TINY, **changes, "update": "ppo()", "together": 2}
    main(tmp_path, {"tiny": pair}, runs=4)
    arrays = pg.load_results(tmp_path / "tiny.npz", **pair, seeds=[0, 1])
    options = {"update": pg.ppo(), "value_steps": 1, "gamma": 0.9, "learning_rate": 0.01, "hidden": (4,), "episodes": 2}
    history = pg.train("CartPole-v1", pg.gae(0.98), **options, env_steps=300, iterations=300, runs=2, seed=1)
    returns = arrays["returns"][2:]
    for row, wanted in zip(returns, history.returns, strict=True):
        np.testing.assert_allclose(row[~np.isnan(row)], wanted, rtol=1e-6)
    assert arrays["stochastic_standing"].shape == (4, 100)


@pytest.mark.parametrize("quantity", [pg.gae(0.5), pg.td_lambda(0.5)])
def test_where_the_limit_is_an_end_nothing_lies_beyond_it(quantity):
    cut = torch.tensor([[True, False]])
    batch = pg.EpisodeBatch(
        obs=torch.zeros(1, 2, 3, 1),
        actions=torch.zeros(1, 2, 3),
        rewards=torch.ones(1, 2, 3),
        mask=torch.ones(1, 2, 3, dtype=bool),
        final_obs=torch.zeros(1, 2, 1),
        terminated=~cut,
        truncated=cut,
        gamma=0.9,
        values=torch.full((1, 2, 3), 2.0),
        final_values=torch.where(cut, 5.0, 0.0),
    )
    found = record_results.without_beyond(quantity)(batch)
    assert torch.equal(found[:, 0], found[:, 1])
    assert torch.equal(found[:, 1], quantity(batch)[:, 1])
    assert (found[:, 0] < quantity(batch)[:, 0]).all()


def test_shifted_seeds_are_recorded_elsewhere(tmp_path, monkeypatch):
    assert record_results.folder_of_this_offset() == record_results.Path("book/results")
    main(tmp_path / "here", {"tiny": TINY}, runs=2)
    monkeypatch.setenv("PGUTILS_SEED_OFFSET", "3")
    assert record_results.folder_of_this_offset() == record_results.Path("book/results/offset-3")
    main(tmp_path / "there", {"tiny": TINY}, runs=2)
    here = pg.load_results(tmp_path / "here" / "tiny.npz", seeds=[0, 1], seed_offset=0)
    there = pg.load_results(tmp_path / "there" / "tiny.npz", seeds=[0, 1], seed_offset=3)
    assert not np.array_equal(here["stochastic_returns"], there["stochastic_returns"])
    main(tmp_path / "here", {"tiny": TINY}, runs=2)  # in the same folder they are not taken for one another
    again = pg.load_results(tmp_path / "here" / "tiny.npz", seed_offset=3)
    np.testing.assert_array_equal(again["stochastic_returns"], there["stochastic_returns"])


def test_the_corners_differ_in_the_past_and_in_the_discount():
    rewards = torch.tensor([[[1.0, 2.0, 4.0]]])
    ended = torch.ones(1, 1, dtype=bool)
    batch = pg.EpisodeBatch(
        obs=torch.zeros(1, 1, 3, 1),
        actions=torch.zeros(1, 1, 3),
        rewards=rewards,
        mask=torch.ones(1, 1, 3, dtype=bool),
        final_obs=torch.zeros(1, 1, 1),
        terminated=ended,
        truncated=~ended,
        gamma=0.5,
    )
    weights = {
        name: WEIGHTS[name](batch)
        for name in ("total_return", "discounted_rewards_to_go", "past_and_rewards_to_go", "rewards_to_go")
    }
    assert weights["rewards_to_go"].tolist() == [[[3.0, 4.0, 4.0]]]
    assert weights["discounted_rewards_to_go"].tolist() == [[[3.0, 2.0, 1.0]]]
    assert weights["past_and_rewards_to_go"].tolist() == [[[3.0, 5.0, 6.0]]]
    past = weights["past_and_rewards_to_go"] - weights["rewards_to_go"]
    assert (past + weights["discounted_rewards_to_go"] == weights["total_return"][..., None]).all()


def test_what_is_recorded_already_stays(tmp_path):
    main(tmp_path, {"tiny": TINY}, runs=2)
    before = (tmp_path / "tiny.npz").stat().st_mtime_ns
    main(tmp_path, {"tiny": TINY}, runs=2)
    assert (tmp_path / "tiny.npz").stat().st_mtime_ns == before
    main(tmp_path, {"tiny": {**TINY, "gamma": 0.9}}, runs=2)
    assert (tmp_path / "tiny.npz").stat().st_mtime_ns > before


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_recorded_files_are_those_of_the_script(name):
    path = record_results.Path("book/results", f"{name}.npz")
    assert path.stat().st_size < 200_000
    jobs = record_results.RUNS // EXPERIMENTS[name].get("together", 1)
    assert is_recorded(path, {**EXPERIMENTS[name], "seeds": list(range(jobs)), "seed_offset": 0})


@pytest.mark.parametrize("name", record_methods.EXPERIMENTS)
def test_the_recorded_methods_are_those_of_the_script(name):
    path = record_results.Path("book/results", f"{name}.npz")
    assert path.stat().st_size < 200_000
    about = {**record_methods.EXPERIMENTS[name], "runs": record_results.RUNS, "seed_offset": 0}
    assert is_recorded(path, about)


def test_methods_are_recorded_side_by_side(tmp_path):
    task = {"env_id": "CartPole-v1", "episodes": 2, "gamma": 0.9, "env_steps": 60}
    tiny = {"task": task, "methods": record_methods.METHODS, "sizes": record_methods.ON_CART_POLE}
    record_methods.main(tmp_path, {"tiny": tiny}, runs=2)
    arrays = pg.load_results(tmp_path / "tiny.npz", **tiny, runs=2, seed_offset=0)
    options = {"update": pg.ppo(), "value_steps": 4, "value_epochs": 10, "runs": 2, "iterations": 60}
    history = pg.train(weights=pg.gae(0.95), learning_rate=0.01, value_learning_rate=0.01, **task, **options)
    np.testing.assert_allclose(arrays["PPO returns"], history.returns)
    assert {name.rsplit(" ", 1)[0] for name in arrays} == set(record_methods.METHODS)
    assert (arrays["TRPO env_steps"][:, -1] >= 60).all()


def test_recorded_runs_are_found_from_another_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert pg.load_results("results/lunar-lander-total-return.npz", env_id="LunarLander-v3")["returns"].shape[0] == 16
    with pytest.raises(FileNotFoundError, match=rf"{tmp_path}/results/nothing.npz is missing"):
        pg.load_results("results/nothing.npz")
