"""Values of `{name:Type}` parameters."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime


class Text(str):
    """A value that is text in the way of ClickHouse's HTTP interface already."""

    __slots__ = ()


Value = str | int | float | bool | datetime | Sequence[str]
Params = Mapping[str, Value]

_ESCAPED = str.maketrans(
    {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0", "\b": "\\b", "\f": "\\f"}
)


def text(value: Value) -> str:
    """A value as ClickHouse's HTTP interface reads it: escaped as in TSV, lists in brackets."""
    if isinstance(value, Text):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value.translate(_ESCAPED)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Sequence):
        return "[" + ", ".join(_quoted(item) for item in value) + "]"
    return repr(value)


def moment(value: datetime) -> str:
    """A time in UTC; one without a zone is taken to be UTC."""
    zoned = value if value.tzinfo else value.replace(tzinfo=UTC)
    return zoned.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _quoted(item: str) -> str:
    return "'" + item.translate(_ESCAPED).replace("'", "\\'") + "'"
