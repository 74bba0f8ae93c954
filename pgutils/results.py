"""Recorded runs: experiments that are too long for a chapter, stored with what made them."""

import json
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

BOOK = Path(__file__).parent.parent / "book"


def save_results(path, arrays: dict[str, np.ndarray], settings: dict, versions: dict[str, str]) -> None:
    """Store arrays as one compressed ``.npz``, together with the settings and the versions that made them.

    Args:
        path: the file; its folder is made if need be.
        arrays: numbers, no objects.
        settings: whatever JSON can hold; the seeds among them.
        versions: of each package that had a hand in it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    about = json.dumps({"settings": settings, "versions": versions})
    with partial.open("wb") as file:
        np.savez_compressed(file, about=np.array(about), **arrays)
    partial.replace(path)  # a file with its final name is whole


def load_results(path, **settings) -> dict[str, np.ndarray]:
    """Return the arrays of a recorded experiment, having made sure that it is the one that is wanted.

    Args:
        path: an ``.npz`` that ``make results`` has written; where it is not found from the working directory, it is
            looked for in the book's own folder.
        settings: what the experiment must have been made with; settings not named here may be anything.

    Returns:
        The arrays by name. Curves are padded with NaN to the longest run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or was made with other settings; the message names both.

    *Introduced in chapter 5.*
    """
    path, again = _find(Path(path)), "run `make results` in the project's folder to record it"
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = dict(stored)
            about = json.loads(str(arrays.pop("about")))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing: {again}") from None
    except (BadZipFile, EOFError, KeyError, ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read ({error}): delete it, and {again}") from None
    wanted = json.loads(json.dumps(settings))
    for name, value in wanted.items():
        found = about["settings"].get(name)
        if found != value:
            raise ValueError(f"{path} was made with {name}={found!r}, not {value!r}: {again} anew")
    return arrays


def _find(path: Path) -> Path:
    """Return the whole path of a file: as it is given, or in the book's folder if it is only there."""
    there = BOOK / path
    return there if there.exists() and not path.exists() else path.absolute()
