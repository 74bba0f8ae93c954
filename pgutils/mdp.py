"""Markov decision processes small enough to be solved and enumerated exactly."""

from dataclasses import dataclass

import numpy as np

from pgutils.policies import softmax_policy
from pgutils.trajectories import Trajectories, as_probabilities, require_shape

MAX_TRAJECTORIES = 1_000_000


@dataclass(frozen=True, eq=False)
class TabularMDP:
    """A Markov decision process with finitely many states and actions.

    A state in which every action leads back to the state itself with reward 0 is *terminal*: the episode is over.

    Args:
        transitions: P(s' | s, a), shape (S, A, S).
        rewards: the reward for action a in state s, shape (S, A).
        initial: the start distribution, shape (S,).
        gamma: the discount factor, in [0, 1]. With 1, values exist only for policies that end from every state.

    Raises:
        ValueError: a shape, a probability, a reward or ``gamma`` is not what it must be.

    Source: Sutton and Barto (2018), chapter 3. *Introduced in chapter 1.*
    """

    transitions: np.ndarray
    rewards: np.ndarray
    initial: np.ndarray
    gamma: float = 1.0

    def __post_init__(self):
        rewards = np.array(self.rewards, dtype=float)
        if rewards.ndim != 2 or 0 in rewards.shape:
            raise ValueError(f"rewards must have shape (states, actions), got {rewards.shape}")
        num_states, num_actions = rewards.shape
        require_shape("transitions", np.asarray(self.transitions), (num_states, num_actions, num_states))
        require_shape("initial", np.asarray(self.initial), (num_states,))
        transitions = as_probabilities("transitions", self.transitions)
        initial = as_probabilities("initial", self.initial)
        if not np.isfinite(rewards).all():
            raise ValueError("rewards must be finite, got NaN or infinity")
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"gamma must lie in [0, 1], got {self.gamma}")
        for name, array in {"transitions": transitions, "rewards": rewards, "initial": initial}.items():
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @property
    def terminal(self) -> np.ndarray:
        """Which states end the episode, shape (S,), booleans."""
        stays = np.einsum("sas->sa", self.transitions) == 1
        return (stays & (self.rewards == 0)).all(-1)

    def _policy(self, policy) -> np.ndarray:
        """Return ``policy`` (S, A) as probabilities, or raise ValueError."""
        require_shape("policy", np.asarray(policy), self.rewards.shape)
        return as_probabilities("policy", policy)

    def _chain(self, policy: np.ndarray) -> np.ndarray:
        """Return the state-to-state matrix under ``policy`` with the terminal states cut off, shape (S, S)."""
        chain = np.einsum("sa,sat->st", policy, self.transitions)
        if self.gamma == 1:
            self._require_end(chain)
        chain[:, self.terminal] = 0
        return chain

    def _require_end(self, chain: np.ndarray) -> None:
        """Raise ValueError unless a terminal state can be reached from every state."""
        ends = self.terminal
        for _ in range(len(chain)):
            ends = ends | (chain[:, ends] > 0).any(-1)
        if not ends.all():
            state = int(np.argmin(ends))
            raise ValueError(f"with gamma = 1 the values do not exist: from state {state} the policy never ends")

    def state_values(self, policy: np.ndarray) -> np.ndarray:
        """Return the expected return from each state, V(s), shape (S,), by a linear solve.

        Args:
            policy: π(a | s), shape (S, A).

        Raises:
            ValueError: ``policy`` is not a policy, or ``gamma`` is 1 and it never ends from some state.
        """
        policy = self._policy(policy)
        chain = self._chain(policy)
        return np.linalg.solve(np.eye(len(chain)) - self.gamma * chain, (policy * self.rewards).sum(-1))

    def action_values(self, policy: np.ndarray) -> np.ndarray:
        """Return the expected return of each action in each state, Q(s, a), shape (S, A); see ``state_values``."""
        return self.rewards + self.gamma * self.transitions @ self.state_values(policy)

    def occupancy(self, policy: np.ndarray) -> np.ndarray:
        """Return how often each state is visited, Σₜ γᵗ P(sₜ = s), shape (S,); 0 for terminal states.

        Args and errors as for ``state_values``. *Introduced in chapter 2.*
        """
        chain = self._chain(self._policy(policy))
        start = np.where(self.terminal, 0, self.initial)
        return np.linalg.solve(np.eye(len(chain)) - self.gamma * chain.T, start)

    def expected_return(self, policy: np.ndarray) -> float:
        """Return the objective J = E[R(τ)] of ``policy`` (S, A); see ``state_values``."""
        return float(self.initial @ self.state_values(policy))

    def enumerate_trajectories(self, horizon: int) -> Trajectories:
        """Return every trajectory that the dynamics allow, cut off after ``horizon`` steps.

        Raises:
            ValueError: ``horizon`` is less than 1, or there are more than a million trajectories.

        *Introduced in chapter 1.*
        """
        if horizon < 1:
            raise ValueError(f"horizon must be at least 1, got {horizon}")
        states = np.flatnonzero(self.initial)[:, None]
        actions = np.zeros((len(states), 0), dtype=int)
        dynamics = self.initial[states[:, 0]]
        for _ in range(horizon):
            states, actions, dynamics = self._extend(states, actions, dynamics)
        mask = ~self.terminal[states[:, :-1]]
        return Trajectories(states, actions, self.rewards[states[:, :-1], actions], mask, dynamics)

    def _extend(self, states, actions, dynamics):
        """Continue each trajectory by every action and next state; one that has ended continues in one way only."""
        possible = self.transitions[states[:, -1]] > 0
        possible[self.terminal[states[:, -1]], 1:] = False
        if possible.sum() > MAX_TRAJECTORIES:
            raise ValueError(f"more than {MAX_TRAJECTORIES:,} trajectories: choose a smaller horizon")
        which, action, following = np.nonzero(possible)
        return (
            np.column_stack([states[which], following]),
            np.column_stack([actions[which], action]),
            dynamics[which] * self.transitions[states[which, -1], action, following],
        )


def exact_policy_gradient(mdp: TabularMDP, logits: np.ndarray) -> np.ndarray:
    """Return the gradient of J with respect to the logits of a softmax policy, shape (S, A).

    It is d(s) π(a | s) A(s, a), with the occupancy d and the advantage A = Q - V.

    Args:
        mdp: the decision process.
        logits: the policy's parameters, shape (S, A).

    Raises:
        ValueError: as for ``TabularMDP.state_values``.

    Source: the policy gradient theorem, Sutton et al. (1999). *Introduced in chapter 2.*
    """
    policy = softmax_policy(np.asarray(logits, dtype=float))
    advantages = mdp.action_values(policy) - mdp.state_values(policy)[:, None]
    return mdp.occupancy(policy)[:, None] * policy * advantages
