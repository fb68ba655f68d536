"""Computed columns in the real engine: what they read, and what they make of nonsense."""

import json
from collections.abc import Iterator

import pytest
from generator.sql import alias_expression, typed

from auditspan.semconv import ddl
from auditspan.semconv.columns import ALIASES, BY_NAME
from auditspan.semconv.projections import PROJECTIONS
from auditspan.storage.engine import Engine, open_memory
from auditspan.storage.migrations import migrate


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine with the table as the registry has it."""
    opened = open_memory()
    lines = ",\n".join((*ddl.PHYSICAL, *ddl.ALIASES))
    opened.command(f"CREATE TABLE r ({lines}) ENGINE = MergeTree ORDER BY tuple()")
    yield opened
    opened.close()


def row(engine: Engine, maps: dict[str, dict[str, str]], columns: str) -> dict[str, object]:
    """The columns of one record with these maps."""
    engine.command("TRUNCATE TABLE r")
    names = ", ".join(maps)
    values = ", ".join(
        "map(" + ", ".join(f"'{word}'" for pair in given.items() for word in pair) + ")"
        for given in maps.values()
    )
    engine.command(f"INSERT INTO r ({names}) SELECT {values}")
    found: dict[str, object] = json.loads(
        engine.raw(
            f"SELECT {columns} FROM r SETTINGS output_format_json_quote_64bit_integers = 0",
            "JSONEachRow",
        )
    )
    return found


def test_the_migrations_make_these_columns(engine: Engine) -> None:
    """Physical columns, types, codecs and order are those that the store has."""
    migrate(engine)
    sql = (
        "SELECT name, type, compression_codec FROM system.columns WHERE table = {table:String} "
        "AND database = currentDatabase() AND default_kind = '' ORDER BY position"
    )
    made = engine.raw(sql, "TSV", {"table": "audit_records"})
    assert made == engine.raw(sql, "TSV", {"table": "r"})
    assert len(made.splitlines()) == len(ddl.PHYSICAL)


def test_every_computed_column_can_be_read(engine: Engine) -> None:
    """All at once, of a record that has nothing: empty, zero, null or an empty list."""
    names = ", ".join(column.name for column in ALIASES)
    found = row(engine, {"SpanAttributes": {"x": "y"}}, names)
    assert all(value in ("", 0, None, [], False) for value in found.values()), found


def test_typed_columns(engine: Engine) -> None:
    """Times, numbers, booleans and lists come out as such."""
    derived = {
        "audit.authorization.granted_at": "2026-01-10T09:00:00.123456789Z",
        "audit.authentication.mfa": "false",
        "audit.review.required": "true",
        "user.roles": '["clerk","approver"]',
        "audit.cost.amount": "0.25",
    }
    span = {"audit.sequence.number": "42", "audit.guard.rule.ids": '["a"]'}
    columns = "GrantedAt, MfaUsed, ReviewRequired, UserRoles, CostAmount, Sequence, GuardRuleIds"
    assert row(engine, {"Derived": derived, "SpanAttributes": span}, columns) == {
        "GrantedAt": "2026-01-10 09:00:00.123456789",
        "MfaUsed": False,
        "ReviewRequired": True,
        "UserRoles": ["clerk", "approver"],
        "CostAmount": 0.25,
        "Sequence": 42,
        "GuardRuleIds": ["a"],
    }


def test_nonsense_is_nothing(engine: Engine) -> None:
    """A value of another type is not guessed at, and does not break the query."""
    derived = {
        "audit.authorization.granted_at": "soon",
        "audit.authentication.mfa": "yes",
        "user.roles": "clerk",
        "audit.cost.amount": "much",
    }
    span = {"audit.sequence.number": "-1", "audit.guard.rule.ids": '{"a": 1}'}
    columns = "GrantedAt, MfaUsed, UserRoles, CostAmount, Sequence, GuardRuleIds"
    assert row(engine, {"Derived": derived, "SpanAttributes": span}, columns) == {
        "GrantedAt": None,
        "MfaUsed": None,
        "UserRoles": [],
        "CostAmount": None,
        "Sequence": 0,
        "GuardRuleIds": [],
    }


def test_the_order_of_maps_counts(engine: Engine) -> None:
    """What the collector attached goes before a claim where it is about authority."""
    both = {
        "SpanAttributes": {
            "audit.tool.server": "claimed",
            "gen_ai.tool.call.id": "said",
            "user.email": "claimed",
        },
        "Derived": {
            "audit.tool.server": "known",
            "gen_ai.tool.call.id": "translated",
        },
    }
    assert row(engine, both, "ToolServer, ToolCallId, UserEmail") == {
        "ToolServer": "known",
        "ToolCallId": "said",
        "UserEmail": "",
    }


def test_projections_work_in_the_engine(engine: Engine) -> None:
    """Over a map `m` of texts each gives a value of its column's type."""
    for projection in PROJECTIONS:
        wanted = projection.type.replace("LowCardinality(String)", "String")
        sql = f"SELECT toTypeName({projection.expression}) FROM (SELECT map('k', 'v') AS m)"
        assert engine.raw(sql, "TSVRaw").decode().strip() == wanted
        assert BY_NAME[projection.column].type == projection.type


def test_a_type_that_cannot_be_read() -> None:
    """A new type needs a way to read it."""
    with pytest.raises(ValueError, match="IPv6"):
        typed("m['k']", "IPv6")


def test_three_maps() -> None:
    """The first map that has it counts."""
    assert alias_expression("a.b", "String", ["span", "derived", "resource"]) == (
        "firstNonDefault(SpanAttributes['a.b'], Derived['a.b'], ResourceAttributes['a.b'])"
    )
