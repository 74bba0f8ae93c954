"""What the checker says: of right answers, of every known mistake, and of answers that cannot be compared."""

import ast
import functools
import inspect
import re
import threading
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from scipy import stats

import pgutils as pg
from pgutils import exercises
from pgutils.exercises import EXERCISES, running
from pgutils.exercises.diagnosis import diagnose
from pgutils.exercises.matching import same
from pgutils.exercises.running import outcomes

BOOK = Path(__file__).parent.parent / "book"
NOTEBOOKS = {int(path.stem[:2]): nbformat.read(path, as_version=4) for path in sorted(BOOK.glob("[01]*.ipynb"))}
WITH_FUNCTION = [name for name, exercise in EXERCISES.items() if callable(exercise.solution)]
WITH_RESULT = [name for name, exercise in EXERCISES.items() if not exercise.prepare]  # compared as it is returned
WITHOUT_REPORT = [name for name, exercise in EXERCISES.items() if not exercise.report]
MISTAKES = [(name, mistake) for name, exercise in EXERCISES.items() for mistake in exercise.mistakes]
CONVENTIONS = [(name, convention) for name, exercise in EXERCISES.items() for convention in exercise.conventions]

each_exercise = pytest.mark.parametrize("name", EXERCISES)
each_mistake = pytest.mark.parametrize(("name", "mistake"), MISTAKES, ids=lambda x: getattr(x, "name", x))


def says(name, answer):
    """What ``check`` prints about an answer."""
    return diagnose(EXERCISES[name], answer)


@functools.cache
def says_of(name, mistake):
    """What ``check`` prints about a mistake of an exercise that has this name, worked out once."""
    return says(name, next(known.wrong for known in EXERCISES[name].mistakes if known.name == mistake))


def to_go(rewards, gamma):
    """A right answer to the exercise that most tests here use."""
    result, following = [], 0.0
    for reward in reversed(rewards):
        following = reward + gamma * following
        result.insert(0, following)
    return result


# The cells of the chapters.


@pytest.mark.parametrize("name", [name for name in WITH_FUNCTION if EXERCISES[name].chapter])
def test_the_cell_of_an_exercise_names_the_arguments_as_the_messages_do(name):
    sources = [cell.source for cell in NOTEBOOKS[EXERCISES[name].chapter].cells if cell.cell_type == "code"]
    (stub,) = [s for s in sources if f'pg.check("{name}"' in s and "def solution(" not in s]
    called = re.search(rf'pg\.check\("{name}", (\w+)\)', stub)[1]
    (asked,) = [node for node in ast.parse(stub).body if getattr(node, "name", None) == called]
    solution = EXERCISES[name].solution
    if not EXERCISES[name].prepare:
        assert [arg.arg for arg in asked.args.args] == list(inspect.signature(solution).parameters)


# Right answers.


@each_exercise
def test_solution_passes(name):
    assert says(name, EXERCISES[name].solution).startswith(f"✓ {name}: right.")


@pytest.mark.parametrize("name", [name for name in WITH_FUNCTION if name in WITHOUT_REPORT])
def test_a_right_answer_is_told_what_was_probed(name):
    text = " ".join(says(name, EXERCISES[name].solution).split())
    assert text.endswith(f"Probed: {', '.join(EXERCISES[name].probes)}.")


def noisy(result, factor):
    """The same with relative noise; a gradient flows through it as before."""
    return result * factor if torch.is_tensor(result) else np.asarray(result) * factor


@pytest.mark.parametrize("name", WITH_RESULT)
@pytest.mark.parametrize("factor", [1 + 1e-9, 1 - 1e-9])
def test_numerical_noise_passes(name, factor):
    solution = EXERCISES[name].solution
    answer = (lambda *args: noisy(solution(*args), factor)) if callable(solution) else noisy(solution, factor)
    assert says(name, answer).startswith("✓")


@pytest.mark.parametrize("name", [n for n in WITH_FUNCTION if n in WITH_RESULT and not EXERCISES[n].gradients])
@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, np.ndarray.tolist], ids=["array", "tensor", "list"])
def test_answers_may_be_arrays_tensors_or_lists(name, kind):
    solution = EXERCISES[name].solution
    assert says(name, lambda *args: kind(np.asarray(solution(*args), dtype=float))).startswith("✓")


@pytest.mark.parametrize("dtype", [np.float32, torch.float32])
def test_single_precision_passes(dtype):
    kind = torch.tensor if isinstance(dtype, torch.dtype) else np.array
    assert says("rewards-to-go", lambda *args: kind(to_go(*args), dtype=dtype)).startswith("✓")


def test_a_function_written_for_tensors_is_given_tensors():
    def with_torch(rewards, gamma):
        delay = torch.arange(len(rewards))[None, :] - torch.arange(len(rewards))[:, None]
        return torch.where(delay >= 0, gamma ** delay.clamp(min=0), 0.0) @ rewards.to(torch.float32)

    assert says("rewards-to-go", with_torch).startswith("✓")


def test_a_function_written_for_lists_is_given_lists():
    def recursive(rewards, gamma):
        if not rewards:
            return []
        later = recursive(rewards[1:], gamma)
        return [rewards[0] + gamma * (later or [0])[0], *later]

    assert says("rewards-to-go", recursive).startswith("✓")


def test_a_list_of_tensors_is_numbers():
    def answer(rewards, gamma):
        return to_go([torch.tensor(float(reward), requires_grad=True) for reward in rewards], gamma)

    assert says("rewards-to-go", answer).startswith("✓")


@pytest.mark.parametrize(("name", "convention"), CONVENTIONS, ids=lambda x: getattr(x, "name", x))
def test_another_convention_is_accepted_and_explained(name, convention):
    text = " ".join(says(name, EXERCISES[name].right((convention,))).split())
    assert text == f"✓ {name}: right, by another convention. {convention.explanation}"


# Known mistakes.


@each_mistake
def test_mistake_gets_its_own_diagnosis(name, mistake):
    for wrong in mistake.spellings:
        assert " ".join(says(name, wrong).split()).startswith(
            f"✗ {name}: {mistake.diagnosis} Symptom: {mistake.symptom} Hint: {mistake.hint}"
        )


@each_exercise
def test_probes_tell_everything_apart(name):
    exercise = EXERCISES[name]
    answers = [*map(exercise.right, exercise.followed), *(m.wrong for m in exercise.mistakes)]
    found = [outcomes(exercise, answer) for answer in answers]
    for i, mine in enumerate(found):
        assert [j for j, theirs in enumerate(found) if same(exercise, mine, theirs)] == [i]


@each_exercise
def test_mistakes_differ_in_name_and_lead_on(name):
    mistakes = EXERCISES[name].mistakes
    assert len({mistake.name for mistake in mistakes}) == len(mistakes) >= 4
    for mistake in mistakes:
        assert mistake.diagnosis.endswith((".", "?"))
        assert mistake.symptom.endswith(".")
        assert re.search("[.?)]$", mistake.hint)


@pytest.mark.parametrize("name", ["rewards-to-go", "policy-gradient-loss", "leave-one-out"])
def test_the_three_great_exercises_know_many_mistakes(name):
    assert len(EXERCISES[name].mistakes) >= 8


def test_the_mistakes_of_the_faq():
    """Rewards 1, 2, 3 and γ = ½ give 2.75, 3.5, 3; each of these is known by name."""
    known = {
        "total return": [2.75] * 3,
        "no discount": [6, 5, 3],
        "not turned round again": [3, 3.5, 2.75],
        "forwards": [1, 2.5, 4.25],
        "weighted by γᵗ as well": [2.75, 1.75, 0.75],
        "own reward left out": [1.75, 1.5, 0],
    }
    mistakes = {mistake.name: mistake.wrong for mistake in EXERCISES["rewards-to-go"].mistakes}
    for name, wanted in known.items():
        np.testing.assert_allclose(mistakes[name](np.array([1.0, 2.0, 3.0]), 0.5), wanted)
    assert mistakes["whole numbers truncate"](np.array([1, 2, 3]), 0.5).tolist() == [2, 3, 3]


def broadcast_loss(logits, actions, weights, episodes):
    log_probs = torch.log_softmax(logits, -1).gather(-1, actions[:, None])  # (steps, 1)
    return -(log_probs * weights.detach()).mean()


def two_mistakes(logits, actions, weights, episodes):
    return -(torch.log_softmax(logits, -1)[torch.arange(len(actions)), actions] * weights).mean()


def nll_loss(logits, actions, weights, episodes):
    return (torch.nn.functional.cross_entropy(logits, actions, reduction="none") * weights.detach()).mean()


def in_place(rewards, gamma):
    result = np.zeros_like(rewards)
    for t in range(len(rewards) - 1, -1, -1):
        result[t] = rewards[t] + (gamma * result[t + 1] if t + 1 < len(rewards) else 0)
    return result


OTHERWISE_WRITTEN = [
    ("rewards-to-go", lambda rewards, gamma: sum(r * gamma**t for t, r in enumerate(rewards)), "total return"),
    ("rewards-to-go", lambda rewards, gamma: list(reversed(to_go(rewards, gamma))), "not turned round again"),
    ("rewards-to-go", in_place, "whole numbers truncate"),
    ("policy-gradient-loss", broadcast_loss, "mean of a broadcast product"),
    ("policy-gradient-loss", two_mistakes, "mean over steps"),
    ("policy-gradient-loss", nll_loss, "mean over steps"),
    ("leave-one-out", lambda x: np.stack([row - sum(row) / len(row) for row in x]), "own episode included"),
]


@pytest.mark.parametrize(("name", "answer", "mistake"), OTHERWISE_WRITTEN, ids=lambda x: x if str(x) == x else "")
def test_a_mistake_is_recognised_however_it_was_written(name, answer, mistake):
    diagnosis = next(m.diagnosis for m in EXERCISES[name].mistakes if m.name == mistake)
    assert diagnosis in " ".join(says(name, answer).split())


def not_detached_sum(logits, actions, weights, episodes):
    return -(torch.log_softmax(logits, -1)[torch.arange(len(actions)), actions] * weights).sum()


def nearly_no_floor(weights, mask):
    """Divides by n, and shields from 0 / 0 by so little that rounding is blown up."""
    return np.where(mask, (weights - weights[mask].mean()) / (weights[mask].std() + 1e-12), 0.0)


def rounded_off(weights, mask):
    """Takes a small deviation for none, and divides by the deviation itself otherwise."""
    shifted = (weights - weights[mask][0]) * mask
    deviation = shifted[mask].std(ddof=1)
    return np.zeros_like(shifted) if deviation < 1e-3 else (shifted - shifted[mask].mean()) * mask / deviation


def with_epsilon(epsilon, ddof=1):
    """Normalises with another small number in the denominator."""

    def normalised(weights, mask):
        shifted = (weights - weights[mask][0]) * mask
        return (shifted - shifted[mask].mean()) * mask / (shifted[mask].std(ddof=ddof) + epsilon)

    return normalised


def own_sign_lost(log_probs, values, returns):
    return (log_probs * (returns - values.detach())).mean() + ((values - returns) ** 2).mean()


def rows_lost(theta, states, actions, returns):
    total, policy = np.zeros_like(theta), pg.softmax_policy(theta)
    for path, choices, R in zip(states, actions, returns, strict=True):
        total[path] += R * (np.eye(theta.shape[1])[choices] - policy[path])
    return total / len(returns)


def undiscounted_in_front_discounted(scores, rewards, gamma):
    weights = gamma ** np.arange(rewards.shape[1]) * pg.rewards_to_go(rewards, 1.0)
    return np.einsum("ntd,nt->d", scores, weights) / len(scores)


def by_the_episode(scores, rewards, gamma):
    weights = gamma ** np.arange(len(rewards))[:, None] * pg.rewards_to_go(rewards, gamma)
    return np.einsum("ntd,nt->d", scores, weights) / len(scores)


# What an answer is told must be true of it, also where it follows another convention, or makes half of a mistake.
TOLD = [
    ("policy-gradient-loss", not_detached_sum, "the weights get a gradient, too", "no gradient reaches"),
    ("normalisation", nearly_no_floor, "their mean is rounded", "0 by 0"),
    ("normalisation", rounded_off, "counts as none", "right."),
    ("normalisation", with_epsilon(1e-10), "right.", "convention"),
    ("normalisation", with_epsilon(1e-6), "right, by another convention. You add 1e-06", "not yet"),
    ("normalisation", with_epsilon(1e-5, ddof=0), "right, by 2 other conventions", "not yet"),
    ("two-losses-in-one", own_sign_lost, "the sign of the policy's loss", "an advantage is"),
    ("rare-and-good", rows_lost, "only one counts", "Probe:"),
    ("reward-to-go-gradient", undiscounted_in_front_discounted, "in G_t itself γ has no say", "appears twice"),
    ("reward-to-go-gradient", by_the_episode, "counts the episodes", "the sum runs along"),
    ("explained-variance", lambda V, G: 1 - (G - V).var() / (G**2).mean(), "you divide by the mean square", "above"),
    ("explained-variance", lambda V, G: np.cov(V, G, ddof=0)[0, 1] / G.var(), "covariance", "the correlation"),
    (
        "probability-of-improvement",
        lambda scores, baseline: np.heaviside(np.median(scores) - np.median(baseline), 0.5),
        "one number of each method",
        "the means",
    ),
    (
        "leave-one-out",
        lambda returns: returns - returns.sum(-1, keepdims=True) / len(returns),
        "a number of runs",
        "of the others",
    ),
    ("four-copies", 9 / 32, "or a copy gives three", "right"),
    ("write-the-test", None, "nothing is asserted", "returned"),
    ("bandit-baseline", [0.1, 0.09], "the variance of the returns as well", "that of"),
]


@pytest.mark.parametrize(("name", "answer", "told", "untold"), TOLD, ids=lambda x: x if str(x) == x else "")
def test_what_is_said_of_an_answer_is_true_of_it(name, answer, told, untold):
    text = " ".join(says(name, answer).split())
    assert told in text
    assert untold not in text


@pytest.mark.parametrize("method", ["lower", "higher", "nearest", "midpoint", "weibull", "hazen", "median_unbiased"])
def test_the_ends_of_an_interval_may_be_quantiles_by_any_definition(method):
    def estimate(scores, resamples):
        ends = np.quantile(stats.trim_mean(scores[resamples], 0.25, axis=1), [0.025, 0.975], method=method)
        return stats.trim_mean(scores, 0.25), *ends

    assert says("iqm-interval", estimate).startswith("✓ iqm-interval: right.")


@pytest.mark.parametrize("left_out", [0, 2, 4, 6, 10])
def test_other_quantiles_are_refused(left_out):
    def estimate(scores, resamples):
        middle = np.sort(stats.trim_mean(scores[resamples], 0.25, axis=1))
        left = left_out * len(middle) // 200
        return stats.trim_mean(scores, 0.25), *middle[[left, -1 - left]]

    assert says("iqm-interval", estimate).startswith("✗ iqm-interval:") == (left_out != 4)


@pytest.mark.parametrize("answer", [[0.0066, 0.606], [0.0066, 0.6064], [0.007, 0.606]])
def test_fewer_digits_that_are_rounded_rightly_pass(answer):
    assert says("cut-off", answer).startswith("✓ cut-off: right, by another convention.")


@pytest.mark.parametrize("answer", [[0.0066, 0.607], [0.0065, 0.606], [0.007, 0.607], [0.01, 0.606], [0.0066, 0.61]])
def test_fewer_digits_that_are_rounded_wrongly_do_not(answer):
    assert says("cut-off", answer).startswith("✗ cut-off:")


# Wrong in a way that nobody has thought of.


def test_an_unknown_mistake_is_shown_the_smallest_probe_that_fails():
    assert says("rewards-to-go", lambda rewards, gamma: np.add(to_go(rewards, gamma), len(rewards) == 3)) == (
        "✗ rewards-to-go: not yet; the smallest probe that fails:\n"
        "  Probe:  rewards = [1, 2, 3], gamma = 0.5\n"
        "  given:  [3.75, 4.5, 4]\n"
        "  wanted: [2.75, 3.5, 3]"
    )


def test_of_a_long_array_one_entry_is_shown():
    assert says(
        "rewards-to-go", lambda rewards, gamma: np.add(to_go(rewards, gamma), np.arange(len(rewards)) == 7)
    ) == (
        "✗ rewards-to-go: not yet; the smallest probe that fails:\n"
        '  Probe:  pg.probe("rewards-to-go", "a long episode")\n'
        "  given:  2.089 at [7]\n"
        "  wanted: 1.089 at [7]"
    )


def test_numbers_that_differ_late_are_shown_with_more_digits():
    text = says("discounted-return", lambda rewards, gamma: pg.total_return(rewards, gamma) + 5e-5)
    assert text.endswith("given:  3.00005\n  wanted: 3")


def test_wrong_shape():
    text = says("rewards-to-go", lambda rewards, gamma: np.array(to_go(rewards, gamma))[:, None])
    assert text.endswith(
        "rewards = [3], gamma = 0.5\n  given:  an array of shape (1, 1)\n  wanted: an array of shape (1,)"
    )


def test_a_gradient_that_is_wrong_is_named():
    def half(logits, actions, weights, episodes):
        loss = EXERCISES["policy-gradient-loss"].solution(logits, actions, weights, episodes)
        return (loss + loss.detach()) / 2

    assert "not yet; the gradient with respect to logits is wrong." in says("policy-gradient-loss", half)


@pytest.mark.parametrize("name", [name for name in EXERCISES if name not in WITH_FUNCTION])
def test_an_unknown_number_is_not_told_the_solution(name):
    wrong = np.add(EXERCISES[name].solution, 0.123)
    assert says(name, wrong) == f'✗ {name}: not yet. pg.hint("{name}") helps.'


# Answers that cannot be compared.


def not_implemented(*args):
    raise NotImplementedError


@pytest.mark.parametrize("name", WITH_FUNCTION)
@pytest.mark.parametrize("stub", [None, ..., lambda *args: None, lambda *args: ..., not_implemented])
def test_nothing_written_yet(name, stub):
    text = says(name, stub)
    assert text.startswith(f"○ {name}: not written yet")
    assert f'pg.hint("{name}")' in text


@pytest.mark.parametrize("name", [name for name in EXERCISES if name not in WITH_FUNCTION])
@pytest.mark.parametrize("stub", [None, ...])
def test_no_number_yet(name, stub):
    assert says(name, stub) == f'○ {name}: not written yet. pg.hint("{name}") helps.'


def test_an_exception_is_named_with_its_probe():
    text = says("rewards-to-go", lambda rewards, gamma: rewards[1] and [])
    assert text.startswith("✗ rewards-to-go: raises IndexError: index 1 is out of bounds")
    assert text.endswith("\n  Probe: rewards = [3], gamma = 0.5")
    assert says("rewards-to-go", lambda rewards: rewards).startswith("✗ rewards-to-go: raises TypeError:")


def test_leaving_the_program_is_an_exception_too():
    assert "raises SystemExit" in says("rewards-to-go", lambda rewards, gamma: exit())


def forever(rewards, gamma):
    while True:
        pass


@pytest.mark.parametrize("elsewhere", [False, True], ids=["main thread", "another thread"])
def test_an_endless_loop_is_stopped(elsewhere, monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.3)
    before, texts = threading.active_count(), []
    start = time.monotonic()
    if elsewhere:
        thread = threading.Thread(target=lambda: texts.append(says("rewards-to-go", forever)))
        thread.start()
        thread.join()
    else:
        texts.append(says("rewards-to-go", forever))
    assert time.monotonic() - start < 3
    assert texts == [
        "✗ rewards-to-go: takes too long, and was stopped after 0.3 seconds.\n"
        "  Probe: rewards = [3], gamma = 0.5\n"
        "  Hint: what is meant to end the loop or the recursion, and does it come in time?"
    ]
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before  # the loop does not go on behind the scenes


def test_a_recursion_without_end_is_an_exception():
    def deeper(rewards, gamma):
        return deeper(rewards, gamma)

    assert "raises RecursionError" in says("rewards-to-go", deeper)


def test_changing_the_input_is_noticed():
    def in_place(rewards, gamma):
        for t in reversed(range(len(rewards) - 1)):
            rewards[t] += gamma * rewards[t + 1]
        return rewards

    assert says("rewards-to-go", in_place) == (
        "✗ rewards-to-go: changes its input `rewards`, which the caller may still need.\n"
        "  Probe: rewards = [1, 2, 3], gamma = 0.5\n"
        "  Hint: work on a copy."
    )


def test_a_gradient_that_is_left_behind_is_noticed():
    def impatient(log_probs, values, returns):
        loss = EXERCISES["two-losses-in-one"].solution(log_probs, values, returns)
        loss.backward(retain_graph=True)
        return loss

    text = " ".join(says("two-losses-in-one", impatient).split())
    assert "has called `backward` already, and left a gradient in `log_probs`" in text
    assert text.endswith("Hint: only return the loss; whoever asked for it calls `backward`.")


def test_what_a_fallback_does_wrong_is_not_held_against_an_answer():
    def only_for_lists(rewards, gamma):
        rewards.append("done")
        return rewards

    assert says("rewards-to-go", only_for_lists).startswith("✗ rewards-to-go: raises AttributeError:")


@pytest.mark.parametrize(
    ("result", "kind"),
    [("3.0", "str"), ({"a": 1}, "dict"), (to_go, "function"), (1j, "complex"), ([None], "list")],
)
def test_wrong_type(result, kind):
    first, second = says("rewards-to-go", lambda rewards, gamma: result).splitlines()
    assert first == f"✗ rewards-to-go: returns an object of type {kind}; wanted are numbers."
    assert second == "  Probe: rewards = [3], gamma = 0.5"


def test_rows_of_different_lengths():
    text = says("rewards-to-go", lambda rewards, gamma: [1, [2, 3]])
    assert text.startswith("✗ rewards-to-go: returns rows of different lengths; wanted is one array of numbers.")


def test_a_gradient_that_cannot_be_computed():
    def in_place(logits, actions, weights, episodes):
        pi = torch.softmax(logits, -1)
        loss = pi.log().sum()
        pi *= 2
        return loss

    text = says("policy-gradient-loss", in_place)
    assert text.startswith("✗ policy-gradient-loss: has no gradient: one of the variables needed for gradient")


def test_a_result_in_place_of_the_function():
    text = says("rewards-to-go", to_go([1.0, 2.0, 3.0], 0.5))
    assert text == "✗ rewards-to-go: hand over your function itself, its name without brackets after it."
    assert says("four-actions", to_go) == "✗ four-actions: wanted are numbers, and this is a function."


# All messages.


def source_lines(function):
    """The lines of a function's body that say something."""
    lines = [line.strip() for line in inspect.getsource(function).splitlines()[1:]]
    return [line for line in lines if len(line) > 12 and not line.startswith(('"""', "#"))]


@pytest.mark.parametrize("name", WITH_FUNCTION)
def test_no_message_contains_the_solution(name):
    exercise = EXERCISES[name]
    answers = [None, exercise.solution, lambda *args: 12345.0]
    texts = [says(name, answer) for answer in answers] + [says_of(name, mistake.name) for mistake in exercise.mistakes]
    texts.extend(exercise.hints)
    assert not [line for line in source_lines(exercise.solution) for text in texts if line in text]


@pytest.mark.parametrize(("name", "mistake"), [m for m in MISTAKES if m[0] in WITHOUT_REPORT])
def test_a_diagnosis_is_at_most_four_lines_of_a_page(name, mistake):
    lines = says_of(name, mistake.name).splitlines()
    assert len(lines) <= 4
    assert max(map(len, lines)) <= 84


@pytest.mark.parametrize("name", WITHOUT_REPORT)
def test_other_messages_are_at_most_four_lines(name):
    exercise = EXERCISES[name]
    answers = [
        None,
        exercise.solution,
        lambda *args: 12345.0,
        lambda *args: 1 / 0,
        *(exercise.right((c,)) for c in exercise.conventions),
    ]
    for answer in answers:
        lines = says(name, answer).splitlines()
        assert len(lines) <= 4
        assert max(map(len, lines)) <= 84


# The two functions that a reader calls.


def test_check_prints_and_returns_nothing(capsys):
    assert pg.check("rewards-to-go", to_go) is None
    assert capsys.readouterr().out == says("rewards-to-go", to_go) + "\n"


@pytest.mark.parametrize("function", [lambda name: pg.check(name, None), pg.hint])
@pytest.mark.parametrize(
    ("name", "closest"),
    [("reward-to-go", "rewards-to-go"), ("leave one out", "leave-one-out"), ("Softmax", "softmax-score")],
)
def test_an_unknown_name_is_told_the_closest(function, name, closest):
    with pytest.raises(ValueError, match=f"unknown exercise '{name}': did you mean '{closest}'"):
        function(name)


@each_exercise
def test_hints_come_one_at_a_time_and_end(name, capsys, monkeypatch):
    monkeypatch.setattr(exercises, "_hints_given", type(exercises._hints_given)())
    hints = EXERCISES[name].hints
    assert len(hints) >= 2
    for number, hint in enumerate(hints, 1):
        assert pg.hint(name) is None
        printed = capsys.readouterr().out
        assert " ".join(printed.split()) == f"→ {name}: hint {number} of {len(hints)}. {hint}"
        assert printed.count("\n") <= 4
    for _ in range(2):
        pg.hint(name)
        assert "there are no more hints" in capsys.readouterr().out


# The book.


def checked(cell):
    """The names of the exercises that a cell checks."""
    return re.findall(r'pg\.check\("([^"]+)"', cell.source) if cell.cell_type == "code" else []


def of_an_exercise(cell):
    """Whether a code cell belongs to an exercise, not to the chapter."""
    return re.search(r"pg\.(check|predict|reveal|solved)\(", cell.source)


def defined(cell):
    """The names that a code cell leaves behind."""
    targets = [target for node in ast.parse(cell.source).body for target in getattr(node, "targets", [node])]
    return {getattr(target, "id", getattr(target, "name", None)) for target in targets} - {None}


def used(cell):
    """The names that a code cell mentions."""
    return {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)} | defined(cell)


@pytest.mark.parametrize("name", [name for name, exercise in EXERCISES.items() if exercise.chapter in NOTEBOOKS])
def test_an_exercise_has_a_stub_and_a_solution_in_its_chapter(name):
    chapter = EXERCISES[name].chapter
    stub, solution = (cell for cell in NOTEBOOKS[chapter].cells if name in checked(cell))
    assert stub.outputs[0].text.startswith(says(name, EXERCISES[name].broken) + "\n")
    assert solution.outputs[0].text == says(name, EXERCISES[name].solution) + "\n"
    assert solution.metadata.jupyter.source_hidden


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_a_chapter_has_five_exercises_with_a_time_and_checks_its_own(chapter):
    cells = NOTEBOOKS[chapter].cells
    times = re.findall(r"\{exercise\}.*\n:label: ex-\S+\n\*[^*]+, \d+ minutes\.\*", "\n".join(c.source for c in cells))
    assert len(times) == sum(c.source.count("{exercise}") for c in cells) >= 5
    names = {name for cell in cells for name in checked(cell)}
    assert names == {name for name, exercise in EXERCISES.items() if exercise.chapter == chapter}
    assert len(names & set(WITH_FUNCTION)) >= 3


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_an_exercise_does_not_disturb_its_chapter(chapter):
    code = [cell for cell in NOTEBOOKS[chapter].cells if cell.cell_type == "code"]
    theirs = set().union(*(used(cell) for cell in code if not of_an_exercise(cell)))
    assert not [name for cell in code if of_an_exercise(cell) for name in defined(cell) & theirs]


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_no_message_contains_a_solution_of_the_book(chapter):
    for cell in NOTEBOOKS[chapter].cells:
        for name in checked(cell) if cell.metadata.get("jupyter", {}).get("source_hidden") else []:
            exercise = EXERCISES[name]
            texts = [*exercise.hints, *(says_of(name, mistake.name) for mistake in exercise.mistakes)]
            lines = [line.strip() for line in cell.source.splitlines() if "pg.check" not in line]
            assert not [line for line in lines if len(line) > 12 for text in texts if line in text]


def test_the_transcript_of_how_to_do_the_exercises(capsys):
    text = (BOOK / "exercises.md").read_text(encoding="utf-8")
    dialogue = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", text, re.DOTALL)
    assert len(dialogue) == 5
    scope = {"pg": pg}
    for code, shown in dialogue:
        exec(code, scope)
        assert capsys.readouterr().out == shown


@pytest.mark.parametrize("chapter", NOTEBOOKS)
def test_the_line_that_jupyterlab_shows_of_a_folded_solution_gives_nothing_away(chapter):
    code = [cell for cell in NOTEBOOKS[chapter].cells if cell.cell_type == "code"]
    cells = [cell for cell in code if of_an_exercise(cell) and "jupyter" in cell.metadata]
    assert all(cell.source.startswith(("def solution(", "# The answer\n")) for cell in cells)
