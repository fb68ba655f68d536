"""`auditspan search`: records by who, what, where, when and how it was decided."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.query_commands import Form, Since, Until, say
from auditspan.cli.store import Place, StoreUrl, StoreUser, opened
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile

_SHOWN = (
    "Timestamp",
    "AgentId",
    "UserId",
    "Operation",
    "ToolName",
    "TargetId",
    "PolicyOutcome",
    "OutcomeStatus",
    "Severity",
    "Findings",
    "ConversationId",
    "RecordId",
)
_OF_A_RECORD = "Of a record"


def _filter(*names: str, help: str) -> Any:
    return typer.Option(*names, help=f"{help}; repeatable.", rich_help_panel=_OF_A_RECORD)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(search)


def search(
    agent: Annotated[list[str] | None, _filter("--agent", help="Id or name of an agent")] = None,
    user: Annotated[list[str] | None, _filter("--user", help="Id or e-mail of a user")] = None,
    tool: Annotated[list[str] | None, _filter("--tool", help="Name of a tool")] = None,
    operation: Annotated[
        list[str] | None, _filter("--operation", help="As execute_tool, or tool.call")
    ] = None,
    outcome: Annotated[
        list[str] | None, _filter("--outcome", help="success, failure, denied, …")
    ] = None,
    decision: Annotated[
        list[str] | None, _filter("--decision", help="allow, deny, require_approval, …")
    ] = None,
    rule: Annotated[list[str] | None, _filter("--rule", help="@id of a policy")] = None,
    finding: Annotated[list[str] | None, _filter("--finding", help="As policy.violation")] = None,
    effect: Annotated[
        list[str] | None, _filter("--effect", help="read, write, destructive, external, unknown")
    ] = None,
    target: Annotated[list[str] | None, _filter("--target", help="An id, or type:id")] = None,
    tag: Annotated[list[str] | None, _filter("--tag", help="A compliance tag")] = None,
    ticket: Annotated[list[str] | None, _filter("--ticket", help="A ticket")] = None,
    environment: Annotated[list[str] | None, _filter("--environment", help="As production")] = None,
    conversation: Annotated[
        list[str] | None, _filter("--conversation", help="Id of a conversation")
    ] = None,
    trace: Annotated[list[str] | None, _filter("--trace", help="Id of a trace")] = None,
    record: Annotated[list[str] | None, _filter("--record", help="Id of a record")] = None,
    severity: Annotated[
        int | None,
        typer.Option(min=1, max=10, help="At least this.", rich_help_panel=_OF_A_RECORD),
    ] = None,
    text: Annotated[
        str,
        typer.Option(help="In summary, arguments, result or reason.", rich_help_panel=_OF_A_RECORD),
    ] = "",
    since: Since = "",
    until: Until = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="Newest so many.")] = 50,
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Find records; the newest come first.

    Values of one option are alternatives, different options narrow the search. A time matches when
    the act happened in it, or when it became known in it.
    """
    from auditspan.reports.filters import NAMES
    from auditspan.reports.period import period
    from auditspan.reports.population import population
    from auditspan.reports.search import COLUMNS, count
    from auditspan.reports.search import search as find

    given = locals()
    filters = {name: given[name] for name in NAMES}
    window = period(since, until, datetime.now(UTC))
    place = Place(data, url, user_name, token_file, ca_file)
    report = place.of("search", **filters, since=since, until=until, limit=limit)
    with opened(report) as store:
        rows = find(store, filters, window, limit)
        matching = len(rows) if len(rows) < limit else count(store, filters, window)
        whole = population(store, window)
    if format is Format.JSON:
        print_json({"population": whole.as_dict(), "matching": matching, "records": rows})
        return
    emit(rows, _SHOWN if format is Format.TABLE else COLUMNS, format)
    say(f"{matching:,} records match {whole.sentence()}")
    if matching > len(rows):
        say(f"the newest {len(rows):,} are shown; {matching - len(rows):,} more: raise --limit")
