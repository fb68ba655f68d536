"""`auditspan hold`: keep records beyond their day of expiry, and let them go again."""

from typing import Annotated

import typer

from auditspan.cli.changes import print_decision
from auditspan.cli.output import Format, emit
from auditspan.cli.said import Reason, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import safe

_LIST = (
    "id",
    "state",
    "filter",
    "placed_at",
    "placed_by",
    "ticket",
    "reason",
    "released_at",
    "released_by",
)

hold = typer.Typer(help="Legal holds: what is kept whatever its age.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(hold, name="hold")


@hold.command()
def add(
    filter: Annotated[
        str,
        typer.Option(
            "--filter",
            help="Which records, all of it has to fit: `agent=…,since=…`. Words: record, trace, "
            "conversation, agent, principal, user, organization, session, tool, target, service, "
            "operation, class, since, until.",
        ),
    ],
    reason: Reason = "",
    ticket: Ticket = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Keep records, also those that come later, until the hold is released; one person is enough.

    They do not expire, and cannot be erased.
    """
    from auditspan.collector.control.client import connect

    demanded(reason=reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        placed = client.privacy().hold(filter, why("", ticket, reason))
    typer.echo(f"hold {safe(placed['id'])} keeps {safe(placed['filter'])}")


@hold.command("list")
def list_holds(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Every hold, released ones too."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        emit(client.privacy().holds(), _LIST, format)


@hold.command()
def release(
    hold: Annotated[str, typer.Argument(metavar="ID", help="Id of the hold, or its beginning.")],
    reason: Reason = "",
    ticket: Ticket = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Propose that a hold ends; another person approves it. Then records expire as they would."""
    from auditspan.collector.control.client import connect

    demanded(reason=reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        outcome = client.privacy().release(hold, why("", ticket, reason))
    print_decision(outcome)
    typer.echo(f"hold {safe(outcome['hold'])}")
