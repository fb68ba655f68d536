"""Which values an erasure removes, and where else they stand.

A value of one group often stands in others as well: the raw attribute that a column was read from,
the summary, an event. A record is erased of a value only if all of these go. And what others did
with it may quote it: statements of readers, frames that could not be read.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from auditspan.semconv.columns import GROUPS
from auditspan.semconv.readers import ATTRIBUTES

Row = Mapping[str, JsonValue]
"""A record's values by column, as JSON."""

_SHORTEST: Final = 4
"""A shorter value is looked for as a whole value only: as a part it stands everywhere."""
_DISTINCT: Final = 12
"""A word of arguments is looked for in other records from this length on, or with a digit."""
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    group.name: group.columns for group in GROUPS if group.erasable
}
_NAMING: Final = ("UserId", "SessionId", "AuthorizedBy", "TargetId", "DataSubjectIds")
"""Columns whose values name somebody or something, however short they are."""
_TEXTS: Final = ("ToolArguments", "ToolResult")
_SENTENCES: Final = ("Purpose", "StatusMessage", "PolicyReason")
_MAPS: Final = ("SpanAttributes", "OtlpExtras", "Events", "Links")
"""Of these the attributes that a reader without the right to content does not see."""
_PUBLIC: Final = frozenset(ATTRIBUTES)
_TOKEN: Final = re.compile(r"[\w.+@-]+")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}|[\d.+-]+\Z|v?\d+(\.\d+)+")
_TELLING: Final = 8
"""A word of a sentence is looked for in other records from this length on, with a digit and a
letter, or with an `@`."""
_RAW: Final[Mapping[str, tuple[str, ...]]] = {
    "arguments": ("argument", "parameter", "input"),
    "result": ("result", "output", "response"),
}
"""Parts of names of raw attributes that hold what a group does, in another form."""


def present(row: Row) -> list[str]:
    """The erasable groups of a record that hold something."""
    return [name for name, columns in _COLUMNS.items() if any(row.get(c) for c in columns)]


def closure(row: Row, asked: Iterable[str]) -> list[str]:
    """The groups that hold what the asked ones hold, and themselves; empty ones are left out."""
    wanted = set(asked)
    values = values_of(row, wanted)
    return [
        name
        for name in present(row)
        if name in wanted or _holds(row, name, values) or _is_raw(row, name, wanted)
    ]


def quoting(row: Row, groups: Sequence[str], values: frozenset[str]) -> list[str]:
    """Those of these groups that hold one of the values."""
    return [name for name in present(row) if name in groups and _holds(row, name, values)]


def values_of(row: Row, groups: Iterable[str]) -> frozenset[str]:
    """What stands in groups: whole values, and the words of values that are JSON."""
    names = (column for group in groups for column in _COLUMNS[group])
    texts = [text for name in names for text in _texts(row.get(name))]
    return frozenset(found for text in texts for found in (text, *_words(text)) if found)


def naming(row: Row, groups: Iterable[str]) -> frozenset[str]:
    """Those values by which somebody is named elsewhere; common words are none of them."""
    columns = [column for group in groups for column in _COLUMNS[group]]
    whole = _whole(row, columns)
    found = set(whole)
    for name in columns:
        if name in _TEXTS:
            for text in _texts(row.get(name)):
                found |= {text, *_words(text)} if len(text) >= _DISTINCT else {text}
    long = {text for text in found if len(text) >= _SHORTEST}
    return frozenset(
        {text for text in long if text in whole or _is_distinct(text)} | _told(row, columns)
    )


def _told(row: Row, columns: Sequence[str]) -> set[str]:
    """What stands in sentences and in attributes of a sender's own: addresses, numbers of cases."""
    texts = [text for name in columns if name in _SENTENCES for text in _texts(row.get(name))]
    texts += [text for name in columns if name in _MAPS for text in _own(row.get(name))]
    return {
        token
        for text in texts
        for token in (found.strip(".-+") for found in _TOKEN.findall(text))
        if _is_telling(token)
    }


def _is_telling(token: str) -> bool:
    if "@" in token:
        return len(token) >= _SHORTEST
    mixed = any(char.isdigit() for char in token) and any(char.isalpha() for char in token)
    return mixed and len(token) >= _TELLING and not _DATE.match(token)


def _own(value: JsonValue) -> Iterator[str]:
    """Texts of attributes that are not of the registry, or are content."""
    if isinstance(value, list):
        for item in value:
            yield from _own(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str) and key not in _PUBLIC:
                yield item
            elif not isinstance(item, str):
                yield from _own(item)


def quotes(text: str, values: Iterable[str]) -> bool:
    """Whether a text holds one of these values, as it is or as JSON writes it."""
    return any(form in text for value in values for form in forms(value))


def forms(value: str) -> tuple[str, ...]:
    """A value as it is, and as it stands within JSON."""
    escaped = json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]
    return tuple(dict.fromkeys((value, *escaped)))


def _whole(row: Row, columns: Sequence[str]) -> set[str]:
    return {text for name in columns if name in _NAMING for text in _texts(row.get(name))}


def _is_distinct(text: str) -> bool:
    return len(text) >= _DISTINCT or any(char.isdigit() or char == "@" for char in text)


def _holds(row: Row, group: str, values: frozenset[str]) -> bool:
    texts = [text for name in _COLUMNS[group] for text in _texts(row.get(name))]
    long = [value for value in values if len(value) >= _SHORTEST]
    return any(text in values or quotes(text, long) for text in texts)


def _is_raw(row: Row, group: str, wanted: set[str]) -> bool:
    parts = [part for name in wanted for part in _RAW.get(name, ())]
    keys = [key.lower() for name in _COLUMNS[group] for key in _keys(row.get(name))]
    return any(part in key for part in parts for key in keys)


def _texts(value: JsonValue) -> Iterator[str]:
    """All texts in a value; keys of maps are names of attributes, and none of a person's."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)


def _keys(value: JsonValue) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _keys(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _keys(item)


def _words(text: str) -> Iterator[str]:
    """The leaves of a text that is JSON."""
    if text[:1] not in ("{", "["):
        return
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return
    for leaf in _leaves(parsed):
        if len(leaf) >= _SHORTEST:
            yield leaf


def _leaves(value: JsonValue) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield json.dumps(value)
