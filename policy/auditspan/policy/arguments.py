"""Arguments of a tool call as Cedar sees them: typed by the tool's JSON schema.

| JSON schema | Cedar | what a value becomes |
|---|---|---|
| `boolean` | `Bool` | itself |
| `integer` | `Long` | itself, `5.0` is 5; beyond 64 bits text, so that `<` is an error |
| `number` | `decimal` | rounded half to even to 4 digits; beyond ±922337203685477.5807 text |
| `string` | `String` | itself; a lone surrogate becomes U+FFFD |
| `array` of one of these | `Set<…>` | the set of its elements, nulls left out |
| `object` with `properties` | record | the declared properties |
| anything else | not there | not there |

Every argument is optional: a policy reads it behind `context.arguments has x`. `null` is absent. A
value of another type than declared raises `ArgumentMismatch`, which makes the decision a deny.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal, TypeGuard

from pydantic import JsonValue

Kind = Literal["Bool", "Long", "decimal", "String", "Set", "Record"]
Node = JsonValue | Mapping[str, JsonValue]
"""JSON, or an object that nobody may change."""
Path = tuple[str, ...]
"""Names from the arguments down to a value."""

_KINDS: Mapping[object, Kind] = {
    "boolean": "Bool",
    "integer": "Long",
    "number": "decimal",
    "string": "String",
}
_MAX_DEPTH = 8
_MAX_TYPES = 2_000
_LONG = 2**63
_MAX_DECIMAL = Decimal("922337203685477.5807")
_RESERVED = ("__entity", "__extn", "__expr")


class ArgumentMismatch(ValueError):
    """A value is not of the type that its tool declares."""


@dataclass(frozen=True, slots=True)
class ArgumentType:
    """The Cedar type of an argument."""

    kind: Kind
    element: "ArgumentType | None" = None
    """Of what a set is."""
    fields: Mapping[str, "ArgumentType"] = field(default_factory=dict)
    """What a record has; all optional."""

    def cedar(self) -> str:
        """The type in Cedar schema syntax."""
        if self.element:
            return f"Set<{self.element.cedar()}>"
        if self.kind != "Record":
            return self.kind
        fields = (f"{quoted(name)}?: {type_.cedar()}" for name, type_ in self.fields.items())
        return "{" + ", ".join(fields) + "}"

    def at(self, path: Path) -> "ArgumentType | None":
        """The type that a path leads to, None if there is no such argument."""
        found: ArgumentType | None = self
        for name in path:
            found = found.fields.get(name) if found else None
        return found


def argument_types(schema: Mapping[str, JsonValue]) -> ArgumentType:
    """The record that a tool's input schema describes; what Cedar cannot express is left out."""
    found = _Reader(schema).type_of(schema, _MAX_DEPTH)
    return found if found and found.kind == "Record" else ArgumentType("Record")


def typed(value: Node, type_: ArgumentType, where: str = "arguments") -> JsonValue:
    """A value in Cedar's JSON form. Raises ArgumentMismatch, naming the place but not the value."""
    if type_.kind == "Record" and isinstance(value, Mapping):
        return {
            name: typed(value[name], inner, f"{where}.{name}")
            for name, inner in type_.fields.items()
            if value.get(name) is not None
        }
    if type_.element and isinstance(value, list):
        return [typed(item, type_.element, where) for item in value if item is not None]
    if type_.kind == "String" and isinstance(value, str):
        return clean(value)
    if type_.kind == "Bool" and isinstance(value, bool):
        return value
    if type_.kind == "Long" and _is_whole(value):
        return int(value) if -_LONG <= value < _LONG else _digits(value)
    if type_.kind == "decimal" and isinstance(value, int | float) and not isinstance(value, bool):
        return _decimal(value)
    raise ArgumentMismatch(f"{where} is {type(value).__name__}, its tool declares {type_.kind}")


def narrowed(type_: ArgumentType, paths: frozenset[Path]) -> ArgumentType:
    """The part of a record that some paths reach."""
    if () in paths:
        return type_
    fields = {
        name: narrowed(inner, below)
        for name, inner in type_.fields.items()
        if (below := frozenset(path[1:] for path in paths if path[0] == name))
    }
    return ArgumentType(type_.kind, type_.element, fields)


def clean(text: str) -> str:
    """Text that is valid Unicode: Cedar takes no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def quoted(text: str) -> str:
    """A Cedar string literal."""
    special = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}
    return '"' + "".join(special.get(character, character) for character in text) + '"'


class _Reader:
    """Reads one schema. A stranger may have written it: depth and number of types are bounded."""

    def __init__(self, root: Mapping[str, JsonValue]) -> None:
        self._root = root
        self._left = _MAX_TYPES

    def type_of(self, schema: Node, depth: int) -> ArgumentType | None:
        """The type that a schema describes."""
        schema = self._resolved(schema)
        self._left -= 1
        if not isinstance(schema, Mapping) or depth == 0 or self._left < 0:
            return None
        name = _type_name(schema)
        if name in _KINDS:
            return ArgumentType(_KINDS[name])
        if name == "array":
            element = self.type_of(schema.get("items"), depth - 1)
            return ArgumentType("Set", element) if element else None
        properties = schema.get("properties")
        if name != "object" or not isinstance(properties, Mapping):
            return None
        fields = {key: self.type_of(inner, depth - 1) for key, inner in properties.items()}
        named = {key: type_ for key, type_ in fields.items() if type_ and key not in _RESERVED}
        return ArgumentType("Record", fields=named)

    def _resolved(self, schema: Node) -> Node:
        """Follow local `$ref`s and the one branch besides null of an `anyOf` or `oneOf`."""
        for _ in range(_MAX_DEPTH):
            if not isinstance(schema, Mapping):
                return schema
            reference = schema.get("$ref")
            branches = schema.get("anyOf") or schema.get("oneOf")
            if isinstance(reference, str):
                schema = self._pointed(reference)
            elif isinstance(branches, list) and "type" not in schema:
                real = [branch for branch in branches if not _is_null(branch)]
                schema = real[0] if len(real) == 1 else None
            else:
                return schema
        return None

    def _pointed(self, reference: str) -> Node:
        found: Node = self._root if reference.startswith("#") else None
        for part in reference.split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            found = found.get(name) if isinstance(found, Mapping) else None
        return found


def _is_null(schema: JsonValue) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _type_name(schema: Mapping[str, JsonValue]) -> JsonValue:
    """The one type besides null that a schema allows, None if there are several."""
    declared = schema.get("type")
    if declared is None and "properties" in schema:
        return "object"
    if declared is None and isinstance(values := schema.get("enum"), list):
        return "string" if all(isinstance(value, str) for value in values) else None
    if isinstance(declared, list):
        names = [name for name in declared if name != "null"]
        return names[0] if len(names) == 1 else None
    return declared


def _is_whole(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def _digits(value: int | float) -> str:
    """A number as text; hexadecimal where Python refuses to write so many digits."""
    return str(value) if isinstance(value, float) or value.bit_length() < 4096 else hex(value)


def _decimal(value: int | float) -> JsonValue:
    infinite = isinstance(value, float) and not math.isfinite(value)
    if infinite or abs(value) > _MAX_DECIMAL:
        return _digits(value)
    # From the shortest text of a float, so that 0.1 is 0.1.
    exact = Decimal(repr(value)).quantize(Decimal("0.0001"), rounding=ROUND_HALF_EVEN)
    if abs(exact) > _MAX_DECIMAL:
        return _digits(value)
    return {"__extn": {"fn": "decimal", "arg": f"{exact:f}"}}
