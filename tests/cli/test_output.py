"""Listings for people and for machines."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from auditspan.cli.output import Format, emit, print_json
from auditspan.cli.terminal import escaped_json

HOSTILE = "\x1b[2J\u202e\x9b\U000e0041 Grüße 👩\u200d🚀"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_json_says_the_same_with_escapes() -> None:
    """Nothing harmful stands in the text, and reading it gives the value back."""
    stream = io.StringIO()
    print_json({"name": HOSTILE, "at": datetime(2026, 1, 1, tzinfo=UTC)}, stream)
    text = stream.getvalue()
    assert not {"\x1b", "\u202e", "\x9b", "\U000e0041"} & set(text)
    assert json.loads(text) == {"name": HOSTILE, "at": "2026-01-01T00:00:00+00:00"}
    assert "Grüße" in text and escaped_json("[\n 1\n]") == "[\n 1\n]"


def test_csv_is_neutralised_on_a_terminal_only() -> None:
    """A file gets the value, a screen its escapes."""
    file, terminal = io.StringIO(), Terminal()
    for stream in (file, terminal):
        emit([{"name": HOSTILE}], ["name"], Format.CSV, stream)
    assert next(csv.DictReader(io.StringIO(file.getvalue())))["name"] == HOSTILE
    assert not {"\x1b", "\u202e", "\x9b"} & set(terminal.getvalue())


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("+1-555", "'+1-555"),
        ('=HYPERLINK("http://evil.example","x")', '\'=HYPERLINK("http://evil.example","x")'),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("\n=1", "'\n=1"),
        ("＝1+1", "'＝1+1"),
        ("-1_0", "'-1_0"),
        ("-\u0661", "'-\u0661"),
        ("-5", "-5"),
        ("-1.5e-7", "-1.5e-7"),
        ("+49", "+49"),
        ("a=b", "a=b"),
        (-5, "-5"),
        (["a", "b"], "a, b"),
        (None, ""),
    ],
)
def test_a_spreadsheet_runs_no_cell(value: object, cell: str) -> None:
    """A recorded formula stays text; numbers stay numbers."""
    stream = io.StringIO()
    emit([{"x": value}], ["x"], Format.CSV, stream)
    assert next(csv.DictReader(io.StringIO(stream.getvalue())))["x"] == cell


@pytest.mark.parametrize("value", ["a\r=1+1", "a;=1+1", "a\t=1+1", 'a"\n=1+1', "a,=1+1"])
def test_no_reader_finds_a_formula_inside_a_cell(value: str) -> None:
    """Not after a carriage return, nor where semicolons or tabs part the cells."""
    stream = io.StringIO()
    emit([{"x": value, "y": 2}], ["x", "y"], Format.CSV, stream)
    assert list(csv.reader(io.StringIO(stream.getvalue(), newline="")))[1] == [value, "2"]
    assert stream.getvalue().partition("\n")[2].startswith('"a')


def test_the_head_of_a_csv_is_no_formula_either() -> None:
    """A column's name may come from a statement."""
    stream = io.StringIO()
    emit([{"=1+1": 1}], ["=1+1"], Format.CSV, stream)
    assert stream.getvalue() == "'=1+1\n1\n"


def test_a_table_takes_no_markup_from_names_and_values() -> None:
    """Brackets, links and emoji codes are text, in heads too."""
    stream = io.StringIO()
    value = "[red]x[/red] [link=http://evil.example]y[/link] :skull:"
    emit([{"[bold]n": value}], ["[bold]n"], Format.TABLE, stream)
    assert "[bold]n" in stream.getvalue()
    assert value in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
