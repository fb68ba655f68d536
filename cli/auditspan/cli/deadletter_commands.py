"""`auditspan deadletter`: what could not be processed, and having it processed again."""

import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from auditspan.cli.exits import Exit
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.query_commands import Form
from auditspan.cli.said import Reason, RequestedBy, Ticket, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, safe

if TYPE_CHECKING:
    from auditspan.collector.control.deadletters_client import DeadLettersClient
    from auditspan.collector.control.records import Why

_SHOWN: Final = ("id", "received_at", "principal", "reason", "bytes", "request_digest", "state",
                 "expires_on", "tries")  # fmt: skip
_WAIT_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.3

deadletter = typer.Typer(
    help="Requests and records that cannot be processed.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(deadletter, name="deadletter")


@deadletter.command("list")
def list_letters(
    all: Annotated[
        bool, typer.Option("--all", help="Also those that were stored since, or have expired.")
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """List dead letters, the oldest first."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        rows = client.dead_letters().listed(all=all)
    emit(rows, _SHOWN, format)


@deadletter.command()
def show(
    letter: Annotated[str, typer.Argument(metavar="ID", help="Id of the dead letter.")],
    content: Annotated[
        bool,
        typer.Option(
            "--content", help="With values: it takes `records.read_content`, and is recorded."
        ),
    ] = False,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Show one dead letter as JSON, decoded as far as it can be; without --content no value."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        print_json(client.dead_letters().show(letter, content=content))


@deadletter.command()
def retry(
    letters: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids of dead letters.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Every one that can be read again.")] = False,
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Form = Format.TABLE,
) -> None:
    """Process dead letters again, after an upgrade or a raised limit; each is stored once.

    Of a stopped collector that happens at its next start. Exit code 1 if one fails again.
    """
    from auditspan.collector.control.client import connect

    if bool(letters) == all:
        raise typer.BadParameter("name dead letters, or take --all")
    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        dead = client.dead_letters()
        ids = letters or [str(row["id"]) for row in dead.listed() if row["state"] == "open"]
        # One after the other: together they might be more than the engine has memory for.
        rows = [_retried(dead, id, said) for id in ids]
    emit(rows, ("id", "outcome"), format)
    if any(row["outcome"].startswith("failed") for row in rows):
        raise typer.Exit(Exit.FOUND)


def _retried(dead: "DeadLettersClient", id: str, said: "Why") -> dict[str, str]:
    before = dead.retry(id, said)
    if not dead.at_once:
        return {"id": id, "outcome": "it is recorded, and done at the next start"}
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        row = next((row for row in dead.listed() if row["id"] == id), None)
        if row is None:
            return {"id": id, "outcome": "stored"}
        if row["tries"] != before["tries"]:
            return {"id": id, "outcome": f"failed again: {row['last_failure']}"}
        time.sleep(_LOOK_SECONDS)
    err().print(f"{safe(id)}: later: auditspan deadletter list", soft_wrap=True)
    return {"id": id, "outcome": "it is recorded, and the collector has not come to it"}
