"""What the tables of reviews and recertifications share: times, and how a name is proved."""

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.records import ControlRecord, Party

TIME = pa.timestamp("ns", tz="UTC")
Row = dict[str, object]


def text(record: ControlRecord, key: str) -> str:
    """A text of the body; empty if it is not there."""
    value = record.body.get(key, "")
    return value if isinstance(value, str) else ""


def whole(value: JsonValue) -> int:
    """A number of nanoseconds; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def provenance(party: Party | None) -> str:
    """How it is known who it was."""
    return "verified" if party else "claimed"


def method(party: Party | None) -> str:
    """What proved them."""
    return party.method if party else ""
