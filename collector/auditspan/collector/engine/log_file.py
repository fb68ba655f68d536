"""How far the log has come with the last batch that was signed: `batches/log.json`.

It is as small after a year as after a day. What it says is checked against the signing process and
the store at every start, so it is a convenience, not a proof.
"""

from pathlib import Path
from typing import Final

from auditspan.identity.files import write_atomic
from auditspan.integrity.errors import LogConflict
from auditspan.integrity.log_state import LogState, read_state

LOG: Final = "log.json"


def write_log(folder: Path, log: LogState) -> None:
    """Put the state on disk."""
    write_atomic(folder / LOG, log.to_json().encode())


def read_log(folder: Path) -> LogState | None:
    """What was written; None if there is nothing, or nothing that can be read."""
    try:
        return read_state((folder / LOG).read_text())
    except (OSError, UnicodeDecodeError, LogConflict):
        return None
