"""The files of dead letters: `dead/<id>.data` holds the bytes, `dead/<id>.json` what is known.

The log has an entry for each, a gap with a digest of what was put aside. The digest is salted and
the salt is in the file alone: with the file gone, nobody can test a guess against the log.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from auditspan.identity.files import write_atomic

FOLDER: Final = "dead"
"""Below the data folder."""
DATA: Final = ".data"
ABOUT: Final = ".json"
ERASED: Final = "erased"
"""In the place of a reason."""
_WORDS: Final[Mapping[str, str]] = {
    "decode": "cannot be decoded",
    "control": "is a control record that says nothing known",
    "large": "is larger than any record may be",
    "process": "ended each process that worked on it",
    "insert": "is refused by the store",
}
_TAG: Final = b"auditspan/dead-letter/v1\n"
_EPOCH: Final = date(1970, 1, 1)
_SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of one dead letter."""

    batch_id: str
    place: str
    """Where in the batch: unique within it."""
    stage: str
    """What failed: `decode`, `control`, `insert`, or the name of a stage."""
    reason: str
    """In the words of what failed; it may quote the sender."""
    received_at: int = 0
    """Unix nanoseconds, 0 if even that cannot be read."""
    request_digest: str = ""
    principal_id: str = ""
    dead_at: int = 0
    """Unix nanoseconds; 0 of one from before it was kept."""
    size: int = 0
    """Bytes of what was put aside."""
    retention_class: str = ""
    expires_on: int = 0
    """Days since 1970-01-01; 0 of one from before that was decided."""
    salt: str = ""
    """Hexadecimal; empty once it was erased."""
    retryable: bool = False
    """Whether the bytes are a frame of the spool, as they are since they can be tried again."""
    tries: int = 0
    """How often it was processed again, and failed again."""
    again: str = ""
    """Why it failed the last time."""
    erasure: str = ""
    """Id of the erasure that emptied it."""

    @property
    def id(self) -> str:
        """The name of its files without their endings."""
        return f"{self.batch_id}-{self.place}"

    @property
    def expiry(self) -> str:
        """The day as people write it, "" if there is none."""
        return (_EPOCH + timedelta(days=self.expires_on)).isoformat() if self.expires_on else ""

    @property
    def words(self) -> str:
        """Its reason in words that quote nobody."""
        return _WORDS.get(self.stage, f"failed in the stage {self.stage}")

    def digest(self, data: bytes) -> str:
        """What the log says of the content."""
        reason = self.reason.encode()
        head = b"%d:%b,%d:" % (len(reason), reason, len(data))
        return hashlib.sha256(_TAG + bytes.fromhex(self.salt) + head + data).hexdigest()


def new_salt() -> str:
    """A salt that was never used."""
    return secrets.token_hex(_SALT_BYTES)


def write(folder: Path, letter: Letter, data: bytes) -> None:
    """Both files, what is known last: without it there is no letter. Raises `OSError`."""
    write_atomic(folder / f"{letter.id}{DATA}", data)
    write_about(folder, letter)


def write_about(folder: Path, letter: Letter) -> None:
    """What is known of a letter, anew. Raises `OSError`."""
    write_atomic(folder / f"{letter.id}{ABOUT}", json.dumps(asdict(letter), indent=1).encode())


def read(folder: Path, id: str) -> Letter | None:
    """One letter; None if there is none of this id, or its file is damaged."""
    # An id is part of a path here, and comes from outside.
    if "/" in id or "\x00" in id or id.startswith("."):
        return None
    return _read(folder / f"{id}{ABOUT}")


def data_of(folder: Path, letter: Letter) -> bytes | None:
    """The bytes that were put aside; None if they are gone. Raises `OSError`."""
    try:
        return (folder / f"{letter.id}{DATA}").read_bytes()
    except FileNotFoundError:
        return None


def all_of(folder: Path) -> Iterator[Letter]:
    """All letters, by their ids."""
    for path in sorted(folder.glob(f"*{ABOUT}")):
        if letter := _read(path):
            yield letter


def remove(folder: Path, id: str) -> None:
    """Both files, what is known first. Raises `OSError`."""
    for ending in (ABOUT, DATA):
        (folder / f"{id}{ending}").unlink(missing_ok=True)


def _read(path: Path) -> Letter | None:
    try:
        found = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    known = {each.name for each in fields(Letter)}
    try:
        return Letter(**{key: value for key, value in found.items() if key in known})
    except TypeError:
        return None
