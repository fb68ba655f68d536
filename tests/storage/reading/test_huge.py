"""Statements that are large or deep are refused at once, and never end the process."""

import time

import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.query import Statement, execute

HUGE = {
    "a text of a megabyte": f"SELECT '{'x' * 1_000_000}'",
    "a comment of a megabyte": f"SELECT 1 /* {'x' * 1_000_000} */",
    "a megabyte of spaces": f"SELECT{' ' * 1_000_000}1",
    "a million semicolons": ";" * 1_000_000,
    "ten thousand brackets": f"SELECT {'(' * 10_000}1{')' * 10_000}",
    "ten thousand brackets that never close": f"SELECT {'(' * 10_000}",
    "ten thousand arrays": f"SELECT {'[' * 10_000}1{']' * 10_000}",
    "brackets of all kinds": f"SELECT {'([' * 5_000}1{'])' * 5_000}",
    "nested functions": f"SELECT {'upper(' * 3_000}'a'{')' * 3_000}",
    "nested selects": f"SELECT {'(SELECT ' * 3_000}1{')' * 3_000}",
    "nested CASE": f"SELECT {'CASE WHEN 1 THEN ' * 2_000}1{' END' * 2_000}",
    "ten thousand NOT": f"SELECT {'NOT ' * 9_000}1",
    "ten thousand minus": f"SELECT {'- ' * 9_000}1",
    "a chain of conditions": f"SELECT {'1 ? 1 : ' * 2_000}1",
    "a chain of lambdas": f"SELECT arrayMap({'x -> ' * 2_000}1, [1])",
    "a chain of casts": f"SELECT 1{'::UInt8' * 4_000}",
    "a chain of members": f"SELECT t{'.1' * 4_000}",
    "a chain of unions": f"SELECT 1{' UNION ALL SELECT 1' * 4_000}",
    "a chain of operators": f"SELECT 1{' + 1' * 6_000}",
    "a list of ten thousand": f"SELECT 1 IN ({', '.join(map(str, range(10_000)))})",
    "ten thousand columns": f"SELECT {', '.join(f'1 AS a{n}' for n in range(10_000))}",
    "a type within types": f"SELECT CAST(1, '{'Array(' * 5_000}UInt8{')' * 5_000}')",
    "a name of a megabyte": f"SELECT {'a' * 150_000}",
    "a number of a megabyte": f"SELECT {'9' * 150_000}",
    "quotes that never close": "SELECT '" + "\\'" * 90_000,
    "comments that never close": "SELECT " + "/*" * 90_000,
    "names with escapes": "SELECT `" + "\\`" * 90_000,
    "joins": f"SELECT 1 FROM audit AS a{' JOIN audit AS b USING (TraceId)' * 1_500}",
    "names of WITH": f"WITH {', '.join(f'c{n} AS (SELECT 1)' for n in range(1_500))} SELECT 1",
}


@pytest.mark.parametrize("sql", HUGE.values(), ids=HUGE)
def test_a_huge_statement_is_refused_at_once(store: Engine, sql: str) -> None:
    """In two seconds of a slow machine, most of it far less."""
    began = time.process_time()
    with pytest.raises(StatementRefused) as refusal:
        execute(store, Statement(sql))
    assert time.process_time() - began < 2
    assert len(str(refusal.value)) < 1_000


def test_a_large_honest_statement_runs(store: Engine) -> None:
    """A list of a thousand values is no attack, nor are brackets that people write."""
    values = ", ".join(f"'user-{number}'" for number in range(1_000))
    answer = execute(store, Statement(f"SELECT count() FROM audit WHERE UserId IN ({values})"))
    assert answer.body == b"0\n"
    deep = f"SELECT {'(' * 20}1{')' * 20}"
    assert execute(store, Statement(deep)).body == b"1\n"
    nested = "SELECT x FROM (" * 8 + "SELECT 1 AS x" + ")" * 8
    assert execute(store, Statement(nested)).body == b"1\n"
