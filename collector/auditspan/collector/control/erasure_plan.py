"""What an erasure means for each record: which groups go, and why it may not be.

1. Of the records that were named: what was asked, and the groups that hold the same.
2. Of reads that quote what goes: where they quote it.
3. Of every record of the same requests: `request`, a hash of all that a request said.

A proposal's body is `{"id", "records": [{"id", "asked", "groups"}]}`: ids of records and names of
groups, no value of a person. Values are looked at here and forgotten.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from auditspan.collector.control.erasure_values import (
    Row,
    closure,
    forms,
    naming,
    present,
    quoting,
)
from auditspan.collector.control.errors import ControlInvalid, ControlRefused, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.holds_files import Hold
from auditspan.collector.query.lookups import Lookup
from auditspan.semconv.columns import BY_NAME, GROUPS

MOST: Final = 1_000
"""Records that one erasure may name."""
MOST_IN_ALL: Final = 50_000
"""With those of the same requests, which are in the log as well."""
WHOLE: Final = "*"
"""In place of a field: all that can be erased of a record."""
REQUEST: Final = "request"
"""The group that holds a hash of the whole request."""
LETTER: Final = "dead_letter"
"""In place of a group: all of a dead letter (`erasure_letters.py`)."""
_PORTION: Final = 100
_ERASABLE: Final = tuple(group.name for group in GROUPS if group.erasable)
READ_GROUPS: Final = ("attributes", "derived", "text")
"""Where the record of a read quotes its statement; who read stays."""
_READ: Final = "store.read"

_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Because = Literal["asked", "read", "request"]
"""Why a record is part of an erasure: it was named, quotes what goes, came in the same request."""


class Asked(BaseModel):
    """One record of a proposal."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: _Id
    """The record's."""
    asked: tuple[str, ...]
    """Groups that somebody named."""
    groups: tuple[str, ...] = ()
    """Those and the others that hold the same, as far as is known."""

    @classmethod
    def of(cls, id: str, fields: Iterable[str]) -> Self:
        """As a person names it. Raises ControlInvalid."""
        try:
            return cls(id=id, asked=tuple(fields))
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"].lower()
            raise ControlInvalid(f"record {id[:100]!r}: {said}") from error


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
    because: Because

    def told(self) -> Fields:
        """For who asks."""
        return {
            "id": self.record_id,
            "asked": list(self.asked),
            "groups": list(self.groups),
            "because": self.because,
        }

    def entry(self) -> dict[str, JsonValue]:
        """In the log."""
        return {
            "record": self.record_id,
            "log": self.log_id,
            "index": self.log_index,
            "groups": list(self.groups),
            "asked": list(self.asked),
        }


def body_of(fields: Mapping[str, JsonValue]) -> Body:
    """A checked body. Raises ControlInvalid."""
    try:
        return Body.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "erasure"
        raise ControlInvalid(f"{place}: {first['msg'].lower()}") from error


def groups_of(name: str) -> tuple[str, ...]:
    """The groups that a group, a column or `*` stands for. Raises ControlInvalid."""
    if name == WHOLE:
        return _ERASABLE
    if name == LETTER:
        return (LETTER,)
    group = BY_NAME[name].group if name in BY_NAME else name
    if group not in _ERASABLE:
        raise ControlInvalid(
            f"field {name[:100]!r}: expected a column, one of the groups {', '.join(_ERASABLE)}, "
            "or * for all of them; the core of a record is what proves it, and holds nothing that "
            "people said"
        )
    return (group,)


async def plan(lookup: Lookup, records: Sequence[Asked], holds: Iterable[Hold]) -> list[Step]:
    """What is to be done to each record, to reads that quote what goes, and to their requests.

    Raises NotFound, ControlInvalid, ControlRefused for records on hold, ControlUnavailable.
    """
    wanted, active = {each.id: each for each in records}, [h for h in holds if h.is_open]
    rows = await rows_of(lookup, list(wanted))
    if missing := wanted.keys() - {str(row["RecordId"]) for row in rows}:
        raise NotFound(f"record {sorted(missing)[0]!r}: the store has none of this id")
    steps, values = [], set[str]()
    for row in rows:
        _check(row, active)
        asked = [group for name in wanted[str(row["RecordId"])].asked for group in groups_of(name)]
        values |= naming(row, asked)
        steps.append(_step(row, asked, _going(row, asked), "asked"))
    steps = [step for step in steps if step.groups]
    if not steps:
        raise ControlInvalid("nothing of that is there, or it was erased before")
    steps += await _reads(lookup, values, wanted, active)
    return await with_requests(lookup, steps, active)


async def rows_of(lookup: Lookup, ids: Sequence[str]) -> list[Row]:
    """Records as the store has them."""
    found: list[Row] = []
    for at in range(0, len(ids), _PORTION):
        found += await lookup.ask("erasable", {"ids": list(ids[at : at + _PORTION])})
    return found


def _going(row: Row, asked: Sequence[str]) -> list[str]:
    """With what a read quotes its reader's name must not go."""
    if row["Operation"] == _READ:
        return [name for name in present(row) if name in asked and name in READ_GROUPS]
    return closure(row, asked)


async def _reads(
    lookup: Lookup, values: set[str], wanted: Mapping[str, Asked], holds: Sequence[Hold]
) -> list[Step]:
    if not values:
        return []
    quoted = sorted({form for value in values for form in forms(value)})
    found = await lookup.ask("reads_naming", {"values": quoted, "limit": MOST + 1})
    if len(found) > MOST:
        raise ControlInvalid(
            f"more than {MOST} reads quote what would go: ask for fewer records at once"
        )
    rows = await rows_of(lookup, [str(row["id"]) for row in found if row["id"] not in wanted])
    for row in rows:
        _check(row, holds)
    made = (_step(row, (), quoting(row, READ_GROUPS, frozenset(values)), "read") for row in rows)
    return [step for step in made if step.groups]


async def with_requests(lookup: Lookup, steps: Sequence[Step], holds: Sequence[Hold]) -> list[Step]:
    """Also the hash of each request, in whatever record it stands."""
    digests = sorted({step.request_digest for step in steps if step.request_digest})
    if not digests:
        return list(steps)
    found = await lookup.ask("same_request", {"digests": digests, "limit": MOST_IN_ALL + 1})
    if len(found) > MOST_IN_ALL:
        raise ControlInvalid(
            f"more than {MOST_IN_ALL} records came in the same requests, and go into the log with "
            "these: ask for fewer records at once"
        )
    known = {step.record_id for step in steps}
    others = [row for row in found if row["RecordId"] not in known]
    for row in others:
        _check_holds(row, holds, "came in the same request, whose hash would go, and ")
    there = {str(row["RecordId"]) for row in found}
    own = [
        replace(step, groups=tuple(sorted({*step.groups, REQUEST})))
        if step.record_id in there
        else step
        for step in steps
    ]
    return [*own, *(_step(row, (), (REQUEST,), "request") for row in others)]


def _step(row: Row, asked: Sequence[str], groups: Sequence[str], because: Because) -> Step:
    return Step(
        str(row["RecordId"]),
        str(row["LogId"]),
        _int(row["LogIndex"]),
        str(row["BatchId"]),
        str(row["RequestDigest"]),
        tuple(sorted(set(asked) & set(groups))),
        tuple(sorted(groups)),
        because,
    )


def _check(row: Row, holds: Sequence[Hold]) -> None:
    record_id = str(row["RecordId"])
    if row["RecordKind"] == "control" and row["Operation"] != _READ:
        raise ControlInvalid(
            f"record {record_id}: it says who changed what ({row['Operation']}), which is not "
            "erased"
        )
    _check_holds(row, holds)


def _check_holds(row: Row, holds: Sequence[Hold], how: str = "") -> None:
    # Asked of the holds themselves: the engine marks what they keep a moment later.
    hold = next((hold for hold in holds if hold.filter.holds(row)), None)
    if hold:
        raise ControlRefused(
            f"record {row['RecordId']} {how}is kept by hold {hold.id}: release it first "
            "(`auditspan hold release`)"
        )


def _int(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
