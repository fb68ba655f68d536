"""`auditspan access`: who saw, or may have seen, the records of a subject or an agent."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.query_commands import Form, Since, Until, say
from auditspan.cli.store import Place, StoreUrl, StoreUser, opened
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile

if TYPE_CHECKING:
    from auditspan.reports.access import Wanted

_SHOWN = (
    "Certainty",
    "ReadAt",
    "Reader",
    "Interface",
    "Report",
    "Content",
    "Rows",
    "Repeats",
    "Address",
    "ReadId",
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(access)


def access(
    subject: Annotated[str, typer.Option(help="A data subject, user or target.")] = "",
    agent: Annotated[str, typer.Option(help="Id or name of an agent.")] = "",
    record: Annotated[str, typer.Option(help="Id of a record.")] = "",
    by: Annotated[str, typer.Option(help="Reads of this principal only, as person:alice.")] = "",
    since: Since = "",
    until: Until = "",
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Say who saw records: `named` by what was asked, or `possible`. Takes the role investigator.

    A period bounds when it was read. This is a read itself, and in the access log.
    """
    from auditspan.reports.access import COLUMNS
    from auditspan.reports.access import access as seen_by
    from auditspan.reports.period import period

    wanted, window = _wanted(subject, agent, record), period(since, until, datetime.now(UTC))
    place = Place(data, url, user_name, token_file, ca_file)
    asked = {"subject": subject, "agent": agent, "record": record, "by": by}
    with opened(place.of("access", **asked, since=since, until=until)) as store:
        seen = seen_by(store, wanted, window, by)
    if format is Format.JSON:
        print_json({"population": seen.as_dict(), "reads": seen.reads})
        return
    emit(seen.reads, _SHOWN if format is Format.TABLE else COLUMNS, format)
    say(f"{len(seen.reads):,} {seen.sentence()}")


def _wanted(subject: str, agent: str, record: str) -> "Wanted | None":
    from auditspan.reports.access import Wanted

    given: list[Wanted] = []
    if subject:
        given.append(Wanted("subject", subject))
    if agent:
        given.append(Wanted("agent", agent))
    if record:
        given.append(Wanted("record", record))
    if len(given) > 1:
        raise OptionInvalid("access: expected one of --subject, --agent and --record")
    return given[0] if given else None
