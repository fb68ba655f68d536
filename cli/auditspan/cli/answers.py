"""Parts of answers that come as JSON, whatever a collector of another version left out."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue


def listed(value: JsonValue) -> list[JsonValue]:
    """A list; empty if it is none."""
    return value if isinstance(value, list) else []


def rows(answer: Mapping[str, JsonValue], key: str) -> list[dict[str, JsonValue]]:
    """The objects of a list."""
    return [row for row in listed(answer.get(key)) if isinstance(row, dict)]


def timed(found: Iterable[Mapping[str, JsonValue]]) -> list[dict[str, JsonValue]]:
    """Rows with `at` as people read it, made from `at_ns`."""
    from auditspan.collector.control.records import rfc3339

    return [{**row, "at": rfc3339(_whole(row["at_ns"]))} for row in found]


def _whole(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0
