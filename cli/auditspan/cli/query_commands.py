"""`auditspan query` and `ask`: SQL, and the questions that come with auditspan."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditspan.cli.errors import OptionInvalid
from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.store import Place, StoreUrl, StoreUser, opened
from auditspan.cli.target import DEFAULT_DATA, CaFile, Data, TokenFile
from auditspan.cli.terminal import err, safe

if TYPE_CHECKING:
    from auditspan.reports.questions import Answer, Question

Params = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help="Value of a {name:Type}; repeatable."),
]
Since = Annotated[str, typer.Option(help="From this time on: 2026-11-25, 7d, last-tuesday …")]
Until = Annotated[str, typer.Option(help="Up to and without this time.")]
Form = Annotated[Format, typer.Option("--format", help="How to write it.")]

_LIST = ("name", "group", "asks", "params")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(query)
    app.command()(ask)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT; - reads it from stdin.")],
    param: Params = None,
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Run one statement of SQL over what is stored. It can only read."""
    statement = sys.stdin.read() if sql == "-" else sql
    _without_format(statement)
    values = values_of(param)
    with opened(Place(data, url, user_name, token_file, ca_file)) as store:
        table = store.arrow(statement, values)
    emit(table.to_pylist(), table.column_names, format)


def ask(
    question: Annotated[str, typer.Argument(help="Its name; without it all are listed.")] = "",
    param: Params = None,
    since: Since = "",
    until: Until = "",
    sql: Annotated[bool, typer.Option("--sql", help="Print the query and do not run it.")] = False,
    format: Form = Format.TABLE,
    data: Data = DEFAULT_DATA,
    url: StoreUrl = "",
    user_name: StoreUser = "default",
    token_file: TokenFile = None,
    ca_file: CaFile = None,
) -> None:
    """Answer a question that auditors ask, and say over what population."""
    from auditspan.reports.period import period
    from auditspan.reports.questions import ask as answer_of
    from auditspan.reports.questions import question as named
    from auditspan.reports.questions import questions

    if not question:
        emit([_listed(one) for one in questions()], _LIST, format)
        return
    asked = named(question)
    if sql:
        typer.echo(asked.sql)
        return
    now = datetime.now(UTC)
    window, values = period(since, until, now), values_of(param)
    place = Place(data, url, user_name, token_file, ca_file)
    report = place.of(f"ask {question}", since=since, until=until, param=values)
    with opened(report) as store:
        answer = answer_of(store, question, window, values, now)
    _print(answer, format)


def values_of(options: Sequence[str] | None) -> dict[str, str]:
    """`name=value` options as a mapping. Raises `OptionInvalid`."""
    values: dict[str, str] = {}
    for option in options or ():
        name, equals, value = option.partition("=")
        if not equals or not name.isidentifier():
            raise OptionInvalid(f"--param {option!r}: expected name=value")
        if name in values:
            raise OptionInvalid(f"--param {name}: given twice")
        values[name] = value
    return values


def say(words: str) -> None:
    """A sentence about a result; results alone go to standard output."""
    err().print(safe(words), soft_wrap=True)


def _print(answer: "Answer", format: Format) -> None:
    if format is Format.JSON:
        print_json(
            {
                "question": answer.question.name,
                "asks": answer.question.asks,
                "population": answer.population.as_dict(),
                "rows": answer.rows,
            }
        )
        return
    emit(answer.rows, answer.columns, format)
    say(f"{len(answer.rows):,} rows {answer.population.sentence()}")


def _listed(one: "Question") -> dict[str, Any]:
    names = [parameter.name for parameter in one.parameters]
    return {"name": one.name, "group": one.group, "asks": one.asks, "params": names}


def _without_format(sql: str) -> None:
    from auditspan.storage.statement import output_format

    # Bytes in a format of ClickHouse would reach the terminal as they were recorded.
    if output_format(sql, "") != "":
        raise OptionInvalid("SQL: leave FORMAT out, and choose with --format table, json or csv")
