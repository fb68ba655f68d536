"""JSON that has one reading: no duplicate keys, no NaN, an object at the top.

Two parsers that read one text differently are how a check and its use come apart (RFC 8725 §2.4).
"""

import json
from typing import NoReturn


def loads_object(text: bytes | str) -> dict[str, object]:
    """Parse a JSON object. Raises `ValueError` on everything else."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
