"""The exercises of chapter 3: from an action that is drawn to a whole update of REINFORCE."""

import numpy as np
import torch
from scipy.special import expit, softmax

from pgutils.exercises.exercise import Convention, Exercise, Mistake
from pgutils.returns import rewards_to_go, total_return


def drawn(probabilities, u):
    """Return the first action at which the cumulative probability exceeds u."""
    return int((np.cumsum(probabilities) <= u).sum())


def by_share(share):
    """Return a draw in which the lengths of the pieces are what ``share`` makes of the logits."""
    return lambda logits, u: drawn(share(logits), u)


def among_sorted(logits, u):
    """Return the action if the likeliest gets the first piece, and the least likely the last."""
    order = np.argsort(-logits, kind="stable")
    return order[min(drawn(softmax(logits)[order], u), len(logits) - 1)]


def compared(logits, u):
    """Return the first action whose own probability exceeds u, the last one if there is none."""
    larger = softmax(logits) > u
    return int(larger.argmax()) if larger.any() else len(logits) - 1


def overflowing(logits):
    """Return the softmax without a shift of the logits, NaN for large ones."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)


# Four actions, tried on both sides of each border between their pieces, which no rounding of the shares hits.
LOGITS = np.log([0.137, 0.386, 0.219, 0.258]) + 1
FIVE = np.array([0.5, -1.0, 1.5, 0.0, -0.3])

CHOOSE_ACTION = Exercise(
    name="choose-action",
    chapter=3,
    solution=lambda logits, u: drawn(softmax(logits), u),
    probes={
        "even odds": (np.array([0.0, 0.0]), 0.2),
        "a larger u": (np.array([0.0, 0.0]), 0.7),
        "u = 0": (np.array([1.0, 2.0, 0.5]), 0.0),
        "three actions": (np.array([1.0, 2.0, 0.5]), 0.1),
        "a middling u": (np.array([1.0, 2.0, 0.5]), 0.3),
        "a large u": (np.array([1.0, 2.0, 0.5]), 0.95),
        "negative logits": (np.array([-3.0, -1.0, -2.0]), 0.85),
        **{f"{u}": (LOGITS, u) for u in (0.136, 0.138, 0.3, 0.522, 0.524, 0.6, 0.741, 0.743, 0.9999)},
        **{f"five: {u}": (FIVE, u) for u in (0.03, 0.2, 0.26, 0.5, 0.75, 0.85, 0.97)},
        "large logits": (np.array([998.0, 1000.0, 0.0]), 0.3),
    },
    mistakes=(
        Mistake(
            "overflow",
            by_share(overflowing),
            "right for small logits; the exponentials of large ones overflow.",
            "after some progress the logits grow, and the action no longer depends on u.",
            "subtracting the same number from all logits changes nothing but their size.",
            also=(lambda logits, u: min((np.cumsum(np.nan_to_num(overflowing(logits))) <= u).sum(), len(logits) - 1),),
        ),
        Mistake(
            "most probable action",
            lambda logits, u: logits.argmax(),
            "this is always the most probable action.",
            "nothing is explored, and the mean of the scores is no longer zero.",
            "two calls with different u should sometimes give different actions.",
        ),
        Mistake(
            "evenly",
            lambda logits, u: int(u * len(logits)),
            "all actions are equally probable; the logits have no say.",
            "the agent acts at random for ever, however much it has learned.",
            "divide the interval from 0 to 1 into pieces. How long is each?",
        ),
        Mistake(
            "logits taken for probabilities",
            by_share(lambda logits: logits),
            "you add up the logits as if they were probabilities.",
            "with negative logits alone, u makes no difference.",
            "what turns logits into probabilities?",
            also=(
                lambda logits, u: min(drawn(logits, u), len(logits) - 1),
                lambda logits, u: (np.cumsum(logits) > u).argmax(),
            ),
        ),
        Mistake(
            "logits divided by their sum",
            by_share(lambda logits: logits / logits.sum()),
            "you divide the logits by their sum; that makes no probabilities of them.",
            "of negative logits the lowest gets the longest piece.",
            "what turns any numbers, negative ones as well, into probabilities?",
            also=(lambda logits, u: (np.cumsum(logits / logits.sum()) > u).argmax(),),
        ),
        Mistake(
            "sigmoid",
            by_share(expit),
            "you take the sigmoid of each logit; for more than two actions these do not sum to 1.",
            "where all logits are 0, of three actions the third never comes.",
            "the probabilities of all actions depend on all logits.",
            also=(lambda logits, u: min(drawn(expit(logits), u), len(logits) - 1),),
        ),
        Mistake(
            "sigmoids normalised",
            by_share(lambda logits: expit(logits) / expit(logits).sum()),
            "you take the sigmoid of each logit and divide by their sum.",
            "a certain action is out of reach: of two, with logits of 5 and -5, one gets 99.3% in place of 99.995%.",
            "which function turns all logits into probabilities at once?",
        ),
        Mistake(
            "exponentials not normalised",
            by_share(np.exp),
            "the exponentials are not normalised, and do not sum to 1.",
            "if the first logit is 0 or more, action 0 is taken always.",
            "what must the lengths of all pieces sum to?",
            also=(
                lambda logits, u: min(drawn(np.exp(logits), u), len(logits) - 1),
                lambda logits, u: (np.cumsum(np.exp(logits)) > u).argmax(),
            ),
        ),
        Mistake(
            "shifted exponentials not normalised",
            by_share(lambda logits: np.exp(logits - logits.max())),
            "the exponentials are not normalised: the largest is 1, and there are others.",
            "if the first logit is the largest, action 0 is taken always.",
            "what must the lengths of all pieces sum to?",
        ),
        Mistake(
            "softmax twice",
            by_share(lambda logits: softmax(softmax(logits))),
            "the logits went through two softmaxes.",
            "the policy stays near even odds: of two actions none gets more than 73%.",
            "does your last function expect logits or probabilities?",
        ),
        Mistake(
            "cumulative sum before the softmax",
            lambda logits, u: int((softmax(np.cumsum(logits)) <= u).sum()),
            "you add up first and take the softmax then.",
            "actions no longer come as often as their scores suppose.",
            "what is to be laid end to end: the logits, or the probabilities?",
            also=(by_share(lambda logits: softmax(np.cumsum(logits))),),
        ),
        Mistake(
            "from the other end",
            lambda logits, u: len(logits) - 1 - drawn(softmax(logits)[::-1], u),
            "you hand out the interval from its other end. As a draw that is just as good.",
            "none: every action has its right probability.",
            "here the first action should get the piece that begins at 0.",
        ),
        Mistake(
            "sorted",
            among_sorted,
            "you sort the actions by probability first. As a draw that is just as good.",
            "none: every action has its right probability.",
            "here the pieces should lie in the order of the actions.",
            also=(lambda logits, u: len(logits) - 1 - among_sorted(logits[::-1], u),),
        ),
        Mistake(
            "position among the sorted",
            lambda logits, u: drawn(np.sort(softmax(logits)), u),
            "you sort the probabilities, and return a place in the sorted list.",
            "actions no longer come as often as their scores suppose.",
            "which action does the first of the sorted probabilities belong to?",
            also=(lambda logits, u: drawn(np.sort(softmax(logits))[::-1], u),),
        ),
        Mistake(
            "one too far",
            lambda logits, u: drawn(softmax(logits), u) + 1,
            "each action is one too large.",
            "the first action is never taken, and the last one does not exist.",
            "for u just above 0 the answer is action 0.",
        ),
        Mistake(
            "one too early",
            lambda logits, u: drawn(softmax(logits), u) - 1,
            "each action is one too small.",
            "-1 stands for the last action in Python, so each action is mistaken for the next.",
            "for u just above 0 the answer is action 0.",
        ),
        Mistake(
            "ends above u counted",
            lambda logits, u: int((np.cumsum(softmax(logits)) > u).sum()),
            "you count the pieces that end above u.",
            "actions no longer come as often as their scores suppose.",
            "which pieces lie before the one that holds u?",
        ),
        Mistake(
            "nearest end",
            lambda logits, u: int(np.abs(np.cumsum(softmax(logits)) - u).argmin()),
            "you return the action whose piece ends nearest to u.",
            "actions no longer come as often as their scores suppose.",
            "u lies inside a piece, or does it lie near an end?",
        ),
        Mistake(
            "nearest probability",
            lambda logits, u: int(np.abs(softmax(logits) - u).argmin()),
            "you return the action whose probability is nearest to u.",
            "actions no longer come as often as their scores suppose.",
            "the probabilities are the lengths of the pieces. Where do the pieces lie?",
        ),
        Mistake(
            "compared with single probabilities",
            compared,
            "you compare u with each probability by itself.",
            "actions no longer come as often as their scores suppose.",
            "the second piece begins where the first one ends.",
            also=(lambda logits, u: int((softmax(logits) > u).argmax()),),
        ),
        Mistake(
            "the probabilities",
            lambda logits, u: softmax(logits),
            "these are the probabilities; the number of one action is wanted.",
            "the environment does not know what to do with them.",
            "what do you need u for?",
            also=(lambda logits, u: softmax(logits)[drawn(softmax(logits), u)],),
        ),
    ),
    hints=(
        "Lay the probabilities end to end: they fill the interval from 0 to 1.",
        "u falls into one of the pieces. Where does each piece end?",
        "The ends of the pieces are cumulative sums.",
    ),
)


def chosen(log_probs, actions):
    """Return what belongs to the actions taken, shape (steps,), of an array (steps, A)."""
    return log_probs[torch.arange(len(actions)), actions]


def log_pi(logits, actions):
    """Return log π of the actions taken, shape (steps,)."""
    return chosen(torch.log_softmax(logits, -1), actions)


def loss_of(log_probs=log_pi, change=lambda weights: weights):
    """Return a loss in which something else takes the place of log π of the actions taken, or of the weights."""

    def loss(logits, actions, weights, episodes):
        return -(log_probs(logits, actions) * change(weights.detach())).sum() / episodes

    return loss


flat_loss = loss_of()


def deviation(weights, correction):
    """Return the standard deviation, NaN and without a warning where there is none."""
    return ((weights - weights.mean()).square().sum() / (len(weights) - correction)).sqrt()


def steps(count, actions, seed):
    """Return logits (count, actions), actions and weights (count,) for a probe, the same every time."""
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(count, actions)).round(1),
        rng.integers(actions, size=count),
        rng.normal(size=count).round(1),
    )


POLICY_GRADIENT_LOSS = Exercise(
    name="policy-gradient-loss",
    chapter=3,
    solution=lambda logits, actions, weights, episodes: flat_loss(logits, actions, weights, episodes),
    probes={
        "one step": (np.array([[1.0, 0.0]]), np.array([1]), np.array([2.0]), 1),
        "two steps": (np.array([[1.0, 0.0], [0.5, -0.5]]), np.array([1, 0]), np.array([2.0, -1.0]), 1),
        "two episodes of three steps": (*steps(6, 3, seed=1), 2),
        "three episodes of different lengths": (*steps(7, 2, seed=2), 3),
        "four actions": (*steps(5, 4, seed=3), 2),
        "large logits": (np.array([[1000.0, 0.0], [0.0, 800.0]]), np.array([1, 1]), np.array([2.0, -1.0]), 1),
    },
    gradients=("logits", "weights"),
    conventions=(
        Convention(
            "sum over episodes",
            explanation="You add the episodes where the book takes their mean. That is N times as long a step in the "
            "same direction, so a step size N times smaller makes up for it; Adam does so by itself.",
            wrap=lambda loss: (
                lambda logits, actions, weights, episodes: episodes * loss(logits, actions, weights, episodes)
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "sign",
            lambda *args: -flat_loss(*args),
            "the sign is turned round.",
            "the optimiser minimises, so the return falls from the first iteration on.",
            "J is to rise, and PyTorch goes downhill.",
        ),
        Mistake(
            "mean over steps",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions) * weights.detach()).mean(),
            "you divide by the number of steps, not of episodes.",
            "batches with long episodes count for less; a small batch may favour the worse road.",
            "which of the two numbers does not depend on what the agent did?",
        ),
        Mistake(
            "divided by both",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions) * weights.detach()).mean() / episodes,
            "you divide by the number of steps and by that of episodes.",
            "batches with long episodes count for less; a small batch may favour the worse road.",
            "`mean` divides, and you divide once more.",
        ),
        Mistake(
            "mean times sum",
            lambda logits, actions, weights, episodes: (
                -(log_pi(logits, actions).mean() * weights.detach().sum()) / episodes
            ),
            "log-probabilities and weights are summed or averaged first, and multiplied then.",
            "all actions share one weight: good ones are not told from bad.",
            "multiply first, step by step.",
            also=(
                lambda logits, actions, weights, episodes: (
                    -(log_pi(logits, actions).mean() * weights.detach().mean()) / episodes
                ),
            ),
        ),
        Mistake(
            "sum times sum",
            lambda logits, actions, weights, episodes: (
                -(log_pi(logits, actions).sum() * weights.detach().sum()) / episodes
            ),
            "each log-probability meets all weights: sums were multiplied, or shapes (steps, 1) and (steps,) were.",
            "all actions share one weight: good ones are not told from bad.",
            "print the shape of the product: it should be (steps,).",
        ),
        Mistake(
            "mean of a broadcast product",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions).mean() * weights.detach().mean()),
            "each log-probability meets all weights: means were multiplied, or the mean "
            "hides that shapes (steps, 1) and (steps,) were.",
            "all actions share one weight: good ones are not told from bad.",
            "print the shape of the product: it should be (steps,).",
        ),
        Mistake(
            "π instead of log π",
            loss_of(lambda logits, actions: chosen(torch.softmax(logits, -1), actions)),
            "you use π where log π is meant.",
            "rare actions count for too little: likely ones gain from equal returns.",
            "∇π = π ∇ log π: one factor too many.",
        ),
        Mistake(
            "logarithm after rounding",
            loss_of(lambda logits, actions: chosen(torch.softmax(logits, -1), actions).log()),
            "right for small logits; of large ones an exponential overflows, or π is 0.",
            "once the policy is nearly certain, a rare action makes the loss infinite.",
            "`torch.log_softmax` never leaves the logarithm.",
            also=(loss_of(lambda logits, actions: chosen(logits.exp() / logits.exp().sum(-1, True), actions).log()),),
        ),
        Mistake(
            "a floor under π",
            loss_of(lambda logits, actions: (chosen(torch.softmax(logits, -1), actions) + 1e-8).log()),
            "right until π is tiny; then some floor takes its place.",
            "an action rarer than the floor has next to no gradient.",
            "`torch.log_softmax` never leaves the logarithm.",
            also=(
                *(
                    loss_of(
                        lambda logits, actions, floor=floor: chosen(torch.softmax(logits, -1) + floor, actions).log()
                    )
                    for floor in (1e-6, 1e-7, 1e-9, 1e-10, 1e-12)
                ),
                *(
                    loss_of(
                        lambda logits, actions, floor=floor: (
                            chosen(torch.softmax(logits, -1), actions).clamp(floor).log()
                        )
                    )
                    for floor in (np.finfo(float).eps, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)
                ),
            ),
        ),
        Mistake(
            "softmax twice",
            loss_of(lambda logits, actions: log_pi(torch.softmax(logits, -1), actions)),
            "the logits went through two softmaxes.",
            "once the policy is nearly certain, a rare action that turns out well changes nothing.",
            "does your last function expect logits or probabilities?",
        ),
        Mistake(
            "no softmax",
            loss_of(chosen),
            "you use the logits where log-probabilities are meant.",
            "the steps stay as long however certain the policy is: logits grow without limit.",
            "what turns logits into log-probabilities?",
        ),
        Mistake(
            "logarithm of the logits",
            loss_of(lambda logits, actions: chosen(logits, actions).log()),
            "you take the logarithm of the logits themselves.",
            "one negative logit can make the loss NaN.",
            "what turns logits into probabilities?",
            also=(
                loss_of(lambda logits, actions: chosen((logits / logits.sum(-1, keepdim=True)).log(), actions)),
                loss_of(lambda logits, actions: (chosen(logits, actions) + 1e-8).log()),
            ),
        ),
        Mistake(
            "sigmoid",
            loss_of(lambda logits, actions: chosen(torch.nn.functional.logsigmoid(logits), actions)),
            "you take a sigmoid of each logit by itself, where a softmax over all of them is meant.",
            "the logits of the actions that were not taken do not move.",
            "the probabilities of all actions depend on all logits.",
        ),
        Mistake(
            "softmax over the steps",
            loss_of(lambda logits, actions: chosen(torch.log_softmax(logits, 0), actions)),
            "the softmax runs along the steps, not along the actions.",
            "the actions of different steps compete with each other.",
            "along which axis must the probabilities sum to 1?",
        ),
        Mistake(
            "every step with every action",
            lambda logits, actions, weights, episodes: (
                -(torch.log_softmax(logits, -1)[:, actions] * weights.detach()).sum() / episodes
            ),
            "the action of each step is looked up in every row, as `[:, actions]` does.",
            "actions are credited in states where they were not taken.",
            "print the shape of what you picked: it should be (steps,).",
            also=(
                lambda logits, actions, weights, episodes: (
                    -(torch.log_softmax(logits, -1)[:, actions] * weights.detach()[:, None]).sum() / episodes
                ),
                lambda logits, actions, weights, episodes: (
                    -(torch.log_softmax(logits, -1)[:, actions] * weights.detach()).mean()
                ),
            ),
        ),
        Mistake(
            "all actions",
            lambda logits, actions, weights, episodes: (
                -(torch.log_softmax(logits, -1) * weights.detach()[:, None]).sum() / episodes
            ),
            "the log-probabilities of all actions are added, not those of the actions taken.",
            "which action was taken makes no difference to the step.",
            "what do you need `actions` for?",
            also=(
                lambda logits, actions, weights, episodes: (
                    -(torch.log_softmax(logits, -1) * weights.detach()[:, None]).mean()
                ),
            ),
        ),
        Mistake(
            "most probable action",
            loss_of(lambda logits, actions: torch.log_softmax(logits, -1).max(-1).values),
            "you take the most probable action of each step, not the one taken.",
            "exploring is useless: what was tried is never learned from.",
            "what do you need `actions` for?",
        ),
        Mistake(
            "entropy-like",
            loss_of(lambda logits, actions: chosen(torch.softmax(logits, -1) * torch.log_softmax(logits, -1), actions)),
            "log π is multiplied by π, as in an entropy.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "actions are drawn with probability π already: is a factor needed for it?",
        ),
        Mistake(
            "weights centred",
            loss_of(change=lambda weights: weights - weights.mean()),
            "the mean of the weights is subtracted first (an idea of chapter 5).",
            "with one episode of one step nothing is learned.",
            "here each log-probability is multiplied by its own weight as it is.",
        ),
        Mistake(
            "weights normalised",
            loss_of(change=lambda weights: (weights - weights.mean()) / (deviation(weights, 1) + 1e-8)),
            "the weights are normalised first (an idea of chapter 6).",
            "a batch of a single step has no deviation to divide by.",
            "here each log-probability is multiplied by its own weight as it is.",
            also=(loss_of(change=lambda weights: (weights - weights.mean()) / (deviation(weights, 0) + 1e-8)),),
        ),
        Mistake(
            "not added up",
            lambda logits, actions, weights, episodes: -log_pi(logits, actions) * weights.detach() / episodes,
            "these are the terms of the loss, one for each step.",
            "`backward` wants one number, and says so.",
            "what does the sum in the equation run over?",
            also=(lambda logits, actions, weights, episodes: -log_pi(logits, actions) * weights.detach(),),
        ),
        Mistake(
            "log-probabilities detached",
            lambda *args: flat_loss(*args).detach(),
            "the value is right, but no gradient reaches the logits.",
            "the loss can be printed, and nothing is ever learned.",
            "look for `.detach()`, `.item()`, `.data`, `.numpy()` or `no_grad` in the way.",
        ),
        Mistake(
            "log-probabilities detached, weights not",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions).detach() * weights).sum() / episodes,
            "you detach the log-probabilities, not the weights.",
            "what should be constant gets a gradient, the policy none: nothing is learned.",
            "which of the two depends on the parameters that are to learn?",
        ),
        Mistake(
            "weights not detached",
            lambda logits, actions, weights, episodes: -(log_pi(logits, actions) * weights).sum() / episodes,
            "the value is right, but the weights get a gradient, too.",
            "with a learned baseline (chapter 5) it drives the values up, even where they are right.",
            "the weights are constants here. How do you tell PyTorch so?",
        ),
    ),
    hints=(
        "First get log π of each action that was taken: a tensor of shape (steps,).",
        "`torch.log_softmax(logits, -1)` has shape (steps, actions); `actions` says which entry of each row counts.",
        "Multiply step by step, add up, divide by the number of episodes. Then think of the sign.",
    ),
)


def score_of(theta, state, action):
    """Return ∇ log π(action | state) of a tabular softmax, shape (S, A)."""
    score = np.zeros_like(theta)
    score[state] = np.eye(theta.shape[1])[action] - softmax(theta[state])
    return score


def estimate(theta, episodes, weights, score=score_of):
    """Return the sum over all steps of score times weight; ``weights`` maps the rewards of an episode to numbers."""
    return sum(
        score(theta, s, a) * w
        for states, actions, rewards in episodes
        for s, a, w in zip(states, actions, weights(rewards), strict=True)
    )


def whole(rewards, gamma):
    """Return the return of the episode, once for each step."""
    return np.full(len(rewards), total_return(rewards, gamma))


def with_weights(weights=whole, score=score_of):
    """Return an update of REINFORCE with other weights or another score."""

    def update(theta, episodes, gamma, alpha):
        total = estimate(theta, episodes, lambda rewards: weights(rewards, gamma), score)
        return theta + alpha * total / len(episodes)

    return update


reinforce = with_weights()


def in_turn(parts):
    """Return an update in which θ moves after each part of an episode, so that later scores are of another policy."""

    def update(theta, episodes, gamma, alpha):
        for states, actions, rewards in episodes:
            weights = whole(rewards, gamma)
            for part in parts(len(rewards)):
                pieces = [(states[part], actions[part], weights[part])]
                theta = theta + alpha * estimate(theta, pieces, lambda weights: weights) / len(episodes)
        return theta

    return update


def visits_lost(theta, episodes, gamma, alpha):
    """Return the update of `total[states, actions] += R`, which counts a pair that occurs twice only once."""
    total = np.zeros_like(theta)
    for states, actions, rewards in episodes:
        R = total_return(rewards, gamma)
        total[states] -= R * softmax(theta[states], -1)
        total[states, actions] += R
    return theta + alpha * total / len(episodes)


def visits_partly_lost(theta, episodes, gamma, alpha):
    """Return the update in which only the rise of the actions taken is lost where they are taken twice."""
    total = np.zeros_like(theta)
    for states, actions, rewards in episodes:
        R = total_return(rewards, gamma)
        np.subtract.at(total, states, R * softmax(theta[states], -1))
        total[states, actions] += R
    return theta + alpha * total / len(episodes)


def rows_lost(theta, episodes, gamma, alpha):
    """Return the update of `total[states] += R * scores`, in which a state's last visit overwrites the others."""
    total = np.zeros_like(theta)
    for states, actions, rewards in episodes:
        scores = np.eye(theta.shape[1])[actions] - softmax(theta[states], -1)
        total[states] += total_return(rewards, gamma) * scores
    return theta + alpha * total / len(episodes)


def assigned(theta, episodes, gamma, alpha):
    """Return the update in which each step overwrites what an earlier step wrote in the row of its state."""
    total = np.zeros_like(theta)
    for states, actions, rewards in episodes:
        for state, action in zip(states, actions, strict=True):
            total[state] = total_return(rewards, gamma) * score_of(theta, state, action)[state]
    return theta + alpha * total / len(episodes)


def all_rows(theta, state, action):
    """Return a score that lowers the probabilities of all states, not those of the state alone."""
    score = -softmax(theta, -1)
    score[state, action] += 1
    return score


def overflowing_score(theta, state, action):
    """Return a score whose softmax is not shifted, NaN for large logits."""
    score = np.zeros_like(theta)
    score[state] = np.eye(theta.shape[1])[action] - overflowing(theta)[state]
    return score


def own_logit(theta, state, action):
    """Return a score that moves the logit of the action taken alone, by what it should."""
    return np.where(score_of(theta, state, action) > 0, score_of(theta, state, action), 0.0)


def centred_returns(theta, episodes, gamma, alpha):
    """Return the update with the mean return of the batch as a baseline."""
    mean = np.mean([total_return(rewards, gamma) for *_, rewards in episodes])
    total = estimate(theta, episodes, lambda rewards: whole(rewards, gamma) - mean)
    return theta + alpha * total / len(episodes)


def transposed(theta, state, action):
    """Return a score whose softmax runs along the states instead of the actions."""
    score = np.zeros_like(theta)
    score[state] = np.eye(theta.shape[1])[action] - softmax(theta, 0)[state]
    return score


def episode(states, actions, rewards):
    """Return one episode of the exercise on REINFORCE."""
    return [np.array(states), np.array(actions), np.array(rewards)]


def played(states, actions, lengths, seed):
    """Return θ (states, actions) and episodes of some lengths, the same every time."""
    rng = np.random.default_rng(seed)
    batch = [
        episode(rng.integers(states, size=n), rng.integers(actions, size=n), rng.normal(size=n).round(1))
        for n in lengths
    ]
    return rng.normal(size=(states, actions)).round(1), batch


SHORT, LONG = episode([0], [1], [2.0]), episode([0, 1, 0], [0, 1, 1], [1.0, 0.0, 3.0])
OTHER = episode([1, 0], [0, 0], [-1.0, 0.5])
AGAIN = episode([1, 0, 1, 1], [1, 0, 1, 1], [0.0, 1.0, 0.0, 2.0])
THETA = np.array([[0.2, -0.3], [0.6, -0.4]])

REINFORCE_UPDATE = Exercise(
    name="reinforce-update",
    chapter=3,
    solution=lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, alpha),
    probes={
        "one step": (np.zeros((1, 2)), [SHORT], 1.0, 0.5),
        "one episode": (THETA, [LONG], 0.5, 0.1),
        "γ = 1": (THETA, [LONG], 1.0, 0.1),
        "the same step again": (THETA, [AGAIN], 0.9, 0.1),
        "two episodes": (THETA, [SHORT, LONG], 0.5, 0.1),
        "three episodes": (THETA, [SHORT, LONG, OTHER], 0.9, 0.2),
        "four actions": (*played(3, 4, (5, 2), seed=1), 0.99, 0.5),
        "large logits": (4000 * THETA, [LONG], 0.5, 0.1),
    },
    conventions=(
        Convention(
            "sum over episodes",
            explanation="You add the episodes where the book takes their mean. That is the same direction with a "
            "step N times as long, so remember it when you compare step sizes.",
            wrap=lambda update: (
                lambda theta, episodes, gamma, alpha: update(theta, episodes, gamma, alpha * len(episodes))
            ),
        ),
    ),
    mistakes=(
        Mistake(
            "downhill",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, -alpha),
            "the step goes downhill.",
            "the return falls from the first iteration on.",
            "there is no loss here, and J is to rise.",
        ),
        Mistake(
            "mean over steps",
            lambda theta, episodes, gamma, alpha: reinforce(
                theta, episodes, gamma, alpha * len(episodes) / sum(len(rewards) for *_, rewards in episodes)
            ),
            "you divide by the number of steps, not of episodes.",
            "batches with long episodes count for less; a small batch may favour the worse road.",
            "which of the two numbers does not depend on what the agent did?",
        ),
        Mistake(
            "mean over the steps of each",
            with_weights(lambda rewards, gamma: whole(rewards, gamma) / len(rewards)),
            "over each episode something is averaged, its scores or its rewards, that should be added.",
            "long episodes count for less, and the worse road may be favoured.",
            "log P(τ) is a sum over the steps, and so is R(τ).",
        ),
        Mistake(
            "one episode after the other",
            in_turn(lambda steps: [slice(None)]),
            "θ changes between the episodes.",
            "the second episode's scores are another policy's: a bias.",
            "with which θ were the episodes played?",
        ),
        Mistake(
            "one step after the other",
            in_turn(lambda steps: [slice(step, step + 1) for step in range(steps)]),
            "θ changes within the episodes.",
            "the later steps' scores are another policy's: a bias.",
            "with which θ were the episodes played?",
        ),
        Mistake(
            "own reward",
            with_weights(lambda rewards, gamma: rewards * gamma ** np.arange(len(rewards))),
            "each score is multiplied by the reward of its own step.",
            "nobody climbs for a summit: what comes later does not count.",
            "what is an action responsible for?",
            also=(with_weights(lambda rewards, gamma: rewards),),
        ),
        Mistake(
            "no discount",
            with_weights(lambda rewards, gamma: whole(rewards, 1.0)),
            "γ has no say in your returns.",
            "another objective is climbed than the one that was asked for.",
            "look at the definition of R(τ) in chapter 1.",
        ),
        Mistake(
            "reward-to-go",
            with_weights(rewards_to_go),
            "you use the reward-to-go, which is the idea of the next chapter.",
            "none for γ = 1; for γ < 1 a factor of γᵗ is missing, and the gradient is not that of J.",
            "here each score of an episode gets the same weight.",
        ),
        Mistake(
            "discounted reward-to-go",
            with_weights(lambda rewards, gamma: rewards_to_go(rewards, gamma) * gamma ** np.arange(len(rewards))),
            "you leave out past rewards, the idea of the next chapter.",
            "none: the mean is the same.",
            "here each score of an episode gets the same weight.",
        ),
        Mistake(
            "γᵗ in front",
            with_weights(lambda rewards, gamma: whole(rewards, gamma) * gamma ** np.arange(len(rewards))),
            "the score of step t is multiplied by γᵗ as well as by the return.",
            "late steps count for too little, and the gradient is not that of J.",
            "here each score of an episode gets the same weight.",
        ),
        Mistake(
            "returns centred",
            centred_returns,
            "the mean return of the batch is subtracted first (an idea of chapter 5).",
            "from a single episode nothing is learned.",
            "here each score is multiplied by the return as it is.",
        ),
        Mistake(
            "score without π",
            with_weights(score=lambda theta, s, a: np.where(score_of(theta, s, a) > 0, 1.0, 0.0)),
            "only the logit of the action taken moves.",
            "the mean score is not 0: away from even odds the policy drifts though returns are alike.",
            "the components of a softmax score sum to 0.",
        ),
        Mistake(
            "own logit alone",
            with_weights(score=own_logit),
            "the logit of the action taken is right; the others should move.",
            "the mean score is not 0: of three uneven actions the policy drifts though returns are alike.",
            "the components of a softmax score sum to 0.",
        ),
        Mistake(
            "overflow",
            with_weights(score=overflowing_score),
            "right for small logits; the exponentials of large ones overflow.",
            "after some progress the logits grow, and one NaN spoils a state's logits for good.",
            "subtracting the same number from all logits changes nothing but their size.",
        ),
        Mistake(
            "gradient of π",
            with_weights(score=lambda theta, s, a: score_of(theta, s, a) * softmax(theta[s])[a]),
            "you use ∇π where ∇ log π is meant.",
            "rare actions count for too little: likely ones gain from equal returns.",
            "∇π = π ∇ log π: one factor too many.",
        ),
        Mistake(
            "repeated visits lost",
            visits_lost,
            "of several visits to a state in an episode only one counts.",
            "a bias wherever an episode may come by the same state twice.",
            "what does `x[[0, 0]] += 1` do? `np.add.at` counts each.",
            also=(visits_partly_lost, rows_lost),
        ),
        Mistake(
            "overwritten",
            assigned,
            "each step overwrites what an earlier one wrote for the same state.",
            "only the last visit to a state counts, of all episodes of a batch.",
            "what is the difference between `=` and `+=`?",
        ),
        Mistake(
            "all rows",
            with_weights(score=all_rows),
            "the probabilities of all states are subtracted, not those of the step's state alone.",
            "after positive returns, states never visited lose what was learned there.",
            "which row of θ does π(a | s) depend on?",
        ),
        Mistake(
            "softmax along the states",
            with_weights(score=transposed),
            "the softmax runs along the states, not along the actions.",
            "the mean score is not 0: the policy drifts though all returns are alike.",
            "along which axis must the probabilities sum to 1?",
        ),
        Mistake(
            "α forgotten",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, 1.0),
            "α has no say: the step is the estimate itself.",
            "however small a step is asked for, all are of the same length.",
            "what do you need `alpha` for?",
            also=(lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, len(episodes)),),
        ),
        Mistake(
            "step alone",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, alpha) - theta,
            "this is the step; the new θ is wanted.",
            "each iteration throws away all that was learned before.",
            "where does the step start?",
        ),
        Mistake(
            "estimate alone",
            lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, 1.0) - theta,
            "this is the estimate of the gradient; the new θ is wanted.",
            "each iteration throws away all that was learned before.",
            "where does the step start, and how long is it?",
            also=(lambda theta, episodes, gamma, alpha: reinforce(theta, episodes, gamma, len(episodes)) - theta,),
        ),
    ),
    hints=(
        "Three loops, or two: over the episodes and over the steps of each. Compute R(τ) before the inner one.",
        "The score of one step is zero except in the row of its state.",
        "Add up everything first, with the old θ; change θ once, at the end.",
    ),
)

EXERCISES = (CHOOSE_ACTION, POLICY_GRADIENT_LOSS, REINFORCE_UPDATE)
