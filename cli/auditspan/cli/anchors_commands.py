"""`auditspan anchors`: what others keep of the logs, and whether it still holds."""

import time
from pathlib import Path
from typing import Annotated

import typer

from auditspan.cli.exits import Exit
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.query_commands import Form, say
from auditspan.cli.target import DEFAULT_DATA, Data
from auditspan.cli.terminal import err, safe

_SHOWN = ("anchor", "type", "size", "time", "lag_seconds", "missed", "failures", "problem")
_ALL = (*_SHOWN, "log", "root", "place")
_CHECKED = ("anchor", "type", "kind", "size", "time")

anchors = typer.Typer(help="Who else keeps checkpoints of the logs.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(anchors, name="anchors")


@anchors.command("list")
def list_anchors(data: Data = DEFAULT_DATA, format: Form = Format.TABLE) -> None:
    """List the anchors of a data folder: what each has, and for how long it got nothing new."""
    from auditspan.collector.anchors.listing import listing

    rows = listing(data, time.time())
    emit(rows, _SHOWN if format is Format.TABLE else _ALL, format)
    if not rows:
        say("no anchors: whoever holds the keys can make the logs anew (docs/anchors.md)")


@anchors.command()
def check(
    config: Annotated[
        Path | None,
        typer.Option("--config", help="The collector's configuration: its anchors are asked."),
    ] = None,
    tsa_roots: Annotated[
        Path | None,
        typer.Option("--tsa-roots", help="PEM file of roots that time stamps must end in."),
    ] = None,
    data: Data = DEFAULT_DATA,
    format: Form = Format.TABLE,
) -> None:
    """Check receipts against their keepers: buckets are asked, time stamps checked by their roots.

    Exit code 1 if one does not hold. It says nothing about records: `auditspan verify` does.
    """
    from auditspan.collector.anchors.checking import checked_receipts
    from auditspan.collector.config import load

    asked = load(config).service.integrity.anchors if config else None
    found = checked_receipts(data, asked, tsa_roots)
    rows = [{name: getattr(one, name) for name in _CHECKED} for one in found.receipts]
    if format is Format.JSON:
        print_json({"receipts": rows, "problems": found.problems, "unasked": found.unasked})
    else:
        emit(rows, _CHECKED, format)
    for words in (*found.unasked, *found.problems):
        err().print(f"auditspan: {safe(words)}", soft_wrap=True)
    external = sum(one.kind == "external" for one in found.receipts)
    say(f"{len(rows):,} receipts hold, {external:,} of them by somebody outside")
    if found.problems:
        raise typer.Exit(Exit.FOUND)
