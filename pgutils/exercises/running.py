"""Run an answer on probes, in bounded time, and turn whatever it gives into arrays."""

import ctypes
from threading import Thread
from typing import Any

import numpy as np
import torch

from pgutils.exercises.exercise import Exercise
from pgutils.exercises.wording import shorten, show_call

SECONDS = 3.0
Outcome = dict[str, np.ndarray]  # what the answer gives on one probe: its value, and gradients where they matter


class Complaint(Exception):
    """Why an answer cannot be compared, in words for the reader."""


class NotWritten(Complaint):
    """There is no answer yet."""


class Raised(Complaint):
    """The answer raised an exception; with another kind of input it may not."""


class Endless(Exception):
    """The answer took too long and was stopped."""


def outcomes(exercise: Exercise, answer) -> list[Outcome]:
    """Return what an answer gives on each probe, with the first kind of input that it can work with.

    Raises:
        Complaint: it is not written, raises, does not end, changes its input or gives something other than numbers.
    """
    function = answer if callable(answer) else lambda: answer
    first = None
    for kind in exercise.kinds:
        try:
            return [_outcome(exercise, function, args, kind) for args in exercise.probes.values()]
        except Raised as complaint:
            first = first or complaint
    raise first


def _outcome(exercise: Exercise, function, probe: tuple, kind: str) -> Outcome:
    """Return what a function gives on one probe."""
    args, untouched = (convert_arguments(exercise, probe, kind) for _ in range(2))
    where = f"\nProbe: {show_call(exercise, probe)}" if probe else ""
    try:
        result, error = run(function, args, SECONDS)
    except Endless:
        advice = "Hint: what is meant to end the loop or the recursion, and does it ever come about?"
        raise Complaint(f"takes too long, and was stopped after {SECONDS:g} seconds.{where}\n{advice}") from None
    if error is not None and not isinstance(error, NotImplementedError):
        raise Raised(f"raises {type(error).__name__}: {shorten(str(error))}{where}")
    if result is None or result is ...:
        raise NotWritten
    for name, after, before in zip(exercise.parameters, args, untouched, strict=True):
        if not unchanged(after, before):
            raise Complaint(
                f"changes its input `{name}`, which the caller may still need.{where}\nHint: work on a copy."
            )
    return {"result": _numbers(result, where), **_gradients(exercise, result, args, where)}


def run(function, args: tuple, seconds: float) -> tuple[Any, BaseException | None]:
    """Return ``function(*args)``, or None, and what it raised, or None; in a thread that is stopped when time is up.

    Unlike a timer signal this works on every system and from every thread. A thread that is busy in C code cannot be
    stopped, but nobody waits for it.

    Raises:
        Endless: time is up.
    """
    outcome = []

    def work():
        try:
            with np.errstate(all="ignore"):
                outcome.append((function(*args), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:
        stop = ctypes.py_object(SystemExit) if thread.is_alive() else None
        if stop:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), stop)
    if stop:
        raise Endless
    return outcome[0]


def convert_arguments(exercise: Exercise, probe: tuple, kind: str) -> tuple:
    """Return a fresh copy of a probe's arguments, arrays converted to ``kind``, with gradients where they matter."""
    args = tuple(convert(value, kind) for value in probe)
    for name, value in zip(exercise.parameters, args, strict=True):
        if name in exercise.gradients:
            value.requires_grad_()
    return args


def convert(value, kind: str):
    """Return a copy of an array as an ``"array"``, ``"tensor"`` or ``"list"``; of a list of arrays, one by one."""
    if isinstance(value, list):
        return [convert(item, kind) for item in value]
    if not isinstance(value, np.ndarray):
        return value
    return {"array": np.array, "tensor": torch.tensor, "list": np.ndarray.tolist}[kind](value)


def unchanged(after, before) -> bool:
    """Return whether an argument is still what it was."""
    if isinstance(before, list):
        return len(after) == len(before) and all(map(unchanged, after, before))
    if isinstance(before, (np.ndarray, torch.Tensor)):
        return np.array_equal(as_array(after), as_array(before))
    return type(after) is type(before) and after == before


def as_array(value) -> np.ndarray:
    """Return numbers, in a tensor, an array or nested lists, as one float array; raise TypeError for anything else."""
    if isinstance(value, (list, tuple)):
        return np.array([as_array(item) for item in value], dtype=float)
    array = value.detach().cpu().numpy() if torch.is_tensor(value) else np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError
    return array.astype(float)


def _numbers(result, where: str) -> np.ndarray:
    """Return a result as an array; raise Complaint if it is not made of numbers."""
    try:
        return as_array(result)
    except TypeError:
        raise Complaint(f"returns an object of type {type(result).__name__}; wanted are numbers.{where}") from None
    except ValueError:
        raise Complaint(f"returns rows of different lengths; wanted is one array of numbers.{where}") from None


def _gradients(exercise: Exercise, result, args: tuple, where: str) -> Outcome:
    """Return the gradients of the sum of ``result`` with respect to the arguments that matter, 0 where none flows."""
    wanted = {n: arg for n, arg in zip(exercise.parameters, args, strict=True) if n in exercise.gradients}
    if not wanted or not (torch.is_tensor(result) and result.requires_grad):
        return {f"gradient with respect to {name}": np.zeros(arg.shape) for name, arg in wanted.items()}
    try:
        found = torch.autograd.grad(result.sum(), list(wanted.values()), allow_unused=True, materialize_grads=True)
    except RuntimeError as error:
        raise Complaint(f"has no gradient: {shorten(str(error))}{where}") from None
    return {f"gradient with respect to {name}": as_array(g) for name, g in zip(wanted, found, strict=True)}
