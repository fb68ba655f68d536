"""What the gate accepts reads allowed relations and calls allowed functions alone: the engine's own
query tree is the judge, of statements at random."""

import os
import re
from collections import Counter
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused, StoreError
from auditspan.storage.reading.allowed import functions, lists
from auditspan.storage.reading.catalog import load
from auditspan.storage.reading.check import Checked, checked
from auditspan.storage.reading.engine_check import agree
from auditspan.storage.values import Params, Text
from tests.storage.reading.statements import mutated, selects

CASES: Final = int(os.environ.get("AUDITSPAN_FUZZ", "1000"))
COUNTS: Counter[str] = Counter()
"""What became of the statements; `make query-attacks` prints it."""

FUZZ = settings(
    max_examples=CASES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
# What the engine's analysis puts in the place of what a statement says.
_MADE: Final = frozenset(
    {
        "arrayelement",
        "tupleelement",
        "nothing",
        "nothingnull",
        "nothinguint64",
        "__getscalar",
        "_cast",
    }
)


class Judge:
    """Asks the engine what the gate lets through."""

    def __init__(self, store: Engine) -> None:
        self._store = store
        self._catalog = load(store, "reader")

    def __call__(self, sql: str) -> None:
        """Fail if a statement reads or calls what it may not."""
        COUNTS["statements"] += 1
        made = self.checked(sql)
        if made is not None and made.kind not in ("describe", "exists"):
            tree = self._tree(made)
            if tree:
                COUNTS["judged"] += 1
                self._hold(tree, made)

    def checked(self, sql: str) -> Checked | None:
        """What may run in the place of it; None if it is refused."""
        try:
            return checked(sql, self._catalog)
        except StatementRefused as refusal:
            assert refusal.code, sql
            return None

    def _tree(self, made: Checked) -> str:
        params: Params = {name: Text(_value(kind)) for name, kind in made.params.items()}
        with self._store.session({"max_execution_time": 10, "readonly": 1}) as session:
            session.raw(f"USE `{self._catalog.database}`", "TabSeparated")
            try:
                agree(session, made, self._catalog, params)
                COUNTS["accepted"] += 1
                options = "dump_tree = 1, run_passes = 1, passes = 1"
                sql = f"EXPLAIN QUERY TREE {options} {made.sql}"
                return session.raw(sql, "TSVRaw", params).decode(errors="replace")
            except StoreError:
                # Wrong to the engine for a reason of its own: a column of another view, a type.
                return ""

    def _hold(self, tree: str, made: Checked) -> None:
        tables = set(re.findall(r"^ *TABLE id: \d+.*table_name: (\S+?),?$", tree, re.M))
        views = {f"{self._catalog.database}.{view}" for view in self._catalog.relations}
        # What a SELECT without FROM reads, which is one row of nothing; what calls itself in WITH.
        assert tables <= {*views, *made.withs, "system.one"}, made.sql
        rows = set(re.findall(r"TABLE_FUNCTION id: \d+.*table_function_name: (\w+)", tree))
        assert {name.lower() for name in rows} <= lists().row_functions.names, made.sql
        called = set(re.findall(r"function_name: (\w+)", tree)) - rows
        assert not {name for name in called if not _may(name)}, made.sql


def _may(name: str) -> bool:
    return functions().callable(name) or name.lower() in functions().forms | _MADE


def _value(kind: str) -> str:
    return "[]" if kind.startswith("Array") else "1"


@pytest.fixture(scope="module")
def judge(store: Engine) -> Judge:
    """The engine as the judge."""
    return Judge(store)


@FUZZ
@given(sql=selects())
def test_of_a_grammar_only_what_is_allowed_gets_through(judge: Judge, sql: str) -> None:
    """Relations and functions that are refused are as likely in it as those that are not."""
    judge(sql)


@FUZZ
@given(sql=mutated())
def test_of_mutated_statements_only_what_is_allowed_gets_through(judge: Judge, sql: str) -> None:
    """The lists of attacks and honest statements, broken and mixed."""
    judge(sql)


@FUZZ
@given(text=st.text(max_size=60))
def test_any_text_is_a_statement_or_refused(judge: Judge, text: str) -> None:
    """Nothing else is ever raised."""
    for sql in (text, f"SELECT {text}", f"SELECT '{text}'", f"SELECT 1 FROM audit WHERE {text}"):
        judge.checked(sql)
