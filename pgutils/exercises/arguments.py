"""What goes into an answer and what comes out of it: copies, comparisons, and numbers of every kind."""

from collections import namedtuple
from copy import deepcopy
from decimal import Decimal
from numbers import Real

import numpy as np
import torch

from pgutils.exercises.exercise import Exercise


def convert_arguments(exercise: Exercise, probe: tuple, kind: str) -> tuple:
    """Return a fresh copy of a probe's arguments, arrays converted to ``kind``, with gradients where they matter."""
    args = tuple(convert(value, kind) for value in probe)
    for name, value in zip(exercise.parameters, args, strict=True):
        if name in exercise.gradients:
            value.requires_grad_()
    return namedtuple("Arguments", exercise.parameters)(*args)


def convert(value, kind: str):
    """Return a copy, an array as an ``"array"``, ``"tensor"`` or ``"list"``, and so each array of a list."""
    if isinstance(value, list):
        return [convert(item, kind) for item in value]
    if not isinstance(value, np.ndarray):
        return deepcopy(value)
    return {"array": np.array, "tensor": torch.tensor, "list": np.ndarray.tolist}[kind](value)


def unchanged(after, before) -> bool:
    """Return whether an argument holds what it held."""
    if isinstance(before, list):
        return len(after) == len(before) and all(map(unchanged, after, before))
    if isinstance(before, (np.ndarray, torch.Tensor)):
        return np.array_equal(as_array(after), as_array(before))
    return after == before if isinstance(before, (bool, int, float)) else True


def still_in_the_graph(after, before) -> bool:
    """Return whether a tensor still takes part in the gradient as it did; true for anything else."""
    if not torch.is_tensor(before):
        return True
    return after.requires_grad == before.requires_grad and type(after.grad_fn) is type(before.grad_fn)


def gained_a_gradient(after, before) -> bool:
    """Return whether a tensor has got a ``grad`` that it did not have, as ``backward`` leaves it behind."""
    return torch.is_tensor(before) and before.grad is None and after.is_leaf and after.grad is not None


def as_array(value) -> np.ndarray:
    """Return numbers, in a tensor, an array or nested lists, as one float array; raise TypeError for anything else."""
    if isinstance(value, (list, tuple)):
        return np.array([as_array(item) for item in value], dtype=float)
    array = value.detach().cpu().numpy() if torch.is_tensor(value) else np.asarray(value)
    if array.dtype.kind not in "biuf" and not all(isinstance(item, (Real, Decimal)) for item in array.flat):
        raise TypeError
    return array.astype(float)
