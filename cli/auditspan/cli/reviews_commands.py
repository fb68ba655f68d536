"""`auditspan review` and `reviews`: judge a record, see what waits for that and what was said.

Judging is a control, so it goes to the API; listings are reads, so they go to the query endpoint
and stand in the access log.
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.query_commands import Form, Since, Until, say
from auditspan.cli.said import Reason, Ticket, demanded, why
from auditspan.cli.store import Place, StoreUrl, StoreUser, opened
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile, Url, target_of
from auditspan.cli.terminal import safe

if TYPE_CHECKING:
    from auditspan.reports.questions import Answer

_PENDING = (
    "Age",
    "Severity",
    "AgentId",
    "UserId",
    "ToolName",
    "TargetId",
    "OutcomeStatus",
    "PolicyRuleIds",
    "LastVerdict",
    "RecordId",
)
_HOURS_OF_A_DAY = 24

reviews = typer.Typer(help="What persons have to judge, and did.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(review)
    app.add_typer(reviews, name="reviews")


def review(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Id of the record.")],
    verdict: Annotated[
        str, typer.Option(help="approved, rejected, false_positive, or escalated to another.")
    ],
    reason: Reason = "",
    ticket: Ticket = "",
    data: Data = DEFAULT_DATA,
    url: Url = "",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Say what you think of a record, if you had no part in it. Takes the role investigator.

    A later review of a record counts instead of an earlier one; all are kept.
    """
    from auditspan.collector.control.client import connect
    from auditspan.collector.control.reviews import Review

    demanded(reason=reason)
    said = why("", ticket, reason)
    with connect(target_of(data, url, token_file, ca_file)) as client:
        done = client.human().review(Review(record, verdict), said)
    typer.echo(f"record {safe(done['id'])} is {safe(done['verdict'])} by {safe(done['by'])}")
    if not done["closes"]:
        say("it still waits for a review: auditspan reviews pending")


@reviews.command()
def pending(
    severity: Annotated[int, typer.Option(min=1, max=10, help="At least this.")] = 1,
    agent: Annotated[str, typer.Option(help="Records of this agent only.")] = "",
    since: Since = "",
    until: Until = "",
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """List what needed a review and did not get it, oldest first."""
    place = Place(data, url, user_name, token_file, ca_file)
    given = {"severity": severity, "agent": agent}
    answer = _answer(place, "reviews pending", "review-missing", since, until, **given)
    rows = [
        {"Age": age(row["HoursWaiting"]), **row}
        for row in answer.rows
        if row["Severity"] >= severity and agent in ("", row["AgentId"])
    ]
    _print(answer, rows, _PENDING, format)
    say(f"{len(rows):,} records wait for a review {answer.population.sentence()}")


@reviews.command("list")
def list_reviews(
    record: Annotated[str, typer.Option(help="Reviews of this record, with reasons.")] = "",
    since: Since = "",
    until: Until = "",
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """List reviews by time; reasons, which may quote records, takes the role investigator."""
    place = Place(data, url, user_name, token_file, ca_file)
    question = "reviews-of-record" if record else "reviews"
    given = {"record": record} if record else {}
    answer = _answer(place, "reviews list", question, since, until, **given)
    _print(answer, answer.rows, answer.columns, format)
    say(f"{len(answer.rows):,} reviews")


def age(hours: int) -> str:
    """A wait as a person reads it."""
    days, rest = divmod(max(hours, 0), _HOURS_OF_A_DAY)
    return f"{days}d {rest}h" if days else f"{rest}h"


def _answer(
    place: Place, report: str, question: str, since: str, until: str, **given: Any
) -> "Answer":
    from auditspan.reports.period import period
    from auditspan.reports.questions import ask
    from auditspan.reports.questions import question as named

    now = datetime.now(UTC)
    params = {each.name for each in named(question).parameters}
    values = {name: str(value) for name, value in given.items() if name in params}
    with opened(place.of(report, since=since, until=until, **given)) as store:
        return ask(store, question, period(since, until, now), values, now)


def _print(
    answer: "Answer", rows: list[dict[str, Any]], shown: tuple[str, ...], format: Format
) -> None:
    if format is Format.JSON:
        print_json({"population": answer.population.as_dict(), "rows": rows})
    else:
        emit(rows, shown if format is Format.TABLE else answer.columns, format)
