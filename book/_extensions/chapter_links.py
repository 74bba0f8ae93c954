"""Let a docstring that names a chapter lead to it, where there is one."""

import re
from pathlib import Path

BOOK = Path(__file__).parent.parent
CHAPTERS = {int(path.stem[:2]): path.stem for path in BOOK.glob("[01]*.ipynb")}


def to_chapter(found):
    """Return the link that stands for the words "chapter 3", on one line."""
    words = f"chapter\N{NO-BREAK SPACE}{found[1]}"
    chapter = CHAPTERS.get(int(found[1]))
    return f":doc:`{words} <{chapter}>`" if chapter else words


def link(app, what, name, obj, options, lines):
    """Turn "chapter 3" into a link, and the emphasis around it, which may not hold
    one, into plain words."""
    for number, line in enumerate(lines):
        line = re.sub(r"\*(Introduced in .*?)\*", r"\1", line)
        # a source's chapter follows its year
        lines[number] = re.sub(r"(?<!\d\), )chapter (\d+)", to_chapter, line)


def setup(app):
    """Register with Sphinx."""
    app.connect("autodoc-process-docstring", link)
    return {"parallel_read_safe": True}
