"""Long work runs on a cluster by selecting joblib's Dask backend around the call; tried on a real cluster of two."""

import numpy as np
import pytest
from dask.distributed import Client, LocalCluster
from joblib import parallel_config
from record_results import main

import pgutils as pg

TRAINING = {"env_id": "CartPole-v1", "runs": 4, "iterations": 3, "episodes": 4, "seed": 7}
RECORDING = {
    "env_id": "CartPole-v1",
    "env_steps": 300,
    "episodes": 2,
    "gamma": 1.0,
    "learning_rate": 0.01,
    "hidden": (4,),
    "weights": "total_return",
    "value_steps": 0,
}


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


def work_seen(client):
    """How many events the cluster's scheduler has seen so far."""
    return client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.transition_log))


def test_training_is_the_same_on_a_cluster(client):
    here, before = pg.train(**TRAINING), work_seen(client)
    with parallel_config("dask"):
        there = pg.train(**TRAINING, n_jobs=2)
    assert work_seen(client) > before
    np.testing.assert_array_equal(there.returns, here.returns)
    np.testing.assert_array_equal(there.losses, here.losses)


def test_recording_is_the_same_on_a_cluster(client, tmp_path):
    main(tmp_path / "here", {"tiny": RECORDING}, runs=3)
    before = work_seen(client)
    with parallel_config("dask"):
        main(tmp_path / "there", {"tiny": RECORDING}, runs=3)
    assert work_seen(client) > before
    here, there = (pg.load_results(tmp_path / where / "tiny.npz", **RECORDING) for where in ("here", "there"))
    assert here.keys() == there.keys()
    for name, array in here.items():
        np.testing.assert_array_equal(there[name], array)
