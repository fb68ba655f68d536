"""`auditspan keys`: issue, revoke and list API keys."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from auditspan.cli.output import Format, emit
from auditspan.cli.said import Reason, RequestedBy, Ticket, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, safe

if TYPE_CHECKING:
    from auditspan.collector.control.keys import HolderKind

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_COLUMNS = ("id", "principal", "label", "issued_by", "issued_at", "expires_at", "revoked_at")

keys = typer.Typer(help="API keys of agents, relays, persons and services.", no_args_is_help=True)


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
    agent: Annotated[str, typer.Argument(help="Id of the agent, or with --relay a name.")] = "",
    person: Annotated[str, typer.Option(help="Id of a person, instead of an agent.")] = "",
    service: Annotated[str, typer.Option(help="Id of a service, instead of an agent.")] = "",
    relay: Annotated[
        bool, typer.Option("--relay", help="For a shared collector or proxy, not an agent.")
    ] = False,
    expires_in: Annotated[str, typer.Option(help="Lifetime: 90d, 12h, 30m, 45s.")] = "90d",
    label: Annotated[str, typer.Option(help="A word for people: where it is used.")] = "",
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Issue an API key. It is shown once, alone on standard output.

    The holder's roles stand in the registry. Whoever issues a key has seen it: it approves nothing
    that they ask for.
    """
    from auditspan.collector.control.client import connect
    from auditspan.collector.control.keys import Wish

    holder, kind = _holder(agent, person, service, relay)
    wish = Wish(holder, kind, seconds_of(expires_in), label)
    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file), create=True) as client:
        key = client.issue(wish, said)
    err().print(
        f"key {safe(key['id'])} of {safe(key['principal'])}, until {safe(key['expires_at'])}; "
        "keep it now, it is not shown again:",
        soft_wrap=True,
    )
    typer.echo(key["key"])


def _holder(agent: str, person: str, service: str, relay: bool) -> "tuple[str, HolderKind]":
    """Whose key it shall be; exactly one is named."""
    named: list[tuple[str, HolderKind]] = [
        (agent, "relay" if relay else "agent"),
        (person.removeprefix("person:"), "person"),
        (service.removeprefix("service:"), "service"),
    ]
    given = [(name, kind) for name, kind in named if name]
    if len(given) != 1 or (relay and not agent):
        raise typer.BadParameter(
            "name one holder: AGENT, NAME --relay, --person ID or --service ID"
        )
    return given[0]


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="Id of the key, see `auditspan keys list`.")],
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """End a key at once."""
    from auditspan.collector.control.client import connect

    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        key = client.revoke(key_id, said)
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
