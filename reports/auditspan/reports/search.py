"""Find records by who, what, where, when and how it was decided."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditspan.reports.filters import where
from auditspan.reports.period import Period
from auditspan.reports.source import Source

COLUMNS: Final = (
    "RecordId",
    "Timestamp",
    "AgentId",
    "UserId",
    "Operation",
    "ToolName",
    "TargetType",
    "TargetId",
    "PolicyOutcome",
    "PolicyRuleIds",
    "OutcomeStatus",
    "Severity",
    "Findings",
    "Environment",
    "ConversationId",
    "TraceId",
    "Summary",
)
"""What a search shows of each record."""


def search(
    source: Source,
    filters: Mapping[str, Sequence[str] | str | int | None],
    period: Period,
    limit: int,
    columns: Sequence[str] = COLUMNS,
) -> list[dict[str, Any]]:
    """The newest matching records, newest first. Raises `BadFilter`."""
    condition = where(filters, period)
    sql = (
        f"SELECT {', '.join(columns)} FROM audit WHERE {condition.sql} "  # noqa: S608
        "ORDER BY Timestamp DESC, RecordId DESC LIMIT {limit:UInt32}"
    )
    rows: list[dict[str, Any]] = source.arrow(sql, {**condition.params, "limit": limit}).to_pylist()
    return rows


def count(
    source: Source, filters: Mapping[str, Sequence[str] | str | int | None], period: Period
) -> int:
    """How many records match, however many a search shows."""
    condition = where(filters, period)
    sql = f"SELECT count() AS n FROM audit WHERE {condition.sql}"  # noqa: S608
    return int(source.arrow(sql, condition.params).column("n")[0].as_py())
