"""Errors of the endpoint read as those of a ClickHouse server do."""

import re

import pytest

from auditspan.collector.query import outcome
from auditspan.collector.query.error_names import NAMES, error_text
from auditspan.collector.query.outcome import Outcome
from auditspan.storage.engine import open_memory
from auditspan.storage.reading import refusals

ERROR = re.compile(r"Code: (\d+)\. DB::Exception: (.+)\. \(([A-Z_]+)\)\n")


def test_the_names_are_those_of_the_engine() -> None:
    """Each number has the name that the engine has for it."""
    engine = open_memory()
    for code, name in NAMES.items():
        sql = "SELECT errorCodeToName({code:UInt32})"
        assert engine.raw(sql, "TSVRaw", {"code": code}).decode().strip() == name


@pytest.mark.parametrize("module", [outcome, refusals], ids=["outcome", "refusals"])
def test_every_number_that_we_give_has_a_name(module: object) -> None:
    """But for the one that says that nothing is known."""
    codes = {value for value in vars(module).values() if type(value) is int}
    assert codes - {outcome.OK, outcome.UNKNOWN_EXCEPTION} <= set(NAMES)


def test_a_client_finds_number_words_and_name() -> None:
    """At the end of the text, whatever its last character is."""
    for words in ("table: there is none", "table: there is none."):
        found = ERROR.fullmatch(Outcome.error(60, words).body.decode())
        assert found is not None
        assert found.groups() == ("60", "table: there is none", "UNKNOWN_TABLE")


def test_an_error_of_the_engine_stays_as_it_is() -> None:
    """It has number and name already; one without a name is given none."""
    text = "Code: 241. DB::Exception: too much. (MEMORY_LIMIT_EXCEEDED)"
    assert error_text(241, text) == text
    assert error_text(1002, "odd") == "Code: 1002. DB::Exception: odd"
