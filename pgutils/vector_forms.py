"""Two of Gymnasium's environments with all copies in one array: the same steps, many times faster."""

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.vector import AutoresetMode


class _VectorForm(gym.vector.VectorEnv):
    """What both have in common: a state (2, copies), and a limit on the steps.

    Args:
        copies: how many.
        spec: of the original, whose limit on the steps it keeps.
    """

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 (Gymnasium's own name for it)

    def __init__(self, copies: int, spec: EnvSpec):
        self.num_envs, self.spec, self.limit = copies, spec, spec.max_episode_steps
        self.single_observation_space = gym.spaces.Box(self.low, self.high)
        self.single_action_space = gym.spaces.Box(-self.force, self.force, (1,))

    def reset(self, *, seed=None, options=None):
        """Start an episode in every copy."""
        super().reset(seed=seed)
        self.state, self.steps = self.start(), 0
        return self.obs(), {}

    def step(self, actions):
        """Step every copy, also those that have ended."""
        rewards, terminated = self.advance(actions[:, 0].astype(np.float32))
        self.steps += 1
        return self.obs(), rewards, terminated, np.full(self.num_envs, self.steps >= self.limit), {}


class VectorPendulum(_VectorForm):
    """Pendulum-v1: the state is angle and angular velocity, the observation cosine, sine and velocity."""

    low, high, force = np.array([-1, -1, -8], np.float32), np.array([1, 1, 8], np.float32), 2.0

    def start(self):
        """Draw the states at the start of an episode."""
        reach = np.array([[np.pi], [1.0]])
        return self.np_random.uniform(-reach, reach, size=(2, self.num_envs))

    def obs(self):
        """Return the observations, shape (copies, 3)."""
        angle, velocity = self.state
        return np.stack([np.cos(angle), np.sin(angle), velocity], -1).astype(np.float32)

    def advance(self, torque):
        """Move by 0.05 s; return the rewards, and that nothing has terminated."""
        angle, velocity = self.state
        torque = np.clip(torque, -2, 2)
        upright = (angle + np.pi) % (2 * np.pi) - np.pi
        cost = upright**2 + 0.1 * velocity**2 + 0.001 * torque**2
        velocity = np.clip(velocity + (15 * np.sin(angle) + 3 * torque) * 0.05, -8, 8)
        self.state = np.stack([angle + velocity * 0.05, velocity])
        return -cost, np.zeros(self.num_envs, bool)


class VectorMountainCarContinuous(_VectorForm):
    """MountainCarContinuous-v0: state and observation are position and velocity, kept in float32 as there."""

    low, high, force = np.array([-1.2, -0.07], np.float32), np.array([0.6, 0.07], np.float32), 1.0

    def start(self):
        """Draw the states at the start of an episode: at rest in the valley."""
        position = self.np_random.uniform(-0.6, -0.4, size=(1, self.num_envs))
        return np.concatenate([position, np.zeros_like(position)])

    def obs(self):
        """Return the observations, shape (copies, 2)."""
        return self.state.T.astype(np.float32)

    def advance(self, force):
        """Move by one step; return the rewards, and which copies have reached the goal."""
        position, velocity = self.state
        slope = (0.0025 * np.cos((3 * position).astype(float))).astype(np.float32)
        velocity = np.clip(velocity + (np.clip(force, -1, 1) * np.float32(0.0015) - slope), -0.07, 0.07)
        position = np.clip(position + velocity, -1.2, 0.6)
        velocity = np.where((position == position.dtype.type(-1.2)) & (velocity < 0), 0, velocity)
        self.state = np.stack([position, velocity]).astype(np.float32)
        reached = (position >= 0.45) & (velocity >= 0)
        return 100.0 * reached - 0.1 * force.astype(float) ** 2, reached
