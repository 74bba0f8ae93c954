"""What the reader has done, kept in a file on the reader's machine and nowhere else.

The environment variable ``PGUTILS_PROGRESS`` may name another file; if it is empty, nothing is written or read, and the
record lasts as long as the process. So it does in tests, and in the kernels that they start: pytest says in
``PYTEST_VERSION`` that it runs.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from platformdirs import user_data_path

STATES = ("tried", "done")

_unsaved: dict[str, dict] = {}  # the record, where there is no file


def path() -> Path | None:
    """Return where the record is kept, None if it is not."""
    chosen = os.environ.get("PGUTILS_PROGRESS", "" if "PYTEST_VERSION" in os.environ else None)
    if chosen is None:
        return user_data_path("pgutils", appauthor=False) / "exercises.json"
    return Path(chosen) if chosen else None


def load() -> dict[str, dict]:
    """Return the record: for each name its ``state``, and what else was noted. A damaged file counts as none."""
    file = path()
    if file is None:
        return dict(_unsaved)
    with suppress(OSError, ValueError):
        record = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(record, dict) and all(isinstance(facts, dict) for facts in record.values()):
            return record
    return dict(_unsaved)


def note(name: str, state: str, **facts) -> None:
    """Note that an exercise was tried or done, and what else is to be known of it. What is done stays done."""
    record = load()
    before = record.get(name, {})
    state = max(state, before.get("state", state), key=STATES.index)
    record[name] = {**before, **facts, "state": state}
    _save(record)


def forget() -> None:
    """Forget everything."""
    _save({})


def _save(record: dict[str, dict]) -> None:
    """Write the record, all of it or nothing; where that is not possible, keep it in memory."""
    _unsaved.clear()
    _unsaved.update(record)
    file = path()
    if file is None:
        return
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(record, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(file)
