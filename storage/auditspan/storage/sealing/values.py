"""SQL of a column's canonical value: the bytes that its digests cover (docs/integrity-format.md).

Each expression gives the empty string for the column's default, which is left out of digests, and
is equal byte for byte to what `auditspan.integrity.canonical` makes of the same value.
"""

import re

TEXT = "String"
_LOW = re.compile(r"LowCardinality\((\w+)\)")


def plain(type: str) -> str:
    """A type without what is only a way to store it."""
    return _LOW.sub(r"\1", type)


def framed(expression: str) -> list[str]:
    """Arguments of a `concat` that put a netstring around bytes: length, colon, bytes, comma."""
    return [f"toString(length({expression}))", "':'", expression, "','"]


def netstring(text: str) -> str:
    """The netstring of a name, as a literal."""
    return f"'{len(text.encode())}:{text},'"


def value(name: str, type: str, *, always: bool = False, ordered: bool = False) -> str:
    """The canonical value of a column, in less work of one that `always` holds something, and of a
    map whose keys are `ordered` in every row.

    Raises `ValueError` for a type that has none.
    """
    quoted, kind = f"`{name}`", plain(type)
    if kind == TEXT:
        return quoted
    if re.fullmatch(r"U?Int(8|16|32|64)", kind):
        return _number(quoted, always=always)
    if kind == "Date32":
        return _number(f"toInt32({quoted})", always=always)
    if kind == "DateTime64(9, 'UTC')":
        return _number(f"toUnixTimestamp64Nano({quoted})", always=always)
    if kind == "Array(String)":
        return f"arrayStringConcat(arrayMap(x -> {_concat(framed('x'))}, {quoted}))"
    if kind == "Map(String, String)":
        return _ordered_pairs(quoted) if ordered else _pairs(quoted)
    if kind.startswith("Array(Tuple("):
        return _list_of_tuples(quoted, _members(kind))
    raise ValueError(f"column {name}: no canonical form for type {type}")


def _number(expression: str, *, always: bool) -> str:
    text = f"toString({expression})"
    return text if always else f"if({expression} = 0, '', {text})"


def _pairs(expression: str) -> str:
    """A map by its keys, then values, ascending as bytes; stored order means nothing."""
    return (
        f"arrayStringConcat(arrayMap(kv -> {_concat(framed('kv.1') + framed('kv.2'))}, "
        f"arraySort(arrayZip(mapKeys({expression}), mapValues({expression})))))"
    )


def _ordered_pairs(expression: str) -> str:
    """The same of a map whose keys ascend."""
    return (
        f"arrayStringConcat(arrayMap((k, v) -> {_concat(framed('k') + framed('v'))}, "
        f"mapKeys({expression}), mapValues({expression})))"
    )


def _list_of_tuples(expression: str, members: list[str]) -> str:
    parts = [_member(f"e.{place}", type) for place, type in enumerate(members, start=1)]
    element = _concat([text for part in parts for text in framed(part)])
    return f"arrayStringConcat(arrayMap(e -> {_concat(framed(element))}, {expression}))"


def _concat(parts: list[str]) -> str:
    return f"concat({', '.join(parts)})"


def _member(expression: str, type: str) -> str:
    if type == TEXT:
        return expression
    if type.startswith("DateTime64(9"):
        return f"toString(toUnixTimestamp64Nano({expression}))"
    if type == "Map(String,String)":
        return _pairs(expression)
    raise ValueError(f"no canonical form for a member of type {type}")


def _members(kind: str) -> list[str]:
    """The types of `Array(Tuple(Name Type, …))` in their order."""
    inner = kind.removeprefix("Array(Tuple(").removesuffix("))")
    # Commas between members, not those inside of their types.
    members = re.split(r", ?(?![^()]*\))", inner)
    return [member.partition(" ")[2].replace(" ", "") for member in members]
