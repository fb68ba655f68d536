"""Tools are imported from what servers and model APIs describe, and come back from the YAML."""

import json
from typing import Any

import pytest

from auditspan.registry import Bundle
from auditspan.registry.errors import SchemaImportError
from auditspan.registry.schema_import import to_yaml, tools_of

SCHEMA = {"type": "object", "properties": {"id": {"type": "string", "title": "no: 1"}}}


def mcp(**annotations: bool) -> dict[str, Any]:
    """A tool as an MCP server lists it."""
    tool = {"name": "t", "description": "Says:\n  yes", "inputSchema": SCHEMA}
    return tool | ({"annotations": annotations} if annotations else {})


@pytest.mark.parametrize(
    ("annotations", "effect"),
    [
        ({}, "unknown"),
        ({"readOnlyHint": True}, "read"),
        ({"readOnlyHint": True, "destructiveHint": True}, "read"),
        ({"destructiveHint": True}, "destructive"),
        ({"readOnlyHint": False, "destructiveHint": False}, "write"),
        ({"readOnlyHint": False}, "unknown"),
        ({"openWorldHint": True}, "unknown"),
    ],
)
def test_the_effect_is_what_the_server_hints(annotations: dict[str, bool], effect: str) -> None:
    """Without a hint the effect is unknown; `destructiveHint` has no meaning for a reader."""
    [tool] = tools_of(json.dumps({"tools": [mcp(**annotations)]}))
    assert tool.effect == effect


@pytest.mark.parametrize(
    "value",
    [
        {"tools": [mcp()]},
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [mcp()], "nextCursor": "x"}},
        [mcp()],
        [{"type": "function", "function": {"name": "t", "description": "d", "parameters": SCHEMA}}],
        [{"name": "t", "input_schema": SCHEMA}],
        {**SCHEMA, "title": "t"},
    ],
)
def test_every_common_form_is_understood(value: Any) -> None:
    """Results of tools/list, tool lists of model APIs and single schemas give a tool."""
    [tool] = tools_of(json.dumps(value), server="crm")
    assert (tool.name, tool.server) == ("t", "crm")
    assert tool.schema_hash.startswith("sha256:")
    assert "properties" in tool.arguments


def test_the_yaml_is_a_registry_file() -> None:
    """What is written is read back as the same tools, whatever the texts hold."""
    tools = tools_of(json.dumps([mcp(), {**mcp(), "name": "u\u2028", "description": "é: #'\""}]))
    text = to_yaml(tools)
    assert "&id" not in text
    assert tuple(Bundle({"tools/t.yaml": text}).registry().tools.values()) == tools


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nope", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[1]", "tools[0]: is int, expected an object"),
        ('{"type": "object"}', "has no name"),
        ('[{"name": "t"}, {"name": "t"}]', "describes twice: t"),
        ('[{"name": "t", "inputSchema": 3}]', "tools[0].arguments"),
        ('[{"name": "", "inputSchema": {}}]', "tools[0].name"),
        ('[{"name": "t", "description": 3}]', "tools[0].description"),
    ],
)
def test_anything_else_is_refused_with_its_place(text: str | bytes, words: str) -> None:
    """A file that describes no tools says what was expected."""
    with pytest.raises(SchemaImportError) as caught:
        tools_of(text)
    assert words in str(caught.value)
