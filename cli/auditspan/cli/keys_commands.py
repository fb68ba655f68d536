"""`auditspan keys`: issue, revoke and list API keys."""

import re
from typing import Annotated

import typer

from auditspan.cli.output import Format, emit
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, safe

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_COLUMNS = ("id", "principal", "label", "issued_at", "expires_at", "revoked_at")

keys = typer.Typer(help="API keys of agents and relays.", no_args_is_help=True)

RequestedBy = Annotated[str, typer.Option("--requested-by", help="Who asked for it.")]
Ticket = Annotated[str, typer.Option("--ticket", help="Where it was asked for.")]
Reason = Annotated[str, typer.Option("--reason", help="Why.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(keys, name="keys")


def seconds_of(text: str) -> int:
    """`90d`, `12h`, `30m` or `45s` in seconds."""
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip())
    if not match:
        raise typer.BadParameter(f"is {text!r}, expected a span such as 90d, 12h, 30m or 45s")
    return int(match[1]) * _UNITS[match[2]]


@keys.command()
def issue(
    agent: Annotated[str, typer.Argument(help="Id of the agent, or with --relay a name.")],
    requested_by: RequestedBy,
    ticket: Ticket = "",
    reason: Reason = "",
    expires_in: Annotated[str, typer.Option(help="Lifetime: 90d, 12h, 30m, 45s.")] = "90d",
    relay: Annotated[
        bool, typer.Option("--relay", help="For a shared collector or proxy, not an agent.")
    ] = False,
    label: Annotated[str, typer.Option(help="A word for people: where it is used.")] = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Issue an API key. It is shown once, alone on standard output."""
    from auditspan.collector.control.client import connect
    from auditspan.collector.control.keys import Wish
    from auditspan.collector.control.records import why_of

    wish = Wish(agent, relay, seconds_of(expires_in), label)
    why = why_of(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file), create=True) as client:
        key = client.issue(wish, why)
    err().print(
        f"key {safe(key['id'])} of {safe(key['principal'])}, until {safe(key['expires_at'])}; "
        "keep it now, it is not shown again:",
        soft_wrap=True,
    )
    typer.echo(key["key"])


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, see `auditspan keys list`.")],
    requested_by: RequestedBy,
    ticket: Ticket = "",
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """End a key at once."""
    from auditspan.collector.control.client import connect
    from auditspan.collector.control.records import why_of

    why = why_of(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        key = client.revoke(key_id, why)
    typer.echo(f"key {safe(key['id'])} of {safe(key['principal'])} has ended")


@keys.command("list")
def list_keys(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """List the keys, without their secrets."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        emit(client.list_keys(), _COLUMNS, format)
