"""`auditspan erase` and `erasures`: what persons have a right to be rid of, and the proof of it.

What goes is shown first and asked about; nobody's name is kept in the request.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import JsonValue

from auditspan.cli.answers import listed, timed
from auditspan.cli.answers import rows as rows_in
from auditspan.cli.changes import print_decision
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.said import Reason, Ticket, demanded, why
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import err, out, safe

if TYPE_CHECKING:
    from auditspan.collector.control.erasure_plan import Asked
    from auditspan.collector.control.erasures_client import PrivacyClient

_LIST = ("id", "done", "at", "records", "groups", "requested_by", "approved_by", "ticket")
_SHOWN = ("id", "asked", "groups")
_WAIT_SECONDS = 30.0

erasures = typer.Typer(help="What was erased, and the certificate of it.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(erase)
    app.add_typer(erasures, name="erasures")


def erase(
    record: Annotated[list[str] | None, typer.Option(help="Id of a record; repeatable.")] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            help="Column or group that is to go, of every --record; repeatable. `*`, which is also "
            "the default: all that can be erased."
        ),
    ] = None,
    subject: Annotated[
        str, typer.Option(help="Instead: whoever is named so, wherever a record names them.")
    ] = "",
    reason: Reason = "",
    ticket: Ticket = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Propose to erase content of records for good; another person approves it.

    A whole group goes at once, and with it the other groups of the record that hold the same. The
    record itself stays, and what is left of it can still be verified. Do not name the person in
    --reason: it is kept.
    """
    from auditspan.collector.control.client import connect

    demanded(reason=reason, ticket=ticket)
    if bool(subject) == bool(record or field):
        raise typer.BadParameter("name either --subject, or --record and perhaps --field")
    said = why("", ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        privacy = client.privacy()
        named = _of_subject(privacy, subject) if subject else _named(record or [], field or ["*"])
        planned = privacy.erase(named, said, dry_run=True)
        _print_plan(planned)
        if not yes:
            typer.confirm("Propose to erase this? It cannot be undone", abort=True)
        outcome = privacy.erase(named, said)
        print_decision(outcome)
        typer.echo(f"erasure {safe(outcome['erasure'])}")
        if outcome.get("applied"):
            _print_when_done(privacy, str(outcome["erasure"]))


@erasures.command("list")
def list_erasures(
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """Every erasure that was approved, and whether it is done."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        rows = timed(client.privacy().erasures())
    emit(rows, _LIST, format)


@erasures.command()
def certificate(
    erasure: Annotated[str, typer.Argument(metavar="ID", help="Id of the erasure.")],
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    format: Annotated[Format, typer.Option(help="How to write it.")] = Format.TABLE,
) -> None:
    """What an erasure did: records, groups, commitments, persons, times, entry of the log."""
    from auditspan.collector.control.client import connect

    with connect(target_of(data, url, token_file, ca_file)) as client:
        found = client.privacy().certificate(erasure)
    if format is Format.TABLE:
        print_certificate(found)
    else:
        print_json(found)


def print_certificate(found: Mapping[str, JsonValue]) -> None:
    """A certificate for people."""
    lines = [
        f"certificate of erasure {found['erasure']}",
        f"requested by {found['requested_by']}, approved by {found['approved_by'] or 'nobody else'}"
        f", ticket {found['ticket'] or 'none'}",
        f"decided at {found['decided_at']}, completed at {found['completed_at']}",
        *(f"log entry {row['index']} of {row['log']}" for row in rows_in(found, "log_entries")),
        f"besides: {found['batch_files']} batch files, {found['dead_letters']} dead letters, "
        f"{found['statements_of_readers']} statements of readers",
        *_of_requests(found.get("same_requests")),
        *(f"dead letter {id}: emptied" for id in listed(found.get("dead_letter_ids"))),
        *(
            f"dead letter {id}: NOT ERASED, it was stored meanwhile: erase its records"
            for id in listed(found.get("dead_letters_stored"))
        ),
    ]
    for row in rows_in(found, "records"):
        lines += _record_lines(row)
    for line in lines:
        out().print(safe(line), soft_wrap=True, highlight=False)


def _of_requests(value: JsonValue) -> Sequence[str]:
    if not isinstance(value, dict) or not value["records"]:
        return []
    fits = "what is left fits the log" if value["matches_seal"] else "WHAT IS LEFT DOES NOT FIT"
    return [
        f"hash of the request erased in {value['records']} records of the same requests, {fits}"
    ]


def _record_lines(row: Mapping[str, JsonValue]) -> Sequence[str]:
    names = ", ".join(map(str, listed(row["groups"])))
    if not row["present"]:
        return [f"record {row['record']}: is no longer there"]
    if "log" not in row:
        return [f"record {row['record']}: erased {names}; it was not sealed"]
    fits = "what is left fits the log" if row["matches_seal"] else "WHAT IS LEFT DOES NOT FIT"
    held = row["commitments"]
    commitments = held.items() if isinstance(held, dict) else ()
    return [
        f"record {row['record']}: erased {names}; entry {row['index']} of {row['log']}, {fits}",
        *(f"  {name}: commitment {digest}" for name, digest in commitments),
    ]


def _of_subject(privacy: "PrivacyClient", subject: str) -> "list[Asked]":
    from auditspan.collector.control.erasure_plan import Asked

    found = privacy.of_subject(subject)
    rows = rows_in(found, "records")
    if not rows:
        raise typer.BadParameter("no record names this subject", param_hint="--subject")
    emit([dict(row) for row in rows], ("id", "at", "agent", "tool", "groups"), Format.TABLE)
    if found["more"]:
        err().print(
            f"{found['total']} records name this subject, more than one erasure may: these are "
            f"{len(rows)} of them; erase these, then ask again",
            soft_wrap=True,
        )
    return [
        Asked(id=str(row["id"]), asked=tuple(map(str, listed(row["groups"]))))
        for row in rows
        if row["groups"]
    ]


def _named(records: Sequence[str], fields: Sequence[str]) -> "list[Asked]":
    from auditspan.collector.control.erasure_plan import Asked

    if not records:
        raise typer.BadParameter("name at least one --record")
    return [Asked.of(record, fields) for record in records]


def _print_plan(planned: Mapping[str, JsonValue]) -> None:
    rows = [
        {**row, "id": f"{row['id']} (a read that quotes it)" if _is_read(row) else row["id"]}
        for row in rows_in(planned, "records")
    ]
    emit(rows, _SHOWN, Format.TABLE)
    more = [
        row
        for row in rows_in(planned, "records")
        if not _is_read(row) and set(listed(row["groups"])) - set(listed(row["asked"]))
    ]
    if more:
        err().print(
            f"of {len(more)} records other groups hold the same values and go as a whole",
            soft_wrap=True,
        )
    if planned["same_requests"]:
        err().print(
            f"of {planned['same_requests']} records that came in the same requests the hash of the "
            "request goes, and nothing else",
            soft_wrap=True,
        )


def _is_read(row: Mapping[str, JsonValue]) -> bool:
    return row["because"] == "read"


def _print_when_done(privacy: "PrivacyClient", erasure: str) -> None:
    from auditspan.collector.control.errors import ControlUnavailable, NotFound

    if not privacy.is_running():
        err().print("done when the collector is started", soft_wrap=True)
        return
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        try:
            print_certificate(privacy.certificate(erasure))
            return
        except NotFound:
            time.sleep(0.5)
        except ControlUnavailable:
            break
    err().print(f"under way; later: auditspan erasures certificate {safe(erasure)}", soft_wrap=True)
