"""Tools from an MCP server's `tools/list` result or from JSON schemas, as YAML for the registry.

Follows https://modelcontextprotocol.io/specification/2025-06-18/schema#tool. Annotations are hints
of the server, so a tool without any has the effect `unknown`, never `read`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml
from pydantic import JsonValue, ValidationError

from auditspan.registry.errors import SchemaImportError
from auditspan.registry.models import Effect, Tool

MAX_BYTES = 8 * 1024 * 1024


def tools_of(text: str | bytes, server: str = "") -> tuple[Tool, ...]:
    """The tools that a text describes, by name. Raises SchemaImportError."""
    if len(text) > MAX_BYTES:
        raise SchemaImportError(f"has length {len(text)}, expected at most {MAX_BYTES}")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SchemaImportError(f"is not JSON: {error}") from error
    tools = [_tool(raw, where, server) for where, raw in _described(value)]
    names = [tool.name for tool in tools]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaImportError(f"describes twice: {', '.join(twice)}; keep one of each")
    return tuple(sorted(tools, key=lambda tool: tool.name))


def to_yaml(tools: tuple[Tool, ...]) -> str:
    """One YAML document per tool, with both hashes, so that a later change is noticed."""
    return yaml.dump_all(
        (_document(tool) for tool in tools),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        explicit_start=True,
        width=100,
    )


class _Dumper(yaml.SafeDumper):
    """Writes shared values twice: the reader counts aliases, people dislike them."""

    def ignore_aliases(self, data: object) -> bool:
        """Never write an alias."""
        return True


@dataclass(frozen=True, slots=True)
class _Raw:
    """A tool as it was described."""

    name: JsonValue
    description: JsonValue
    schema: JsonValue
    annotations: JsonValue = None


def _described(value: JsonValue) -> Iterator[tuple[str, _Raw]]:
    """Each description: a tools/list result (bare or in JSON-RPC), a list of tools as model APIs
    take them, or one JSON schema with a title."""
    if isinstance(value, dict) and isinstance(value.get("result"), dict):
        value = value["result"]
    if isinstance(value, dict) and isinstance(value.get("tools"), list):
        value = value["tools"]
    items = value if isinstance(value, list) else [value]
    for index, item in enumerate(items):
        where = f"tools[{index}]"
        if not isinstance(item, dict):
            raise SchemaImportError(f"{where}: is {type(item).__name__}, expected an object")
        function = item.get("function")
        yield where, _raw(function if isinstance(function, dict) else item)


def _raw(item: Mapping[str, JsonValue]) -> _Raw:
    if "name" in item:
        schema = next(
            (item[k] for k in ("inputSchema", "parameters", "input_schema") if k in item), {}
        )
        return _Raw(item["name"], item.get("description"), schema, item.get("annotations"))
    return _Raw(item.get("title"), item.get("description"), dict(item))


def _tool(raw: _Raw, where: str, server: str) -> Tool:
    if not isinstance(raw.name, str):
        raise SchemaImportError(
            f"{where}: has no name; expected the result of tools/list, or schemas with a title"
        )
    try:
        return Tool(
            name=raw.name,
            server=server,
            effect=_effect(raw.annotations),
            arguments=raw.schema or {},  # type: ignore[arg-type]
            description=raw.description or "",  # type: ignore[arg-type]
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SchemaImportError(f"{where}.{place}: {first['msg'].lower()}") from error


def _effect(annotations: JsonValue) -> Effect:
    if not isinstance(annotations, dict):
        return "unknown"
    if annotations.get("readOnlyHint") is True:
        return "read"
    if annotations.get("destructiveHint") is True:
        return "destructive"
    if annotations.get("destructiveHint") is False and annotations.get("readOnlyHint") is False:
        return "write"
    return "unknown"


def _document(tool: Tool) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = {"name": tool.name}
    if tool.server:
        document["server"] = tool.server
    document["effect"] = tool.effect
    if tool.description:
        document["description"] = tool.description
        document["description_hash"] = tool.description_hash
    if tool.arguments:
        document["arguments"] = dict(tool.arguments)
        document["schema_hash"] = tool.schema_hash
    return document
