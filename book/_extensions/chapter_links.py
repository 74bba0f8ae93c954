"""Let a docstring that names a chapter lead to it."""

import re
from pathlib import Path

BOOK = Path(__file__).parent.parent
CHAPTERS = {int(path.stem[:2]): path.stem for path in BOOK.glob("0*.ipynb")}


def link(app, what, name, obj, options, lines):
    """Turn "chapter 3" into a link, and the emphasis around it, which may not hold
    one, into plain words."""
    for number, line in enumerate(lines):
        line = re.sub(r"\*(Introduced in .*?)\*", r"\1", line)
        lines[number] = re.sub(
            r"(?<!\d\), )chapter (\d+)",  # a source's chapter follows its year
            lambda found: f":doc:`{found[0]} <{CHAPTERS[int(found[1])]}>`",
            line,
        )


def setup(app):
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", link)
    return {"parallel_read_safe": True}
