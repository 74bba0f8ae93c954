"""What a reader has done is remembered on the reader's machine, and nowhere in the tests."""

import json
import linecache
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import pgutils as pg
from pgutils import exercises
from pgutils.exercises import record
from pgutils.exercises.index import INDEX

BOOK = Path(__file__).parent.parent / "book"
EXERCISE = re.compile(r"\{exercise\} (.*)\n:label: (\S+)\n(?::.*\n)*\n?\*.*?, (\d+) minutes\.\*")


@pytest.fixture
def file(tmp_path, monkeypatch):
    """The file of a reader who has done nothing yet."""
    path = tmp_path / "somewhere" / "exercises.json"
    monkeypatch.setenv("PGUTILS_PROGRESS", str(path))
    monkeypatch.setattr(record, "_unsaved", {})
    monkeypatch.setattr(exercises, "_solved", set())
    return path


def right(rewards, gamma):
    return pg.total_return(rewards, gamma)


def printed(capsys, **options):
    capsys.readouterr()
    pg.progress(**options)
    return capsys.readouterr().out.splitlines()


def test_tests_and_their_kernels_keep_no_record():
    assert record.path() is None
    command = [sys.executable, "-c", "from pgutils.exercises import record; print(record.path())"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "None\n"


def test_a_reader_has_a_file_in_the_place_for_such_data(monkeypatch, tmp_path):
    monkeypatch.delenv("PYTEST_VERSION")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert record.path().name == "exercises.json"
    assert record.path().parent.name == "pgutils"


def test_what_is_tried_and_done_is_kept(file, capsys):
    assert printed(capsys)[0] == f"Chapter  1  {'·' * 7:12} 0 of 7 done"
    pg.check("discounted-return", None)
    assert not file.exists()  # a stub is no attempt
    pg.check("state-values", right)
    assert printed(capsys)[0].endswith("0 of 7 done, 1 tried")
    pg.check("discounted-return", right)
    lines = printed(capsys)
    assert lines[0] == f"Chapter  1  {'✓○·····':12} 1 of 7 done, 1 tried"
    assert lines[-2] == "Next: “Without a solver” in chapter 1, 15 minutes (ex-without-solver)"
    assert lines[-1] == f"Kept in {file}"
    assert json.loads(file.read_text(encoding="utf-8")) == {
        "state-values": {"state": "tried"},
        "discounted-return": {"state": "done"},
    }


def test_what_is_done_stays_done(file, capsys):
    pg.check("discounted-return", right)
    assert pg.solved("discounted-return")
    pg.check("discounted-return", sum)
    assert not pg.solved("discounted-return")
    assert printed(capsys)[0].endswith("1 of 7 done")


def test_an_exercise_on_paper_is_ticked_by_its_label(file, capsys):
    assert printed(capsys, done="ex-three")[3].endswith("1 of 7 done")
    with pytest.raises(ValueError, match="no exercise has the label 'three'; labels look like 'ex-discounted-return'"):
        pg.progress(done="three")


def test_it_can_be_reset(file, capsys):
    pg.check("discounted-return", right)
    assert printed(capsys, reset=True)[0].endswith("0 of 7 done")
    assert json.loads(file.read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"discounted-return": 3}', "\x00"])
def test_a_damaged_file_counts_as_none(file, capsys, damage):
    file.parent.mkdir()
    file.write_text(damage, encoding="utf-8")
    assert printed(capsys)[0].endswith("0 of 7 done")
    pg.check("discounted-return", right)
    assert printed(capsys)[0].endswith("1 of 7 done")


def test_where_nothing_can_be_written_the_record_lasts_as_long_as_the_process(file, capsys):
    file.parent.write_text("in the way", encoding="utf-8")
    pg.check("discounted-return", right)
    assert printed(capsys)[0].endswith("1 of 7 done")


def test_the_solution_of_the_book_is_not_the_readers(file, capsys):
    cell = "def solution(*args):\n    return pg.total_return(*args)\n\npg.check('discounted-return', solution)"
    linecache.cache["<a cell>"] = (len(cell), None, cell.splitlines(keepends=True), "<a cell>")
    exec(compile(cell, "<a cell>", "exec"), {"pg": pg})
    assert "✓ discounted-return: right." in capsys.readouterr().out
    assert not file.exists()
    assert not pg.solved("discounted-return")


def test_all_done(file, capsys):
    for entry in INDEX:
        record.note(entry.label, "done")
    assert printed(capsys)[-2] == "All done."


def test_the_index_is_that_of_the_book():
    found = []
    for path in sorted(BOOK.glob("[01]*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                for title, label, minutes in EXERCISE.findall(cell.source):
                    found.append((int(path.stem[:2]), label, title, int(minutes), []))
            for name in re.findall(r'pg\.(?:check|predict)\("([^"]+)"', cell.source):
                if cell.cell_type == "code" and name not in found[-1][-1]:
                    found[-1][-1].append(name)
    assert [tuple(entry) for entry in INDEX] == [(*entry, tuple(names)) for *entry, names in found]
