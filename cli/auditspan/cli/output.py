"""Listings for people and for machines: `--format table|json|csv`.

A table neutralises what a terminal would obey. JSON carries values as they were recorded, the same
characters as escapes of JSON; CSV does so in a file or a pipe, and is neutralised on a terminal. A
CSV cell that a spreadsheet would run as a formula is quoted with an apostrophe.
"""

import csv
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
        writer = csv.writer(stream, lineterminator="\n")
        kept = safe if stream.isatty() else str
        writer.writerow(map(kept, columns))
        writer.writerows([kept(_cell(row.get(name))) for name in columns] for row in rows)
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
        table.add_column(safe(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(shown(row.get(name)))) for name in columns))
    # A pipe has no width: take enough for nothing to be folded away.
    console = Console(file=stream, width=None if stream.isatty() else 240, highlight=False)
    console.print(table)


def _cell(value: Any) -> str:
    text = value.isoformat() if isinstance(value, datetime | date) else shown(value)
    return (
        f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") and not _number(text) else text
    )


def _number(text: str) -> bool:
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
