"""A package of evidence (docs/integrity-format.md §7): zip bytes from rows, entries, proofs and
notes, the same from the same. It reads no store and no clock; `verify.py` reads what it writes.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Final, TypeAlias

from auditspan.integrity.canonical import ENTRY_BYTES
from auditspan.integrity.errors import PackageInvalid
from auditspan.integrity.json_values import Json, json_values
from auditspan.integrity.proof_file import TlogProof
from auditspan.integrity.range_proof import RangeProof
from auditspan.integrity.seal_schema import SealSchema
from auditspan.integrity.verify import KIND, cell, csv_line

FORMAT: Final = "auditspan-evidence/1"
_TIME: Final = (1980, 1, 1, 0, 0, 0)
_COLUMNS: Final = sorted(KIND)
_JSON: Final = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Shown:
    """A record of which nothing was erased."""

    values: Mapping[str, object]
    """As `canonical.Values`."""
    salt: bytes

    def line(self, schema: SealSchema) -> dict[str, object]:
        """As JSON takes it."""
        return {"values": json_values(self.values, schema), "salt": self.salt.hex()}


@dataclass(frozen=True, slots=True)
class Erased:
    """A record of which groups were erased."""

    values: Mapping[str, object]
    salts: Mapping[str, bytes]
    redacted: Mapping[str, bytes]

    def line(self, schema: SealSchema) -> dict[str, object]:
        """As JSON takes it."""
        return {
            "values": json_values(self.values, schema),
            "salts": {name: salt.hex() for name, salt in self.salts.items()},
            "redacted": {name: digest.hex() for name, digest in self.redacted.items()},
        }


@dataclass(frozen=True, slots=True)
class Hidden:
    """A record outside of the scope: its core alone shows that it is."""

    core: Mapping[str, object]
    """Columns of the core."""
    core_salt: bytes
    """`derived_salt(record_salt, "core")`; the record's salt itself would open every group."""
    fields: bytes
    """`fields_digest` of the record."""

    def line(self, schema: SealSchema) -> dict[str, object]:
        """As JSON takes it."""
        return {
            "core": json_values(self.core, schema),
            "core_salt": self.core_salt.hex(),
            "fields": self.fields.hex(),
        }


Row: TypeAlias = Shown | Erased | Hidden


@dataclass(frozen=True, slots=True)
class ControlLine:
    """An entry that is no record."""

    log: str
    """Origin of its log: one of records, or the root log."""
    index: int
    kind: int
    body: str
    hashes: tuple[bytes, ...] | None = None
    """Inclusion proof in that log's note here; not needed inside of a range."""


@dataclass(frozen=True, slots=True)
class LogRange:
    """A range of a log of records, whole."""

    note: bytes
    """Checkpoint of the log."""
    note_proof: TlogProof
    """That the root log holds that checkpoint; its own is the one of `Evidence.root`."""
    opened: str
    """Body of the root log's entry that names the log's key."""
    opened_proof: TlogProof
    proof: RangeProof
    entries: bytes
    """All entries of the range, 38 bytes each."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """A note of the root log that was shown to somebody else."""

    kind: str
    """`rfc3161`, `file`, `s3`, …; `verify.py` checks the first."""
    note: bytes
    hashes: tuple[bytes, ...]
    """Consistency proof from this note to `Evidence.root`."""
    receipt: bytes = b""
    """As it was got, of RFC 3161 the reply."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What goes into a package."""

    root: bytes
    """Note of the root log."""
    logs: Sequence[LogRange]
    control: Iterable[ControlLine]
    rows: Iterable[Row]
    """In the order of `logs`, then of their indices; may be made while it is read."""
    anchors: Sequence[Anchor] = ()
    complete: bool = False
    """Whether every record of the ranges is here, or explained, or `Hidden` outside of `scope`."""
    scope: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    """By column of the core: `in` (texts), `from`, `to` (digits, the second excluded)."""
    manifest: Mapping[str, object] = field(default_factory=dict)
    """What is told besides; nothing of it is proved."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """More files, as README.txt, verify.py and what is in `context/`; nothing is proved of them."""


def write_package(evidence: Evidence, file: IO[bytes], schema: SealSchema) -> None:
    """Write the zip. Raises `PackageInvalid`, `ValueInvalid`."""
    _check(evidence)
    with zipfile.ZipFile(file, "w") as package:
        for name, data in sorted(_small_files(evidence).items()):
            with _member(package, name) as member:
                member.write(data)
        with _member(package, "seals.bin", packed=False) as member:
            for log in evidence.logs:
                member.write(log.entries)
        with _member(package, "control.jsonl") as member:
            for entry in evidence.control:
                member.write(_line(_control(entry)))
        _write_rows(package, evidence.rows, schema)


def _write_rows(package: zipfile.ZipFile, rows: Iterable[Row], schema: SealSchema) -> None:
    table = [csv_line(_COLUMNS)]
    with _member(package, "records.jsonl") as member:
        for row in rows:
            line = row.line(schema)
            member.write(_line(line))
            values = line.get("values")
            if isinstance(values, dict):
                cells = [cell(values[name]) if name in values else "" for name in _COLUMNS]
                table.append(csv_line(cells))
    with _member(package, "records.csv") as member:
        member.writelines(table)


def _small_files(evidence: Evidence) -> dict[str, bytes]:
    made = {
        "manifest.json": _line({"format": FORMAT, **evidence.manifest}),
        "proof.json": _line(_proof(evidence)),
        "root/root.note": evidence.root,
    }
    for place, log in enumerate(evidence.logs):
        made[f"checkpoints/{place}.note"] = log.note
        made[f"root/{place}.tlog-proof"] = log.note_proof.encode()
        made[f"root/{place}-opened.tlog-proof"] = log.opened_proof.encode()
    for place, anchor in enumerate(evidence.anchors):
        made[f"anchors/{place}.note"] = anchor.note
        if anchor.receipt:
            made[_receipt(place, anchor)] = anchor.receipt
    return {**evidence.files, **made}


def _proof(evidence: Evidence) -> dict[str, object]:
    return {
        "format": FORMAT,
        "complete": evidence.complete,
        "scope": evidence.scope,
        "root": {"note": "root/root.note", "anchors": list(_anchors(evidence.anchors))},
        "logs": [_log(place, log) for place, log in enumerate(evidence.logs)],
    }


def _anchors(anchors: Sequence[Anchor]) -> Iterator[dict[str, object]]:
    for place, anchor in enumerate(anchors):
        yield {
            "kind": anchor.kind,
            "note": f"anchors/{place}.note",
            "hashes": [hashed.hex() for hashed in anchor.hashes],
            **({"receipt": _receipt(place, anchor)} if anchor.receipt else {}),
        }


def _receipt(place: int, anchor: Anchor) -> str:
    return f"anchors/{place}.{'tsr' if anchor.kind == 'rfc3161' else 'receipt'}"


def _log(place: int, log: LogRange) -> dict[str, object]:
    return {
        "note": f"checkpoints/{place}.note",
        "note_proof": f"root/{place}.tlog-proof",
        "opened": log.opened,
        "opened_proof": f"root/{place}-opened.tlog-proof",
        "start": log.proof.start,
        "count": len(log.entries) // ENTRY_BYTES,
        "left": [[each.start, each.size, each.root.hex()] for each in log.proof.left],
        "right": [[each.start, each.size, each.root.hex()] for each in log.proof.right],
    }


def _control(entry: ControlLine) -> dict[str, object]:
    made: dict[str, object] = {"log": entry.log, "index": entry.index, "kind": entry.kind}
    if entry.hashes is not None:
        made["hashes"] = [hashed.hex() for hashed in entry.hashes]
    return {**made, "body": entry.body}


def _check(evidence: Evidence) -> None:
    for log in evidence.logs:
        if len(log.entries) % ENTRY_BYTES:
            raise PackageInvalid(f"entries of {len(log.entries)} bytes, expected a multiple of 38")
        for proof in (log.note_proof, log.opened_proof):
            if proof.checkpoint != evidence.root:
                raise PackageInvalid(
                    "a proof is for another note of the root log than the package's"
                )


def _line(value: object) -> bytes:
    return _JSON(value).encode() + b"\n"


def _member(package: zipfile.ZipFile, name: str, *, packed: bool = True) -> IO[bytes]:
    """A file of the same bytes whenever it is written."""
    info = zipfile.ZipInfo(name, _TIME)
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    return package.open(info, "w", force_zip64=True)
