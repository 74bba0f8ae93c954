"""Run an answer on probes, and turn whatever it gives into arrays."""

import dis
import traceback

import numpy as np
import torch

from pgutils.exercises.arguments import as_array, convert_arguments, gained_a_gradient, still_in_the_graph, unchanged
from pgutils.exercises.exercise import Exercise
from pgutils.exercises.stopping import Endless, run
from pgutils.exercises.wording import shorten, show_call

SECONDS = 3.0
IDLE = {"RESUME", "NOP", "COPY_FREE_VARS", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "POP_TOP"}
Outcome = dict[str, np.ndarray]  # what the answer gives on one probe: its value, and gradients where they matter


class Complaint(Exception):
    """Why an answer cannot be compared, in words for the reader."""


class NotWritten(Complaint):
    """There is no answer yet."""


class Raised(Complaint):
    """The answer raised an exception; with another kind of input it may not."""


def outcomes(exercise: Exercise, answer) -> list[Outcome]:
    """Return what an answer gives on each probe, with the first kind of input that it can work with.

    Another kind is tried only if the answer raises on the very first probe; if that does not help, the complaint is
    about the first kind.

    Raises:
        Complaint: it is not written, raises, does not end, changes its input or gives something other than numbers.
    """
    if is_stub(answer):
        raise NotWritten
    first_complaint = None
    for kind in exercise.kinds:
        try:
            return _outcomes(exercise, answer, kind)
        except Raised as complaint:
            first_complaint = first_complaint or complaint
            if not complaint.on_first_probe:
                break
        except NotWritten:
            raise
        except Complaint as complaint:
            raise first_complaint or complaint from None
    raise first_complaint


def is_stub(answer) -> bool:
    """Return whether an answer is a function that does nothing, or nothing but raise NotImplementedError."""
    code = getattr(answer, "__code__", None)
    if code is None:
        return False
    steps = {instruction.opname for instruction in dis.get_instructions(code)}
    values = [value for value in code.co_consts if value not in (None, ..., answer.__doc__)]
    unwritten = code.co_names == ("NotImplementedError",) and not any("FAST" in step for step in steps)
    return unwritten or (steps <= IDLE and not values)


def _outcomes(exercise: Exercise, answer, kind: str) -> list[Outcome]:
    """Return what an answer gives on each probe with one kind of input."""
    found = [outcome_on(exercise, answer, probe, kind) for probe in exercise.probes.values()]
    missing = [probe for probe, outcome in zip(exercise.probes.values(), found, strict=True) if outcome is None]
    if missing:
        everywhere = "" if len(missing) == len(found) else f", here at least.{_probe(exercise, missing[0])}"
        raise Complaint(f"returns nothing{everywhere}\nHint: does every way through it end in a `return`?")
    return found


def outcome_on(exercise: Exercise, answer, probe: tuple, kind: str) -> Outcome | None:
    """Return what an answer gives on one probe, None if that is nothing."""
    function = answer if callable(answer) else lambda: answer
    function = exercise.prepare(function) if exercise.prepare else function
    args, untouched = (convert_arguments(exercise, probe, kind) for _ in range(2))
    where = _probe(exercise, probe)
    try:
        result, error = run(function, args, SECONDS)
    except Endless as endless:
        raise Complaint(_too_long(endless.stopped, where)) from None
    if isinstance(error, Complaint):
        raise Complaint(f"{error}{where}")
    if error is not None:
        complaint = Raised(f"raises {_named(error)}{_line(error, answer)}{where}")
        complaint.on_first_probe = probe is next(iter(exercise.probes.values()))
        raise complaint
    if result is ...:
        raise NotWritten
    for name, after, before in zip(exercise.parameters, args, untouched, strict=True):
        _require_untouched(name, after, before, where)
    return None if result is None else {"result": _numbers(result, where), **_gradients(exercise, result, args, where)}


def _probe(exercise: Exercise, probe: tuple) -> str:
    """Return the line that says on which probe something happened; nothing where there are no arguments."""
    return f"\nProbe: {show_call(exercise, probe)}" if probe else ""


def _too_long(stopped: bool, where: str) -> str:
    """Return what to say of an answer that did not end in time."""
    if stopped:
        advice = "Hint: what is meant to end the loop or the recursion, and does it come in time?"
        return f"takes too long, and was stopped after {SECONDS:g} seconds.{where}\n{advice}"
    advice = "It waits, or computes outside of Python, and goes on behind the scenes; restarting the kernel ends it."
    return f"takes too long: after {SECONDS:g} seconds it does not heed the request to stop.{where}\n{advice}"


def _named(error: BaseException) -> str:
    """Return the kind of an error and, where it has one, its message."""
    text = shorten(str(error))
    return f"{type(error).__name__}: {text}" if text else f"{type(error).__name__}."


def _line(error: BaseException, answer) -> str:
    """Return the line of the answer in which it raised, with its number; nothing if that is not known."""
    file = getattr(getattr(answer, "__code__", None), "co_filename", None)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"\nLine {frames[-1].lineno}: {shorten(frames[-1].line, 70)}" if frames and frames[-1].line else ""


def _require_untouched(name: str, after, before, where: str) -> None:
    """Raise Complaint if an argument is not what it was, or has been cut out of the graph that it belonged to."""
    if not unchanged(after, before):
        raise Complaint(f"changes its input `{name}`, which the caller may still need.{where}\nHint: work on a copy.")
    if not still_in_the_graph(after, before):
        what = f"cuts its input `{name}` out of the graph, so that its owner can no longer learn."
        raise Complaint(f"{what}{where}\nHint: an underscore at the end of a method's name means: in place.")
    if gained_a_gradient(after, before):
        what = f"has called `backward` already, and left a gradient in `{name}`: with the caller's it counts twice."
        raise Complaint(f"{what}{where}\nHint: only return the loss; whoever asked for it calls `backward`.")


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
