"""`auditspan ship`: what agents that are gone left in their spool goes to the collector."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from auditspan.cli.exits import Exit
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.terminal import err, out, safe

if TYPE_CHECKING:
    from auditspan.instrumentation.ship import Shipped


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(ship)


def ship(
    spool: Annotated[
        Path | None,
        typer.Option(help="Folder of the spool; else AUDITSPAN_SPOOL_DIR, or its default."),
    ] = None,
    seconds: Annotated[float, typer.Option(min=1, help="For how long at most.")] = 60.0,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Send what agents that are gone left in their spool, with the agent's own settings.

    Endpoint and credential are those of the environment (OTEL_EXPORTER_OTLP_…), as for an agent.
    Exit code 3 if something has to wait, 1 if something was refused for good.
    """
    from auditspan.instrumentation.settings import settings
    from auditspan.instrumentation.ship import left, of_folder
    from auditspan.instrumentation.ship import ship as sent

    found = of_folder(settings(), spool)
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task("", total=left(found.spool))
        done = sent(found, seconds, lambda size: bar.advance(task, size))
    _print(done, format)
    if done.waiting:
        raise typer.Exit(Exit.UNAVAILABLE)
    if done.refused:
        raise typer.Exit(Exit.FOUND)


def _print(done: "Shipped", format: Format) -> None:
    row = asdict(done)
    if format is Format.JSON:
        print_json(row)
    elif format is Format.CSV:
        emit([row], tuple(row), format)
    else:
        out().print(_words(done))


def _words(done: "Shipped") -> str:
    lines = [f"{done.segments:,} segments sent, {done.bytes:,} bytes"]
    if done.waiting:
        lines.append(f"{done.waiting:,} bytes wait: {safe(done.problem) or 'the time was over'}")
    if done.living:
        lines.append(
            f"{done.living:,} bytes belong to processes that live and send them themselves"
        )
    lines += [f"refused for good, kept in {safe(path)}" for path in done.refused]
    return "\n".join(lines)
