"""Values of a record as JSON, from which `verify.py` computes the same digests
(docs/integrity-format.md §8): integers as texts of digits, times and days among them; bytes that
are no UTF-8 as lone surrogates U+DC80 to U+DCFF; defaults left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, cast

from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.seal_schema import SealSchema

Json: TypeAlias = "str | list[Json] | dict[str, Json]"


def json_values(values: Mapping[str, object], schema: SealSchema) -> dict[str, Json]:
    """The sealed columns of a record that have not their default. Raises `ValueInvalid`."""
    kinds = schema.kinds
    return {
        name: json_value(kinds[name], value)
        for name, value in values.items()
        if name in kinds and value
    }


def json_value(kind: str, value: object) -> Json:
    """A value of a kind. Raises `ValueInvalid`."""
    try:
        return _value(kind, value)
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueInvalid(f"expected {kind}, got {type(value).__name__}") from error


def _value(kind: str, value: object) -> Json:
    if kind == "string":
        return _text(value)
    if kind == "int":
        return f"{value:d}"
    if kind == "strings":
        return [_text(item) for item in cast("Iterable[object]", value)]
    if kind == "map":
        pairs = value.items() if isinstance(value, Mapping) else cast("Iterable[object]", value)
        return {_text(key): _text(word) for key, word in pairs}  # type: ignore[misc, has-type]
    if not kind.startswith("["):
        raise ValueInvalid(f"no JSON form for kind {kind}")
    kinds = kind[1:-1].split(",")
    items = cast("Iterable[Sequence[object]]", value)
    return [
        [_value(part, member) for part, member in zip(kinds, item, strict=True)] for item in items
    ]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        raise TypeError
    return value
