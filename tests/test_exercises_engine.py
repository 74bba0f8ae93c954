"""The engine of the exercises: what it runs, stops, compares, finds, and remembers."""

import json
import threading
import time
from decimal import Decimal
from fractions import Fraction
from itertools import count

import jupyter_client
import numpy as np
import pytest
import torch

import pgutils as pg
from pgutils import exercises
from pgutils.exercises import EXERCISES, running
from pgutils.exercises.diagnosis import diagnose
from pgutils.exercises.exercise import Convention, Exercise, Mistake


def mistake(name, wrong, *also):
    return Mistake(name, wrong, f"{name} is what you did.", f"{name} shows.", f"is it {name}?", also)


def scaled_sum(x, gamma):
    """The sum of x, each entry multiplied by γ."""
    return (x * gamma).sum()


SUM = Exercise(
    name="scaled-sum",
    chapter=0,
    solution=scaled_sum,
    probes={
        "one": (np.array([2.0]), 0.5),
        "two": (np.array([2.0, 3.0]), 0.5),
        "whole": (np.array([1, 2]), 0.25),
    },
    conventions=(
        Convention("mean", None, "You take the mean.", lambda f: lambda x, gamma: f(x, gamma) / len(x)),
        Convention("doubled", None, "You double it.", lambda f: lambda x, gamma: 2 * f(x, gamma)),
    ),
    mistakes=(
        mistake("sign", lambda x, gamma: -scaled_sum(x, gamma)),
        mistake("no γ", lambda x, gamma: x.sum(), lambda x, gamma: x.sum() + 1e-3),
        mistake("last lost", lambda x, gamma: scaled_sum(x[:-1], gamma) if x[1:].any() else np.inf),
        mistake("overflow", lambda x, gamma: scaled_sum(x, gamma) if x[1:].any() else np.nan),
    ),
    hints=("one", "two"),
)
PAIR = Exercise("pair", 0, [2.0, 0.5, 4.0], (mistake("swapped", [0.5, 2.0, 4.0]),), ("one", "two"))


def says(exercise, answer):
    """What ``check`` prints about an answer."""
    return diagnose(exercise, answer)


def in_a_line(text):
    """A message as it was before it was folded."""
    return " ".join(text.split())


# Conventions, mistakes under each of them, spellings, finite entries.


def test_conventions_may_be_combined():
    assert in_a_line(says(SUM, lambda x, gamma: 2 * np.mean(x * gamma))) == (
        "✓ scaled-sum: right, by 2 other conventions. You take the mean. You double it."
    )
    text = in_a_line(says(SUM, lambda x, gamma: np.mean(x * gamma)))
    assert text == "✓ scaled-sum: right, by another convention. You take the mean."


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("collect", [np.sum, np.mean])
def test_a_mistake_is_recognised_under_each_convention(collect, factor):
    assert "sign is what you did." in says(SUM, lambda x, gamma: -factor * collect(x * gamma))


def test_what_was_wanted_is_told_by_the_nearest_convention():
    text = says(SUM, lambda x, gamma: np.mean(x * gamma) + (x.dtype != float))
    assert text.endswith("Probe:  x = [1, 2], gamma = 0.25\n  given:  1.375\n  wanted: 0.375")


def test_a_mistake_has_several_spellings():
    for extra in (0, 1e-3):
        assert "no γ is what you did." in says(SUM, lambda x, gamma, extra=extra: x.sum() + extra)


@pytest.mark.parametrize("instead", [0.0, 77.0, np.nan, -np.inf])
def test_where_a_mistake_has_no_number_anything_may_stand_if_the_rest_is_wrong(instead):
    answer = lambda x, gamma: scaled_sum(x[:-1], gamma) if len(x) > 1 else instead  # noqa: E731
    assert "last lost is what you did." in says(SUM, answer)


@pytest.mark.parametrize(("instead", "known"), [(np.nan, True), (np.inf, True), (77.0, False)])
def test_but_not_if_nothing_else_is_wrong(instead, known):
    answer = lambda x, gamma: scaled_sum(x, gamma) if len(x) > 1 else instead  # noqa: E731
    assert ("overflow is what you did." in says(SUM, answer)) == known


# Kinds of input: the first complaint is kept.


def test_another_kind_is_tried_only_if_the_first_probe_raises():
    def later(x, gamma):
        return (x * gamma).sum() if len(x) == 1 else x.nonsense

    assert "raises AttributeError: 'numpy.ndarray' object" in says(SUM, later)


def test_the_complaint_is_about_the_first_kind():
    def only_lists(x, gamma):
        x.insert(0, 0.0)
        return sum(x) * gamma

    text = in_a_line(says(SUM, only_lists))
    assert "raises AttributeError: 'numpy.ndarray' object has no attribute 'insert'" in text


# Stubs and accidents.


def empty(x, gamma):
    """Only a docstring."""


def to_do(x, gamma):
    raise NotImplementedError("to do")


@pytest.mark.parametrize("stub", [empty, to_do, lambda x, gamma: ..., lambda x, gamma: None])
def test_a_stub_is_not_written_yet(stub):
    assert says(SUM, stub).startswith("○ scaled-sum: not written yet: nothing is returned.")


def test_an_accident_is_not_a_stub():
    def cross_entropy_the_wrong_way_round(x, gamma):
        return torch.tensor(x) ^ gamma

    first, *_ = says(SUM, cross_entropy_the_wrong_way_round).splitlines()
    assert "raises" in first
    assert "not written" not in first


@pytest.mark.parametrize("name", ["policy-gradient-loss", "advantage"])
def test_an_exception_of_torch_is_not_a_stub(name):
    def answer(*args):
        return args[0] ^ args[1]

    assert says(exercises.EXERCISES[name], answer).startswith(f"✗ {name}: raises ")


def test_a_branch_without_a_return_is_shown_its_probe():
    def half(x, gamma):
        if len(x) == 1:
            return x[0] * gamma

    assert says(SUM, half) == (
        "✗ scaled-sum: returns nothing, here at least.\n"
        "  Probe: x = [2, 3], gamma = 0.5\n"
        "  Hint: does every way through it end in a `return`?"
    )


def test_a_forgotten_return_is_not_a_stub():
    def forgotten(x, gamma):
        (x * gamma).sum()

    assert says(SUM, forgotten).startswith("✗ scaled-sum: returns nothing\n")


# Exceptions have a line, arguments stay as they were.


def test_an_exception_has_its_line():
    def answer(x, gamma):
        y = x * gamma
        return y[5]

    line = answer.__code__.co_firstlineno + 2
    assert says(SUM, answer) == (
        "✗ scaled-sum: raises IndexError: index 5 is out of bounds for axis 0 with size 1\n"
        f"  Line {line}: return y[5]\n"
        "  Probe: x = [2], gamma = 0.5"
    )


def test_an_exception_in_a_library_has_the_line_of_the_reader():
    def answer(x, gamma):
        return np.linalg.solve(x, x)

    assert "\n  Line " in says(SUM, answer)
    assert "return np.linalg.solve(x, x)" in says(SUM, answer)


def right_advantage(rewards, values, gamma):
    return pg.rewards_to_go(rewards, gamma) - values.detach().squeeze(-1)


@pytest.mark.parametrize("cut", [lambda values: values.detach_(), lambda values: values.requires_grad_(False)])
def test_cutting_an_input_out_of_the_graph_is_noticed(cut):
    def answer(rewards, values, gamma):
        cut(values)
        return right_advantage(rewards, values, gamma)

    exercise = exercises.EXERCISES["advantage"]
    assert says(exercise, right_advantage).startswith("✓")
    assert says(exercise, answer).startswith("✗ advantage: cuts its input `values` out of the graph")


# Too long.


def test_what_does_not_heed_the_request_to_stop_was_not_stopped(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.1)
    assert in_a_line(says(SUM, lambda x, gamma: time.sleep(2))).startswith(
        "✗ scaled-sum: takes too long: after 0.1 seconds it does not heed the request to stop."
    )


def test_a_loop_that_catches_everything_is_stopped_all_the_same(monkeypatch):
    monkeypatch.setattr(running, "SECONDS", 0.1)
    before = threading.active_count()
    swallowed = []

    def stubborn(x, gamma):
        while True:
            try:
                for _ in count():
                    pass
            except BaseException:
                swallowed.append(1)
                if len(swallowed) > 2:
                    raise

    assert "and was stopped after 0.1 seconds" in says(SUM, stubborn)
    time.sleep(0.1)
    assert threading.active_count() == before


@pytest.fixture(scope="module")
def kernel():
    """A client of a real kernel."""
    manager, client = jupyter_client.manager.start_new_kernel(extra_arguments=["--log-level=ERROR"])
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_an_interrupt_stops_the_loop_for_good(kernel):
    manager, client = kernel
    output = []

    def show(message):
        output.append(message["content"].get("text", ""))

    loop = (
        "import time\nimport pgutils as pg\nturns = [0]\n"
        "def forever(rewards, gamma):\n    while True:\n        turns[0] += 1\n"
    )
    client.execute_interactive(loop, timeout=60)
    client.execute("pg.check('rewards-to-go', forever)")
    time.sleep(0.7)
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=30))["msg_type"] != "execute_reply":
        pass
    assert reply["content"]["status"] == "error"
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    growth = "before = turns[0]\ntime.sleep(0.5)\nprint(before > 0, turns[0] - before)"
    client.execute_interactive(growth, timeout=30, output_hook=show)
    assert "".join(output) == "True 0\n"


def test_in_a_notebook_the_solution_of_the_book_is_not_the_readers(kernel, tmp_path):
    _, client = kernel
    file, output = tmp_path / "exercises.json", []

    def run(code):
        output.clear()
        client.execute_interactive(code, timeout=60, output_hook=lambda m: output.append(m["content"].get("text", "")))
        return "".join(output)

    run(f"import os\nimport pgutils as pg\nos.environ['PGUTILS_PROGRESS'] = {str(file)!r}")
    body = "(rewards, gamma):\n    return pg.rewards_to_go(rewards, gamma)\n\n\npg.check('rewards-to-go', {})"
    assert run(f"def solution{body.format('solution')}").startswith("✓ rewards-to-go: right.")
    assert run('# The answer\npg.check("bandit-baseline", [0.1, 0.0])').startswith("✓ bandit-baseline: right.")
    assert run("print(pg.solved('rewards-to-go'))") == "False\n"
    assert not file.exists()
    assert run(f"def mine{body.format('mine')}").startswith("✓ rewards-to-go: right.")
    assert run("print(pg.solved('rewards-to-go'))") == "True\n"
    assert json.loads(file.read_text(encoding="utf-8")) == {"rewards-to-go": {"state": "done"}}


# Answers that are not functions of their arguments alone, or take them in another order.


def test_a_draw_of_ones_own_is_named():
    def own(logits, u):
        return int(np.random.default_rng().choice(len(logits), p=pg.softmax_policy(logits)))

    said = " ".join(diagnose(EXERCISES["choose-action"], own).split())
    assert said.startswith("✗ choose-action: called again with the same arguments, it returns something else.")
    assert "Does it draw on its own, or remember something?" in said


def test_an_answer_that_remembers_is_named():
    total = [0.0]

    def remembers(rewards, gamma):
        total[0] += rewards.sum()
        return total[0]

    assert "called again" in diagnose(EXERCISES["discounted-return"], remembers)


def test_arguments_in_another_order_are_named():
    def turned(gamma, rewards):
        return sum(gamma**t * reward for t, reward in enumerate(rewards))

    said = " ".join(diagnose(EXERCISES["discounted-return"], turned).split())
    assert "it is called with (rewards, gamma), and takes (gamma, rewards)." in said
    assert diagnose(EXERCISES["discounted-return"], lambda r, g: turned(g, r)).startswith("✓")


def test_a_slow_import_is_not_an_endless_loop(monkeypatch, tmp_path):
    (tmp_path / "slow_to_import.py").write_text("import time\nfor _ in range(20):\n    time.sleep(0.02)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "SECONDS", 0.1)

    def slow(rewards, gamma):
        import slow_to_import  # noqa: F401

        return rewards @ gamma ** np.arange(len(rewards))

    assert diagnose(EXERCISES["discounted-return"], slow).startswith("✓")


# Numbers.


@pytest.mark.parametrize("kind", [Fraction, Decimal, np.float32, torch.tensor, float, lambda x: np.array([x])[0]])
def test_numbers_of_every_kind(kind):
    assert says(PAIR, [kind(x) for x in (2.0, 0.5, 4.0)]) == "✓ pair: right."
    assert says(PAIR, tuple(kind(x) for x in (2.0, 0.5, 4.0))) == "✓ pair: right."


def test_fractions_from_a_function():
    assert says(SUM, lambda x, gamma: sum(Fraction(float(v)) * Fraction(gamma) for v in x)).startswith("✓")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([2.0, 0.5], "wanted are 3 numbers, and you gave 2."),
        (2.0, "wanted are 3 numbers, and you gave 1."),
        ([2.0, 0.5, 4.0, 1.0], "wanted are 3 numbers, and you gave 4."),
        (["2", "0.5", "4"], "wanted are numbers, and '2' is a text: leave the quotation marks out."),
        ("2, 0.5, 4", "wanted are numbers, and '2, 0.5, 4' is a text: leave the quotation marks out."),
        ([2.0, ..., 4.0], "not all numbers are written yet."),
        ([2.0, None, 4.0], "not all numbers are written yet."),
        ([2.0, [0.5], 4.0], "wanted is one plain list of numbers."),
        ([2.0, 0.5 + 1j, 4.0], "wanted are numbers, and (0.5+1j) is of type complex."),
        ([2.0, 1.0, 3.0], 'not yet, but the first of 3 is right. pg.hint("pair") helps.'),
        ([2.0, 0.5, 3.0], 'not yet, but the first and second of 3 are right. pg.hint("pair") helps.'),
        ([1.0, 1.0, 1.0], 'not yet. pg.hint("pair") helps.'),
    ],
)
def test_numbers_that_are_wrong_get_the_right_words(answer, words):
    assert in_a_line(says(PAIR, answer)) == f"✗ pair: {words}"


def test_what_rounding_left_of_zero_is_shown_as_zero():
    zero = Exercise("zero", 0, lambda x: x * 0 - 2.2e-16, (), (), {"one": (np.array([1.0]),)})
    assert says(zero, lambda x: x).endswith("given:  [1]\n  wanted: [0]")


# Names, probes, hints.


@pytest.mark.parametrize("function", [lambda name: pg.check(name, None), pg.hint, pg.probe, pg.solved])
def test_the_label_of_the_book_is_a_name(function):
    function("ex-reward-to-go")


def test_arguments_in_the_wrong_order_are_explained():
    with pytest.raises(ValueError, match=r'the name comes first: pg\.check\("name", …\), got function'):
        pg.check(lambda x: x, "rewards-to-go")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("reward-to-go", "rewards-to-go"),
        ("ex-ties", None),
        ("who wins and how often", "probability-of-improvement"),
        ("iqm", "iqm-interval"),
        ("Normalize", "normalisation"),
        ("in_a_row", "rewards-to-go-in-a-row"),
        ("flat-loss", "policy-gradient-loss"),
    ],
)
def test_an_unknown_name_suggests_the_right_one(name, meant):
    if meant is None:
        assert pg.hint(name) is None
        return
    with pytest.raises(ValueError, match=f"unknown exercise '{name}': did you mean '{meant}'"):
        pg.hint(name)


def test_a_name_that_is_like_none_gets_the_list():
    with pytest.raises(ValueError, match="unknown exercise 'xyzzy': there are discounted-return, state-values, "):
        pg.hint("xyzzy")


def test_a_label_with_nothing_to_check_says_so():
    with pytest.raises(ValueError, match=r"ex-three has nothing for pg\.check: compare your answer with its solution"):
        pg.check("ex-three", 3)


def test_a_probe_that_a_message_names_can_be_had():
    shown = says(exercises.EXERCISES["rewards-to-go"], lambda rewards, gamma: np.add(rewards, len(rewards) != 40))
    assert "Probe" in shown
    args = pg.probe("rewards-to-go", "a long episode")
    assert len(args.rewards) == 40
    assert args.gamma == 0.9
    args.rewards[:] = 0
    assert pg.probe("rewards-to-go", "a long episode").rewards.any()
    assert pg.probe("rewards-to-go").rewards.tolist() == [3.0]


def test_a_probe_with_gradients_has_them():
    assert pg.probe("advantage", "three steps").values.requires_grad


def test_unknown_probes_are_listed():
    with pytest.raises(ValueError, match="rewards-to-go has no probe 'long'; there are 'one step', 'three steps'"):
        pg.probe("rewards-to-go", "long")
    with pytest.raises(ValueError, match="four-actions asks for numbers"):
        pg.probe("four-actions")


def test_a_hint_can_be_read_again(capsys, monkeypatch):
    monkeypatch.setattr(exercises, "_hints_given", type(exercises._hints_given)())
    for _ in range(5):
        pg.hint("four-actions")
    capsys.readouterr()
    pg.hint("four-actions", 1)
    assert capsys.readouterr().out.startswith("→ four-actions: hint 1 of 2.")
    with pytest.raises(ValueError, match="four-actions has hints 1 to 2, got 3"):
        pg.hint("four-actions", 3)
