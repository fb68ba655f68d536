"""What the pipeline makes of control frames: one row of `audit_records` each.

`registry_tables.py` makes the rows of the other tables. Both are functions of the frames alone, so
that a batch processed again after a crash gives the same.

Who asked is the user, who approved stands under AuthorizedBy: verified, or of a record without
parties what was claimed. What a requester says of others stands under `claimed.…`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from auditspan.collector.control.log_key_kinds import LOG_KEY_REVOKED
from auditspan.collector.control.records import STORE_READ, ControlRecord, Party
from auditspan.collector.control.sentences import sentence, target_of
from auditspan.identity.principal import Principal
from auditspan.processors.batch import Batch
from auditspan.semconv.findings import FINDINGS

MAX_BODY = 256 * 1024
"""Characters of a body that the record repeats."""
_ELSEWHERE = ("changes", "erased", "expired")
"""What is left out of a longer one: it is in `registry_versions`, or in an entry of the log."""

_TIME = pa.timestamp("ns", tz="UTC")
_TEXT_MAP = pa.map_(pa.string(), pa.string())
_TIMES = ("Timestamp", "ReceivedAt")
_OBJECTS = {
    "registry": "registry",
    "change": "proposal",
    "agent": "agent",
    "key": "api_key",
    "collector": "collector",
    "record": "record",
    "store": "store",
    "access": "access",
    "recertification": "access",
    "anchor": "anchor",
    "hold": "hold",
    "retention": "retention",
    "log": "log",
    "deadletter": "dead_letter",
    "forward": "exporter",
}
"""What a record is about, by the first word of its kind."""
_SEVERITY = {STORE_READ: 1, LOG_KEY_REVOKED: 5}
"""By kind; else `_ORDINARY`, and at least that of each finding."""
_ORDINARY = 3
_FOUND = {
    "change.self_approved": 6,
    "change.bootstrap": 4,
    "recertification.overdue": 5,
    "anchor.missed": 5,
    "forward.dropped": 4,
}
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
    made = Batch.of(pa.table(columns)).with_derived(_derived([frame.record for frame in frames]))
    for finding in FINDINGS:
        held = np.asarray([finding in frame.record.findings for frame in frames], dtype=np.bool_)
        if held.any():
            made = made.flag(finding, held)
    return made


def _derived(records: Sequence[ControlRecord]) -> Mapping[str, pa.Array]:
    methods = [r.requester.method if r.requester else None for r in records]
    return {
        "audit.control.body": pa.array([_body(record) for record in records], pa.string()),
        "audit.authentication.method": pa.array(methods, pa.string()),
    }


def _principal(frame: Frame) -> str:
    """Whose request it was; of what nobody asked for, the process that wrote it."""
    requester = frame.record.requester
    return requester.principal if requester else Principal.from_json(frame.principal).id


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
        "PrincipalId": _principal(frame),
        "UserId": record.asked_by,
        "UserProvenance": "verified" if record.requester else "claimed",
        "AuthorizedBy": record.agreed_by,
        "Effect": "read" if record.kind == STORE_READ else "write",
        "TargetType": _OBJECTS.get(record.kind.partition(".")[0], ""),
        "TargetId": target_of(record),
        "PolicyOutcome": "not_evaluated",
        "PolicyVersion": str(record.body.get("policy_version", "")),
        "OutcomeStatus": "success",
        "Severity": _severity(record),
        "RetentionClass": "default",
        "Summary": sentence(record),
        "SpanAttributes": [
            (key, text)
            for key, text in (
                ("audit.ticket.id", why.ticket),
                ("audit.justification.text", why.reason),
                *_claims(record),
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


def _claims(record: ControlRecord) -> Sequence[tuple[str, str]]:
    """What a verified requester says of others; of an older record it is all that is known."""
    if record.requester is None:
        return ()
    said = record.why.requested_by
    behalf = said if said != record.requester.principal else ""
    return (
        ("claimed.requested_by", behalf),
        ("claimed.approved_by", record.why.approved_by),
    )


def _severity(record: ControlRecord) -> int:
    ordinary = _SEVERITY.get(record.kind, _ORDINARY)
    return max((ordinary, *(_FOUND.get(finding, 1) for finding in record.findings)))


def _body(record: ControlRecord) -> str:
    body = {key: value for key, value in record.body.items() if key != "files"} | _parties(record)
    text = _json(body)
    if len(text) > MAX_BODY:
        text = _json({key: value for key, value in body.items() if key not in _ELSEWHERE})
    return text


def _parties(record: ControlRecord) -> dict[str, JsonValue]:
    """Who took part and by which credential, and the proposal that was approved."""
    parties: dict[str, Party | None] = {
        "requester": record.requester,
        "approver": record.approver,
    }
    found: dict[str, JsonValue] = {
        name: party.model_dump(mode="json") for name, party in parties.items() if party
    }
    return found | ({"proposal": record.proposal} if record.proposal else {})


def _json(value: JsonValue | Mapping[str, JsonValue]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
