"""All exercises of the book, in its order, and the names under which they are checked."""

from typing import NamedTuple


class Entry(NamedTuple):
    """An exercise as the book prints it.

    Attributes:
        chapter: where it is set.
        label: what the book refers to it by.
        title: its heading.
        minutes: about how long it takes.
        names: what ``check`` and ``predict`` call its parts; none where there is nothing to check.
    """

    chapter: int
    label: str
    title: str
    minutes: int
    names: tuple[str, ...] = ()


INDEX = (
    Entry(1, "ex-discounted-return", "Discounted return", 5, ("discounted-return",)),
    Entry(1, "ex-without-solver", "Without a solver", 15, ("state-values",)),
    Entry(1, "ex-discount", "A smaller discount factor", 5, ("hike-returns",)),
    Entry(1, "ex-better", "A better start", 5, ("better-start",)),
    Entry(1, "ex-bug-truncated", "A sum that stops at 500", 5, ("cut-off",)),
    Entry(1, "ex-truncated-return", "What was cut off", 10, ("truncated-return",)),
    Entry(1, "ex-corridor", "The corridor by hand", 15, ("corridor-value", "corridor-best")),
    Entry(2, "ex-log-probability", "One trajectory, however long", 10, ("trajectory-log-probability",)),
    Entry(2, "ex-softmax-score", "A policy with features", 15, ("softmax-score",)),
    Entry(2, "ex-four-actions", "Four actions", 5, ("four-actions",)),
    Entry(2, "ex-shift", "Twice the reward, or one more", 5, ("doubled-and-shifted",)),
    Entry(2, "ex-probability-bug", "A probability in place of its logarithm", 10, ("rare-and-good",)),
    Entry(2, "ex-gaussian-sigma", "The spread of a Gaussian", 10),
    Entry(2, "ex-gaussian-score", "Both scores of a Gaussian", 5, ("gaussian-score",)),
    Entry(3, "ex-flat-loss", "All steps in a row", 10, ("policy-gradient-loss",)),
    Entry(3, "ex-choose-action", "Any number of actions", 5, ("choose-action",)),
    Entry(3, "ex-mean", "A mean too many", 5, ("a-mean-too-many",)),
    Entry(3, "ex-constant-return", "Always the same return", 10, ("constant-return",)),
    Entry(3, "ex-sgd", "Without Adam", 15),
    Entry(3, "ex-four-copies", "Four copies", 20, ("four-copies",)),
    Entry(3, "ex-reinforce-update", "REINFORCE without a framework", 20, ("reinforce-update",)),
    Entry(4, "ex-reward-to-go", "Reward-to-go", 10, ("rewards-to-go",)),
    Entry(4, "ex-rtg-by-hand", "By hand", 5, ("by-hand",)),
    Entry(4, "ex-cumsum", "A sum that runs forwards", 5, ("a-sum-that-runs-forwards",)),
    Entry(4, "ex-final-reward", "One reward at the end", 10, ("final-reward",)),
    Entry(4, "ex-in-a-row", "Episodes in a row", 10, ("rewards-to-go-in-a-row",)),
    Entry(4, "ex-rtg-estimate", "The estimate", 10, ("reward-to-go-gradient",)),
    Entry(4, "ex-three", "Why three?", 15),
    Entry(5, "ex-optimal-baseline", "A baseline for each component", 15, ("optimal-baseline",)),
    Entry(5, "ex-leave-one-out", "Leave one out", 10, ("leave-one-out",)),
    Entry(5, "ex-quietest", "Which is the quietest?", 5, ("quietest-weights",)),
    Entry(5, "ex-advantage", "Weights from a value function", 10, ("advantage",)),
    Entry(5, "ex-value-gradient", "Two losses in one", 5, ("two-losses-in-one",)),
    Entry(5, "ex-bandit", "The bandit by hand", 10, ("bandit-baseline",)),
    Entry(5, "ex-one-over-n", "One minus one over N", 10),
    Entry(5, "ex-batch-size", "Sixteen, two", 10, ("two-episodes",)),
    Entry(5, "ex-your-weights", "Weights of your own", 20, ("your-weights",)),
    Entry(6, "ex-normalise", "Normalising, with a mask", 10, ("normalisation",)),
    Entry(6, "ex-iqm", "An interquartile mean with its interval", 15, ("iqm-interval",)),
    Entry(6, "ex-explained", "How much do the values explain?", 5, ("explained-variance",)),
    Entry(6, "ex-ties", "Who wins, and how often?", 5, ("probability-of-improvement",)),
    Entry(6, "ex-three-seeds", "Three seeds", 10, ("three-seeds",)),
    Entry(6, "ex-shared-statistics", "One mean for all runs", 5, ("one-mean-for-all-runs",)),
    Entry(6, "ex-write-the-test", "A test that finds six bugs", 20, ("write-the-test",)),
    Entry(7, "ex-td-error", "A judgement for each step", 10, ("td-errors",)),
    Entry(7, "ex-n-step", "Wait for n rewards", 10, ("n-step-return",)),
    Entry(7, "ex-gae-sum", "A sum of surprises", 5, ("gae-sum",)),
    Entry(7, "ex-gae-batch", "The recursion, in a padded batch", 15, ("gae-batch",)),
    Entry(7, "ex-flips", "Flips without waiting", 5, ("flips-without-waiting",)),
    Entry(7, "ex-cut", "Cut at ten", 10, ("cut-at-ten",)),
    Entry(7, "ex-lambda-return", "What the critic learns from", 10, ("lambda-return",)),
    Entry(7, "ex-done", "A flag too few", 10, ("a-flag-too-few",)),
    Entry(7, "ex-uncorrelated", "Nothing in common", 10),
    Entry(8, "ex-gaussian-entropy", "How undecided a Gaussian is", 5, ("gaussian-entropy",)),
    Entry(8, "ex-gaussian-log-prob", "Several numbers, one probability", 10, ("gaussian-log-probability",)),
    Entry(8, "ex-tenth", "A tenth of the spread", 5, ("a-tenth-of-the-spread",)),
    Entry(8, "ex-drawn-and-sent", "What is drawn and what is sent", 10, ("drawn-and-sent",)),
    Entry(8, "ex-squashed", "A density between two ends", 15, ("squashed-log-probability",)),
    Entry(8, "ex-cut-and-kept", "Cut and kept", 10, ("cut-and-kept",)),
    Entry(8, "ex-dead", "Where no gradient is left", 10),
    Entry(9, "ex-kl", "The old policy comes first", 5, ("kl-categorical",)),
    Entry(9, "ex-kl-gaussian", "Two bell curves", 15, ("kl-gaussian",)),
    Entry(9, "ex-plateau", "A hundred times rarer", 5, ("a-hundred-times-rarer",)),
    Entry(9, "ex-surrogate", "What the batch promises", 10, ("surrogate",)),
    Entry(9, "ex-fisher-product", "Fisher times a vector", 15, ("fisher-product",)),
    Entry(9, "ex-cg", "Conjugate gradient", 15, ("conjugate-gradient",)),
    Entry(9, "ex-line-search", "Look before you leap", 10, ("line-search",)),
    Entry(9, "ex-step-too-far", "A step too far", 10, ("a-step-too-far",)),
    Entry(9, "ex-no-linear-part", "No linear part", 10),
    Entry(10, "ex-importance-ratio", "One action, two policies", 10, ("importance-ratio",)),
    Entry(10, "ex-surrogate-maximum", "How far up?", 5, ("surrogate-maximum",)),
    Entry(10, "ex-clipped-objective", "The smaller of the two", 10, ("clipped-objective",)),
    Entry(10, "ex-silent", "Who is silent?", 10, ("silent-samples",)),
    Entry(10, "ex-room", "Room to rise", 10, ("room-to-rise",)),
    Entry(10, "ex-entropy-bonus", "A bonus for doubt", 10, ("entropy-bonus",)),
    Entry(10, "ex-too-new", "An old policy too new", 10, ("an-old-policy-too-new",)),
    Entry(10, "ex-bonus-by-hand", "Where the bonus comes to rest", 15),
    Entry(11, "ex-answer-log-prob", "The probability of an answer", 10, ("answer-log-probability",)),
    Entry(11, "ex-rloo", "Groups", 10, ("rloo",)),
    Entry(11, "ex-difficulty", "Whom the division favours", 5, ("difficulty-bias",)),
    Entry(11, "ex-grpo", "A deviation of zero", 10, ("grpo",)),
    Entry(11, "ex-three-means", "Three means", 10, ("three-means",)),
    Entry(11, "ex-k3", "The third estimate as a loss", 10, ("k3-penalty",)),
    Entry(11, "ex-leash-of-air", "A leash of air", 10, ("a-leash-of-air",)),
    Entry(11, "ex-pass-at-k", "At least one of k", 10, ("pass-at-k",)),
    Entry(11, "ex-two-answers", "Two answers", 10),
    Entry(11, "ex-pushing-leash", "The leash that pushes", 15),
)
