"""Search filters: what a person names, as a parametrised WHERE clause.

Values only ever travel as query parameters, so no value can become SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from auditspan.reports.errors import BadFilter
from auditspan.reports.period import Period

_START, _END = "{since:DateTime64(9, 'UTC')}", "{until:DateTime64(9, 'UTC')}"

PERIOD: Final = (
    f"((Timestamp >= {_START} AND Timestamp < {_END})"
    f" OR (ReceivedAt >= {_START} AND ReceivedAt < {_END}))"
)
"""A period matches when the act happened in it, or when it became known in it."""

_CONDITIONS: Final = {
    "agent": "(AgentId IN {agent:Array(String)} OR AgentName IN {agent:Array(String)})",
    "user": "(UserId IN {user:Array(String)} OR UserEmail IN {user:Array(String)})",
    "tool": "ToolName IN {tool:Array(String)}",
    "operation": (
        "(Operation IN {operation:Array(String)} OR ActionType IN {operation:Array(String)})"
    ),
    "outcome": "OutcomeStatus IN {outcome:Array(String)}",
    "decision": "PolicyOutcome IN {decision:Array(String)}",
    "rule": "hasAny(PolicyRuleIds, {rule:Array(String)})",
    "finding": "hasAny(Findings, {finding:Array(String)})",
    "effect": "Effect IN {effect:Array(String)}",
    # The index of the column answers which parts hold one of the ids.
    "target": (
        "(TargetId IN {target_ids:Array(String)}"
        " AND (TargetId IN {target:Array(String)}"
        " OR concat(TargetType, ':', TargetId) IN {target:Array(String)}))"
    ),
    "tag": "hasAny(ComplianceTags, {tag:Array(String)})",
    "ticket": "Ticket IN {ticket:Array(String)}",
    "environment": "Environment IN {environment:Array(String)}",
    "conversation": "ConversationId IN {conversation:Array(String)}",
    "trace": "TraceId IN {trace:Array(String)}",
    "record": "RecordId IN {record:Array(String)}",
    "severity": "Severity >= {severity:UInt8}",
    "text": (
        "(positionCaseInsensitiveUTF8(Summary, {text:String}) > 0"
        " OR positionCaseInsensitiveUTF8(ToolArguments, {text:String}) > 0"
        " OR positionCaseInsensitiveUTF8(ToolResult, {text:String}) > 0"
        " OR positionCaseInsensitiveUTF8(PolicyReason, {text:String}) > 0)"
    ),
}

NAMES: Final = tuple(_CONDITIONS)
"""What can be searched for."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition and the values of its parameters."""

    sql: str
    params: Mapping[str, Any]


def where(filters: Mapping[str, Sequence[str] | str | int | None], period: Period) -> Where:
    """Combine filters with AND; several values of one filter are alternatives.

    Raises `BadFilter` for a name that is none, or a severity outside 1 to 10.
    """
    conditions, params = [PERIOD], dict[str, Any](period.parameters())
    for name, value in filters.items():
        if value is None or value == "" or value == []:
            continue
        conditions.append(_condition(name))
        params[name] = _value(name, value)
    if "target" in params:
        params["target_ids"] = _ids(params["target"])
    return Where(" AND ".join(conditions), params)


def _condition(name: str) -> str:
    if name in _CONDITIONS:
        return _CONDITIONS[name]
    near = get_close_matches(name, NAMES, n=1)
    hint = f", did you mean {near[0]!r}" if near else ""
    raise BadFilter(f"filter {name!r} is unknown{hint}: expected one of {', '.join(NAMES)}")


def _value(name: str, value: Sequence[str] | str | int) -> Any:
    if name == "severity":
        return _severity(value)
    if name == "text":
        return str(value)
    return [value] if isinstance(value, str) else list(value)  # type: ignore[arg-type]


def _ids(targets: Sequence[str]) -> list[str]:
    """Every id that one of these texts may mean: all of it, or what stands after any colon."""
    ids = {target[at + 1 :] for target in targets for at, c in enumerate(target) if c == ":"}
    return sorted(ids.union(targets))


def _severity(value: object) -> int:
    text = str(value)
    if not text.isdecimal() or not 1 <= int(text) <= 10:
        raise BadFilter(f"severity {text!r} is out of range: expected a whole number from 1 to 10")
    return int(text)
