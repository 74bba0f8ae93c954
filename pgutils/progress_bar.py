"""A progress bar that leaves one line behind, the same on every machine."""

import sys

from IPython import get_ipython
from IPython.display import display
from tqdm import tqdm


class _NotebookBar(tqdm):
    """A tqdm bar that is drawn into one notebook output instead of a stream."""

    def __init__(self, *args, line: str, **kwargs):
        self.plain = {"text/plain": line}
        self.handle = display(self.plain, raw=True, display_id=True)
        super().__init__(*args, **kwargs)

    def display(self, msg=None, pos=None):
        self.handle.update({**self.plain, "text/html": f"<pre>{self}</pre>"}, raw=True)

    def close(self):
        if not self.disable:
            self.disable = True
            self.handle.update(self.plain, raw=True)


def progress(iterable, line: str, total: int):
    """Yield from ``iterable``; meanwhile show a bar, and in the end leave only ``line``.

    In a notebook the bar takes the place of the line while the work goes on. In a terminal it is drawn on stderr, and
    nothing is drawn where stderr is not a terminal.

    Args:
        iterable: the work.
        line: what stays: it names the work and holds nothing that depends on time or chance.
        total: how many items there are.
    """
    if hasattr(get_ipython(), "kernel"):
        yield from _NotebookBar(iterable, line=line, total=total, mininterval=0.25)
    else:
        yield from tqdm(iterable, total=total, leave=False, disable=not sys.stderr.isatty())
        print(line)
