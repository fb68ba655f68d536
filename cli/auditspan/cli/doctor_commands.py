"""`auditspan doctor`: whether an agent would be recorded and guarded here, without running it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from auditspan.cli.exits import Exit
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.terminal import out, safe

if TYPE_CHECKING:
    from auditspan.instrumentation.doctor import Report

_COLUMNS = ("about", "name", "mark", "state", "text")
_STYLES = {"ok": "green", "warning": "yellow", "fault": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    program: Annotated[
        Path | None,
        typer.Argument(
            help="A program of Python: what it uses must be guarded.", show_default=False
        ),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Whether an agent would be recorded and guarded here; run it where the agent runs.

    Reads the environment variables that the agent would have. Exit code 1 if something that is
    needed is missing.
    """
    from auditspan.instrumentation.doctor import examine

    report = examine(program.absolute() if program is not None else None)
    rows = _rows(report)
    if format is Format.JSON:
        print_json({"healthy": report.healthy, "found": rows})
    elif format is Format.CSV:
        emit(rows, _COLUMNS, format)
    else:
        _print(rows)
    if not report.healthy:
        raise typer.Exit(Exit.FOUND)


def _rows(report: "Report") -> list[dict[str, str]]:
    rows = [
        {
            "about": "setting",
            "name": check.name,
            "mark": check.mark,
            "state": "",
            "text": check.text,
        }
        for check in report.checks
    ]
    for found in report.frameworks:
        state = found.state
        through = f"used through {found.used_through}" if found.used_through else ""
        rows.append(
            {
                "about": "framework",
                "name": f"{state.name} {state.version}",
                "mark": found.mark,
                "state": _WORDS.get(state.state, state.state),
                "text": "; ".join(text for text in (through, state.problem) if text),
            }
        )
    return rows


_WORDS = {"armed": "guarded", "no_adapter": "not guarded", "missing": "not guarded"}


def _print(rows: list[dict[str, str]]) -> None:
    for about, title in (("setting", "Settings"), ("framework", "Tool calls of frameworks")):
        table = Table(title=title, title_justify="left", show_edge=False, show_header=False)
        for row in rows:
            if row["about"] == about:
                table.add_row(
                    Text(row["mark"], style=_STYLES[row["mark"]]),
                    *(Text(safe(row[name])) for name in ("name", "state", "text")),
                )
        if table.row_count:
            out().print(table)
        else:
            out().print(Text(f"{title}: none is installed here", style="dim"))
        out().print()
