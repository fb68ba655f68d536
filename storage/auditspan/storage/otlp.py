"""The statements that read a spool segment, with `sql/otlp.proto` as their schema.

ClickHouse reads length-delimited protobuf messages as rows with its format `Protobuf`
(https://clickhouse.com/docs/interfaces/formats/Protobuf). The structure string it needs beside the
schema is derived from the schema here, so that the two cannot differ.
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

KINDS = ("none", "string", "bool", "int", "double", "array", "kvlist", "bytes", "strindex")
"""What an attribute value is, by the number of its field in AnyValue."""

_SCALARS = {
    "string": "String",
    "bytes": "String",
    "int32": "Int32",
    "uint32": "UInt32",
    "fixed32": "UInt32",
    "fixed64": "UInt64",
}
_MESSAGE = re.compile(r"message (\w+) \{([^{}]*)\}", re.S)
_FIELD = re.compile(r"(repeated )?(\w+) (\w+) = (\d+);")

_BLOCK_BYTES = 16_000_000
"""What the engine reads at once; a whole segment of large spans would take twice the memory."""


def _folder() -> Path:
    return Path(str(files("auditspan.storage") / "sql"))


def data(name: str) -> str:
    """A file of this folder's `sql/`."""
    return (_folder() / name).read_text("utf-8")


@cache
def schema() -> str:
    """The protobuf schema without its comments."""
    lines = (line.partition("//")[0] for line in data("otlp.proto").splitlines())
    return " ".join(" ".join(lines).split())


@cache
def _messages() -> dict[str, str]:
    return dict(_MESSAGE.findall(schema()))


def _type(name: str) -> str:
    return _SCALARS.get(name) or f"Tuple({_fields(name)})"


def _fields(message: str) -> str:
    fields = _FIELD.findall(_messages()[message])
    return ", ".join(
        f"{name} {f'Array({_type(kind)})' if repeated else _type(kind)}"
        for repeated, kind, name, _ in fields
    )


@cache
def _settings() -> str:
    return (
        # A file: schema text in the statement makes ClickHouse leave a file in the working folder.
        f"SETTINGS format_schema = '{_escaped(str(_folder() / 'otlp.proto'))}:Envelope', "
        "max_threads = 1, max_block_size = 65536, "
        f"input_format_max_block_size_bytes = {_BLOCK_BYTES}"
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def _source(segment: Path) -> str:
    structure = _escaped(_fields("Envelope"))
    return f"file('{_escaped(str(segment))}', 'Protobuf', '{structure}')"


def spans_statement(segment: Path) -> str:
    """Read the requests of a segment, each with what the collector knows of it.

    They come as they are nested and are taken apart in Arrow: expressions over these types cost the
    engine 35 ms of analysis a statement, whatever it reads.
    """
    return (
        "SELECT received_at, request_digest, principal, request FROM "  # noqa: S608 (quoted)
        f"{_source(segment)} WHERE kind = 1 {_settings()}, output_format_arrow_string_as_string = 0"
    )


def controls_statement(segment: Path) -> str:
    """Read the control frames of a segment."""
    return (
        "SELECT received_at, principal, request_digest, control FROM "  # noqa: S608 (quoted)
        f"{_source(segment)} WHERE kind = 2 {_settings()}"
    )
