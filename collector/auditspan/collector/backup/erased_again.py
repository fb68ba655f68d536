"""What was erased after a backup was made is back in it: certificates ask for it again.

A certificate names records, groups and dead letters, and no value. Each becomes a `record.erased`
in the restored spool, which the first start seals and carries out as any other; that nobody else
approved it this time is a finding of its record. Until then the content is there.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from auditspan.collector.backup.errors import BackupInvalid
from auditspan.collector.control.erasure_plan import LETTER
from auditspan.collector.control.erasures import erasure_handler, in_folder
from auditspan.collector.control.errors import ControlError
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.holds_files import HoldFiles
from auditspan.collector.control.records import ControlRecord, why_of
from auditspan.collector.control.two_persons import FINDING_ALONE
from auditspan.collector.data_dir import DataDir
from auditspan.collector.letters import ERASED, read
from auditspan.collector.query.lookups import in_store
from auditspan.storage.engine import Engine

_THERE: Final = "SELECT RecordId AS id FROM audit_records WHERE RecordId IN {ids:Array(String)}"
_PORTION: Final = 1_000
_MOST_BYTES: Final = 64 << 20
_UNSAID: Final = re.compile(r"[\x00-\x1f\x7f]")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)

    record: str = Field(min_length=1, max_length=64)
    groups: tuple[str, ...] = ()


class Certificate(BaseModel):
    """What is needed of a certificate of erasure; other members are left alone."""

    model_config = ConfigDict(frozen=True)

    erasure: str = Field(pattern=r"^[0-9a-f]{16}$")
    requested_by: str = Field(default="", max_length=1024)
    ticket: str = Field(default="", max_length=1024)
    records: tuple[_Record, ...] = ()
    dead_letters: int = Field(default=0, ge=0)
    dead_letter_ids: tuple[str, ...] = ()
    """None in a certificate from before they were named."""

    @property
    def unnamed(self) -> int:
        """Dead letters that it counts and does not name."""
        return max(self.dead_letters - len(self.dead_letter_ids), 0)


@dataclass(frozen=True, slots=True)
class Again:
    """One erasure."""

    erasure: str
    records: int
    """Of its records and dead letters in the backup; 0: nothing is back."""
    record: ControlRecord | None
    problem: str = ""
    """Why it cannot be repeated by itself."""
    letters: int = 0
    """Dead letters that it erased besides and does not name: they are not repeated."""


def certificates(places: Iterable[Path]) -> list[Certificate]:
    """Certificates of files, and of all `.json` files of folders. Raises `BackupInvalid`."""
    files = [
        path for place in places
        for path in (sorted(place.glob("*.json")) if place.is_dir() else [place])
    ]  # fmt: skip
    return [_certificate(path) for path in files]


def erased_again(
    data: DataDir, engine: Engine, wanted: Sequence[Certificate], operator: str, at_ns: int
) -> Iterator[Again]:
    """Each erasure, with the record that asks for it if its records are in the store."""
    dead = data.folder("dead")
    holds = HoldFiles(data.folder("registry"))
    handler = erasure_handler(in_store(engine), holds, in_folder(data.root), dead)
    any_dead = any(dead.iterdir())
    for certificate in wanted:
        letters = certificate.unnamed if any_dead else 0
        fields = _fields(engine, dead, certificate)
        if not fields["records"]:
            yield Again(certificate.erasure, 0, None, letters=letters)
            continue
        try:
            effect = handler.check(fields)
        except ControlError as error:
            yield Again(
                certificate.erasure, len(_list(fields["records"])), None, str(error), letters
            )
            continue
        said = f"restored: erasure {certificate.erasure} was done after the backup"
        ticket = _UNSAID.sub(" ", certificate.ticket)
        record = ControlRecord(
            kind=effect.kind,
            at_ns=at_ns,
            why=why_of(operator, ticket, said, _UNSAID.sub(" ", certificate.requested_by)),
            body=effect.body,
            findings=(FINDING_ALONE["single_operator"],),
        )
        effect.put(record)
        yield Again(certificate.erasure, len(_list(fields["records"])), record, letters=letters)


def _certificate(path: Path) -> Certificate:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BackupInvalid(f"{path}: is too long to be a certificate of erasure")
        return Certificate.model_validate(json.loads(path.read_bytes()))
    except (ValidationError, ValueError) as error:
        raise BackupInvalid(
            f"{path}: is no certificate of erasure as `auditspan erasures certificate ID "
            f"--format json` prints it: {str(error).splitlines()[0]}"
        ) from error


def _fields(engine: Engine, dead: Path, certificate: Certificate) -> Fields:
    groups = {each.record: list(each.groups) for each in certificate.records if each.groups}
    ids, there = list(groups), set[str]()
    for at in range(0, len(ids), _PORTION):
        rows = engine.arrow(_THERE, {"ids": ids[at : at + _PORTION]}).to_pylist()
        there |= {str(row["id"]) for row in rows}
    records: list[JsonValue] = [
        {"id": id, "asked": list[JsonValue](groups[id])} for id in ids if id in there
    ]
    return {"id": certificate.erasure, "records": [*records, *_letters(dead, certificate)]}


def _letters(dead: Path, certificate: Certificate) -> Iterator[JsonValue]:
    for id in certificate.dead_letter_ids:
        letter = read(dead, id)
        if letter is not None and letter.reason != ERASED:
            yield {"id": id, "asked": [LETTER]}


def _list(value: JsonValue) -> Sequence[JsonValue]:
    return value if isinstance(value, list) else []
