"""Read the question files, and ask one: the rows and the population they came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from auditspan.reports.errors import BadFilter, MissingParameter, UnknownQuestion
from auditspan.reports.period import Period, clickhouse_time, moment
from auditspan.reports.population import Population, population
from auditspan.reports.source import Source


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value that the asker gives."""

    name: str
    type: str
    """As ClickHouse names it."""
    meaning: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question and the query that answers it."""

    name: str
    group: str
    title: str
    asks: str
    parameters: tuple[Parameter, ...]
    sql: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows, and over what they were found."""

    question: Question
    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    population: Population


@cache
def questions() -> tuple[Question, ...]:
    """Every question, by name."""
    folder = files("auditspan.reports.questions")
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return tuple(
        _parse(entry.name.removesuffix(".sql"), entry.read_text())
        for entry in sorted(entries, key=lambda entry: entry.name)
    )


def question(name: str) -> Question:
    """One question. Raises `UnknownQuestion`."""
    known = {entry.name: entry for entry in questions()}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f", did you mean {near[0]!r}" if near else ""
    raise UnknownQuestion(f"question {name!r} is unknown{hint}: expected one of {', '.join(known)}")


def ask(
    source: Source,
    name: str,
    period: Period,
    values: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Answer:
    """Answer a question over a period; times among the values are read as `period.moment` reads.

    Raises `UnknownQuestion`, `MissingParameter`, `BadFilter`.
    """
    asked = question(name)
    given = values_for(asked, values or {}, now or datetime.now(UTC))
    window = {k: v for k, v in period.parameters().items() if f"{{{k}:" in asked.sql}
    table = source.arrow(asked.sql, {**window, **given})
    whole = population(source, period)
    return Answer(asked, tuple(table.column_names), table.to_pylist(), whole)


def values_for(asked: Question, values: Mapping[str, str], now: datetime) -> dict[str, str]:
    """The values of a question's parameters. Raises `MissingParameter`, `BadFilter`."""
    known = {parameter.name: parameter for parameter in asked.parameters}
    for name in values:
        if name not in known:
            expected = ", ".join(known) or "none"
            raise BadFilter(
                f"question {asked.name!r} has no parameter {name!r}: expected {expected}"
            )
    for parameter in asked.parameters:
        if parameter.name not in values:
            raise MissingParameter(
                f"question {asked.name!r} needs {parameter.name!r} ({parameter.meaning})"
            )
    return {name: _value(known[name], value, now) for name, value in values.items()}


def _value(parameter: Parameter, text: str, now: datetime) -> str:
    return clickhouse_time(moment(text, now)) if parameter.type.startswith("DateTime") else text


def _parse(name: str, text: str) -> Question:
    head: dict[str, str] = {}
    parameters: list[Parameter] = []
    lines = text.splitlines()
    while lines and lines[0].startswith("-- "):
        key, _, value = lines.pop(0)[3:].partition(": ")
        if key.startswith("param "):
            _, parameter, type_ = key.split(" ", 2)
            parameters.append(Parameter(parameter, type_, value))
        else:
            head[key] = value
    return Question(
        name,
        head["group"],
        head["title"],
        head["asks"],
        tuple(parameters),
        "\n".join(lines).strip(),
    )
