"""Policy gradient methods, executed and measured: the module that the book's chapters build and share."""

from pgutils.animation import animate_episodes
from pgutils.environments import make_envs
from pgutils.equations import both_sides
from pgutils.evaluation import (
    bootstrap_interval,
    evaluate,
    explained_variance,
    interquartile_mean,
    landed,
    probability_of_improvement,
)
from pgutils.exercises import check, hint, probe, progress, solved
from pgutils.losses import policy_gradient_loss, value_loss
from pgutils.mdp import TabularMDP, Trajectories, exact_policy_gradient, mountain_hike, short_corridor
from pgutils.moments import gradient_moments
from pgutils.plotting import method_style, plot_learning_curves, plot_mdp, set_style
from pgutils.policies import CategoricalPolicy, ValueFunction, softmax_policy, softmax_score
from pgutils.results import load_results, save_results
from pgutils.returns import leave_one_out, normalize, rewards_to_go, total_return
from pgutils.rollouts import EpisodeBatch, collect_episodes, sample_trajectories
from pgutils.seeding import generator
from pgutils.tables import table
from pgutils.training import History, train

__all__ = [
    "CategoricalPolicy",
    "EpisodeBatch",
    "History",
    "TabularMDP",
    "Trajectories",
    "ValueFunction",
    "animate_episodes",
    "bootstrap_interval",
    "both_sides",
    "check",
    "collect_episodes",
    "evaluate",
    "exact_policy_gradient",
    "explained_variance",
    "generator",
    "gradient_moments",
    "hint",
    "interquartile_mean",
    "landed",
    "leave_one_out",
    "load_results",
    "make_envs",
    "method_style",
    "mountain_hike",
    "normalize",
    "plot_learning_curves",
    "plot_mdp",
    "policy_gradient_loss",
    "probability_of_improvement",
    "probe",
    "progress",
    "rewards_to_go",
    "sample_trajectories",
    "save_results",
    "set_style",
    "short_corridor",
    "softmax_policy",
    "softmax_score",
    "solved",
    "table",
    "total_return",
    "train",
    "value_loss",
]
