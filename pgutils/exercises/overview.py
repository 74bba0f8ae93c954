"""Which exercises are done, which were tried, and which is next."""

from pgutils.exercises import record
from pgutils.exercises.index import INDEX, Entry

MARKS = {"done": "✓", "tried": "○", None: "·"}


def progress(*, done: str | None = None, reset: bool = False) -> None:
    """Print which exercises are done (✓), tried (○) and untouched (·), chapter by chapter, and which is next.

    What you have checked and predicted is noted in a file on your own machine, whose place is shown; nothing is sent
    anywhere. The environment variable ``PGUTILS_PROGRESS`` names another file, or, if it is empty, none.

    Args:
        done: the label of an exercise, such as ``"ex-three"``, to be counted as done, where only you can check it.
        reset: forget everything.

    Raises:
        ValueError: there is no exercise of that label.

    *Introduced in chapter 1.*
    """
    if reset:
        record.forget()
    if done is not None:
        record.note(_entry(done).label, "done")
    states = {entry: _state(entry, record.load()) for entry in INDEX}
    for chapter in sorted({entry.chapter for entry in INDEX}):
        print(_line(chapter, [state for entry, state in states.items() if entry.chapter == chapter]))
    print(_next([entry for entry, state in states.items() if state != "done"]))
    file = record.path()
    print("Nothing is kept when this kernel stops." if file is None else f"Kept in {file}")


def _entry(label: str) -> Entry:
    """Return the exercise of that label."""
    entry = next((entry for entry in INDEX if entry.label == label), None)
    if entry is None:
        raise ValueError(f"no exercise has the label {label!r}; labels look like {INDEX[0].label!r}")
    return entry


def _state(entry: Entry, facts: dict[str, dict]) -> str | None:
    """Return whether an exercise is done or was tried; it is done when all its parts are."""
    if facts.get(entry.label, {}).get("state") == "done":
        return "done"
    states = [facts.get(name, {}).get("state") for name in entry.names]
    if states and all(state == "done" for state in states):
        return "done"
    return "tried" if any(states) else None


def _line(chapter: int, states: list[str | None]) -> str:
    """Return the line of a chapter."""
    marks = "".join(MARKS[state] for state in states)
    counts = f"{states.count('done')} of {len(states)} done"
    tried = f", {states.count('tried')} tried" if "tried" in states else ""
    return f"Chapter {chapter:2}  {marks:12} {counts}{tried}"


def _next(left: list[Entry]) -> str:
    """Return which exercise comes next."""
    if not left:
        return "All done."
    entry = left[0]
    return f"Next: “{entry.title}” in chapter {entry.chapter}, {entry.minutes} minutes ({entry.label})"
