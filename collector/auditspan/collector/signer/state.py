"""What the signing process remembers: the largest signed tree of each log, and its root log.

`state.json` is on disk before a signature leaves the process, so that after any crash it still
knows what it has signed.
"""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from auditspan.identity.files import write_atomic

_STATE: Final = "state.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class LogHead:
    """The largest tree of a log that was signed."""

    origin: str
    reason: str
    """Why the log was begun."""
    vkey: str
    state: str = "open"
    """`open`, `closed` or `abandoned`."""
    size: int = 0
    root: str = ""
    """Hash in hex."""
    note: str = ""
    """The last note, kept once the log is closed and its key is gone."""
    signed_at: int = 0
    good: int = -1
    """How many entries the key counts for, once it is revoked."""


@dataclass(frozen=True, slots=True)
class State:
    """All that is remembered."""

    logs: tuple[LogHead, ...] = ()
    """The oldest first."""
    root_size: int = 0
    """Entries of the root log."""
    root_tree: tuple[str, ...] = ()
    """Roots of its complete subtrees in hex, the largest first."""
    root_bytes: int = 0
    """Bytes of its bodies' file."""
    root_note: str = ""
    root_signed_at: int = 0

    def log(self, origin: str) -> LogHead | None:
        """A log by its name."""
        return next((log for log in self.logs if log.origin == origin), None)

    def with_log(self, head: LogHead) -> Self:
        """The state with a log as it is now."""
        if self.log(head.origin) is None:
            return replace(self, logs=(*self.logs, head))
        logs = tuple(head if log.origin == head.origin else log for log in self.logs)
        return replace(self, logs=logs)


def read_state(folder: Path) -> State:
    """The state; an empty one if there is none. Raises `ValueError` if it cannot be read."""
    try:
        values = json.loads((folder / _STATE).read_text())
    except FileNotFoundError:
        return State()
    if values.pop("version", None) != _VERSION:
        raise ValueError(f"{folder / _STATE}: expected version {_VERSION}; restore it")
    values["logs"] = tuple(LogHead(**log) for log in values["logs"])
    values["root_tree"] = tuple(values["root_tree"])
    return State(**values)


def write_state(folder: Path, state: State) -> None:
    """Put the state on disk for good."""
    write_atomic(folder / _STATE, json.dumps({"version": _VERSION, **asdict(state)}).encode())
