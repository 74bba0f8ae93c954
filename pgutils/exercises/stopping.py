"""Run a function in bounded time, and leave nothing running behind.

The answer runs in a thread of the reader's own process. Another process could be killed in the midst of anything, but
it would have to import PyTorch first, which takes seconds, and a function that was typed into a notebook cannot be sent
to it without a copy of all that it refers to. The price of a thread is this: it stops between two instructions of
Python. A single call into C that takes long (``time.sleep``, a large matrix product) must end before the thread heeds
anything, and one that also holds the interpreter's lock (``sum(range(10**10))``) keeps this process from doing anything
else, such as noticing that time is up.
"""

import ctypes
import sys
from threading import Event, Thread
from typing import Any

import numpy as np

ATTEMPTS, PAUSE = 10, 0.05  # an answer may catch the exception that is to stop it, so it is sent more than once


class Endless(Exception):
    """The function took too long.

    Attributes:
        stopped: whether it was stopped. If not, it goes on until its present call into C ends.
    """

    def __init__(self, stopped: bool):
        super().__init__()
        self.stopped = stopped


def run(function, args: tuple, seconds: float) -> tuple[Any, BaseException | None]:
    """Return ``function(*args)``, or None, and what it raised, or None.

    Unlike a timer signal this works on every system and from every thread. The thread is stopped when time is up, and
    also when this call is interrupted.

    Raises:
        Endless: time is up.
    """
    outcome, done = [], Event()

    def work():
        try:
            with np.errstate(all="ignore"):
                outcome.append((function(*args), None))
        except BaseException as error:
            outcome.append((None, error))
        finally:
            done.set()

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        # not `thread.join`: once interrupted, it takes a running thread for one that has ended
        while not done.wait(seconds) and _importing(thread):
            pass
    finally:
        late = not done.is_set()
        stopped = late and _stop(thread, done)
    if late:
        raise Endless(stopped)
    return outcome[0]


def _importing(thread: Thread) -> bool:
    """Return whether a thread is in the midst of an import: that takes long once, and is nobody's endless loop."""
    frame = sys._current_frames().get(thread.ident)
    while frame and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def _stop(thread: Thread, done: Event) -> bool:
    """Raise SystemExit in a thread, again and again for half a second; return whether it has ended."""
    for _ in range(ATTEMPTS):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
        if done.wait(PAUSE):
            return True
    return False
