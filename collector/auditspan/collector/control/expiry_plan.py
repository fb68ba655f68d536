"""Which records an early expiry lets go: ranges of the logs, in which every record fits a filter.

Ranges are what the log says, and name nobody. What is approved is what was proposed: records that
came since are not taken along, and what has gone meanwhile is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from auditspan.collector.control.errors import ControlInvalid, ControlRefused
from auditspan.collector.control.holds_files import Hold, HoldFilter
from auditspan.collector.query.lookups import Lookup

MOST_RANGES: Final = 2_000
"""Of one early expiry; they are in one entry of the log."""


class Range(BaseModel):
    """Records of a log that stand side by side."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    log: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """Origin of the log."""
    start: Annotated[int, Field(ge=0)]
    """Index of the first."""
    end: Annotated[int, Field(gt=0)]
    """Index behind the last."""


class Body(BaseModel):
    """A proposal."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]
    """Names the request in the log and on the certificate."""
    filter: str
    """Which records, as `HoldFilter` takes it."""
    expired: Annotated[tuple[Range, ...], Field(min_length=1, max_length=MOST_RANGES)]
    """Where they are."""


class Found(BaseModel):
    """What fits."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    ranges: tuple[Range, ...]
    records: int
    since: str
    """When the first of them was received."""
    until: str
    """When the last one was."""


def body_of(fields: Mapping[str, JsonValue]) -> Body:
    """A checked body. Raises ControlInvalid."""
    try:
        return Body.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "early expiry"
        raise ControlInvalid(f"{place}: {first['msg'].lower()}") from error


async def find(lookup: Lookup, filter: HoldFilter, holds: Iterable[Hold]) -> Found:
    """What fits now. Raises ControlInvalid, ControlRefused for a hold, ControlUnavailable."""
    for hold in holds:
        if hold.is_open:
            await _check_hold(lookup, filter, hold)
    asked = {**filter.lists(), "limit": MOST_RANGES + 1}
    rows = await lookup.ask("expiring", asked)
    if not rows:
        raise ControlInvalid(f"no sealed record of an act fits {filter.words()!r}")
    if len(rows) > MOST_RANGES:
        raise ControlInvalid(
            f"the records stand in more than {MOST_RANGES} places of the log, among others that "
            "stay: ask for a shorter time, or for whole classes"
        )
    return Found(
        ranges=tuple(
            Range.model_validate({name: row[name] for name in ("log", "start", "end")})
            for row in rows
        ),
        records=sum(_int(row["records"]) for row in rows),
        since=min(str(row["since"]) for row in rows),
        until=max(str(row["until"]) for row in rows),
    )


def both(some: Sequence[Range], others: Sequence[Range]) -> tuple[Range, ...]:
    """What is in ranges of both; each are sorted and apart from each other."""
    found, left, right = [], iter(some), iter(others)
    one, other = next(left, None), next(right, None)
    while one and other:
        start, end = max(one.start, other.start), min(one.end, other.end)
        if one.log == other.log and start < end:
            found.append(Range(log=one.log, start=start, end=end))
        if (one.log, one.end) <= (other.log, other.end):
            one = next(left, None)
        else:
            other = next(right, None)
    return tuple(found)


async def _check_hold(lookup: Lookup, filter: HoldFilter, hold: Hold) -> None:
    held = await lookup.ask("expiring_held", {**filter.lists(), **hold.filter.lists("held_")})
    if held:
        raise ControlRefused(
            f"record {held[0]['id']} is kept by hold {hold.id}: release it first (`auditspan hold "
            "release`), or ask for other records"
        )


def _int(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
