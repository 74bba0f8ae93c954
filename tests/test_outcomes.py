"""Where learning curves ended, and how soon they were good enough."""

import numpy as np
import pytest

import pgutils as pg

STEPS = np.array([[10, 20, 30, 40], [15, 25, 45, 60]])
RETURNS = np.array([[1.0, 2.0, 4.0, 8.0], [3.0, 5.0, 7.0, 1.0]])


@pytest.mark.parametrize(("budget", "means"), [(40, [6, 6]), (30, [3, 6]), (31, [6, 6]), (20, [1.5, 4])])
def test_the_iteration_that_uses_up_the_budget_is_the_last_to_count(budget, means):
    np.testing.assert_allclose(pg.final_returns(STEPS, RETURNS, budget, last=2), means)


def test_a_budget_that_is_not_used_up_is_refused():
    with pytest.raises(ValueError, match="must have taken the budget of 41 steps"):
        pg.final_returns(STEPS, RETURNS, 41, last=2)
    with pytest.raises(ValueError, match="20 steps is used up in fewer than 3 iterations"):
        pg.final_returns(STEPS, RETURNS, 20, last=3)
    assert pg.final_returns(STEPS, RETURNS, 20, last=2).shape == (2,)


@pytest.mark.parametrize(
    ("threshold", "window", "steps"),
    [(4, 1, [30, 25]), (4, 2, [40, 25]), (6, 2, [40, 45]), (7, 2, [np.inf, np.inf]), (5, 3, [np.inf, 45])],
)
def test_solved_when_so_many_returns_in_a_row_are_good_enough(threshold, window, steps):
    assert pg.steps_to_solve(STEPS, RETURNS, threshold, window).tolist() == steps


def test_what_was_not_played_solves_nothing():
    returns = np.where(np.arange(4) < [[4], [2]], RETURNS, np.nan)
    assert pg.steps_to_solve(STEPS, returns, 6, 2).tolist() == [40, np.inf]
    assert pg.steps_to_solve(STEPS[:, :2], RETURNS[:, :2], 0, 3).tolist() == [np.inf, np.inf]
