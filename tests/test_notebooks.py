"""The rules that every notebook of the book keeps, and the proof that each of them catches what it forbids."""

import re
from pathlib import Path

import nbformat
import pytest
from execute_notebooks import normal_form
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NOTEBOOKS = sorted((Path(__file__).parent.parent / "book").glob("*.ipynb"))
LINES, LINES_WHEN_HIDDEN = 20, 40
EXERCISE = re.compile(r"\{exercise\} (.*)\n:label: (\S+)\n(?::.*\n)*\n?\*(.*?), (\d+) minutes\.\*")
INDEXED = re.compile(r"^\| \{ref\}`(.*?)` \| (.*?) \| (.*?) \| (\d+) \| (✓?) ?\|$", re.MULTILINE)


def tags(cell):
    return cell.metadata.get("tags", [])


def images(cell):
    return [mime for output in cell.outputs for mime in output.get("data", {}) if mime.startswith("image/")]


def code_lines(cell):
    return [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]


def printed(cell):
    """What the cell's outputs say in words, without the bytes of pictures and films."""
    data = [output.get("data", {"text": output.get("text", "")}) for output in cell.outputs]
    words = [str(text) for item in data for mime, text in item.items() if not mime.startswith("image/")]
    return re.sub(r"base64,[A-Za-z0-9+/=\s]*", "", "\n".join(words))


# The rules: each says of one code cell whether it keeps it.


def no_error_is_stored(cell):
    return all(output.output_type != "error" for output in cell.outputs)


def nothing_is_written_to_stderr(cell):
    return all(output.get("name") != "stderr" for output in cell.outputs)


def code_is_short(cell):
    hidden = "hide-input" in tags(cell) or cell.metadata.get("jupyter", {}).get("source_hidden", False)
    return len(code_lines(cell)) <= (LINES_WHEN_HIDDEN if hidden else LINES)


def images_are_described_in_a_sentence(cell):
    alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    return not images(cell) or (len(alt.split()) >= 5 and alt.endswith("."))


def figures_end_in_show(cell):
    return "image/png" not in images(cell) or code_lines(cell)[-1] == "plt.show()"


def figures_are_not_svg(cell):
    return "image/svg+xml" not in images(cell) and "<svg" not in printed(cell)


def nothing_is_skipped(cell):
    return "nbval-skip" not in tags(cell) and not re.search(r"^\s*#+\s*(NBVAL|PYTEST)_", cell.source, re.MULTILINE)


def ignored_output_has_a_reason(cell):
    return "nbval-ignore-output" not in tags(cell) or "# output ignored: " in cell.source


def no_address_is_printed(cell):
    return not re.search(r"\b0x[0-9a-f]{6,}", printed(cell), re.IGNORECASE)


def nothing_is_installed(cell):
    return not re.search(r"\b(pip|conda|mamba) install\b", cell.source)


RULES = [
    no_error_is_stored,
    nothing_is_written_to_stderr,
    code_is_short,
    images_are_described_in_a_sentence,
    figures_end_in_show,
    figures_are_not_svg,
    nothing_is_skipped,
    ignored_output_has_a_reason,
    no_address_is_printed,
    nothing_is_installed,
]


def is_executed_in_order(notebook):
    """Whether each code cell has its count, 1…n. (A cell without a count is one that nbval does not check.)"""
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"]
    return counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule(rule, path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.source for cell in cells if not rule(cell)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_executed_in_order(path):
    assert is_executed_in_order(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_in_normal_form(path):
    text = path.read_text(encoding="utf-8")
    assert text == normal_form(nbformat.reads(text, as_version=4)), "`make run` stores notebooks in their normal form"


def test_every_exercise_is_in_the_index():
    found = []
    for path in NOTEBOOKS:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                for title, label, kind, minutes in EXERCISE.findall(cell.source):
                    found.append([label, title, kind.lower(), minutes, ""])
            elif found and re.search(r"pg\.(check|predict)\(", cell.source):
                found[-1][-1] = "✓"
    index = INDEXED.findall((NOTEBOOKS[0].parent / "exercises.md").read_text(encoding="utf-8"))
    assert [list(row) for row in index] == found


# The rules themselves, tried on cells that break them.

ALT = "Two curves that rise and then level off."


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def shown(**data):
    mimes = {"png": "image/png", "svg": "image/svg+xml", "html": "text/html", "plain": "text/plain"}
    return new_output("display_data", {mimes[key]: value for key, value in data.items()})


def cell(source, *outputs, alt=None, hidden=False, tags=()):
    metadata = {"tags": list(tags), "jupyter": {"source_hidden": hidden}, "mystnb": {"image": {"alt": alt or ""}}}
    return new_code_cell(source, outputs=list(outputs), metadata=metadata, execution_count=1)


SOUND = [
    cell("1 + 1", new_output("execute_result", {"text/plain": "2"}, execution_count=1)),
    cell("print('hex is fine: 0xff')", stream("hex is fine: 0xff")),
    cell("plt.plot(curve)\nplt.show()", shown(png="iVBO0x123456"), alt=ALT),
    cell("film", shown(html='<video src="data:video/mp4;base64,AAAA/0x1234567890\nabc==">')),
    cell("\n\n# why\n".join(["x = 1"] * LINES)),
    cell("x = 1\n" * LINES_WHEN_HIDDEN, tags=["hide-input"]),
    cell("x = 1\n" * LINES_WHEN_HIDDEN, hidden=True),
    cell("# output ignored: it names the machine\nplatform", tags=["nbval-ignore-output"]),
]
PLANTED = [
    (no_error_is_stored, cell("1 / 0", new_output("error", ename="ZeroDivisionError", evalue="", traceback=[]))),
    (nothing_is_written_to_stderr, cell("warn()", stream("careful", name="stderr"))),
    (code_is_short, cell("x = 1\n" * (LINES + 1))),
    (code_is_short, cell("x = 1\n" * (LINES_WHEN_HIDDEN + 1), tags=["hide-input"])),
    (code_is_short, cell("x = 1\n" * (LINES_WHEN_HIDDEN + 1), hidden=True)),
    (images_are_described_in_a_sentence, cell("plt.show()", shown(png="iVBO"))),
    (images_are_described_in_a_sentence, cell("plt.show()", shown(png="iVBO"), alt="Two curves.")),
    (images_are_described_in_a_sentence, cell("plt.show()", shown(png="iVBO"), alt=ALT.rstrip("."))),
    (figures_end_in_show, cell("plt.show()\nplt.plot(curve);", shown(png="iVBO"), alt=ALT)),
    (figures_are_not_svg, cell("plt.show()", shown(svg="<svg/>"), alt=ALT)),
    (figures_are_not_svg, cell("diagram", shown(html="<p><svg></svg></p>"))),
    (nothing_is_skipped, cell("x = 1", tags=["nbval-skip"])),
    (nothing_is_skipped, cell("# NBVAL_SKIP\nx = 1")),
    (nothing_is_skipped, cell("x = 1\n  # NBVAL_IGNORE_OUTPUT")),
    (ignored_output_has_a_reason, cell("platform", tags=["nbval-ignore-output"])),
    (no_address_is_printed, cell("print(f)", stream("<function f at 0x7f3b2c1d0e50>"))),
    (no_address_is_printed, cell("f", shown(plain="<function f at 0x7F3B2C1D0E50>"))),
    (nothing_is_installed, cell("%pip install numpy")),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_rule_lets_sound_cells_pass(rule):
    assert all(rule(sound) for sound in SOUND)


@pytest.mark.parametrize(("rule", "planted"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_rule_catches_what_is_planted(rule, planted):
    assert not rule(planted)


def test_every_rule_has_something_planted():
    assert [rule for rule in RULES if rule not in dict(PLANTED)] == []


@pytest.mark.parametrize(("counts", "sound"), [([1, 2], True), ([], True), ([1, None], False), ([2, 1], False)])
def test_counts(counts, sound):
    cells = [new_code_cell("x", execution_count=count) for count in counts]
    assert is_executed_in_order(new_notebook(cells=[new_markdown_cell("# Title"), *cells])) == sound


def test_normal_form_keeps_what_an_author_wrote():
    written = {"tags": ["hide-input"], "mystnb": {"image": {"alt": ALT}}, "jupyter": {"source_hidden": True}}
    machine = {"execution": {"iopub.execute_input": "2026-01-01T00:00:00Z"}, "scrolled": True}
    notebook = new_notebook(
        cells=[new_code_cell("π = 3", metadata=written | machine, id="stable")],
        metadata={
            "kernelspec": {"name": "elsewhere", "display_name": "Elsewhere"},
            "language_info": {"name": "python", "version": "3.11.7"},
            "widgets": {},
        },
    )
    text = normal_form(notebook)
    stored = nbformat.reads(text, as_version=4)
    assert stored.cells[0].metadata == written
    assert stored.cells[0].id == "stable"
    assert stored.metadata.kernelspec.name == "python3"
    assert stored.metadata.language_info == {"name": "python"}
    assert set(stored.metadata) == {"kernelspec", "language_info"}
    assert "π" in text
    assert text.endswith("}\n")
    assert normal_form(stored) == text
