"""Results in rows and columns, so that a narrow page breaks words and not columns."""

import re
from collections.abc import Sequence

from IPython.display import Markdown


def table(head: Sequence, *rows: Sequence) -> Markdown:
    """Return a table for a cell to show.

    Args:
        head: the title of each column.
        rows: what stands in each row, one entry for each column; numbers as the caller formats them, but that the
            hyphen before a negative one becomes a minus sign.

    Raises:
        ValueError: a row has more or fewer entries than the head.

    *Introduced in chapter 1.*
    """
    for row in rows:
        if len(row) != len(head):
            raise ValueError(f"each row must have {len(head)} entries, got {len(row)}: {list(row)}")
    lines = [" | ".join(map(_cell, row)) for row in (head, *rows)]
    return Markdown("\n".join(f"| {line} |" for line in [lines[0], " | ".join(["---"] * len(head)), *lines[1:]]))


def _cell(entry) -> str:
    """Return an entry as it stands in the table; code and formulas are left alone."""
    text = str(entry).replace("|", r"\|")
    return text if re.search("[`$]", text) else re.sub(r"(?<![\w.)\]])-(?=\.?\d)", "−", text)
