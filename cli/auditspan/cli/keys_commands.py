"""`auditspan keys`: API keys, and the keys that sign logs."""

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditspan.cli.output import Format, emit
from auditspan.cli.said import Reason, RequestedBy, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, safe

if TYPE_CHECKING:
    from auditspan.collector.control.fields import Fields
    from auditspan.collector.control.keys import HolderKind

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_COLUMNS = ("id", "principal", "label", "issued_by", "issued_at", "expires_at", "revoked_at")
_LOG_COLUMNS = ("id", "use", "name", "state", "size", "good_until", "vkey")
_SHOWN = tuple(name for name in _LOG_COLUMNS if name != "vkey")
_LOG_KEY = re.compile("[0-9a-f]{8}")
"""Ids of log keys, as notes have them; those of API keys are longer."""


class Kind(StrEnum):
    """Which keys are meant."""

    ALL = "all"
    API = "api"
    LOG = "log"


_FLAT = {
    Kind.ALL: ("kind", *_COLUMNS, *_LOG_COLUMNS[1:]),
    Kind.API: ("kind", *_COLUMNS),
    Kind.LOG: ("kind", *_LOG_COLUMNS),
}
"""Columns of a listing for machines."""

keys = typer.Typer(
    help="API keys of agents, relays, persons and services, and the keys that sign logs.",
    no_args_is_help=True,
)


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
    good_until: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Of a log's key: how many entries it still counts for. Without it, all that it "
            "has signed until now.",
        ),
    ] = None,
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """End a key: an API key at once; of a log's key say how far it counts, and close that log."""
    from auditspan.cli.log_keys import revoke_log_key
    from auditspan.collector.control.client import connect

    of_log = _LOG_KEY.fullmatch(key_id) is not None
    if of_log:
        demanded(reason=reason)
    elif good_until is not None:
        raise typer.BadParameter(f"--good-until: {key_id} is no key of a log")
    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        if of_log:
            typer.echo(revoke_log_key(client.log_keys(), key_id, good_until, said))
            return
        key = client.revoke(key_id, said)
    typer.echo(f"key {safe(key['id'])} of {safe(key['principal'])} has ended")


@keys.command("list")
def list_keys(
    kind: Annotated[Kind, typer.Option(help="Which keys.")] = Kind.ALL,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """List the keys, without their secrets: API keys, then those of root log, notary and logs."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        api = client.list_keys() if kind is not Kind.LOG else []
        logs = client.log_keys().listed() if kind is not Kind.API else []
    if format is Format.TABLE:
        _sections(kind, api, logs)
        return
    rows = [{"kind": "api", **key} for key in api] + [{"kind": "log", **key} for key in logs]
    emit(rows, _FLAT[kind], format)


def _sections(kind: Kind, api: "list[Fields]", logs: "list[Fields]") -> None:
    if kind is not Kind.LOG:
        typer.echo(f"API keys: {len(api) or 'none'}")
        emit(api, _COLUMNS, Format.TABLE)
    if kind is not Kind.API:
        typer.echo(f"Keys of logs: {len(logs) or 'none before the first start'}")
        emit(logs, _SHOWN, Format.TABLE)


@keys.command()
def init(
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file that `auditspan up` will get.")
    ] = None,
    data: Data = DEFAULT_DATA,
) -> None:
    """Make the keys of root log and notary before the first start, and print the policy that trusts
    them, alone on standard output. It goes to whoever will verify, another way than the data.

    Each log gets a key of its own when it begins, and the root log says which.
    """
    from auditspan.collector.first_keys import make_keys
    from auditspan.reports.verification.trust import folder_policy

    begun = make_keys(config, data)
    err().print(
        f"root log  {safe(begun.root_vkey)}\nnotary    {safe(begun.notary_vkey)}\n"
        f"The private halves: {safe(str(data / 'secrets' / 'log'))}, or where the configuration "
        "says. Back them up apart from the data.",
        soft_wrap=True,
    )
    typer.echo(folder_policy(data / "public"), nl=False)


@keys.command()
def rotate(
    requested_by: RequestedBy = "",
    ticket: Ticket = "",
    reason: Reason = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Close the open log, whose key is destroyed then, and begin the next one with a new key.

    Of a stopped collector that happens at its next start.
    """
    from auditspan.cli.log_keys import rotate_log_key
    from auditspan.collector.control.client import connect

    demanded(reason=reason)
    said = why(requested_by, ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        typer.echo(rotate_log_key(client.log_keys(), said))
