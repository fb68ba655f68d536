"""What the role `reader` gets in place of columns that hold content.

They are ALIAS columns of `audit_records`, named `Reader…`: on a server the role is granted these,
not what they are made of. So a view with the reader's own rights (SQL SECURITY INVOKER) can show
the safe part of a column that the reader may not read.
"""

import re
from collections.abc import Mapping, Sequence

from auditspan.semconv.readers import ATTRIBUTES, EVENTS
from auditspan.storage.columns import Column

PREFIX = "Reader"


def reader_columns(columns: Sequence[Column]) -> Mapping[str, tuple[str, str]]:
    """Type and expression of what is shown in place of each column that is shown in part."""
    expressions = {column.name: _shown(column) for column in columns}
    return {c.name: (c.type, expressions[c.name]) for c in columns if expressions[c.name]}


def _shown(column: Column) -> str:
    """Its expression; a computed column is put in: rights on an ALIAS do not reach a second one."""
    shown = column.shown or _NESTED.get(column.name, "")
    if column.kind != "alias":
        return shown
    return re.sub(rf"\b{column.name}\b", lambda _: f"({column.expression})", shown)


def in_place_of(name: str, columns: Sequence[Column]) -> str:
    """SQL of what a reader sees in the place of a column, of a row `r`."""
    if name in reader_columns(columns):
        return f"r.{PREFIX}{name}"
    content = {column.name for column in columns if column.content}
    return "''" if name in content else f"r.{name}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _plain(column: str) -> str:
    return f"mapFilter((k, v) -> k IN ({_list(ATTRIBUTES)}), {column})"


_NO_TEXTS = "CAST(map(), 'Map(LowCardinality(String), String)')"
_EVENT = f"(e.Timestamp, if(e.Name IN ({_list(EVENTS)}), e.Name, ''), {_NO_TEXTS})"
_NESTED: Mapping[str, str] = {
    "ResourceAttributes": _plain("ResourceAttributes"),
    "SpanAttributes": _plain("SpanAttributes"),
    "Events": f"arrayMap(e -> {_EVENT}, Events)",
    "Links": f"arrayMap(l -> (l.TraceId, l.SpanId, '', {_NO_TEXTS}), Links)",
}
