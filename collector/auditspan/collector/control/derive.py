"""What the pipeline makes of control frames: one row of `audit_records` each.

`registry_tables.py` makes the rows of the other tables. Both are functions of the frames alone, so
that a batch processed again after a crash gives the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.records import ControlRecord
from auditspan.identity.principal import Principal
from auditspan.processors.batch import Batch

MAX_BODY = 256 * 1024
"""Characters of a body that the record repeats; the texts are in `registry_versions` anyway."""

_TIME = pa.timestamp("ns", tz="UTC")
_TEXT_MAP = pa.map_(pa.string(), pa.string())
_TIMES = ("Timestamp", "ReceivedAt")
_OBJECTS = {"registry": "registry", "key": "api_key", "collector": "collector"}
Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Frame:
    """A control frame as it stood in the spool."""

    received_at: int
    """Unix nanoseconds."""
    request_digest: str
    """`sha256:…` of the control's text."""
    principal: str
    """Who wrote it, as JSON."""
    record: ControlRecord
    """What it says."""

    @classmethod
    def read(cls, received_at: int, request_digest: str, principal: str, control: str) -> "Frame":
        """From the fields of an envelope. Raises ControlInvalid."""
        return cls(received_at, request_digest, principal, ControlRecord.from_json(control))


def batch(frames: Sequence[Frame]) -> Batch:
    """One record per frame, ready for `finish`."""
    rows = [_record(frame) for frame in frames]
    names = list(rows[0]) if rows else []
    columns = {name: _column(name, [row[name] for row in rows]) for name in names}
    derived = {
        "audit.control.body": pa.array([_body(frame.record) for frame in frames], pa.string())
    }
    return Batch.of(pa.table(columns)).with_derived(derived)


def _record(frame: Frame) -> Row:
    record, why = frame.record, frame.record.why
    holder = str(record.body.get("principal", ""))
    return {
        "RecordKind": "control",
        "Timestamp": record.at_ns,
        "ReceivedAt": frame.received_at,
        "RequestDigest": frame.request_digest,
        "SpanName": record.kind,
        "SpanKind": "Internal",
        "StatusCode": "Ok",
        "Operation": record.kind,
        "ActionType": "control",
        "AgentId": holder.removeprefix("agent:") if holder.startswith("agent:") else "",
        "PrincipalId": Principal.from_json(frame.principal).id,
        "UserId": why.requested_by,
        "UserProvenance": "claimed",
        "AuthorizedBy": why.approved_by,
        "Effect": "write",
        "TargetType": _OBJECTS.get(record.kind.partition(".")[0], ""),
        "TargetId": _target(record),
        "PolicyOutcome": "not_evaluated",
        "PolicyVersion": str(record.body.get("policy_version", "")),
        "OutcomeStatus": "success",
        "Severity": 3,
        "RetentionClass": "default",
        "Summary": _summary(record),
        "SpanAttributes": [
            (key, text)
            for key, text in (
                ("audit.ticket.id", why.ticket),
                ("audit.justification.text", why.reason),
            )
            if text
        ],
    }


def _column(name: str, values: Sequence[object]) -> pa.Array:
    if name in _TIMES:
        return pa.array(values, pa.int64()).cast(_TIME)
    if name == "SpanAttributes":
        return pa.array(values, _TEXT_MAP)
    return pa.array(values, pa.uint8() if name == "Severity" else pa.string())


def _target(record: ControlRecord) -> str:
    return str(next((record.body[k] for k in ("version", "id") if k in record.body), ""))


def _summary(record: ControlRecord) -> str:
    """One sentence; what people said is quoted as JSON, which neutralises control characters."""
    why = record.why
    asked = f"asked by {json.dumps(why.requested_by)}"
    ticket = f", ticket {json.dumps(why.ticket)}" if why.ticket else ""
    what = f"{record.kind} {_target(record)}"
    changes = record.body.get("changes")
    if isinstance(changes, list):
        what = f"registry {_target(record)[:19]} applied with {len(changes)} changes"
    elif "principal" in record.body:
        verb = record.kind.partition(".")[2]
        holder = json.dumps(record.body["principal"])
        what = f"key {_target(record)} of {holder} {verb}"
    return f"{what}, {asked}{ticket}."


def _body(record: ControlRecord) -> str:
    body = {key: value for key, value in record.body.items() if key != "files"}
    text = _json(body)
    if len(text) > MAX_BODY:
        text = _json({key: value for key, value in body.items() if key != "changes"})
    return text


def _json(value: JsonValue | Mapping[str, JsonValue]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
