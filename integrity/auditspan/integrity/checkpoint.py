"""Checkpoints: the size and root of a log as the text of a signed note
(https://c2sp.org/tlog-checkpoint). Ours have no extension lines, and none are taken.
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.merkle import EMPTY_ROOT, HASH_BYTES
from auditspan.integrity.note import decode_base64, parse_note

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_MAX_SIZE: Final = 2**63


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one size."""

    origin: str
    """Name of the log."""
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or re.search(r"[\x00-\x1f]", self.origin):
            raise NoteInvalid(f"origin {self.origin[:80]!r}: expected one line that is not empty")
        if not 0 <= self.size < _MAX_SIZE or len(self.root) != HASH_BYTES:
            raise NoteInvalid(f"checkpoint of {self.size} with a root of {len(self.root)} bytes")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise NoteInvalid("checkpoint of an empty log whose root is not that of no leaves")

    @property
    def text(self) -> str:
        """The text of its note."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """From the text of a note. Raises `NoteInvalid`."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise NoteInvalid(f"checkpoint has {len(lines) - 1} lines, expected origin, size and root")
    if not _SIZE.fullmatch(lines[1]):
        raise NoteInvalid(f"size of a checkpoint: expected a number, got {lines[1][:40]!r}")
    return Checkpoint(lines[0], int(lines[1]), decode_base64(lines[2]))


def checkpoint_of(note: bytes) -> Checkpoint:
    """What a signed note says; its signatures are not verified. Raises `NoteInvalid`."""
    return parse_checkpoint(parse_note(note).text)
