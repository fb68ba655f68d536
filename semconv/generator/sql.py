"""SQL of columns: types, codecs, and how a typed value is read out of a map of texts."""

from collections.abc import Sequence

_LOW = "LowCardinality(String)"
_MAPS = {
    "span": "SpanAttributes",
    "derived": "Derived",
    "resource": "ResourceAttributes",
}
_CODECS = {
    "DateTime64(9, 'UTC')": "CODEC(Delta(8), ZSTD(1))",
    "UInt64": "CODEC(T64, ZSTD(1))",
    "String": "CODEC(ZSTD(1))",
    "Array(String)": "CODEC(ZSTD(1))",
    "Date32": "CODEC(Delta(4), ZSTD(1))",
    # Random: packing it takes time and gains nothing.
    "FixedString(16)": "CODEC(NONE)",
}


def column_line(name: str, type: str) -> str:
    """A physical column in a CREATE TABLE."""
    return " ".join(filter(None, (name, type, _codec(type))))


def _codec(type: str) -> str:
    # Nested columns are packed; a dictionary of LowCardinality is small as it is.
    if type.startswith(("Map(", "Array(Tuple(")):
        return "CODEC(ZSTD(1))"
    return _CODECS.get(type, "")


def alias_line(name: str, type: str, expression: str) -> str:
    """A computed column in a CREATE TABLE."""
    return f"{name} {type} ALIAS {expression}"


def alias_expression(attribute: str, type: str, maps: Sequence[str]) -> str:
    """The value of an attribute out of the first map that has it, as a column's type."""
    texts = [f"{_MAPS[name]}['{attribute}']" for name in maps]
    if len(texts) == 1:
        return typed(texts[0], type)
    # The engine resolves every computed column for each statement; with multiIf, that takes twice
    # as long.
    return typed(f"firstNonDefault({', '.join(texts)})", type)


def typed(text: str, type: str) -> str:
    """A text as a value of a column's type; what is none is empty, zero or null."""
    if type in ("String", _LOW):
        return text
    if type == "UInt64":
        return f"toUInt64OrZero({text})"
    if type == "Nullable(Float64)":
        return f"toFloat64OrNull({text})"
    if type == "Nullable(Bool)":
        return f"if({text} IN ('true', 'false'), {text} = 'true', NULL)"
    if type == "Bool":
        return f"{text} = 'true'"
    if type == "Nullable(DateTime64(9, 'UTC'))":
        return f"parseDateTime64BestEffortOrNull({text}, 9, 'UTC')"
    if type in ("Array(String)", f"Array({_LOW})"):
        return f"JSONExtract({text}, 'Array(String)')"
    raise ValueError(f"no way to read {type} out of a text")
