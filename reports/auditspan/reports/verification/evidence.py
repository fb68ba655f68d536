"""A package of evidence out of a store: records that were asked for, and what proves them.

1. The range is by time, and is found by what was signed: every entry of it is in the package, also
   of records that are not shown.
2. Records of the range that match are shown. With `complete` all others are as well, with their
   core alone, so that it is proved that they do not match.
3. Entries that explain what is absent (erasures, early expiry, revoked keys) are there wherever
   they stand, with proofs.
4. What cannot be proved is not in it, and is told: what is behind the last checkpoint that the key
   of a log counts for, or under entries of the root log that are not what was sealed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as package_files
from typing import IO, Any, Final

from auditspan.integrity.anchors import Receipt
from auditspan.integrity.canonical import derived_salt, fields_digest, group_commitment
from auditspan.integrity.control_entry import Kind
from auditspan.integrity.merkle import inclusion_proof
from auditspan.integrity.package import (
    Anchor,
    ControlLine,
    Erased,
    Evidence,
    Hidden,
    LogRange,
    Row,
    Shown,
    write_package,
)
from auditspan.integrity.range_proof import range_proof
from auditspan.integrity.seal_schema import CORE as CORE_GROUP
from auditspan.integrity.sealed_columns import SCHEMA
from auditspan.integrity.values import netstring
from auditspan.reports.errors import BadFilter, NothingFound
from auditspan.reports.verification import evidence_anchors
from auditspan.reports.verification.asking import Ask, Progress, chunks, rows, silent
from auditspan.reports.verification.bodies import read_bodies
from auditspan.reports.verification.checkpoints import Notes
from auditspan.reports.verification.row_values import StoredRow, stored_rows
from auditspan.reports.verification.sealed_log import SealedLogs
from auditspan.reports.verification.window import Window
from auditspan.storage.sealing.recompute_rows import CORE, FILTERS

_CHUNK: Final = 10_000
_ENTRIES: Final = 200_000
_CONTEXT: Final = ("registry", "policies", "agents")
_IN_CORE: Final[Mapping[str, str]] = {
    "conversation": "ConversationId",
    "trace": "TraceId",
    "record": "RecordId",
    "outcome": "OutcomeStatus",
}
"""Filters that a core alone can answer, so that completeness can be proved for them."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes into a package."""

    window: Window
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By name, of `recompute_rows.FILTERS`; an empty list is anybody."""
    complete: bool = False
    """Show the core of all other records too."""
    anchors: Sequence[tuple[str, bytes]] = ()
    """Notes of the root log that were saved."""
    manifest: Mapping[str, object] = field(default_factory=dict)
    """What is told besides."""
    receipts: Sequence[Receipt] = ()
    """Of anchors, in the order in which they were got."""

    def __post_init__(self) -> None:
        for name in self.filters:
            if name not in FILTERS:
                raise BadFilter(f"filter {name!r}: expected one of {', '.join(FILTERS)}")
        others = sorted(name for name, values in self.filters.items() if values)
        others = [name for name in others if name not in _IN_CORE]
        if self.complete and others:
            raise BadFilter(
                f"filter {others[0]}: completeness cannot be shown for it, since it stands in "
                f"groups that are hidden; use {', '.join(_IN_CORE)}, or leave --complete out"
            )

    def scope(self) -> dict[str, dict[str, list[str]]]:
        """What the package is complete for, by columns of the core."""
        return {
            _IN_CORE[name]: {"in": list(values)}
            for name, values in self.filters.items()
            if values and name in _IN_CORE
        }


@dataclass(frozen=True, slots=True)
class Built:
    """What went into a package."""

    shown: int
    hidden: int
    entries: int
    logs: int
    warnings: tuple[str, ...] = ()
    """What could not be proved, and is not in it."""
    damaged: bool = False
    """Whether entries of the root log are not what they should be."""


@dataclass(slots=True)
class _Building:
    """A package as far as it has come."""

    ask: Ask
    logs: SealedLogs
    wanted: Wanted
    progress: Progress
    ranges: dict[str, tuple[int, int]] = field(default_factory=dict)
    shown: int = 0
    hidden: int = 0
    entries: int = 0

    @property
    def everything(self) -> bool:
        """Whether nobody is left out, so that the package is complete by itself."""
        window = self.wanted.window
        asked = any(self.wanted.filters.values())
        return not asked and window.since is None and window.until is None

    def find_ranges(self) -> None:
        """Which part of each log the window covers."""
        for origin in sorted(self.logs.countersigned):
            if origin not in self.logs.opened:
                continue
            signed = Notes(self.logs.trust)
            signed.add_stored(self.ask, origin, silent)
            times = signed.by_log[origin].times
            first, end = self.wanted.window.indices(times, self.logs.size(origin))
            end = min(end, self.logs.size(origin))
            if first < end:
                self.ranges[origin] = (first, end)
        if not self.ranges:
            says = "no sealed record lies in this window"
            raise NothingFound("; ".join([says, *self.logs.warnings()]))

    def evidence(self) -> Evidence:
        """All parts; records are read while the package is written."""
        wanted = self.wanted
        complete = wanted.complete or self.everything
        until = wanted.window.parameters()["until"]
        return Evidence(
            root=self.logs.note(self.logs.root),
            logs=[self._range(origin, *place) for origin, place in self.ranges.items()],
            control=list(self._control()),
            rows=self._rows(complete),
            anchors=list(self._anchors()),
            complete=complete,
            scope=wanted.scope() if complete else {},  # type: ignore[arg-type]
            manifest=self._manifest(),
            files={
                "README.txt": _file("README.txt"),
                "verify.py": _verifier(),
                **{
                    f"context/{name}.json": _json(rows(self.ask, f"context_{name}", until=until))
                    for name in _CONTEXT
                },
            },
        )

    def _manifest(self) -> dict[str, object]:
        warnings = self.logs.warnings()
        return {**self.wanted.manifest, **({"left_out": warnings} if warnings else {})}

    def _range(self, origin: str, first: int, end: int) -> LogRange:
        logs = self.logs
        parts = []
        for start, after in chunks(first, end, _ENTRIES):
            found = self.ask("entries", {"log": origin, "first": start, "end": after})
            parts += [bytes(entry) for entry in found["Entry"].to_pylist()]
        self.entries += len(parts)
        opened = logs.opened[origin]
        return LogRange(
            note=logs.note(origin),
            note_proof=logs.in_root(logs.countersigned[origin][0]),
            opened=opened[1],
            opened_proof=logs.in_root(opened[0]),
            proof=range_proof(logs.tree(origin).node, first, end, logs.size(origin)),
            entries=b"".join(parts),
        )

    def _control(self) -> Iterator[ControlLine]:
        for origin, (first, end) in self.ranges.items():
            size = self.logs.size(origin)
            bodies, _ = read_bodies(self.ask, origin, size)
            for index, kind, body in bodies:
                if first <= index < end:
                    yield ControlLine(origin, index, kind, body)
                elif kind in (Kind.ERASE, Kind.EARLY_EXPIRY):
                    hashes = inclusion_proof(self.logs.tree(origin).node, index, size)
                    yield ControlLine(origin, index, kind, body, hashes)
        root, size = self.logs.root, self.logs.size(self.logs.root)
        for index, kind, body in read_bodies(self.ask, root, size)[0]:
            if kind == Kind.KEY_REVOKE:
                hashes = inclusion_proof(self.logs.tree(root).node, index, size)
                yield ControlLine(root, index, kind, body, hashes)

    def _rows(self, complete: bool) -> Iterator[Row]:
        filters = {name: list(values) for name, values in self.wanted.filters.items()}
        done, of = 0, sum(end - first for first, end in self.ranges.values())
        for origin, place in self.ranges.items():
            for first, end in chunks(*place, _CHUNK):
                found = stored_rows(
                    self.ask,
                    origin,
                    first,
                    end,
                    everything=complete,
                    window=self.wanted.window,
                    filters=filters,
                )
                yield from map(self._row, found)
                done += end - first
                self.progress("records", done, of)

    def _row(self, row: StoredRow) -> Row:
        if not row.asked_for:
            self.hidden += 1
            return _hidden(row)
        self.shown += 1
        if not row.salts:
            return Shown(row.values, row.salt)
        return Erased(row.values, row.salts, row.redacted)

    def _anchors(self) -> Iterator[Anchor]:
        wanted = self.wanted
        yield from evidence_anchors.saved(self.logs, wanted.anchors)
        yield from evidence_anchors.receipted(self.logs, wanted.receipts, wanted.window.until)


def build(
    ask: Ask, logs: SealedLogs, wanted: Wanted, file: IO[bytes], progress: Progress = silent
) -> Built:
    """Write a package. Raises `NothingFound`, `BadFilter`, `IntegrityError`."""
    logs.load()
    building = _Building(ask, logs, wanted, progress)
    building.find_ranges()
    write_package(building.evidence(), file, SCHEMA)
    return Built(
        building.shown,
        building.hidden,
        building.entries,
        len(building.ranges),
        tuple(logs.warnings()),
        bool(logs.problems),
    )


def _hidden(row: StoredRow) -> Row:
    """The core alone."""
    core = {name: value for name, value in row.values.items() if name in CORE}
    if not row.salts:
        fields = fields_digest(row.values, row.salt, SCHEMA)
        return Hidden(core, derived_salt(row.salt, CORE_GROUP), fields)
    parts = [b"auditspan/fields/v1\n"]
    for group in SCHEMA.groups:
        found = row.redacted.get(group.name, b"")
        if not found and group.name in row.salts:
            found = group_commitment(row.values, row.salts[group.name], group.name, SCHEMA)
        parts.append(netstring(group.name.encode()) + found if found else b"")
    return Hidden(core, row.salts[CORE_GROUP], hashlib.sha256(b"".join(parts)).digest())


def _json(found: Sequence[Mapping[str, Any]]) -> bytes:
    return (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode(errors="replace")


def _verifier() -> bytes:
    return package_files("auditspan.integrity").joinpath("verify.py").read_bytes()


def _file(name: str) -> bytes:
    return package_files("auditspan.reports.verification").joinpath(name).read_bytes()
