"""Listings for people and for machines: `--format table|json|csv`.

A table neutralises what a terminal would obey. JSON carries values as they were recorded, the same
characters as escapes of JSON; CSV does so in a file or a pipe, and is neutralised on a terminal. A
CSV cell that a spreadsheet would run as a formula gets an apostrophe in front, which readers of
values have to know; whoever needs values exactly takes JSON.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditspan.cli.terminal import escaped_json, safe

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
"""What a formula begins with, in spreadsheets of wide characters too."""
_PARTS = frozenset(',;\t"\r\n')
"""What ends a cell or a row for some reader."""


class Format(StrEnum):
    """How a listing is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def emit(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    format: Format,
    stream: TextIO | None = None,
) -> None:
    """Write rows, of which each has the columns."""
    stream = stream or sys.stdout
    if format is Format.JSON:
        print_json([dict(row) for row in rows], stream)
    elif format is Format.CSV:
        kept = safe if stream.isatty() else str
        heads = [kept(_unrun(name)) for name in columns]
        cells = ([kept(_cell(row.get(name))) for name in columns] for row in rows)
        stream.writelines(_line(line) for line in (heads, *cells))
    else:
        _table(rows, columns, stream)


def print_json(value: object, stream: TextIO | None = None) -> None:
    """Write a document of JSON that a terminal may show."""
    text = json.dumps(value, default=_json, ensure_ascii=False, indent=2)
    (stream or sys.stdout).write(escaped_json(text) + "\n")


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    if isinstance(value, dict):
        return json.dumps(value, default=_json, ensure_ascii=False)
    return str(value)


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], stream: TextIO) -> None:
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(safe(name)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(shown(row.get(name)))) for name in columns))
    # A pipe has no width: take enough for nothing to be folded away.
    width = None if stream.isatty() else 240
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
    console.print(table)


def _cell(value: Any) -> str:
    return _unrun(value.isoformat() if isinstance(value, datetime | date) else shown(value))


def _line(cells: Sequence[str]) -> str:
    """A line of CSV (RFC 4180). `csv` would leave a carriage return, a semicolon and a tab without
    quotes, and a spreadsheet may begin a new row or cell there."""
    if list(cells) == [""]:
        return '""\n'
    return ",".join(_quoted(cell) if _PARTS & set(cell) else cell for cell in cells) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _unrun(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run
    (https://owasp.org/www-community/attacks/CSV_Injection)."""
    return f"'{text}" if text[:1] in _FORMULA and not _number(text) else text


def _number(text: str) -> bool:
    """Whether it is a number, and so no formula; `float` reads more than numbers."""
    if not text.isascii() or "_" in text or text != text.strip():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _json(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
