"""Read the question files, and ask one: the rows and the population they came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from auditspan.reports.errors import MissingParameter, UnknownQuestion
from auditspan.reports.period import Period
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
    source: Source, name: str, period: Period, values: Mapping[str, Any] | None = None
) -> Answer:
    """Answer a question over a period. Raises `UnknownQuestion`, `MissingParameter`."""
    asked = question(name)
    params: dict[str, Any] = {**period.parameters(), **(values or {})}
    for parameter in asked.parameters:
        if parameter.name not in params:
            raise MissingParameter(
                f"question {name!r} needs {parameter.name!r} ({parameter.meaning})"
            )
    rows = source.arrow(asked.sql, params).to_pylist()
    return Answer(asked, rows, population(source, period))


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
