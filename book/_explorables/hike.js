// The mathematics of the mountain hike, chapter 2: `theta` holds two logits for each state, `tau` the twelve trajectories.
"use strict";

(() => {
  const { softmax, sum } = explorables;

  /** The same trajectories in a weather in which the path leads from the trailhead to the ridge with this probability. */
  function inWeather({ trajectories, transitions }, ridge) {
    const changed = transitions.map((rows, s) => (s ? rows : [[0, 1 - ridge, ridge, 0], rows[1]]));
    return trajectories.map((trajectory) => ({
      ...trajectory,
      dynamics: trajectory.steps.reduce((p, [s, a], t) => p * changed[s][a][trajectory.states[t + 1]], 1),
    }));
  }

  const returned = (trajectory) => trajectory.return;
  const ownReward = ({ rewards }, t) => rewards[t]; // the wrong line: each score with the reward of its own step

  /**
   * Everything that can be known exactly at `theta`. A trajectory's pull is its probability times the sum of its scores,
   * each multiplied by its weight; the pulls add up to the gradient.
   */
  function exact(theta, tau, weight = returned) {
    const policy = theta.map(softmax);
    const probabilities = tau.map(({ steps, dynamics }) => steps.reduce((p, [s, a]) => p * policy[s][a], dynamics));
    const objective = sum(tau.map((trajectory, i) => probabilities[i] * trajectory.return));
    const add = (trajectory, factor) =>
      theta.map((row, s) =>
        row.map((_, a) =>
          sum(
            trajectory.steps.map(([state, action], t) =>
              state === s ? factor(trajectory, t) * ((action === a) - policy[s][a]) : 0
            ),
          )
        )
      );
    const scores = tau.map((trajectory) => add(trajectory, () => 1));
    const terms = tau.map((trajectory) => add(trajectory, weight));
    const pulls = terms.map((term, i) => term.map((row) => row.map((x) => probabilities[i] * x)));
    const total = theta.map((row, s) => row.map((_, a) => sum(pulls.map((pull) => pull[s][a]))));
    return { policy, probabilities, objective, scores, terms, pulls, total };
  }

  const climb = (theta, gradient, rate) => theta.map((row, s) => row.map((x, a) => x + rate * gradient[s][a]));

  /** Only the difference of a state's two logits counts; it is what the sliders set. */
  const difference = ([path, climbing]) => climbing - path;
  const setDifference = (theta, state, u) => theta.map((row, s) => (s === state ? [-u / 2, u / 2] : row));

  explorables.hike = { inWeather, exact, returned, ownReward, climb, difference, setDifference };
})();
