"""`auditspan changes`, `approve`, `reject` and `withdraw`: what waits for a second person."""

from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import JsonValue

from auditspan.cli.changes import print_changes, print_decision
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.said import Reason
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import out, safe

_LIST = (
    "hash",
    "kind",
    "state",
    "requested_by",
    "age",
    "ticket",
    "reason",
    "decided_by",
    "decided_at",
)
_DIFFERENCE = ("change", "kind", "name", "field", "before", "after")
_HEADER = (
    "state",
    "requested_by",
    "on_behalf_of",
    "requested_at",
    "expires_at",
    "ticket",
    "reason",
    "base",
    "decided_by",
    "decided_at",
    "decision_reason",
)
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "m"))

Hash = Annotated[
    str,
    typer.Argument(metavar="HASH", help="The proposal's hash, or its first 8 or more digits."),
]

changes = typer.Typer(help="Proposed changes, and what became of them.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(changes, name="changes")
    app.command()(approve)
    app.command()(reject)
    app.command()(withdraw)


@changes.callback(invoke_without_command=True)
def listing(
    context: typer.Context,
    all: Annotated[bool, typer.Option("--all", help="Decided and expired ones too.")] = False,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """What waits for a second person: who asked, when, on which ticket."""
    if context.invoked_subcommand:
        return
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        rows = [{**row, "hash": row["id"]} for row in client.changes(all=all)]
    if format is Format.TABLE:
        short = [
            {**row, "hash": str(row["id"])[7:19], "age": age(row["age_seconds"])} for row in rows
        ]
        emit(short, _LIST, format)
    else:
        emit(rows, tuple("age_seconds" if name == "age" else name for name in _LIST), format)


@changes.command()
def show(
    hash: Hash,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """One proposal: who asked and why, and the difference it makes."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        found = client.change(hash)
    if format is Format.JSON:
        print_json(found)
        return
    if format is Format.TABLE:
        out().print(safe(found["id"]), soft_wrap=True)
        for name in _HEADER:
            if found.get(name):
                words = f"{name.replace('_', ' ')}: {found[name]}"
                out().print(safe(words), soft_wrap=True, highlight=False)
    print_changes({"changes": found.get("changes", [])}, _DIFFERENCE, format)


def approve(
    hash: Hash,
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Put somebody else's proposal in force, as you are proved by your credential.

    Exit code 1: you asked for it yourself, may not, or it is decided, expired or outdated.
    """
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        outcome = client.approve(hash, reason)
    typer.echo(f"{safe(outcome['proposal'])} is in force since {safe(outcome['at'])}")
    print_decision(outcome)


def reject(
    hash: Hash,
    reason: Annotated[str, typer.Option("--reason", help="Why not.")],
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """End somebody else's proposal; nothing changes."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        row = client.reject(hash, reason)
    typer.echo(f"{safe(row['id'])} is rejected")


def withdraw(
    hash: Hash,
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Take back a proposal of your own; nothing changes."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        row = client.withdraw(hash, reason)
    typer.echo(f"{safe(row['id'])} is withdrawn")


def _short(row: Mapping[str, JsonValue]) -> Mapping[str, str]:
    """What a table shows of the hash and the age."""
    return {"hash": str(row["id"])[7:19], "age": age(row["age_seconds"])}


def age(seconds: object) -> str:
    """A span of seconds in its largest unit."""
    count = seconds if isinstance(seconds, int) else 0
    return next((f"{count // size}{unit}" for size, unit in _SPANS if count >= size), f"{count}s")
