"""One statement of a reader, on a connection of its own that can only read.

Settings and parameters come from outside, so both go through an allow-list; caps are set first and
`readonly` last, after which nothing can be changed on the connection. It is closed afterwards, and
whatever the statement left on it is gone.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, Field

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.statement import PLACEHOLDER, output_format, readable
from auditspan.storage.values import Text, Value

_UNKNOWN_FORMAT, _UNKNOWN_SETTING, _NOT_A_NUMBER = 73, 115, 72


class QueryLimits(BaseModel):
    """What one statement of a reader may take."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seconds: int = Field(default=60, ge=1)
    """Longest run of a statement."""
    memory: int = Field(default=400_000_000, ge=10_000_000)
    """Bytes of memory of a statement."""
    result_bytes: int = Field(default=256_000_000, ge=1_000_000)
    """Bytes of a result before it is formatted."""
    threads: int = Field(default=2, ge=1)
    """Threads of a statement."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a reader sends."""

    sql: str
    """One statement, with or without FORMAT."""
    format: str = "TabSeparated"
    """Format of the result if the statement names none."""
    params: Mapping[str, str] = field(default_factory=dict)
    """Values of its `{name:Type}` parameters, as text in the way of ClickHouse's HTTP interface."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Settings of ClickHouse."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a statement."""

    body: bytes
    """The result in its format."""
    format: str
    """Which format that is."""


def execute(engine: Engine, statement: Statement, limits: QueryLimits | None = None) -> Answer:
    """Run a reader's statement."""
    sql = readable(statement.sql)
    format = output_format(sql, statement.format)
    if not re.fullmatch(r"\w{1,40}", statement.format):
        raise StatementRefused(f"format: {statement.format[:40]!r} is none", _UNKNOWN_FORMAT)
    settings = _settings(statement.settings, limits or QueryLimits())
    with engine.session(settings) as session:
        return Answer(session.raw(sql, statement.format, _params(sql, statement.params)), format)


def _settings(asked: Mapping[str, str], limits: QueryLimits) -> dict[str, str | int]:
    caps = {
        "max_execution_time": limits.seconds,
        "max_memory_usage": limits.memory,
        "max_result_bytes": limits.result_bytes,
        "max_threads": limits.threads,
    }
    settings: dict[str, str | int] = {"result_overflow_mode": "throw", **caps}
    for name, value in asked.items():
        if name in caps:
            settings[name] = _within(name, value, caps[name])
        elif name in _ALLOWED or name.startswith(_PREFIXES):
            settings[name] = value
        elif name not in _IGNORED:
            raise StatementRefused(f"setting {name[:60]}: readers may not set it", _UNKNOWN_SETTING)
    return {**settings, "readonly": 1}


def _within(name: str, value: str, cap: int) -> int:
    if not value.isdigit():
        raise StatementRefused(
            f"setting {name}: expected a number, got {value[:40]!r}", _NOT_A_NUMBER
        )
    # 0 means without limit, which is the cap.
    return min(int(value) or cap, cap)


def _params(sql: str, given: Mapping[str, str]) -> dict[str, Value]:
    """The values that the statement asks for; the engine refuses others."""
    wanted = {name for name, _ in PLACEHOLDER.findall(sql)}
    return {name: Text(value) for name, value in given.items() if name in wanted}


_PREFIXES = ("output_format_", "format_csv_", "format_tsv_", "format_json_")
_ALLOWED = frozenset(
    {
        "max_rows_to_read",
        "max_bytes_to_read",
        "max_block_size",
        "max_result_rows",
        "limit",
        "offset",
        "session_timezone",
        "date_time_output_format",
        "date_time_input_format",
        "extremes",
        "join_use_nulls",
        "use_query_cache",
        "cast_string_to_dynamic_use_inference",
    }
)
# What clients send along with every statement and what has no meaning here: `readonly` is 1 anyway,
# and sessions are none.
_IGNORED = frozenset(
    {
        "readonly",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "client_protocol_version",
        "compress",
        "enable_http_compression",
        "http_zlib_compression_level",
        "wait_end_of_query",
        "buffer_size",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "http_write_exception_in_output_format",
        "add_http_cors_header",
        "stacktrace",
        "log_comment",
        "role",
        "async_insert",
        "wait_for_async_insert",
    }
)
