"""Execute notebooks in place and store them in a normal form, so that a diff shows only what has changed.

Usage: execute_notebooks.py NOTEBOOK...
"""

import base64
import os
import sys
import time
from copy import deepcopy
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from PIL import Image

SECONDS_PER_CELL = 600
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"jupyter", "mystnb", "tags"}


def normal_form(notebook: NotebookNode) -> str:
    """Return the text in which ``notebook`` is stored: of its metadata only what an author wrote, in one order."""
    stored = deepcopy(notebook)
    stored.metadata = NOTEBOOK_METADATA
    for cell in stored.cells:
        cell.metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
    nbformat.validate(stored)
    return nbformat.writes(stored) + "\n"


def in_fewer_colours(picture: str) -> str:
    """Return a PNG picture (both in base64) in 256 colours: it looks the same and is a third as large."""
    buffer = BytesIO()
    with Image.open(BytesIO(base64.b64decode(picture))) as image:
        image.convert("RGB").quantize(256, kmeans=2, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode() + "\n"


def execute(path: Path) -> None:
    """Execute the notebook at ``path`` in its own folder and store it there.

    Raises:
        CellExecutionError: if a cell raises; the file is then left as it was.
        TimeoutError: if a cell takes longer than SECONDS_PER_CELL; likewise.
        RuntimeError: if a cell writes to stderr, or stores an error that its tags allow; likewise.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # a notice on each kernel's transport says nothing about the notebook
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": path.parent}},
    ).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise RuntimeError(f"this cell raises {output.ename}:\n{cell.source}")
            if output.get("name") == "stderr":
                raise RuntimeError(f"this cell writes to stderr:\n{cell.source}\n\nnamely:\n{output.text}")
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = in_fewer_colours(output.data["image/png"])
    path.write_text(normal_form(notebook), encoding="utf-8")


def main(paths: list[str]) -> None:
    """Execute each of the notebooks; stop at the first that fails."""
    os.environ["PGUTILS_PROGRESS"] = ""  # what is executed here is nobody's work on the exercises
    for path in paths:
        start = time.perf_counter()
        try:
            execute(Path(path))
        except (CellExecutionError, TimeoutError, RuntimeError) as error:
            sys.exit(f"{path}: {error}")
        print(f"{path}: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
