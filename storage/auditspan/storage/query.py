"""One statement of a reader, on a connection of its own that can only read.

What a reader sends never runs: `reading.check` makes a statement of its own from it, out of the
views of the reader's role, and the engine's parser has to agree (`reading.engine_check`). Settings
and parameters come from outside too, so both go through an allow-list; caps are set first and
`readonly` last. The connection is closed afterwards, and whatever the statement left on it is gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic import BaseModel, ConfigDict, Field

from auditspan.storage.engine import Engine
from auditspan.storage.errors import StatementRefused
from auditspan.storage.read_settings import FIXED
from auditspan.storage.reading import refusals
from auditspan.storage.reading.allowed import lists
from auditspan.storage.reading.catalog import Catalog, Catalogs
from auditspan.storage.reading.check import Checked
from auditspan.storage.reading.engine_check import agree
from auditspan.storage.reading.seen import SeenStatements
from auditspan.storage.reading.settings import settings_of
from auditspan.storage.role_views import Access
from auditspan.storage.values import Text, Value

_CATALOGS = Catalogs()
_SEEN = SeenStatements()
_FIXED: Mapping[str, str | int] = {
    **FIXED,
    "result_overflow_mode": "throw",
    # Lists that only the statement makes are long for no reason but to take time.
    "function_range_max_elements_in_block": 10_000_000,
}
_NAMES = frozenset({refusals.UNKNOWN_TABLE, refusals.UNKNOWN_COLUMN, refusals.UNKNOWN_DATABASE})


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
    checked: Checked
    """What ran, and what it names."""


def prepared(engine: Engine, statement: Statement, access: Access = "reader") -> Checked:
    """What may run in the place of a reader's statement. Raises `StatementRefused`."""
    return _prepared(engine, statement, access)[0]


def execute(
    engine: Engine,
    statement: Statement,
    limits: QueryLimits | None = None,
    access: Access = "reader",
) -> Answer:
    """Run a reader's statement on the views of a role."""
    made, catalog = _prepared(engine, statement, access)
    caps = _caps(limits or QueryLimits())
    asked = settings_of(statement.settings, made.settings, caps)
    settings = {**_FIXED, **asked, "readonly": 1}
    params = _params(made, statement.params)
    with engine.session(settings) as session:
        if engine.kind == "embedded" and catalog.relations:
            # A name that nothing has qualified means a view of the role, if it means anything.
            session.raw(f"USE `{catalog.database}`", "TabSeparated")
        agree(session, made, catalog, params)
        return Answer(session.raw(made.sql, made.format, params), made.format, made)


def _prepared(engine: Engine, statement: Statement, access: Access) -> tuple[Checked, Catalog]:
    format = lists().formats.get(statement.format.lower())
    if format is None:
        raise refusals.unknown(
            "format", statement.format, lists().formats.values(), refusals.UNKNOWN_FORMAT
        )
    catalog = _CATALOGS.of(engine, access)
    try:
        made = _SEEN.checked(statement.sql, catalog)
    except StatementRefused as error:
        # What is not known may have been made since the catalog was read.
        fresh = _CATALOGS.of(engine, access, fresh=True) if error.code in _NAMES else catalog
        if fresh == catalog:
            raise
        catalog, made = fresh, _SEEN.checked(statement.sql, fresh)
    return (made if made.format else replace(made, format=format)), catalog


def _caps(limits: QueryLimits) -> dict[str, int]:
    return {
        "max_execution_time": limits.seconds,
        "max_memory_usage": limits.memory,
        "max_result_bytes": limits.result_bytes,
        "max_threads": limits.threads,
    }


def _params(made: Checked, given: Mapping[str, str]) -> dict[str, Value]:
    """The values that the statement asks for; the engine refuses others."""
    missing = sorted(set(made.params) - set(given))
    if missing:
        raise refusals.refused(
            f"parameter {missing[0][:60]}: no value given, send it as param_{missing[0][:60]}",
            _NO_PARAMETER,
        )
    return {name: Text(given[name]) for name in made.params}


_NO_PARAMETER = 456  # UNKNOWN_QUERY_PARAMETER
