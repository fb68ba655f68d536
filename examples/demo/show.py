"""Prints what the trail says, by the code behind `auditspan query`, `trace`, `ask` and `search`.

Below each answer stands the SQL that was run for it. An answer that lacks what the demo must show
is an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from rich.console import Console
from rich.rule import Rule
from rich.syntax import Syntax
from rich.text import Text

from auditspan.cli.output import Format, emit
from auditspan.cli.store import Store
from auditspan.cli.terminal import out
from auditspan.cli.tree import tree_of
from auditspan.reports.chain import chain
from auditspan.reports.period import Period
from auditspan.reports.questions import ask
from auditspan.reports.search import search
from running import Failed

COUNTS = """\
SELECT ActionType, AgentId, count() AS Actions, countIf(OutcomeStatus = 'denied') AS Denied,
       countIf(PolicyOutcome = 'deny') AS AgainstPolicy, countIf(Findings != []) AS WithFindings
FROM audit_records
WHERE RecordKind = 'action' AND ActionType != 'other'
GROUP BY ActionType, AgentId ORDER BY ActionType, AgentId"""


@dataclass(slots=True)
class Told:
    """A store that remembers what it was asked."""

    store: Store
    sql: list[str] = field(default_factory=list)

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one statement."""
        values = [f"-- {name} = {value}" for name, value in (params or {}).items()]
        self.sql.append("\n".join((sql.strip(), *values)))
        return self.store.arrow(sql, params)


def show(store: Store, conversation: str) -> None:
    """Print everything. Raises Failed."""
    _counts(Told(store))
    _chain(Told(store), conversation)
    _question(
        Told(store), "denials", "A call that was stopped before it ran",
        ("Timestamp", "AgentId", "UserId", "ToolName", "TargetId", "PolicyRuleIds", "DecisionPoint",
         "OutcomeStatus"),
        {"ToolName": "delete_customer", "PolicyRuleIds": ["never-delete-customers"]},
    )  # fmt: skip
    _question(
        Told(store), "violations", "Calls that ran against the policy, flagged",
        ("Timestamp", "AgentId", "UserId", "ToolName", "PolicyOutcome", "PolicyRuleIds", "Findings",
         "Severity"),
        {"ToolName": "list_invoices", "PolicyRuleIds": ["grant-required"]},
    )  # fmt: skip
    _unregistered(Told(store))


def _counts(told: Told) -> None:
    _title("Counts by action", "auditspan query 'SELECT …', as below")
    table = told.arrow(COUNTS)
    rows = table.to_pylist()
    emit(rows, table.column_names, Format.TABLE)
    _sql(told)
    kinds = {row["ActionType"] for row in rows}
    _must(
        {"model.call", "tool.call", "agent.invoke", "agent.delegate", "approval"} <= kinds,
        f"counts by action: expected model calls, tool calls and more, found {sorted(kinds)}",
    )


def _chain(told: Told, conversation: str) -> None:
    _title(
        f"The decision chain of conversation {conversation}, over two agents",
        f"auditspan trace --conversation {conversation}",
    )
    found = chain(told, conversation=conversation)
    out().print(tree_of(found, f"conversation {conversation}"))
    _sql(told)
    agents = {step.record["AgentId"] for _, step in found.walk()}
    _must(
        {"support-agent", "finance-agent"} <= agents,
        f"decision chain: expected both agents in it, found {sorted(agents)}",
    )


def _question(
    told: Told, name: str, title: str, columns: tuple[str, ...], must: Mapping[str, Any]
) -> None:
    _title(title, f"auditspan ask {name}")
    answer = ask(told, name, Period(), now=datetime.now(UTC))
    emit(answer.rows, columns, Format.TABLE)
    for reason in dict.fromkeys(row["PolicyReason"] for row in answer.rows):
        _line(f"because: {reason}")
    _line(answer.population.sentence())
    _sql(told)
    _must(
        any(must.items() <= row.items() for row in answer.rows),
        f"question {name}: expected a row with {dict(must)}, found {len(answer.rows)} others",
    )


def _unregistered(told: Told) -> None:
    _title("An agent nobody registered", "auditspan search --finding identity.unregistered")
    rows = search(told, {"finding": ["identity.unregistered"], "operation": ["tool.call"]},
                  Period(), 10)  # fmt: skip
    columns = (
        "Timestamp",
        "AgentId",
        "UserId",
        "ToolName",
        "PolicyRuleIds",
        "Findings",
        "Severity",
    )
    emit(rows, columns, Format.TABLE)
    for row in rows:
        _line(row["Summary"])
    _sql(told)
    _must(bool(rows), "search: expected a record of the agent that is not registered")


def _title(title: str, command: str) -> None:
    console = Console()
    console.print()
    console.print(Rule(title, align="left"))
    console.print(f"$ {command}\n", style="dim", markup=False, highlight=False)


def _sql(told: Told) -> None:
    """The statement that gave the answer; what follows it counts the population."""
    text = Syntax("", "sql", theme="ansi_dark").highlight(told.sql[0])
    out().print(Text("\n"), text, sep="", end="", soft_wrap=True)


def _line(text: str) -> None:
    out().print(text, style="dim", soft_wrap=True)


def _must(so: bool, message: str) -> None:
    if not so:
        raise Failed(message)
