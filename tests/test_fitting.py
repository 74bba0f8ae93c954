"""How the values go through a batch: what each step of Adam sees."""

import pytest
import torch

import pgutils as pg
from pgutils.fitting import value_fitter
from pgutils.rollouts import collect_episodes


class Watched(pg.ValueFunction):
    """A value function that keeps the masks with which a gradient was taken."""

    def forward(self, obs, mask):
        if torch.is_grad_enabled():
            self.seen.append(mask)
        return super().forward(obs, mask)


@pytest.fixture
def fitted():
    """The batch, and what a fit with so many steps and epochs has seen of it."""

    def fit(steps, epochs):
        rngs = pg.generator(0).spawn(2)
        policy, values = pg.CategoricalPolicy(4, 2, rngs, (8,)), Watched(4, rngs, (8,))
        batch = collect_episodes(pg.make_envs("CartPole-v1", 6), policy, rngs, 0.9)
        values.seen = []
        value_fitter(values, pg.rewards_to_go, 1e-2, steps, epochs)(batch)
        return batch, torch.stack(values.seen)

    return fit


@pytest.mark.parametrize(("steps", "epochs"), [(1, 1), (4, 1), (4, 3)])
def test_each_epoch_sees_every_step_taken_once(fitted, steps, epochs):
    batch, seen = fitted(steps, epochs)
    assert len(seen) == steps * epochs
    for epoch in seen.split(steps):
        assert torch.equal(epoch.sum(0), batch.mask.long())


def test_a_step_of_adam_sees_every_so_manieth_time_step_and_of_each_episode_others(fitted):
    _, seen = fitted(4, 1)
    for mask in seen:
        for run in mask:
            _, episodes, steps = (i.tolist() for i in run[None].nonzero(as_tuple=True))
            assert len({(episode + step) % 4 for episode, step in zip(episodes, steps, strict=True)}) == 1
    assert (seen[:, :, 0] != seen[:, :, 1]).any()
