"""The exercises of chapter 7: TD errors, mixtures of estimates, and what lies beyond the end of an episode."""

import numpy as np

from pgutils.exercises.exercise import Exercise, Mistake


def following(values, final_value):
    """Return V(s_{t+1}) of each step of one episode, shape (T,)."""
    return np.append(values[1:], final_value)


def discounted_sum(numbers, factor):
    """Return Σ_k factor^k numbers_{t+k} for each t, over the last axis."""
    total, from_last = 0.0, []
    for step in reversed(range(numbers.shape[-1])):
        total = numbers[..., step] + factor * total
        from_last.append(total)
    return np.stack(from_last[::-1], -1)


def td_errors(rewards, values, final_value, terminated, gamma):
    """Return all TD errors of one episode, shape (T,)."""
    return rewards + gamma * following(values, 0.0 if terminated else final_value) - values


TD_ERROR = Exercise(
    name="td-errors",
    chapter=7,
    solution=lambda rewards, values, final_value, terminated, gamma: td_errors(
        rewards, values, final_value, terminated, gamma
    ),
    probes={
        "one step, terminated": (np.array([1.0]), np.array([3.0]), 4.0, True, 0.5),
        "one step, truncated": (np.array([1.0]), np.array([3.0]), 4.0, False, 0.5),
        "three steps, terminated": (np.array([1.0, -2.0, 4.0]), np.array([2.0, 0.5, -1.0]), 3.0, True, 0.9),
        "three steps, truncated": (np.array([1.0, -2.0, 4.0]), np.array([2.0, 0.5, -1.0]), 3.0, False, 0.9),
    },
    mistakes=(
        Mistake(
            "merged termination",
            lambda rewards, values, final_value, terminated, gamma: td_errors(
                rewards, values, final_value, True, gamma
            ),
            "an episode that was cut off is treated as if it had ended.",
            "the last steps before the limit look like disasters, and the values learn to expect them.",
            "who stopped the episode: the task, or the clock?",
        ),
        Mistake(
            "value beyond the end",
            lambda rewards, values, final_value, terminated, gamma: td_errors(
                rewards, values, final_value, False, gamma
            ),
            "you look beyond the end of an episode that has terminated.",
            "the fatal action is paid for a future that never comes.",
            "what can still be earned when the pole has fallen?",
        ),
        Mistake(
            "terminated turned round",
            lambda rewards, values, final_value, terminated, gamma: td_errors(
                rewards, values, final_value, not terminated, gamma
            ),
            "the two kinds of end have changed places.",
            "falling is paid for, and lasting to the limit is punished.",
            "after which kind of end would rewards have followed?",
        ),
        Mistake(
            "no discount",
            lambda rewards, values, final_value, terminated, gamma: td_errors(
                rewards, values, final_value, terminated, 1.0
            ),
            "the next value is not discounted.",
            "where values are positive, so is the mean error, though nothing is better than expected.",
            "from which step's point of view does V(s_{t+1}) speak?",
        ),
        Mistake(
            "value of the wrong step",
            lambda rewards, values, final_value, terminated, gamma: (
                rewards + gamma * values - following(values, 0.0 if terminated else final_value)
            ),
            "the two values have changed places.",
            "actions that lead to good states are pushed down.",
            "which of the two values was known before the action, and which after?",
        ),
        Mistake(
            "own value on both sides",
            lambda rewards, values, final_value, terminated, gamma: rewards + gamma * values - values,
            "you take the same step's value twice.",
            "what an action leads to does not count.",
            "where does the action lead?",
        ),
        Mistake(
            "target",
            lambda *args: td_errors(*args) + args[1],
            "this is what the value should become: nothing has been subtracted yet.",
            "the same mean, but all the variance that a baseline would have taken away.",
            "an error is the difference between what came and what was expected.",
        ),
        Mistake(
            "~ for not",
            lambda rewards, values, final_value, terminated, gamma: (
                rewards + gamma * following(values, (-2 if terminated else -1) * final_value) - values
            ),
            "`~` of Python's True is -2, and of False -1: a number to multiply with, not the opposite.",
            "the future is subtracted, and after a failure twice.",
            "print `~terminated`. Which word does Python have for it?",
            also=(
                lambda rewards, values, final_value, terminated, gamma: (
                    rewards + gamma * following(values, final_value) * (-2 if terminated else -1) - values
                ),
            ),
        ),
        Mistake(
            "no next values at all",
            lambda rewards, values, final_value, terminated, gamma: (
                rewards + gamma * (not terminated) * following(values, final_value) - values
            ),
            "where the episode terminated, you drop the next value of every step.",
            "of an episode that ends by itself, no step is judged by where it led.",
            "after which one of its steps is nothing left to come?",
        ),
        Mistake(
            "begun anew",
            lambda rewards, values, final_value, terminated, gamma: rewards + gamma * np.roll(values, -1) - values,
            "after its end the episode begins anew: the last step's next value is that of the first.",
            "the fatal action is paid for a new start.",
            "which number does `np.roll` put at the end?",
        ),
        Mistake(
            "γ on both values",
            lambda rewards, values, final_value, terminated, gamma: (
                rewards + gamma * (following(values, 0.0 if terminated else final_value) - values)
            ),
            "γ multiplies both values.",
            "the mean of the errors is not 0 where the values are right.",
            "from which step's point of view do the two values speak?",
        ),
        Mistake(
            "γᵗ",
            lambda *args: td_errors(*args) * args[-1] ** np.arange(len(args[0])),
            "the errors are right; then you multiply them by γᵗ.",
            "none for the gradient of J, which has this factor. Here it is not asked for.",
            "the task says which difference is wanted.",
        ),
        Mistake(
            "own reward left out",
            lambda *args: td_errors(*args) - args[0],
            "the reward is missing.",
            "an action gets no credit for what it earns at once.",
            "three terms make an error; which one of them was really seen?",
        ),
        Mistake(
            "sign",
            lambda *args: -td_errors(*args),
            "this is what was expected, minus what came.",
            "what was better than expected is pushed down.",
            "should a pleasant surprise be positive or negative?",
        ),
    ),
    hints=(
        "Line up rewards, values, and the values one step later.",
        "Only the last step is special: there the next value is `final_value`, or nothing.",
    ),
)


def mixture(deltas, gamma, lam):
    """Return Σ_k (γλ)^k δ_{t+k}, shape (T,)."""
    return discounted_sum(deltas, gamma * lam)


GAE_SUM = Exercise(
    name="gae-sum",
    chapter=7,
    solution=lambda deltas, gamma, lam: mixture(deltas, gamma, lam),
    probes={
        "two steps": (np.array([1.0, 2.0]), 0.5, 0.5),
        "three steps": (np.array([1.0, -2.0, 4.0]), 0.9, 0.8),
        "λ = 0": (np.array([1.0, -2.0, 4.0]), 0.9, 0.0),
        "λ = 1": (np.array([1.0, -2.0, 4.0]), 0.9, 1.0),
        "γλ near 1": (np.sin(np.arange(400.0)), 0.999, 0.999),
    },
    mistakes=(
        Mistake(
            "λ forgotten",
            lambda deltas, gamma, lam: discounted_sum(deltas, gamma),
            "λ has no say: this is the reward-to-go minus the value.",
            "unbiased, with all the variance that λ is there to reduce.",
            "two factors stand in the bracket that is raised to the k.",
        ),
        Mistake(
            "γ forgotten",
            lambda deltas, gamma, lam: discounted_sum(deltas, lam),
            "γ has no say.",
            "later errors count too much; with λ = 1 the sum is no longer a return minus a value.",
            "two factors stand in the bracket that is raised to the k.",
        ),
        Mistake(
            "λ counted once",
            lambda deltas, gamma, lam: (1 - lam) * deltas + lam * discounted_sum(deltas, gamma),
            "λ stands in front of all later errors alike, and not to the power of k.",
            "errors far ahead, which are mostly noise, fade no faster than in a reward-to-go.",
            "what is raised to the k?",
            also=(lambda deltas, gamma, lam: lam * discounted_sum(deltas, gamma),),
        ),
        Mistake(
            "error itself",
            lambda deltas, gamma, lam: deltas,
            "these are the TD errors, the case λ = 0.",
            "as wrong as the values are.",
            "where do the errors of later steps come in?",
        ),
        Mistake(
            "backwards in time",
            lambda deltas, gamma, lam: mixture(deltas[::-1], gamma, lam)[::-1],
            "you sum the errors of earlier steps.",
            "only the own error is left on average; the earlier ones have mean 0.",
            "which errors can an action still influence?",
        ),
        Mistake(
            "own error left out",
            lambda deltas, gamma, lam: mixture(deltas, gamma, lam) - deltas,
            "the sum starts at k = 1.",
            "an action gets no credit for its own surprise.",
            "what is a number to the power of 0?",
        ),
        Mistake(
            "one factor too many",
            lambda deltas, gamma, lam: gamma * lam * mixture(deltas, gamma, lam),
            "every exponent is one too large.",
            "a shorter step; with λ = 0 none at all.",
            "what is the factor of the error of the step itself?",
        ),
        Mistake(
            "weights from the start of the episode",
            lambda deltas, gamma, lam: mixture(deltas, gamma, lam) * (gamma * lam) ** np.arange(len(deltas)),
            "you count the delay from the start of the episode, not from step t.",
            "late actions hardly learn.",
            "the exponent is the distance between two steps. Which two?",
        ),
        Mistake(
            "one factor for all",
            lambda deltas, gamma, lam: deltas + gamma * lam * (discounted_sum(deltas, 1.0) - deltas),
            "all later errors count alike, however far away.",
            "the variance grows with the length of the episode.",
            "what is raised to the k?",
        ),
        Mistake(
            "shares of a mixture",
            lambda deltas, gamma, lam: (1 - lam) * mixture(deltas, gamma, lam),
            "you multiply by 1 - λ.",
            "the nearer λ is to 1, the shorter the step; with λ = 1 there is none.",
            "the shares of the n-step estimates have this factor; has the sum of errors?",
        ),
        Mistake(
            "mean in place of a sum",
            lambda deltas, gamma, lam: mixture(deltas, gamma, lam) / mixture(np.ones_like(deltas), gamma, lam),
            "you divide by the sum of the weights.",
            "with λ = 1 it is no longer the reward-to-go minus the value, and no longer unbiased.",
            "the weights of the n-step estimates add up to 1; must those of the errors?",
        ),
    ),
    hints=(
        "Two loops will do: one over t, one over the steps from t on.",
        "The error of step t + k counts (γλ)^k times in the estimate of step t.",
    ),
)


def inside(values, lengths):
    """Return where a step was taken, shape (N, T)."""
    return np.arange(values.shape[1]) < lengths[:, None]


def padded_gae(rewards, values, lengths, final_values, gamma, lam, inside=None, masked=True, own_padding=False):
    """Return GAE of padded episodes, shape (N, T); the keywords are for mistakes."""
    step, last = np.arange(rewards.shape[1]), lengths[:, None] - 1
    later = np.concatenate([values[:, 1:], np.zeros((len(values), 1))], 1)
    later = later if own_padding else np.where(step == last, final_values[:, None], later)
    deltas = rewards + (gamma if inside is None else inside) * later - values
    return discounted_sum(deltas * (step <= last) if masked else deltas, gamma * lam)


def some_episodes(final_values):
    """Return rewards, values (both (3, 4), the values of the padding not 0), lengths and final values."""
    rewards = np.array([[1.0, 2.0, 0.5, -1.0], [3.0, -1.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]])
    values = np.array([[2.0, 1.0, -1.0, 0.5], [0.5, 1.5, 9.0, 8.0], [1.0, 7.0, -6.0, 5.0]])
    return rewards, values, np.array([4, 2, 1]), np.array(final_values)


def everywhere(rewards, values, final_values, gamma, lam):
    """Return GAE as if all episodes were as long as the longest, shape (N, T)."""
    return discounted_sum(rewards + gamma * np.column_stack([values[:, 1:], final_values]) - values, gamma * lam)


def long_episodes():
    """Return rewards, values (both (2, 400)), lengths and final values of a long episode and a short one."""
    steps = np.arange(400.0)
    rewards = np.stack([np.sin(steps), np.where(steps < 5, 1.0, 0.0)])
    return rewards, np.stack([np.cos(steps), np.cos(2 * steps)]), np.array([400, 5]), np.array([2.0, 0.0])


GAE_BATCH = Exercise(
    name="gae-batch",
    chapter=7,
    solution=lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
        rewards, values, lengths, final_values, gamma, lam
    ),
    probes={
        "one step": (np.array([[1.0]]), np.array([[2.0]]), np.array([1]), np.array([4.0]), 0.5, 0.5),
        "three terminated episodes": (*some_episodes([0.0, 0.0, 0.0]), 0.9, 0.8),
        "the same, truncated": (*some_episodes([3.0, 2.0, -2.0]), 0.9, 0.8),
        "λ = 1": (*some_episodes([3.0, 0.0, -2.0]), 0.9, 1.0),
        "λ = 0": (*some_episodes([3.0, 0.0, -2.0]), 0.9, 0.0),
        "γλ near 1": (*long_episodes(), 0.999, 0.999),
    },
    mistakes=(
        Mistake(
            "merged termination",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, 0 * final_values, gamma, lam
            ),
            "what lies beyond the end is left out: all episodes end as if they had terminated.",
            "the last steps before the limit look like disasters.",
            "what is the next value at the last step of an episode?",
        ),
        Mistake(
            "values of the padding",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, final_values, gamma, lam, own_padding=True
            ),
            "at the last step you look up the next value in the padding.",
            "whatever the network says of a row of zeros becomes part of the last advantage.",
            "episodes differ in length. Where does each of them end?",
        ),
        Mistake(
            "padding not masked",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, final_values, gamma, lam, masked=False
            ),
            "the padding has errors of its own, and they leak into the steps before.",
            "short episodes get advantages that nobody earned.",
            "what should the error be where no step was taken?",
            also=(
                lambda rewards, values, lengths, final_values, gamma, lam: (
                    padded_gae(rewards, values, lengths, final_values, gamma, lam, masked=False)
                    * inside(values, lengths)
                ),
                lambda rewards, values, lengths, final_values, gamma, lam: (
                    everywhere(rewards, values, final_values, gamma, lam) * inside(values, lengths)
                ),
                lambda rewards, values, lengths, final_values, gamma, lam: everywhere(
                    rewards, values, final_values, gamma, lam
                ),
            ),
        ),
        Mistake(
            "γλ where γ is meant",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, final_values, gamma, lam, inside=gamma * lam
            ),
            "λ has found its way into the TD error.",
            "even exact values give a biased gradient.",
            "λ mixes the errors. Does an error itself know about it?",
        ),
        Mistake(
            "γ where γλ is meant",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, final_values, gamma, 1.0
            ),
            "the recursion is without λ: this is the reward-to-go minus the value.",
            "unbiased, with all the variance that λ is there to reduce.",
            "by what does the error of the next step shrink on its way back?",
        ),
        Mistake(
            "λ where γλ is meant",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, final_values, 1.0, lam, inside=gamma
            ),
            "the recursion is without γ.",
            "later errors count too much; λ = 1 is not unbiased any more.",
            "by what does the error of the next step shrink on its way back?",
        ),
        Mistake(
            "targets",
            lambda rewards, values, lengths, final_values, gamma, lam: (
                padded_gae(rewards, values, lengths, final_values, gamma, lam)
                + values * (np.arange(values.shape[1]) < lengths[:, None])
            ),
            "you have added the values: these are the targets, not the advantages.",
            "the same mean, but all the variance that a baseline would have taken away.",
            "which of the two multiplies the score?",
        ),
        Mistake(
            "error itself",
            lambda rewards, values, lengths, final_values, gamma, lam: padded_gae(
                rewards, values, lengths, final_values, gamma, 0.0
            ),
            "these are the TD errors.",
            "as wrong as the values are.",
            "what comes back from the next step?",
        ),
        Mistake(
            "final value as an advantage",
            lambda rewards, values, lengths, final_values, gamma, lam: (
                padded_gae(rewards, values, lengths, final_values, gamma, lam)
                + np.where(
                    np.arange(rewards.shape[1]) < lengths[:, None],
                    final_values[:, None]
                    * (gamma * lam) ** np.maximum(lengths[:, None] - np.arange(rewards.shape[1]), 0),
                    0.0,
                )
            ),
            "the sum starts from the final value, which is no advantage.",
            "before a cut the final value counts 1 + λ times.",
            "how large is the advantage after the last step?",
        ),
        Mistake(
            "final value in the last column",
            lambda rewards, values, lengths, final_values, gamma, lam: discounted_sum(
                np.where(
                    np.arange(rewards.shape[1]) < lengths[:, None],
                    rewards
                    + gamma * np.column_stack([np.where(inside(values, lengths), values, 0)[:, 1:], final_values])
                    - values,
                    0.0,
                ),
                gamma * lam,
            ),
            "the final value stands in the last column, where only the longest episode has its end.",
            "a short episode that was cut is treated as if it had terminated.",
            "episodes differ in length. Where does each of them end?",
        ),
        Mistake(
            "sign",
            lambda *args: -padded_gae(*args),
            "return and value have changed places.",
            "what was better than expected is pushed down.",
            "should a pleasant surprise be positive or negative?",
        ),
    ),
    hints=(
        "First all errors, then the recursion from the last step to the first.",
        "Set the errors of the padding to 0, and nothing leaks.",
        "At the last step, `lengths - 1`, the next value is `final_values`.",
    ),
)


def n_step(rewards, values, n, gamma):
    """Return all n-step returns of an episode that terminated, shape (T,)."""
    target = values
    for _ in range(n):
        target = rewards + gamma * following(target, 0.0)
    return target


def without_end(rewards, values, n, gamma):
    """Return n-step returns in which the episode begins anew after its end."""
    target = values
    for _ in range(n):
        target = rewards + gamma * np.roll(target, -1)
    return target


N_STEP = Exercise(
    name="n-step-return",
    chapter=7,
    solution=lambda rewards, values, n, gamma: n_step(rewards, values, n, gamma),
    probes={
        "one step ahead": (np.array([1.0, 2.0]), np.array([3.0, 5.0]), 1, 0.5),
        "two steps ahead": (np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 7.0]), 2, 0.5),
        "three of five": (np.array([1.0, -2.0, 4.0, 0.5, 3.0]), np.array([2.0, 1.0, -1.0, 0.5, 6.0]), 3, 0.9),
        "beyond the end": (np.array([1.0, 2.0, 4.0]), np.array([3.0, 5.0, 7.0]), 9, 0.9),
        "150 of 400": (np.sin(np.arange(400.0)), np.cos(np.arange(400.0)), 150, 0.999),
    },
    mistakes=(
        Mistake(
            "one reward too many",
            lambda rewards, values, n, gamma: n_step(rewards, values, n + 1, gamma),
            "you wait for one reward more.",
            "another mixture of bias and noise than you think you have.",
            "with n = 1 there is one reward.",
        ),
        Mistake(
            "a reward beyond the value",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n + 1, gamma) + n_step(0 * rewards, values, n, gamma)
            ),
            "you take n + 1 rewards, and the value of the state before the last of them.",
            "one reward counts twice, by itself and in the value.",
            "with n = 1 there is one reward. Of which state is the value?",
        ),
        Mistake(
            "value of the state before",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, gamma) + gamma * n_step(0 * rewards, values, n - 1, gamma)
            ),
            "the value is that of one state too early.",
            "the last reward counts twice, by itself and in the value.",
            "with n = 1, in which state are you after the reward?",
            also=(
                lambda rewards, values, n, gamma: (
                    n_step(rewards, 0 * values, n, gamma)
                    + gamma**n
                    * values[np.minimum(np.arange(len(values)) + n - 1, len(values) - 1)]
                    * (np.arange(len(values)) + n - 1 < len(values))
                ),
            ),
        ),
        Mistake(
            "the last value for ever",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, gamma)
                + gamma**n * values[np.minimum(np.arange(len(values)) + n, len(values) - 1)]
            ),
            "beyond the end you take the last value; nothing follows a termination.",
            "the fatal action is paid for a future that never comes.",
            "what can still be earned after the last step?",
        ),
        Mistake(
            "one reward too few",
            lambda rewards, values, n, gamma: n_step(rewards, values, n - 1, gamma),
            "you wait for one reward less.",
            "with n = 1 the value is its own target and learns nothing.",
            "with n = 1 there is one reward.",
        ),
        Mistake(
            "value not discounted",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, gamma) + n_step(0 * rewards, values, n, 1.0)
            ),
            "the value at the end of the look-ahead is not discounted.",
            "where values are positive, the targets are too large.",
            "how many steps lie between now and that value?",
        ),
        Mistake(
            "value discounted once",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, gamma) + gamma * n_step(0 * rewards, values, n, 1.0)
            ),
            "the value at the end of the look-ahead is discounted by a single step.",
            "with positive values and n > 1 the targets are too large.",
            "how many steps lie between now and that value?",
        ),
        Mistake(
            "rewards not discounted",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, 1.0) + n_step(0 * rewards, values, n, gamma)
            ),
            "the rewards are not discounted.",
            "where rewards are positive, the targets are too large, the more so the larger n.",
            "the reward k steps ahead counts γ^k times.",
        ),
        Mistake(
            "begun anew",
            without_end,
            "after its end the episode begins anew.",
            "late steps are paid for rewards of the start.",
            "what comes after the last step of an episode that has terminated?",
        ),
        Mistake(
            "no value",
            lambda rewards, values, n, gamma: n_step(rewards, 0 * values, n, gamma),
            "the value at the end of the look-ahead is missing.",
            "all that comes n steps later or more counts for nothing.",
            "what stands for the rewards that you did not wait for?",
        ),
        Mistake(
            "advantage",
            lambda rewards, values, n, gamma: n_step(rewards, values, n, gamma) - values,
            "you have subtracted the value already: this is the estimate of the advantage.",
            "as a target it would teach the value function its own error.",
            "a return, not an advantage, is asked for.",
        ),
        Mistake(
            "exponent too small",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, gamma) + n_step(0 * rewards, values, n, 1.0) * gamma ** (n - 1)
            ),
            "the value at the end of the look-ahead is discounted once too little.",
            "with positive values the targets are too large; γ = 1 hides it.",
            "with n = 1 the value is that of the next state. How far away is it?",
        ),
        Mistake(
            "exponent too large",
            lambda rewards, values, n, gamma: (
                n_step(rewards, 0 * values, n, gamma) + n_step(0 * rewards, values, n, 1.0) * gamma ** (n + 1)
            ),
            "the value at the end of the look-ahead is discounted once too often.",
            "with positive values the targets are too small; γ = 1 hides it.",
            "with n = 1 the value is that of the next state. How far away is it?",
        ),
        Mistake(
            "all rewards",
            lambda rewards, values, n, gamma: discounted_sum(rewards, gamma),
            "n has no say: this is the reward-to-go.",
            "unbiased, with all the variance that a shorter look-ahead would avoid.",
            "for how many rewards do you wait?",
        ),
    ),
    hints=(
        "For one t: at most n rewards, and one value if the episode lasts that long.",
        "The value of a state that comes after the end is 0.",
    ),
)


def lambda_return(rewards, values, final_value, gamma, lam, share=None, beyond=None):
    """Return all λ-returns of an episode, shape (T,); the last two arguments are for mistakes."""
    later, share = following(values, final_value), 1 - lam if share is None else share
    target, from_last = final_value if beyond is None else beyond, []
    for step in reversed(range(len(rewards))):
        target = rewards[step] + gamma * (share * later[step] + lam * target)
        from_last.append(target)
    return np.array(from_last[::-1])


LAMBDA_RETURN = Exercise(
    name="lambda-return",
    chapter=7,
    solution=lambda rewards, values, final_value, gamma, lam: lambda_return(rewards, values, final_value, gamma, lam),
    probes={
        "one step": (np.array([1.0]), np.array([2.0]), 4.0, 0.5, 0.5),
        "two steps, terminated": (np.array([1.0, 2.0]), np.array([3.0, 5.0]), 0.0, 0.5, 0.25),
        "four steps, truncated": (np.array([1.0, -2.0, 4.0, 0.5]), np.array([2.0, 1.0, -1.0, 6.0]), 3.0, 0.9, 0.8),
        "λ = 1": (np.array([1.0, -2.0, 4.0]), np.array([2.0, 1.0, -1.0]), 3.0, 0.9, 1.0),
        "λ = 0": (np.array([1.0, -2.0, 4.0]), np.array([2.0, 1.0, -1.0]), 3.0, 0.9, 0.0),
        "γλ near 1": (np.sin(np.arange(120.0)), np.cos(np.arange(120.0)), 3.0, 0.999, 0.999),
    },
    mistakes=(
        Mistake(
            "λ and 1 - λ exchanged",
            lambda rewards, values, final_value, gamma, lam: lambda_return(
                rewards, values, final_value, gamma, 1 - lam
            ),
            "λ and 1 - λ have changed places.",
            "what you take for nearly unbiased leans on the values nearly alone.",
            "with λ = 1 no value is looked at before the end.",
        ),
        Mistake(
            "nothing beyond the end",
            lambda rewards, values, final_value, gamma, lam: lambda_return(
                rewards, values, final_value, gamma, lam, beyond=0.0
            ),
            "at the last step only a share 1 - λ of the final value is counted.",
            "where the final value is positive, the targets before a cut are too low.",
            "what is the λ-return of the state after the last step?",
        ),
        Mistake(
            "merged termination",
            lambda rewards, values, final_value, gamma, lam: lambda_return(rewards, values, 0.0, gamma, lam),
            "what lies beyond the cut is left out.",
            "the values learn that the limit on the steps is a catastrophe.",
            "`final_value` is 0 where the episode terminated. And where it did not?",
        ),
        Mistake(
            "value of the wrong step",
            lambda rewards, values, final_value, gamma, lam: lambda_return(
                rewards, np.concatenate([values[:1], values[:-1]]), values[-1], gamma, lam, beyond=final_value
            ),
            "you mix in V(s_t) where V(s_{t+1}) belongs.",
            "a value that is partly its own target learns slowly, and something else.",
            "after the reward of step t, in which state are you?",
        ),
        Mistake(
            "advantage",
            lambda rewards, values, final_value, gamma, lam: (
                lambda_return(rewards, values, final_value, gamma, lam) - values
            ),
            "this is the advantage; a value is fitted to a return.",
            "the value function learns its own error in place of the value.",
            "add what was subtracted.",
        ),
        Mistake(
            "λ forgotten",
            lambda rewards, values, final_value, gamma, lam: lambda_return(rewards, values, final_value, gamma, 1.0),
            "λ has no say: this is the reward-to-go.",
            "noisier targets than you asked for.",
            "a share of 1 - λ goes to the value of the next state.",
        ),
        Mistake(
            "from the end",
            lambda *args: lambda_return(*args)[::-1],
            "the numbers are right, and stand in the order in which you found them.",
            "the first state learns what the last one brought.",
            "which of your numbers was found first?",
        ),
        Mistake(
            "shares that do not add up",
            lambda rewards, values, final_value, gamma, lam: lambda_return(
                rewards, values, final_value, gamma, lam, share=1.0
            ),
            "the next value is counted in full, and the next λ-return on top of it.",
            "where γ(1 + λ) > 1 and rewards go on, the targets grow with every fit.",
            "the two shares of a mixture add up to 1.",
        ),
        Mistake(
            "one step only",
            lambda rewards, values, final_value, gamma, lam: lambda_return(rewards, values, final_value, gamma, 0.0),
            "λ has no say: this is the reward and the value of the next state.",
            "the targets are as wrong as the values are.",
            "a share of λ goes to the λ-return of the next step.",
        ),
        Mistake(
            "no discount",
            lambda rewards, values, final_value, gamma, lam: lambda_return(rewards, values, final_value, 1.0, lam),
            "γ has no say.",
            "values and weights speak of different returns.",
            "everything after the reward is one step later.",
        ),
    ),
    hints=(
        "Walk from the last step to the first, as for the reward-to-go.",
        "What follows the reward is a mixture: V of the next state, and the next λ-return.",
        "Beyond the last step both of them are `final_value`.",
    ),
)


def gae_in_a_row(rewards, values, next_values, no_value, no_more, gamma, lam):
    """Return GAE of episodes in a row, shape (T,), given where V(s_{t+1}) is 0 and where the sum begins anew."""
    deltas = rewards + gamma * np.where(no_value, 0.0, next_values) - values
    total, from_last = 0.0, []
    for delta, end in zip(deltas[::-1], no_more[::-1], strict=True):
        total = delta + gamma * lam * np.where(end, 0.0, total)
        from_last.append(total)
    return np.array(from_last[::-1])


def in_a_row(no_value, no_more, mix=True):
    """Return an answer to the exercise, given what it takes for ends: functions of terminated and truncated."""

    def answer(rewards, values, next_values, terminated, truncated, gamma, lam):
        ends = no_value(terminated, truncated), no_more(terminated, truncated)
        return gae_in_a_row(rewards, values, next_values, *ends, gamma, lam if mix else 1.0)

    return answer


def first(terminated, truncated):
    """Return where an episode terminated."""
    return terminated


def second(terminated, truncated):
    """Return where an episode was truncated."""
    return truncated


def either(terminated, truncated):
    """Return where an episode ended."""
    return terminated | truncated


def nowhere(terminated, truncated):
    """Return that no episode ended."""
    return terminated & False


def steps_in_a_row(terminated, truncated, gamma=0.9, lam=0.8):
    """Return the arguments of a probe whose episodes end at the given steps."""
    rng, steps = np.random.default_rng(len(terminated)), len(terminated)
    rewards, values, next_values = rng.normal(0, 2, size=(3, steps)).round(1)
    ends = np.array(terminated, dtype=bool), np.array(truncated, dtype=bool)
    return rewards, values, next_values, *ends, gamma, lam


DONE_FLAG = Exercise(
    name="a-flag-too-few",
    chapter=7,
    solution=in_a_row(first, either),
    broken=in_a_row(either, either),
    probes={
        "one step, truncated": steps_in_a_row([0], [1]),
        "two episodes": steps_in_a_row([0, 1, 0], [0, 0, 1]),
        "three episodes": steps_in_a_row([0, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 1]),
        "an episode that goes on": steps_in_a_row([0, 0, 1, 0, 0], [1, 0, 0, 0, 0]),
        "both flags at once": steps_in_a_row([0, 1, 0, 0], [0, 1, 0, 1]),
        "γλ near 1": steps_in_a_row(np.arange(400) == 0, np.arange(400) == 399, 0.999, 0.999),
    },
    mistakes=(
        Mistake(
            "terminated in both places",
            in_a_row(first, first),
            "the next value is right now, but across a cut the sum runs on into the next episode.",
            "the last steps before a cut are praised for what another episode did.",
            "the flag stands in two lines that ask different questions.",
        ),
        Mistake(
            "the wrong line",
            in_a_row(either, first),
            "you mended the line that was right.",
            "cuts still count as deaths, and now episodes leak into each other as well.",
            "which of the two lines says what is still to come?",
        ),
        Mistake(
            "the other flag",
            in_a_row(second, either),
            "the next value is dropped where it exists, and kept where it does not.",
            "falling is paid for, and lasting to the limit is punished.",
            "after which kind of end would rewards have followed?",
        ),
        Mistake(
            "no flag at the value",
            in_a_row(nowhere, either),
            "the next value now counts after every end.",
            "the fatal action is paid for a future that never comes.",
            "what can still be earned when the pole has fallen?",
        ),
        Mistake(
            "a sum without end",
            in_a_row(first, nowhere),
            "the next values are right now, and the sum runs on through every end.",
            "each episode is praised for what all later ones did.",
            "where must the sum begin anew?",
        ),
        Mistake(
            "no flag at all",
            in_a_row(nowhere, nowhere),
            "now nothing ends.",
            "everything that comes later in the row counts for every step.",
            "one question is what is still to come, the other where the next episode begins.",
        ),
        Mistake(
            "truncated alone",
            in_a_row(first, second),
            "the sum runs on across a termination.",
            "the fatal action is praised for what the next episode did.",
            "where must the sum begin anew?",
        ),
    ),
    hints=(
        "Try it on a single step that was truncated: what should its error be?",
        "Two questions, each with its own line: is there a next value, and does the sum go on?",
    ),
)

FIT = 10 - 9 * (1 - 0.9**10)  # the mean of 10 (1 - 0.9^m) over m from 1 to 10

MERGED_FIT = Exercise(
    name="cut-at-ten",
    chapter=7,
    solution=[10.0, FIT],
    tolerance=1e-3,
    mistakes=(
        Mistake(
            "exchanged",
            [FIT, 10.0],
            "both are right, and in the wrong order.",
            "none.",
            "which of the two is asked for first?",
        ),
        Mistake(
            "the largest merged return",
            [10.0, 10 * (1 - 0.9**10)],
            "the second number is the return of the first step; the fit is a mean over all ten.",
            "none, if you meant the first step.",
            "a constant that fits ten targets best is their mean.",
        ),
        Mistake(
            "undiscounted",
            [10.0, 5.5],
            "the second number is the mean of the sums without discount.",
            "values and weights speak of different returns.",
            "what does the third reward from now count?",
        ),
        Mistake(
            "cut off as well",
            [10 * (1 - 0.9**10), FIT],
            "the first number is what is seen from the start; the true value goes on after the cut.",
            "this is the confusion that the section is about.",
            "sum the geometric series to its end.",
        ),
        Mistake(
            "the last one",
            [10.0, 1.0],
            "the second number is the merged return of the last step alone.",
            "none.",
            "a constant that fits ten targets best is their mean.",
        ),
    ),
    hints=(
        "The value is a geometric series without end.",
        "With m steps left the merged return is 1 + 0.9 + … + 0.9^(m-1). Sum the series, then take the mean.",
    ),
)

EXERCISES = (TD_ERROR, GAE_SUM, GAE_BATCH, N_STEP, LAMBDA_RETURN, DONE_FLAG, MERGED_FIT)
