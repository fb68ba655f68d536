"""A reader sees no content, wherever it stands; an investigator sees it."""

from collections.abc import Callable, Mapping
from itertools import count

import pyarrow as pa
import pytest

from auditspan.semconv.attributes import SCHEMA_VERSION
from auditspan.semconv.columns import ALIASES, ASSERTED_BY, BY_NAME, COLUMNS, PHYSICAL, UNSEALED
from auditspan.semconv.readers import ATTRIBUTES, EVENTS, HIDDEN_OPERATIONS
from auditspan.storage.engine import Engine
from auditspan.storage.role_views import (
    Access,
    audit_columns,
    read_as,
    role_database,
    table_columns,
    tables,
)
from auditspan.storage.writer import write

BatchOf = Callable[..., pa.Table]
_NUMBERS = count(1)
_KEYS = [name for name in ASSERTED_BY if not name.endswith((".*", "<key>"))]


def secret() -> str:
    """A text that stands nowhere else."""
    return f"planted-{next(_NUMBERS):05d}-secret"


def everything(engine: Engine, access: Access) -> str:
    """All that a role can see: every row of every view, as text."""
    database = role_database("auditspan", access)
    sql = "SELECT name FROM system.tables WHERE database = {d:String}"
    views = engine.raw(sql, "TSVRaw", {"d": database}).decode().split()
    assert len(views) > 20
    texts = [engine.raw(f"SELECT * FROM {database}.{view}", "JSONEachRow") for view in views]
    return b"\n".join(texts).decode()


@pytest.fixture
def planted(migrated: Engine, batch: BatchOf) -> Mapping[str, str]:
    """A store with one record and one row a table, and what was planted in which place."""
    found = {column.name: secret() for column in PHYSICAL if column.content and _text(column.name)}
    keys = [key for key in _KEYS if key not in ATTRIBUTES]
    maps = {
        name: {key: secret() for key in (*keys, "foreign.key", "claimed.audit.policy.outcome")}
        for name in ("ResourceAttributes", "SpanAttributes", "Derived", "OtlpExtras")
    }
    nested = {name: secret() for name in ("event name", "event", "link", "link state", "state")}
    maps["OtlpExtras"]["trace_state"] = nested["state"]
    _insert(migrated, found, maps, nested)
    found |= {f"{name}[{key}]": text for name, entry in maps.items() for key, text in entry.items()}
    return found | nested | _rows_of_tables(migrated)


def _text(name: str) -> bool:
    return BY_NAME[name].type == "String" and name not in UNSEALED


def _insert(
    engine: Engine,
    texts: Mapping[str, str],
    maps: Mapping[str, Mapping[str, str]],
    nested: Mapping[str, str],
) -> None:
    def map_of(entries: Mapping[str, str]) -> str:
        # The path of a target is no content, what is asked of it is.
        asked = {"audit.target.path": "https://h/p?q="}
        pairs = (f"'{key}', '{asked.get(key, '')}{text}'" for key, text in entries.items())
        return f"map({', '.join(pairs)})"

    values = {
        "RecordId": "'r1'",
        "RecordKind": "'action'",
        "SpanId": "arrayJoin(['s1', 's1'])",
        "TraceId": "'t1'",
        "ConversationId": "'c1'",
        "TargetType": "'url'",
        "TargetId": f"'https://shop.example/orders?q={nested['link']}'",
        "Summary": f"'Agent read url \"https://shop.example/orders?q={nested['link']}\".'",
        "PolicyReason": f"'denied because: {nested['event']}'",
        "PolicyRuleIds": "['evaluation-error']",
        **{name: f"'{text}'" for name, text in texts.items()},
        **{name: map_of(entries) for name, entries in maps.items()},
        "Events": f"[(0, '{nested['event name']}', {map_of({'user.id': nested['event']})}), "
        f"(0, '{EVENTS[0]}', {map_of({'message': nested['event']})})]",
        "Links": f"[('t2', 's2', '{nested['link state']}', {map_of({'user.id': nested['link']})})]",
    }
    engine.command(
        f"INSERT INTO audit_records ({', '.join(values)}) SELECT {', '.join(values.values())}"
    )


def _rows_of_tables(engine: Engine) -> dict[str, str]:
    planted: dict[str, str] = {}
    for table, entry in tables().items():
        kinds = _types(engine, table)
        texts = {
            column: secret()
            for column in entry.get("content", ())
            if kinds[column] in ("String", "LowCardinality(String)")
        }
        planted |= {f"{table}.{column}": text for column, text in texts.items()}
        names = ", ".join(texts) or next(iter(kinds))
        engine.command(
            f"INSERT INTO {table} ({names}) SELECT "
            + (", ".join(f"'{text}'" for text in texts.values()) or "'x'")
        )
    return planted


def _types(engine: Engine, table: str) -> dict[str, str]:
    rows = engine.raw(f"DESCRIBE {table} SETTINGS print_pretty_type_names = 0", "TSVRaw").decode()
    return {row.split("\t")[0]: row.split("\t")[1] for row in rows.splitlines()}


def test_no_view_of_a_reader_shows_what_was_planted(
    migrated: Engine, planted: Mapping[str, str]
) -> None:
    """In columns, in maps under every name that is registered, in events, links and tables."""
    seen = everything(migrated, "reader")
    assert '"RecordId":"r1"' in seen
    assert "planted-" not in seen, [place for place, text in planted.items() if text in seen]


def test_an_investigator_sees_all_of_it(migrated: Engine, planted: Mapping[str, str]) -> None:
    """So what the test above looks for is there to be found."""
    seen = everything(migrated, "investigator")
    assert not [place for place, text in planted.items() if text not in seen]


def test_every_name_that_is_no_content_is_shown(migrated: Engine, batch: BatchOf) -> None:
    """In the maps of the exporter's columns, so that dashboards go on working; no other one is."""
    maps = [[(key, f"value of {key}") for key in (*ATTRIBUTES, "foreign.key", "url.full")]]
    rows = batch(1, "i-1-1", SpanAttributes=maps)
    write(migrated, rows, "i-1-1")
    sql = "SELECT SpanAttributes FROM auditspan_reader.otel_traces"
    [row] = migrated.arrow(sql).to_pylist()
    assert row["SpanAttributes"] == [(key, f"value of {key}") for key in ATTRIBUTES]


def test_the_exporters_columns_have_the_same_types_for_both(migrated: Engine) -> None:
    """Names, order and types of `otel_traces` are those of the store's own view."""
    expected = migrated.raw("DESCRIBE auditspan.otel_traces")
    assert len(expected.splitlines()) == 22
    for access in ("reader", "investigator"):
        assert migrated.raw(f"DESCRIBE auditspan_{access}.otel_traces") == expected


def test_a_reader_has_every_column_that_is_no_content(migrated: Engine) -> None:
    """Under its own name and type, aliases too, and no other."""
    shown = _types(migrated, "auditspan_reader.audit")
    assert tuple(shown) == audit_columns("reader")
    assert set(shown) == {column.name for column in COLUMNS if not column.content}
    assert {column.name for column in ALIASES} & set(shown)
    assert shown == {name: BY_NAME[name].type for name in shown}
    everyone = _types(migrated, "auditspan_investigator.audit")
    assert set(everyone) == {column.name for column in COLUMNS} - set(UNSEALED)


def test_what_is_cut_keeps_what_is_no_content(migrated: Engine, batch: BatchOf) -> None:
    """The address without its query, the reason unless it quotes, ids as they are."""
    rows = batch(
        3,
        "i-1-1",
        TargetType=["url", "order", "mcp.resource"],
        TargetId=["/orders?q=x", "O#1?2", "file://a/b?c=d#e"],
        Summary=[
            'Agent "a?" read on url "/orders?q=x" for user "u".',
            'Agent "a?" read "O#1?2".',
            'Agent "a" read "file://a/b?c=d#e".',
        ],
        PolicyReason=["forbidden by x", "", "no"],
        SpanAttributes=[[("audit.target.path", "https://h/p?q#f")], [], []],
    )
    write(migrated, rows, "i-1-1")
    sql = "SELECT TargetId, PolicyReason, Summary FROM auditspan_reader.audit ORDER BY RecordId"
    got = [tuple(row.values()) for row in migrated.arrow(sql).to_pylist()]
    assert got == [
        ("/orders", "forbidden by x", 'Agent "a" read on url "/orders" for user "u".'),
        ("O#1?2", "", 'Agent "a?" read "O#1?2".'),
        ("file://a/b", "no", 'Agent "a" read "file://a/b".'),
    ]


def test_who_read_what_is_hidden_from_readers(migrated: Engine, batch: BatchOf) -> None:
    """The access log is, and so are the records that it is made from."""
    operations = [*HIDDEN_OPERATIONS, "registry.applied"]
    rows = batch(2, "i-1-1", RecordKind=["control"] * 2, Operation=operations)
    write(migrated, rows, "i-1-1")
    for view in ("audit", "audit_reviewed", "audit_stored", "audit_chain"):
        sql = f"SELECT Operation FROM auditspan_reader.{view}"
        assert migrated.raw(sql) == b"registry.applied\n", view
    assert migrated.raw("SELECT count() FROM auditspan_investigator.audit") == b"2\n"
    with pytest.raises(Exception, match="access_log"):
        migrated.raw("SELECT count() FROM auditspan_reader.access_log")


def test_the_latest_review_stands_beside_its_record(migrated: Engine, batch: BatchOf) -> None:
    """Who said what when; nothing for a record that nobody looked at."""
    write(migrated, batch(2, "i-1-1"), "i-1-1")
    migrated.command(
        "INSERT INTO reviews (ReviewId, RecordId, ReviewedAt, ReviewedBy, Verdict) VALUES "
        "('v1', 'i-1-1-0', '2026-11-20 10:00:00', 'person:ann', 'escalate'), "
        "('v2', 'i-1-1-0', '2026-11-20 11:00:00', 'person:bob', 'approve')"
    )
    columns = "RecordId, ReviewRequired, ReviewedBy, toString(ReviewedAt), ReviewVerdict"
    for access in ("reader", "investigator"):
        sql = f"SELECT {columns} FROM auditspan_{access}.audit_reviewed ORDER BY RecordId"
        assert migrated.raw(sql).decode().splitlines() == [
            "i-1-1-0\tfalse\tperson:bob\t2026-11-20 11:00:00.000000000\tapprove",
            "i-1-1-1\tfalse\t\t\\N\t",
        ]


@pytest.mark.parametrize(
    ("view", "columns", "expected"),
    [
        ("audit", {"RecordId"}, "audit"),
        ("audit", {"RecordId", "ReviewedBy"}, "audit_reviewed"),
        ("audit", {"*"}, "audit_reviewed"),
        ("audit_chain", {"*"}, "audit_chain"),
    ],
)
def test_the_join_is_paid_where_it_is_asked_for(
    view: str, columns: set[str], expected: str
) -> None:
    """A name stands for the cheapest view that has the columns."""
    assert read_as(view, columns) == expected


def test_no_column_of_a_table_is_forgotten(migrated: Engine) -> None:
    """Each is for readers, for investigators, or nobody's by name: a new one needs a decision."""
    for table in tables():
        assert set(table_columns(table, "investigator")) == set(_types(migrated, table)), table


def test_the_vocabulary_is_there() -> None:
    """What is walked above is no empty list."""
    assert len(ATTRIBUTES) > 150
    assert len(_KEYS) > 250
    assert SCHEMA_VERSION
