"""The verdict of a verification on a terminal: what it rests on, and the first problems."""

from typing import TYPE_CHECKING

from auditspan.cli.terminal import out, safe

if TYPE_CHECKING:
    from auditspan.reports.verification.report import Problem, Report

_SHOWN = 20
CODES = {"VALID": 0, "INVALID": 1, "UNVERIFIABLE": 2}
"""What a command ends with."""
_COLOURS = {"VALID": "bold green", "INVALID": "bold red", "UNVERIFIABLE": "bold yellow"}


def show(report: "Report") -> None:
    """The verdict as a person reads it."""
    console, population = out(), report.population
    console.print(report.verdict.value, style=_COLOURS[report.verdict], end="")
    console.print(f"  anchored: {report.anchored.value}")
    states = ", ".join(f"{count:,} {state}" for state, count in report.states().items())
    between = f"{population.since or 'the beginning'} to {population.until or 'now'}"
    console.print(
        f"  records   {states or 'none'}\n"
        f"  window    {between}: {population.records:,} records, {population.dead_letters:,} dead "
        f"letters, {population.sequence_gaps:,} gaps in senders' numbers, "
        f"{population.stated_gaps:,} gaps stated by the log"
    )
    if not population.complete:
        console.print(
            "  population incomplete: what lies in the dead letters is not among the records, see "
            "`auditspan deadletter list`",
            soft_wrap=True,
        )
    for one in report.logs:
        anchored = f", anchored up to {one.anchored_size:,}" if one.anchored_size else ""
        console.print(
            f"  log       {safe(one.origin)}: {one.entries:,} entries, signed up to "
            f"{one.size:,} in {one.notes:,} notes{anchored}"
        )
    console.print(f"  {safe(report.keys)}")
    for problem in report.problems[:_SHOWN]:
        console.print(f"  {_line(problem)}")
    if len(report.problems) > _SHOWN:
        console.print(f"  and {len(report.problems) - _SHOWN:,} more: --format json lists all")
    console.print(f"  {report.not_excluded}")


def _line(problem: "Problem") -> str:
    place = f" {problem.log}" if problem.log else ""
    place += f" [{problem.index}]" if problem.index is not None else ""
    record = f" record {problem.record_id}" if problem.record_id else ""
    return safe(f"{problem.weight.value} {problem.kind}{place}{record}: {problem.says}")
