"""Policy gradient methods, executed and measured: the module that the book's chapters build and share."""

from pgutils.advantages import gae, td_errors, td_lambda
from pgutils.animation import animate_episodes
from pgutils.distributions import Categorical, Gaussian
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
from pgutils.exercises import check, hint, predict, probe, progress, reveal, solved
from pgutils.history import History
from pgutils.language import grpo, language_mdp, rloo, spell
from pgutils.losses import clipped_loss, policy_gradient_loss, value_loss
from pgutils.mdp import TabularMDP, exact_policy_gradient
from pgutils.moments import gradient_moments
from pgutils.networks import ValueFunction
from pgutils.outcomes import final_returns, steps_to_solve
from pgutils.pictures import plot_mdp
from pgutils.plotting import method_style, plot_learning_curves, set_style
from pgutils.policies import CategoricalPolicy, GaussianPolicy, softmax_policy, softmax_score
from pgutils.ppo import ppo
from pgutils.problems import mountain_hike, short_corridor
from pgutils.results import load_results, save_results
from pgutils.returns import leave_one_out, normalize, rewards_to_go, total_return
from pgutils.rollouts import EpisodeBatch, collect_episodes
from pgutils.sampling import sample_trajectories
from pgutils.seeding import generator
from pgutils.tables import table
from pgutils.training import train
from pgutils.trajectories import Trajectories
from pgutils.transformer import Transformer, answer_batch, write_answers
from pgutils.trust_region import trust_region
from pgutils.updates import gradient_step

__all__ = [
    "Categorical",
    "CategoricalPolicy",
    "EpisodeBatch",
    "Gaussian",
    "GaussianPolicy",
    "History",
    "TabularMDP",
    "Trajectories",
    "Transformer",
    "ValueFunction",
    "animate_episodes",
    "answer_batch",
    "bootstrap_interval",
    "both_sides",
    "check",
    "clipped_loss",
    "collect_episodes",
    "evaluate",
    "exact_policy_gradient",
    "explained_variance",
    "final_returns",
    "gae",
    "generator",
    "gradient_moments",
    "gradient_step",
    "grpo",
    "hint",
    "interquartile_mean",
    "landed",
    "language_mdp",
    "leave_one_out",
    "load_results",
    "make_envs",
    "method_style",
    "mountain_hike",
    "normalize",
    "plot_learning_curves",
    "plot_mdp",
    "policy_gradient_loss",
    "ppo",
    "predict",
    "probability_of_improvement",
    "probe",
    "progress",
    "reveal",
    "rewards_to_go",
    "rloo",
    "sample_trajectories",
    "save_results",
    "set_style",
    "short_corridor",
    "softmax_policy",
    "softmax_score",
    "solved",
    "spell",
    "steps_to_solve",
    "table",
    "td_errors",
    "td_lambda",
    "total_return",
    "train",
    "trust_region",
    "value_loss",
    "write_answers",
]
