"""Differences, example results, problems and decisions on the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue
from rich.text import Text

from auditspan.cli.output import Format, emit, shown
from auditspan.cli.terminal import err, out, safe

if TYPE_CHECKING:
    # The registry's models take as long to import as all the rest of the command line.
    from auditspan.registry import Problem

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_EXAMPLES = ("result", "name", "expected", "actual", "reason")


def print_problems(problems: "Iterable[Problem]") -> None:
    """Each problem on a line, with its place."""
    for problem in problems:
        err().print(safe(problem, lines=True), soft_wrap=True)


def print_examples(results: Sequence[Mapping[str, JsonValue]], format: Format) -> None:
    """Expected and actual decision of each example."""
    rows = [{**row, "result": "ok" if row.get("passed") else "WRONG"} for row in results]
    emit(rows, _EXAMPLES, format)


def print_changes(outcome: Mapping[str, JsonValue], columns: Sequence[str], format: Format) -> None:
    """The difference, and what became of it."""
    changes = [row for row in _rows(outcome, "changes") if isinstance(row, dict)]
    if format is not Format.TABLE:
        emit(changes, columns, format)
        return
    for row in changes:
        for line in _lines(row):
            out().print(line, soft_wrap=True)
    out().print(_closing(outcome, len(changes)), soft_wrap=True)


def print_decision(outcome: Mapping[str, JsonValue]) -> None:
    """Whether a change is in force or waits, and who approved it."""
    findings = [str(finding) for finding in _rows(outcome, "findings")]
    if not outcome.get("applied") and outcome.get("proposal"):
        short = str(outcome["proposal"]).removeprefix("sha256:")[:12]
        said = (
            f"proposed, not in force: another person approves it with `auditspan approve {short}` "
            f"until {outcome['expires_at']}"
        )
    elif findings:
        said = f"in force, approved by nobody else: recorded as {', '.join(findings)}"
    elif outcome.get("approved_by"):
        said = f"in force: asked by {outcome['requested_by']}, approved by {outcome['approved_by']}"
    else:
        return
    err().print(safe(said), soft_wrap=True, highlight=False)
    again = [str(row["name"]) for row in _enabled_again(outcome)]
    if again:
        err().print(safe(f"this lets act again: {', '.join(again)}"), soft_wrap=True)


def _enabled_again(outcome: Mapping[str, JsonValue]) -> Iterable[Mapping[str, JsonValue]]:
    """Agents that were disabled and no longer are."""
    rows = (row for row in _rows(outcome, "changes") if isinstance(row, dict))
    return [r for r in rows if (r["kind"], r["field"], r["after"]) == ("agent", "disabled", False)]


def _lines(row: Mapping[str, JsonValue]) -> Iterable[Text]:
    sign, style = _SIGNS.get(str(row["change"]), ("?", ""))
    head = f"{sign} {row['kind']} {row['name']}"
    if row["change"] != "changed":
        yield Text(safe(head), style=style)
    elif row["kind"] == "policy":
        yield Text(safe(head), style=style)
        yield from _policy_lines(row)
    else:
        values = f"{_short(row['before'])} → {_short(row['after'])}"
        yield Text(safe(f"{head}: {row['field']}: {values}"), style=style)


def _policy_lines(row: Mapping[str, JsonValue]) -> Iterable[Text]:
    from auditspan.registry.diff import Change

    change = Change("changed", "policy", str(row["name"]), "", row["before"], row["after"])
    for line in change.lines():
        colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
        yield Text("    " + safe(line), style=colour)


def _short(value: JsonValue) -> str:
    text = shown(value) or "nothing"
    return text if len(text) <= 80 else text[:79] + "…"


def _closing(outcome: Mapping[str, JsonValue], changes: int) -> Text:
    if "version" not in outcome:
        return Text(f"{changes} differences" if changes else "no difference", style="bold")
    examples = len(_rows(outcome, "examples"))
    version = str(outcome["version"])[:19]
    if outcome["applied"]:
        said = f"in force since {outcome['at']}"
    elif outcome["version"] == outcome["previous"]:
        said = "already in force, nothing to do"
    elif outcome.get("proposal"):
        said = "proposed"
    else:
        said = "checked, not applied"
    text = f"{version} {said}: {changes} differences, {examples} examples passed"
    return Text(safe(text), style="bold")


def _rows(outcome: Mapping[str, JsonValue], key: str) -> list[JsonValue]:
    value = outcome.get(key)
    return value if isinstance(value, list) else []
