"""`auditspan retention`: let sealed records go before their day, by two persons' decision."""

from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import JsonValue

from auditspan.cli.answers import rows as rows_in
from auditspan.cli.answers import timed
from auditspan.cli.changes import print_decision
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.said import Reason, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import out, safe

_LIST = ("id", "done", "at", "ranges", "requested_by", "approved_by", "ticket")

retention = typer.Typer(help="Records that go before their sealed day.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(retention, name="retention")


@retention.command()
def shorten(
    filter: Annotated[
        str,
        typer.Option(
            "--filter",
            help="Which records, all of it has to fit: `class=chat,until=2026-10-01T00:00:00Z`. "
            "Words: those of `auditspan hold add`.",
        ),
    ],
    reason: Reason = "",
    ticket: Ticket = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Propose that sealed records expire now, before their day; another person approves it.

    The log says so before they go, so that verification tells them from deleted ones. Records on
    hold refuse it. Those that come later are not meant: for these, change the configuration.
    """
    from auditspan.collector.control.client import connect

    demanded(reason=reason, ticket=ticket)
    said = why("", ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        privacy = client.privacy()
        planned = privacy.expire(filter, said, dry_run=True)
        out().print(
            f"{planned['records']} records in {planned['ranges']} places of the log, received from "
            f"{safe(planned['received_from'])} to {safe(planned['received_to'])}",
            soft_wrap=True,
            highlight=False,
        )
        if not yes:
            typer.confirm("Propose to delete these? It cannot be undone", abort=True)
        outcome = privacy.expire(filter, said)
    print_decision(outcome)
    typer.echo(f"early expiry {safe(outcome['expiry'])}")


@retention.command("list")
def list_expiries(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Every early expiry that was approved, and whether it is done."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        rows = timed(client.privacy().expiries())
    emit(rows, _LIST, format)


@retention.command()
def certificate(
    expiry: Annotated[str, typer.Argument(metavar="ID", help="Id of the early expiry.")],
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """What an early expiry did: ranges of the logs, persons, times, entry of the log."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        found = client.privacy().certificate(expiry)
    if format is not Format.TABLE or "expiry" not in found:
        print_json(found)
        return
    for line in _lines(found):
        out().print(safe(line), soft_wrap=True, highlight=False)


def _lines(found: Mapping[str, JsonValue]) -> list[str]:
    return [
        f"certificate of early expiry {found['expiry']}",
        f"requested by {found['requested_by']}, approved by {found['approved_by'] or 'nobody else'}"
        f", ticket {found['ticket'] or 'none'}",
        f"decided at {found['decided_at']}, completed at {found['completed_at']}",
        *(f"log entry {row['index']} of {row['log']}" for row in rows_in(found, "log_entries")),
        *(f"{row['log']}: {row['start']} up to {row['end']}" for row in rows_in(found, "expired")),
        f"kept by holds that came meanwhile: {found['kept_by_holds']}",
    ]
