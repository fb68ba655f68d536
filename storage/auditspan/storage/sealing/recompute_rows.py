"""Statements that give records and what stands beside them for a package of evidence.

Values come as the canonical form takes them (`auditspan.integrity.canonical`): times and days as
numbers, tuples without names. Who is looked for travels as parameters; an empty list is anybody.
"""

from collections.abc import Mapping
from typing import Final

from auditspan.semconv.columns import BY_NAME, GROUPS
from auditspan.storage.sealing.values import plain

CORE: Final = GROUPS[0].columns
"""Columns of the core."""

_FILTERS: Final[Mapping[str, str]] = {
    "agent": "AgentId IN {agent:Array(String)} OR AgentName IN {agent:Array(String)}",
    "user": "UserId IN {user:Array(String)} OR UserEmail IN {user:Array(String)}",
    "tool": "ToolName IN {tool:Array(String)}",
    "conversation": "ConversationId IN {conversation:Array(String)}",
    "trace": "TraceId IN {trace:Array(String)}",
    "record": "RecordId IN {record:Array(String)}",
    "outcome": "OutcomeStatus IN {outcome:Array(String)}",
    "finding": "hasAny(Findings, {finding:Array(String)})",
}
FILTERS: Final = tuple(_FILTERS)
"""What can be asked for."""

_RANGE: Final = "LogId = {log:String} AND LogIndex >= {first:UInt64} AND LogIndex < {end:UInt64}"
_WINDOW: Final = (
    "ReceivedAt >= {since:DateTime64(9, 'UTC')} AND ReceivedAt < {until:DateTime64(9, 'UTC')}"
)


def _value(name: str) -> str:
    kind = plain(BY_NAME[name].type)
    if kind.startswith("DateTime64"):
        return f"toUnixTimestamp64Nano(`{name}`) AS `{name}`"
    if kind == "Date32":
        return f"toInt32(`{name}`) AS `{name}`"
    if kind.startswith("Array(Tuple(") and "DateTime64" in kind:
        return f"arrayMap(e -> (toUnixTimestamp64Nano(e.1), e.2, e.3), `{name}`) AS `{name}`"
    return f"`{name}`"


def _asked() -> str:
    tests = [f"(empty({{{name}:Array(String)}}) OR {test})" for name, test in _FILTERS.items()]
    return " AND ".join([_WINDOW, *tests])


def _rows() -> str:
    values = ", ".join(_value(name) for group in GROUPS for name in group.columns)
    shown = f"SELECT *, {_asked()} AS Shown_ FROM audit_records WHERE {_RANGE}"  # noqa: S608
    return (
        f"SELECT {values}, RecordSalt, GroupSalts, Redacted, Shown_ "  # noqa: S608
        f"FROM ({shown}) WHERE Shown_ OR {{all:UInt8}} = 1 ORDER BY LogIndex"
    )


ROWS: Final[Mapping[str, str]] = {
    "rows": _rows(),
    "bodies_everywhere": (
        "SELECT LogId, LogIndex, Kind, Body FROM audit_log_entries WHERE Kind IN (4, 6, 8) "
        "ORDER BY LogId, LogIndex"
    ),
    "context_registry": (
        "SELECT Version, toString(AppliedAt) AS AppliedAt, RequestedBy, Ticket, Reason, Bundle "
        "FROM registry_versions WHERE registry_versions.AppliedAt < {until:DateTime64(9, 'UTC')} "
        "ORDER BY registry_versions.AppliedAt"
    ),
    "context_policies": (
        "SELECT PolicyVersion, toString(AppliedAt) AS AppliedAt, File, Text FROM policy_versions "
        "WHERE policy_versions.AppliedAt < {until:DateTime64(9, 'UTC')} "
        "ORDER BY policy_versions.AppliedAt, File"
    ),
    "context_agents": (
        "SELECT AgentId, AgentName, AgentVersion, Owner, OwnerEmail, Purpose, RiskTier, Disabled, "
        "RegistryVersion, toString(AppliedAt) AS AppliedAt FROM agents "
        "WHERE agents.AppliedAt < {until:DateTime64(9, 'UTC')} ORDER BY agents.AppliedAt, AgentId"
    ),
}
"""The questions by name."""
