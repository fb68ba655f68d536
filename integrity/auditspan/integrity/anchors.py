"""Receipts of anchors: what others keep of a log or have said of it (docs/anchors.md).

A receipt in a file is `local`, as good as the place where it lies. Only a check against what its
keeper cannot change, roots of a time-stamp authority or a locked bucket, makes it `external`.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self

from auditspan.integrity.checkpoint import Checkpoint, checkpoint_of
from auditspan.integrity.errors import NoteInvalid
from auditspan.integrity.note import decode_base64

Kind = Literal["local", "external"]

MAX_RAW: Final = 64 * 1024
"""Bytes of what an anchor answers; a time stamp has some thousand."""
MAX_LINE: Final = 2_000_000
_END_OF_TIME: Final = 253_402_300_800
"""The year 10000."""
_FORMAT: Final = 1
_MEMBERS: Final = {
    "format": int, "type": str, "anchor": str, "time": int, "note": str, "raw": str, "place": str,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a log had this root at this size, at this time or before."""

    type: str
    """How it was anchored: `file`, `rfc3161`, `s3`, …"""
    anchor: str
    """Name of the anchor in the configuration."""
    time: int
    """Unix seconds by the anchor's clock; 0 if it has none."""
    note: bytes = field(repr=False)
    """The signed note as it was anchored."""
    raw: bytes = field(default=b"", repr=False)
    """What the anchor answered; of RFC 3161 the whole reply."""
    place: str = ""
    """Where the anchor keeps it."""
    kind: Kind = "local"
    """`external` only after a check."""

    def __post_init__(self) -> None:
        if len(self.raw) > MAX_RAW:
            raise NoteInvalid(f"receipt of {len(self.raw)} bytes, expected at most {MAX_RAW}")
        if not 0 <= self.time < _END_OF_TIME:
            raise NoteInvalid(f"time {self.time} of a receipt: expected unix seconds")
        _ = self.checkpoint

    @property
    def checkpoint(self) -> Checkpoint:
        """What the note says; its signatures are not verified here."""
        return checkpoint_of(self.note)

    @property
    def origin(self) -> str:
        """Name of the log."""
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        """Entries that it had."""
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        """Root of their tree."""
        return self.checkpoint.root

    def checked(self, time: int) -> Self:
        """The receipt after a check against what its keeper cannot change."""
        return replace(self, kind="external", time=time)


def folder_of(origin: str) -> str:
    """Where anchors that keep files put the notes of a log."""
    return hashlib.sha256(origin.encode()).hexdigest()


def path_of(checkpoint: Checkpoint) -> str:
    """Where anchors that keep files put a note: one place for each log and size."""
    return f"{folder_of(checkpoint.origin)}/{checkpoint.size:020}.note"


def check_same_tree(kept: bytes, note: bytes, where: str) -> Checkpoint:
    """What a kept note says, if it is of the same tree as ours. Raises `NoteInvalid`.

    Cosignatures state times, so that two notes of one tree may differ.
    """
    theirs, ours = (checkpoint_of(each) for each in (kept, note))
    if theirs != ours:
        raise NoteInvalid(
            f"{where}: another tree was anchored: {theirs.origin} of {theirs.size} entries with "
            f"root {theirs.root.hex()[:16]}…, ours is {ours.origin} of {ours.size} with "
            f"{ours.root.hex()[:16]}…"
        )
    return theirs


def encode_receipt(receipt: Receipt) -> bytes:
    """One line of JSON; it says nothing of `kind`, which only a check can say."""
    values = {
        "format": _FORMAT,
        "type": receipt.type,
        "anchor": receipt.anchor,
        "time": receipt.time,
        "note": receipt.note.decode(),
        "raw": base64.b64encode(receipt.raw).decode(),
        "place": receipt.place,
    }
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def decode_receipt(line: bytes) -> Receipt:
    """Read `encode_receipt` back, as `local`. Raises `NoteInvalid`."""
    if len(line) > MAX_LINE:
        raise NoteInvalid(f"receipt of {len(line)} bytes, expected at most {MAX_LINE}")
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise NoteInvalid("receipt is no JSON") from error
    if not isinstance(values, dict) or values.keys() != _MEMBERS.keys():
        raise NoteInvalid(f"receipt: expected an object with {', '.join(sorted(_MEMBERS))}")
    _check_types(values)
    receipt = Receipt(
        values["type"],
        values["anchor"],
        values["time"],
        values["note"].encode("utf-8", "replace"),
        decode_base64(values["raw"]),
        values["place"],
    )
    if encode_receipt(receipt) != line:
        raise NoteInvalid("receipt: not in the only spelling of what it says")
    return receipt


def decode_receipts(data: bytes) -> tuple[list[Receipt], list[str]]:
    """All receipts of a file, and what is wrong with other lines. A torn last line is none."""
    receipts, problems = [], []
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            receipts.append(decode_receipt(line + b"\n"))
        except NoteInvalid as error:
            problems.append(f"line {number}: {error}")
    return receipts, problems


def _check_types(values: Mapping[str, object]) -> None:
    for name, kind in _MEMBERS.items():
        if type(values[name]) is not kind:
            raise NoteInvalid(f"receipt: {name} is no {kind.__name__}")
    if values["format"] != _FORMAT:
        raise NoteInvalid(f"receipt of format {values['format']}, expected {_FORMAT}")
