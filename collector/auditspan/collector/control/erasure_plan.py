"""What an erasure means for each record: which groups go, and why it may not be.

A proposal's body is `{"id", "records": [{"id", "asked", "groups"}]}`: ids of records and names of
groups, no value of a person. Values are looked at here and forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from auditspan.collector.control.erasure_values import (
    closure,
    forms,
    naming,
    present,
    quoting,
)
from auditspan.collector.control.errors import ControlInvalid, ControlRefused, NotFound
from auditspan.collector.control.holds_files import Hold
from auditspan.collector.control.journal import Fields
from auditspan.collector.query.lookups import Lookup
from auditspan.semconv.columns import BY_NAME, GROUPS

MOST: Final = 500
"""Records of one erasure: they are named in one entry of the log."""
_PORTION: Final = 50
_ERASABLE: Final = tuple(group.name for group in GROUPS if group.erasable)
_READ_GROUPS: Final = ("attributes", "derived", "text")
"""Where the record of a read quotes its statement; who read stays."""

_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_Row = Mapping[str, JsonValue]


class Asked(BaseModel):
    """One record of a proposal."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: _Id
    """The record's."""
    asked: tuple[str, ...]
    """Groups that somebody named."""
    groups: tuple[str, ...] = ()
    """Those and the others that hold the same, as far as is known."""


class Body(BaseModel):
    """A proposal."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    """Names the request in the log and on the certificate."""
    records: Annotated[tuple[Asked, ...], Field(min_length=1, max_length=MOST)]


@dataclass(frozen=True, slots=True)
class Step:
    """What happens to one record."""

    record_id: str
    log_id: str
    log_index: int
    batch_id: str
    request_digest: str
    asked: tuple[str, ...]
    groups: tuple[str, ...]
    is_read: bool
    """It is the record of a read that quotes what is erased."""

    def told(self) -> Fields:
        """For who asks."""
        return {
            "id": self.record_id,
            "asked": list(self.asked),
            "groups": list(self.groups),
            "read": self.is_read,
        }

    def entry(self) -> dict[str, JsonValue]:
        """In the log."""
        return {
            "record": self.record_id,
            "log": self.log_id,
            "index": self.log_index,
            "groups": list(self.groups),
        }


def body_of(fields: Mapping[str, JsonValue]) -> Body:
    """A checked body. Raises ControlInvalid."""
    try:
        return Body.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "erasure"
        raise ControlInvalid(f"{place}: {first['msg'].lower()}") from error


def group_of(name: str) -> str:
    """The group that a group or a column is of. Raises ControlInvalid."""
    group = BY_NAME[name].group if name in BY_NAME else name
    if group not in _ERASABLE:
        raise ControlInvalid(
            f"field {name!r}: expected a column or one of the groups {', '.join(_ERASABLE)}; the "
            "core of a record is what proves it, and holds nothing that people said"
        )
    return group


async def plan(lookup: Lookup, records: Sequence[Asked], holds: Iterable[Hold]) -> list[Step]:
    """What is to be done to each record, and to reads that quote what goes.

    Raises NotFound, ControlInvalid, ControlRefused for records on hold, ControlUnavailable.
    """
    wanted, active = {each.id: each for each in records}, [h for h in holds if h.is_open]
    rows = await rows_of(lookup, list(wanted))
    if missing := wanted.keys() - {str(row["RecordId"]) for row in rows}:
        raise NotFound(f"record {sorted(missing)[0]!r}: the store has none of this id")
    steps, values = [], set[str]()
    for row in rows:
        _check(row, active)
        asked = [group_of(name) for name in wanted[str(row["RecordId"])].asked]
        values |= naming(row, asked)
        steps.append(_step(row, asked, closure(row, asked)))
    steps += await _reads(lookup, values, wanted, active)
    steps = [step for step in steps if step.groups]
    if not steps:
        raise ControlInvalid("nothing of that is there, or it was erased before")
    if len(steps) > MOST:
        raise ControlInvalid(
            f"{len(steps)} records with those of reads that quote them, at most {MOST} fit into "
            "one erasure: ask for fewer"
        )
    return steps


async def rows_of(lookup: Lookup, ids: Sequence[str]) -> list[_Row]:
    """Records as the store has them."""
    found: list[_Row] = []
    for at in range(0, len(ids), _PORTION):
        found += await lookup.ask("erasable", {"ids": list(ids[at : at + _PORTION])})
    return found


async def _reads(
    lookup: Lookup, values: set[str], wanted: Mapping[str, Asked], holds: Sequence[Hold]
) -> list[Step]:
    if not values:
        return []
    quoted = sorted({form for value in values for form in forms(value)})
    found = await lookup.ask("reads_naming", {"values": quoted, "limit": MOST + 1})
    rows = await rows_of(lookup, [str(row["id"]) for row in found if row["id"] not in wanted])
    for row in rows:
        _check(row, holds)
    return [_step(row, (), quoting(row, _READ_GROUPS, frozenset(values))) for row in rows]


def _step(row: _Row, asked: Sequence[str], groups: Sequence[str]) -> Step:
    there = present(row)
    return Step(
        str(row["RecordId"]),
        str(row["LogId"]),
        _int(row["LogIndex"]),
        str(row["BatchId"]),
        str(row["RequestDigest"]),
        tuple(sorted(set(asked) & set(there))),
        tuple(sorted(groups)),
        row["Operation"] == "store.read",
    )


def _check(row: _Row, holds: Sequence[Hold]) -> None:
    record_id = str(row["RecordId"])
    if row["RecordKind"] == "control" and row["Operation"] != "store.read":
        raise ControlInvalid(
            f"record {record_id}: it says who changed what ({row['Operation']}), which is not "
            "erased"
        )
    # Asked of the holds themselves: the engine marks what they keep a moment later.
    hold = next((hold for hold in holds if hold.filter.holds(row)), None)
    if hold:
        raise ControlRefused(
            f"record {record_id} is kept by hold {hold.id}: release it first "
            "(`auditspan hold release`)"
        )


def _int(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
