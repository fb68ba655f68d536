"""A proof that an entry is in a log, with the checkpoint it is proved against, in one file
(https://c2sp.org/tlog-proof).
"""

import base64
import re
from dataclasses import dataclass
from typing import Final

from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.merkle import HASH_BYTES
from auditspan.integrity.note import MAX_BYTES, decode_base64, parse_note

_HEAD: Final = "c2sp.org/tlog-proof@v1"
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})", re.ASCII)
_MAX_HASHES: Final = 64


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What such a file says; nothing of it is verified."""

    index: int
    """Place of the entry in the log."""
    hashes: tuple[bytes, ...]
    """Inclusion proof, from the leaf's sibling up."""
    checkpoint: bytes
    """The signed note, as it is."""
    extra: bytes | None = None
    """What an application adds; nobody signs it."""

    def encode(self) -> bytes:
        """The file's bytes."""
        extra = [] if self.extra is None else [f"extra {_base64(self.extra)}"]
        hashes = [_base64(hashed) for hashed in self.hashes]
        lines = [_HEAD, *extra, f"index {self.index}", *hashes, "", ""]
        return "\n".join(lines).encode() + self.checkpoint


def parse_proof(data: bytes) -> TlogProof:
    """From a file's bytes. Raises `NoteInvalid`."""
    if len(data) > 2 * MAX_BYTES:
        raise NoteInvalid(f"proof of {len(data)} bytes, expected at most {2 * MAX_BYTES}")
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise NoteInvalid("proof: expected ASCII before the checkpoint") from error
    if not blank or lines.pop(0) != _HEAD:
        raise NoteInvalid(f"proof: expected {_HEAD} in its first line, and a checkpoint")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = decode_base64(lines.pop(0).removeprefix("extra "))
    found = _INDEX.fullmatch(lines.pop(0)) if lines else None
    if not found:
        raise NoteInvalid("proof: expected a line `index` with a number")
    hashes = tuple(decode_base64(line) for line in lines)
    if len(hashes) > _MAX_HASHES or any(len(hashed) != HASH_BYTES for hashed in hashes):
        raise NoteInvalid(f"proof: expected at most {_MAX_HASHES} hashes of {HASH_BYTES} bytes")
    parse_note(checkpoint)
    return TlogProof(int(found[1]), hashes, checkpoint, extra)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
