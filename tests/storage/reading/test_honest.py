"""What readers send works, and gives what the engine gives without the gate."""

import re
from collections.abc import Mapping

import pytest

from auditspan.reports.population import SQL as POPULATION
from auditspan.reports.questions import questions
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.query import Statement, execute
from auditspan.storage.reading.check import Checked
from auditspan.storage.role_views import Access, read_as, role_database
from auditspan.storage.values import Text
from tests.storage.reading.lists import Listed, listed

HONEST = listed("query_honest.sql")
GIVEN = {
    "since": "2024-01-01 00:00:00",
    "until": "2030-01-01 00:00:00",
    "environment": "",
    "organization": "",
    "conversation": "c1",
    "record": "b1-2",
    "user": "alice",
    "at": "2030-01-01 00:00:00",
}
QUESTIONS = [
    *(
        Listed(one.name, one.sql, {p.name: GIVEN.get(p.name, "") for p in one.parameters})
        for one in questions()
    ),
    Listed("population", POPULATION),
]
QUOTING = {"incident-content", "reviews-of-record"}
_SILENT = {"output_format_write_statistics": "0"}


@pytest.mark.parametrize("one", HONEST, ids=lambda one: one.name)
def test_an_honest_statement_gives_what_the_engine_gives(store: Engine, one: Listed) -> None:
    """The same bytes as the client's text gives on a plain connection to the role's views."""
    access: Access = "investigator" if "investigator" in one.marks else "reader"
    _same(store, one, access)


@pytest.mark.parametrize("one", QUESTIONS, ids=lambda one: one.name)
def test_a_question_of_the_cookbook_gives_what_the_engine_gives(store: Engine, one: Listed) -> None:
    """In both roles, but for the questions that quote content."""
    with_period = Listed(one.name, one.sql, {**GIVEN, **one.params})
    _same(store, with_period, "investigator")
    if one.name not in QUOTING:
        _same(store, with_period, "reader")


@pytest.mark.parametrize("one", [one for one in QUESTIONS if one.name in QUOTING], ids=str)
def test_a_question_about_content_is_for_investigators(store: Engine, one: Listed) -> None:
    """A reader is told that there is no such column, as of any other name."""
    with pytest.raises(StatementRefused, match="there is no column") as refusal:
        execute(store, Statement(one.sql, params={**GIVEN, **one.params}))
    assert refusal.value.code == 47


def _same(store: Engine, one: Listed, access: Access) -> None:
    answer = execute(store, Statement(one.sql, "JSONCompact", one.params, _SILENT), access=access)
    if "volatile" not in one.marks:
        wanted = {name: one.params[name] for name in answer.checked.params}
        assert answer.body == _plainly(store, one.sql, wanted, answer.checked, access)


def _plainly(
    store: Engine, sql: str, params: Mapping[str, str], checked: Checked, access: Access
) -> bytes:
    """What the client's own text gives where its names mean the role's views."""
    view = read_as("audit", ("*",) if checked.kind == "describe" else checked.columns)
    sql = re.sub(r"(?<![\w'])([`\"]?)(?:auditspan|default)\1\s*\.\s*", "", sql)
    sql = re.sub(r"(?<![\w'])audit(_records)?(?![\w'])", view, sql)
    settings: dict[str, str | int] = {"max_threads": 2, **_SILENT}
    with store.session(settings) as session:
        session.raw(f"USE {role_database('auditspan', access)}", "TabSeparated")
        return session.raw(sql.rstrip(";"), "JSONCompact", {n: Text(v) for n, v in params.items()})
