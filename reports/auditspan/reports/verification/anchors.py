"""Sizes and roots of logs that somebody else keeps.

A saved note is the simplest anchor: whoever has one sees that the log was cut behind it, or is
another one by now. It is as good as the place where it is kept.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from auditspan.integrity.errors import IntegrityError
from auditspan.reports.errors import BadFilter
from auditspan.reports.verification.report import Problem, Weight
from auditspan.reports.verification.trust import Trust

_SUFFIX: Final = ".note"
_MAX_BYTES: Final = 1_000_000


class AnchorReceipt(Protocol):
    """What an anchor proves: that a log had this root at this size, at this time or before."""

    @property
    def origin(self) -> str:
        """Name of the log."""

    @property
    def size(self) -> int:
        """How many entries it had."""

    @property
    def root(self) -> bytes:
        """Root of their tree."""

    @property
    def kind(self) -> Literal["local", "external"]:
        """Where it was kept."""

    @property
    def time(self) -> int:
        """Unix seconds when it was there; 0 if nobody says."""


@dataclass(frozen=True, slots=True)
class SavedNote:
    """A signed note that somebody has saved; see `AnchorReceipt`."""

    origin: str
    size: int
    root: bytes
    time: int
    """Of the newest cosignature."""
    kind: Literal["local", "external"] = "local"


def read_notes(place: Path) -> list[tuple[str, bytes]]:
    """Notes of a file, or of all files `*.note` of a folder, with their names.

    Raises `BadFilter` if there is none.
    """
    try:
        files = sorted(place.rglob(f"*{_SUFFIX}")) if place.is_dir() else [place]
        notes = [(str(file), file.read_bytes()) for file in files if file.is_file()]
    except OSError as error:
        raise BadFilter(f"anchors {place}: {(error.strerror or 'unreadable').lower()}") from error
    if not notes:
        raise BadFilter(f"anchors {place}: expected a file, or a folder with files *{_SUFFIX}")
    return notes


def receipts_of(
    notes: Iterable[tuple[str, bytes]], trust: Trust
) -> tuple[list[AnchorReceipt], list[Problem]]:
    """What saved notes prove, and which of them prove nothing."""
    receipts: list[AnchorReceipt] = []
    problems = []
    for name, note in notes:
        try:
            accepted = trust.accept(note)
        except IntegrityError as error:
            says = f"anchor {name} cannot be used: {error}"
            problems.append(Problem("anchor.unusable", Weight.UNVERIFIABLE, says))
            continue
        at, time = accepted.checkpoint, max(accepted.cosigned.values(), default=0)
        receipts.append(SavedNote(at.origin, at.size, at.root, time))
    return receipts, problems
