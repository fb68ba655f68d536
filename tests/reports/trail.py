"""A small trail in a real embedded store: six records that differ in what is asked about."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from auditspan.processors.finish import arrow_type
from auditspan.semconv.columns import COLUMNS
from auditspan.storage.engine import Engine
from auditspan.storage.writer import write

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
"""A Tuesday."""
TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER_TRACE = "b" * 32
HOSTILE = "\x1b[2J\u202egnp.exe"
"""A tool's name that clears a screen and reorders a line."""
TIME = pa.timestamp("ns", tz="UTC")
_PHYSICAL = [
    column
    for column in COLUMNS
    if column.kind == "physical" and column.source not in ("seal", "erasure")
]
_ALIASES = {column.name: column for column in COLUMNS if column.kind == "alias"}


def row(number: int, **fields: Any) -> dict[str, Any]:
    """A record: an allowed read, attributed and judged, one minute after the one before."""
    at = START + timedelta(minutes=number)
    return {
        "RecordId": f"r{number}",
        "RecordKind": "action",
        "Timestamp": at,
        "Duration": 2_000_000_000,
        "ReceivedAt": at + timedelta(seconds=1),
        "BatchId": "i-1-00000001",
        "TraceId": TRACE,
        "SpanId": f"{number:016x}",
        "Operation": "execute_tool",
        "ActionType": "tool.call",
        "AgentId": "helper",
        "AgentName": "Helper",
        "AgentProvenance": "verified",
        "PrincipalId": "agent:helper",
        "UserId": "alice",
        "UserProvenance": "verified",
        "ConversationId": "c1",
        "GrantId": "g1",
        "Environment": "production",
        "ToolName": "get_order",
        "Effect": "read",
        "TargetType": "order",
        "TargetId": "o-1",
        "PolicyOutcome": "allow",
        "PolicyRuleIds": ["reading"],
        "OutcomeStatus": "success",
        "Severity": 2,
        "RetentionClass": "default",
        "OrganizationId": "acme",
        "Summary": f"helper read order {number}",
        "Attributes": {"InstanceId": "i1", "Sequence": str(number), "DataClass": "customer"},
        **fields,
    }


ROWS = (
    row(1, Operation="invoke_agent", ActionType="agent.invoke", ToolName="", Effect="read"),
    row(2, ParentSpanId=f"{1:016x}"),
    row(
        3,
        ParentSpanId=f"{1:016x}",
        ToolName="refund",
        Effect="external",
        TargetId="o-2",
        PolicyOutcome="deny",
        PolicyRuleIds=["no-refunds"],
        PolicyReason="too much",
        Enforcement="block",
        OutcomeStatus="denied",
        Severity=7,
        Findings=["authorization.missing"],
        ToolArguments='{"note":"Wien"}',
        Attributes={
            "InstanceId": "i1",
            "Sequence": "5",
            "Ticket": "SUP-7",
            "DataClass": "customer",
            "ComplianceTags": '["gdpr"]',
        },
    ),
    row(
        4,
        TraceId=OTHER_TRACE,
        ConversationId="c2",
        AgentId="",
        AgentName="stranger",
        AgentProvenance="claimed",
        UserId="bob",
        UserProvenance="claimed",
        Environment="staging",
        ToolName=HOSTILE,
        Effect="unknown",
        PolicyOutcome="not_evaluated",
        PolicyRuleIds=[],
        GrantId="",
        Findings=["identity.unregistered", "policy.unguarded"],
        OutcomeStatus="failure",
        OrganizationId="other",
        Attributes={"UserEmail": "bob@example.org", "ReviewRequired": "true"},
    ),
    row(
        5,
        Operation="chat",
        ActionType="model.call",
        ToolName="",
        ModelName="gpt-4o",
        InputTokens=100,
        OutputTokens=20,
        ParentSpanId=f"{1:016x}",
        # A span of other software in the trace, without the conversation's id.
        ConversationId="",
        # It became known a day after it happened.
        ReceivedAt=START + timedelta(days=1),
        Attributes={"InstanceId": "i1", "Sequence": "6", "Provider": "openai"},
    ),
    row(
        6,
        ParentSpanId=f"{5:016x}",
        ToolName="change_order",
        Effect="write",
        Attributes={
            "InstanceId": "i1",
            "Sequence": "7",
            "DataClass": "customer",
            "RegistryVersion": "sha256:b",
            "ReviewRequired": "true",
            "UserEmail": "alice@example.org",
        },
    ),
)


def table(rows: tuple[dict[str, Any], ...] = ROWS) -> pa.Table:
    """Rows with every physical column; `Attributes` are alias columns, put where they are read."""
    fields = [pa.field(column.name, arrow_type(column.name, column.type)) for column in _PHYSICAL]
    made = [_stored(one) for one in rows]
    return pa.Table.from_pylist(
        [{field.name: _cell(field.type, one.get(field.name)) for field in fields} for one in made],
        schema=pa.schema(fields),
    )


def fill(engine: Engine) -> None:
    """The records, and what was in force when they were made, into a store with the schema."""
    write(engine, table(), "i-1-00000001")
    for name, columns in {**REGISTRY, **HUMAN}.items():
        engine.insert(name, pa.table(columns))
    # One frame that could not be read, and one that could on the second try.
    letters = {"LetterId": ["", "l-2"], "ReceivedAt": _times(START, START)}
    engine.insert("dead_letters", pa.table({**letters, "DeadAt": _times(START, START)}))
    ended = {"LetterId": ["l-2"], "EndedAt": _times(START), "Records": [1], "BatchId": ["b"]}
    engine.insert("dead_letter_ends", pa.table(ended))


def _stored(one: Mapping[str, Any]) -> dict[str, Any]:
    stored: dict[str, Any] = {k: v for k, v in one.items() if k != "Attributes"}
    for name, value in one["Attributes"].items():
        place = next(
            place
            for place in ("Derived", "SpanAttributes", "ResourceAttributes", "OtlpExtras")
            if place in _ALIASES[name].expression
        )
        stored.setdefault(place, {})[_ALIASES[name].attribute] = value
    return stored


def _cell(type: pa.DataType, value: Any) -> Any:
    if value is not None:
        return list(value.items()) if pa.types.is_map(type) else value
    if pa.types.is_nested(type):
        return []
    return "" if pa.types.is_string(type) else 0


def _times(*moments: datetime) -> pa.Array:
    return pa.array(moments, TIME)


_LATER = START + timedelta(hours=1)

REGISTRY: Mapping[str, Mapping[str, Any]] = {
    "registry_versions": {
        "Version": ["sha256:a", "sha256:b"],
        "AppliedAt": _times(START - timedelta(days=7), _LATER),
        "PolicyVersion": ["sha256:p", "sha256:q"],
        "RequestedBy": ["ann", "ben"],
        "Ticket": ["SEC-1", "SEC-2"],
        "Reason": ["first", "second"],
    },
    "policy_versions": {
        "PolicyVersion": ["sha256:p", "sha256:q"],
        "RegistryVersion": ["sha256:a", "sha256:b"],
        "AppliedAt": _times(START - timedelta(days=7), _LATER),
        "File": ["policies/p.cedar", "policies/p.cedar"],
        "Text": ["permit old", "permit new"],
    },
    "agents": {
        "AgentId": ["helper", "idle"],
        "Owner": ["ann", "ben"],
        "Purpose": ["help", "wait"],
        "RiskTier": ["high", "low"],
        "RegistryVersion": ["sha256:b", "sha256:b"],
        "AppliedAt": _times(_LATER, _LATER),
    },
    "grants": {
        "GrantId": ["g1"],
        "AgentId": ["helper"],
        "Grantor": ["carol"],
        "Purpose": ["support"],
        "GrantedAt": _times(START - timedelta(days=7)),
        "ExpiresAt": _times(START + timedelta(days=7)),
        "RegistryVersion": ["sha256:b"],
        "AppliedAt": _times(_LATER),
    },
}
"""Two versions of a registry: a week before the records, and an hour after the first."""

HUMAN: Mapping[str, Mapping[str, Any]] = {
    "reviews": {
        "ReviewId": ["v1", "v2", "v3"],
        "RecordId": ["r4", "r6", "r6"],
        "ReviewedAt": _times(_LATER, _LATER, _LATER + timedelta(hours=1)),
        "ReviewedBy": ["person:ivan", "person:ivan", "person:rita"],
        "ReviewedByProvenance": ["verified", "verified", "verified"],
        "Method": ["api_key", "api_key", "jwt"],
        "Verdict": ["escalated", "rejected", "approved"],
        "Closed": [False, True, True],
        "Comment": ["who is this?", "not ordered", "ordered by phone"],
        "ReviewRequired": [True, True, True],
    },
    "recertifications": {
        "CampaignId": ["c-1", "c-1", "c-1", "c-1"],
        "Item": ["agent:helper", "grant:g1", "agent:helper", "grant:g1"],
        "Event": ["asked", "asked", "answered", "overdue"],
        "At": _times(_LATER, _LATER, _LATER + timedelta(days=1), _LATER + timedelta(days=14)),
        "DueAt": _times(*[_LATER + timedelta(days=14)] * 4),
        "Owner": ["ann", "carol", "ann", "carol"],
        "RiskTier": ["high", "high", "high", "high"],
        "AskedBy": ["person:pia", "person:pia", "", ""],
        "Verdict": ["", "", "keep", ""],
        "AnsweredBy": ["", "", "person:ann", ""],
        "AnsweredAs": ["", "", "owner", ""],
    },
}
"""A review that closes nothing, one that a later one supersedes, and a grant nobody answers for."""
