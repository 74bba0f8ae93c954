"""A progress bar must leave one line behind, wherever it ran."""

import io
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from pgutils import progress_bar as module
from pgutils.progress_bar import progress

LINE = "CartPole-v1: 16 runs × 3 iterations × 16 episodes, seed 0"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def test_all_items_come_through_in_order():
    items = ["a", "b", "c"]
    assert list(progress(iter(items), LINE, 3)) == items
    assert list(progress([], LINE, 0)) == []


def test_off_a_terminal_only_the_line_is_printed(capsys):
    for _ in progress(range(3), LINE, 3):
        assert capsys.readouterr() == ("", "")
    assert capsys.readouterr() == (LINE + "\n", "")


def test_in_a_terminal_the_bar_goes_to_stderr_and_vanishes(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    seen = list(progress(range(3), LINE, 3))
    drawn = sys.stderr.getvalue()
    assert seen == [0, 1, 2]
    assert capsys.readouterr().out == LINE + "\n"
    assert "0/3" in drawn
    assert drawn.rpartition("\r")[2] == "", "the bar ends at the start of its line"
    assert drawn.rstrip("\r").rpartition("\r")[2].strip() == "", "what was drawn last is blank"


def test_an_error_in_the_loop_is_passed_on_without_the_line(capsys):
    def failing():
        for item in progress(range(3), LINE, 3):
            if item == 1:
                raise ArithmeticError

    with pytest.raises(ArithmeticError):
        failing()
    assert capsys.readouterr().out == ""


# In a notebook


def cell(body):
    # The module is run by itself, because the rest of the package takes seconds to import.
    setup = f"import runpy, time\nprogress = runpy.run_path({module.__file__!r})['progress']"
    return nbformat.v4.new_code_cell(f"{setup}\n{body}")


@pytest.fixture(scope="module")
def executed():
    """A notebook with a slow loop, an empty loop, and two loops in one cell, executed in a kernel of its own."""
    slow = f"for _ in progress(range(4), {LINE!r}, 4): time.sleep(0.2)"
    empty = "for _ in progress([], 'nothing', 0): pass"
    two = "for line in ('one', 'two'):\n    for _ in progress(range(2), line, 2): time.sleep(0.3)"
    updates = []
    notebook = nbformat.v4.new_notebook(cells=[cell(slow), cell(empty), cell(two)])
    client = NotebookClient(notebook, timeout=120, kernel_name="python3")
    process = client.process_message

    def watch(message, *args):
        if message["msg_type"] == "update_display_data":
            updates.append(message["content"]["data"])
        return process(message, *args)

    client.process_message = watch
    return client.execute(), updates


def test_a_notebook_keeps_only_the_line(executed):
    notebook, _ = executed
    wanted = [[LINE], ["nothing"], ["one", "two"]]
    for cell, lines in zip(notebook.cells, wanted, strict=True):
        assert [output.output_type for output in cell.outputs] == ["display_data"] * len(lines)
        assert [output.data for output in cell.outputs] == [{"text/plain": line} for line in lines]
        assert all(output.metadata == {} for output in cell.outputs)


def test_a_notebook_shows_the_bar_meanwhile(executed):
    _, updates = executed
    bars = [data["text/html"] for data in updates if "text/html" in data and data["text/plain"] == LINE]
    assert any("2/4" in bar or "3/4" in bar for bar in bars)
    assert all(bar.startswith("<pre>") for bar in bars)
