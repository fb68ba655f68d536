"""The JSON of tool arguments: read leniently, because it is a sender's text."""

import json
from collections.abc import Callable
from functools import lru_cache

from pydantic import JsonValue

from auditspan.registry.paths import Step, find, parse


class NotJson:
    """What stands for arguments that are no JSON."""


NOT_JSON = NotJson()


def read(text: str) -> JsonValue | NotJson:
    """The value of a text, `NOT_JSON` if it is none."""
    return _decoded(text, _LENIENT)


def read_strictly(text: str) -> JsonValue | NotJson:
    """The same, but a text that names a key twice is none: parsers differ over which one counts."""
    return _decoded(text, _STRICT)


def _decoded(text: str, decoder: json.JSONDecoder) -> JsonValue | NotJson:
    if not text:
        return NOT_JSON
    try:
        value: JsonValue = decoder.decode(text)
    except (ValueError, RecursionError):
        return NOT_JSON
    return value


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(name: str) -> JsonValue:
    raise ValueError(f"{name} is no JSON")


def _short(digits: str) -> int:
    if len(digits) > _SHORT:
        raise ValueError("a long number")
    return int(digits)


def _no_fraction(digits: str) -> float:
    raise ValueError(f"{digits} is a fraction")


_SHORT = 15
_PLAIN = json.JSONDecoder(parse_constant=_no_number, parse_int=_short, parse_float=_no_fraction)
scan_plainly: Callable[[str, int], tuple[JsonValue, int]] = _PLAIN.scan_once  # type: ignore[attr-defined]
"""The value that begins at a place of a text, and where it ends; no white space is skipped.

Raises `ValueError`, for fractions and long numbers as well, and `StopIteration` where none begins.
"""
_LENIENT = json.JSONDecoder(parse_constant=_no_number)
_STRICT = json.JSONDecoder(parse_constant=_no_number, object_pairs_hook=_once)


def at(value: JsonValue | NotJson, path: str) -> list[str]:
    """The texts of everything that a path reaches; numbers and truths as JSON spells them."""
    if isinstance(value, NotJson) or not path:
        return []
    return [spelled(found) for found in find(value, steps(path)) if found is not None]


def spelled(value: JsonValue) -> str:
    """A value as text: strings as they are, the rest as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


@lru_cache(maxsize=4096)
def steps(path: str) -> tuple[Step, ...]:
    """The steps of a registered path, parsed once."""
    return parse(path)
