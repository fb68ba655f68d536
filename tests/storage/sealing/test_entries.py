"""The engine's SQL and Python make the same entries of the same records, and of every column."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from auditspan.integrity.canonical import (
    ENTRY_BYTES,
    derived_salts,
    entry,
    erased_digest,
    group_commitment,
)
from auditspan.integrity.errors import ValueInvalid
from auditspan.integrity.sealed_columns import SCHEMA
from auditspan.processors.entries import entries_of_table, plain_values
from auditspan.processors.finish import arrow_type
from auditspan.semconv.columns import BY_NAME, GROUPS, PHYSICAL, UNSEALED
from auditspan.storage.batch_file import write_batch
from auditspan.storage.engine import Engine
from auditspan.storage.sealing.digests import content_statement, structure
from auditspan.storage.sealing.entries import entries_of_file, entries_of_store, joined
from auditspan.storage.sealing.filled_columns import Filling, filled
from auditspan.storage.sealing.values import value
from auditspan.storage.writer import write
from tests.migrated import migrated_store

LOG = "local/auditspan/default/abcd1234/2026-11"
DAY = datetime(2026, 11, 25, tzinfo=UTC)
FIELDS = [
    pa.field(column.name, arrow_type(column.name, column.type))
    for column in PHYSICAL
    if column.source != "erasure"
]
TEXTS = (
    "", "a", "é", "日本語", "\U0001f600", "a\0b", "\0", " ", "x:1,", "12:", "ß" * 300, "\n\r\t",
    "\\' \" `", "\ufeff", "e\u0301",
)  # fmt: skip
NUMBERS = (0, 1, 9, 10, 2**31, 2**63 - 1, 2**63, 2**64 - 1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A migrated store."""
    opened = migrated_store(tmp_path_factory.mktemp("entries") / "store")
    # Records of any day of expiry, also past ones, which would go while they are compared.
    opened.command("ALTER TABLE audit_records REMOVE TTL")
    yield opened
    opened.close()


def generated(count: int, seed: int) -> pa.Table:
    """Records of anything that their types can hold."""
    dice = random.Random(seed)
    rows = [{field.name: _any(field.type, dice) for field in FIELDS} for _ in range(count)]
    return placed(rows, f"b-{seed}", dice)


def placed(rows: list[dict[str, Any]], batch: str, dice: random.Random, first: int = 0) -> pa.Table:
    """Rows with a place in the log and a salt."""
    for index, row in enumerate(rows, start=first):
        own = {"BatchId": batch, "LogId": LOG, "LogIndex": index, "ReceivedAt": DAY}
        row |= own | {"RecordSalt": dice.randbytes(16), "RetentionClass": "default"}
        # Not past: the store would let it go.
        row["ExpiresOn"] = date(2090, 1, 1) + timedelta(days=dice.randrange(3000))
    return pa.Table.from_pylist(rows, schema=pa.schema(FIELDS))


def _any(type: pa.DataType, dice: random.Random) -> Any:
    if pa.types.is_string(type):
        return dice.choice(TEXTS)
    if pa.types.is_uint8(type):
        return dice.choice((0, 1, 255))
    if pa.types.is_integer(type):
        return dice.choice(NUMBERS)
    if pa.types.is_timestamp(type):
        return dice.choice((0, 1, 1_795_000_000_123_456_789, 2**63 - 1))
    if pa.types.is_date(type):
        return 0
    if pa.types.is_map(type):
        keys = dice.sample(TEXTS[1:], dice.choice((0, 1, 5, 12)))
        return [(key, dice.choice(TEXTS)) for key in keys]
    if pa.types.is_struct(type):
        return {field.name: _any(field.type, dice) for field in type}
    if pa.types.is_list(type):
        return [_any(type.value_type, dice) for _ in range(dice.choice((0, 0, 1, 3)))]
    return b"\0" * type.byte_width


def of_file(store: Engine, table: pa.Table, path: Path) -> bytes:
    """Entries as the engine computes them."""
    write_batch(path, table, "b-1")
    return entries_of_file(store, path, filled(table))


def entries(data: bytes) -> list[bytes]:
    """One by one."""
    return [data[at : at + ENTRY_BYTES] for at in range(0, len(data), ENTRY_BYTES)]


@pytest.mark.parametrize("seed", range(3))
def test_two_implementations_agree(store: Engine, tmp_path: Path, seed: int) -> None:
    """Over generated records: from the file, from Python, and from the stored columns."""
    table = generated(300, seed)
    made = entries_of_table(table)
    assert len(made) == 300 * ENTRY_BYTES
    assert entries(of_file(store, table, tmp_path / "b.arrow")) == entries(made)
    store.command("TRUNCATE TABLE audit_records")
    write(store, table, f"b-{seed}")
    stored = entries_of_store(store, LOG, 0, 300)
    assert stored["RecordId"].to_pylist() == table["RecordId"].to_pylist()
    assert entries(joined(stored["Entry"])) == entries(made)


def test_a_thousand_keys_and_a_megabyte(store: Engine, tmp_path: Path) -> None:
    """Size changes nothing."""
    dice = random.Random(1)
    many = [(f"key {number:04} ü", str(number) * 3) for number in range(1000)]
    dice.shuffle(many)
    rows = [
        {field.name: _any(field.type, dice) for field in FIELDS} | {"SpanAttributes": many},
        {field.name: _any(field.type, dice) for field in FIELDS}
        | {"ToolArguments": "é\0" * 400_000},
        {field.name: _any(field.type, dice) for field in FIELDS} | {"SpanAttributes": many[::-1]},
    ]
    table = placed(rows, "b-1", dice)
    assert of_file(store, table, tmp_path / "b.arrow") == entries_of_table(table)


def test_the_order_of_a_map_means_nothing(store: Engine, tmp_path: Path) -> None:
    """Neither here nor there."""
    pairs = [("b", "1"), ("a", "2"), ("ä", "3"), ("\U0001f600", "4"), ("\uffff", "5")]
    rows = [{"SpanAttributes": pairs}, {"SpanAttributes": pairs[::-1]}]
    table = placed(rows, "b-1", random.Random(1))
    same = {name: [table[name][0].as_py()] * 2 for name in ("LogIndex", "RecordSalt", "ExpiresOn")}
    for name, values in same.items():
        index = table.schema.get_field_index(name)
        table = table.set_column(index, name, pa.array(values, table[name].type))
    one, two = entries(of_file(store, table, tmp_path / "b.arrow"))
    assert one == two == entries(entries_of_table(table))[0]


def test_a_key_that_stands_twice(store: Engine, tmp_path: Path) -> None:
    """Python has no canonical form of it; the engine's does not depend on the order."""
    pairs = [("a", "1"), ("a", "2"), ("b", "3")]
    dice = random.Random(1)
    made = []
    for each in (pairs, pairs[::-1]):
        table = placed([{"SpanAttributes": each}], "b-1", random.Random(5))
        made.append(of_file(store, table, tmp_path / f"{dice.random()}.arrow"))
        with pytest.raises(ValueInvalid):
            entries_of_table(table)
    assert made[0] == made[1]


def test_every_column_is_sealed_or_excused(store: Engine) -> None:
    """Each column of the live schema is in exactly one group, or on the list with a reason."""
    sql = (
        "SELECT name FROM system.columns WHERE database = currentDatabase() "
        "AND table = 'audit_records' AND default_kind = ''"
    )
    live = set(store.raw(sql, "TSVRaw").decode().split())
    grouped = [name for group in GROUPS for name in group.columns]
    assert len(grouped) == len(set(grouped))
    assert live == set(grouped) | set(UNSEALED)
    assert not set(grouped) & set(UNSEALED)
    assert set(SCHEMA.kinds) == set(grouped)
    assert {group.name for group in SCHEMA.groups} | {"core"} == {group.name for group in GROUPS}


@pytest.mark.parametrize("column", sorted(SCHEMA.kinds))
def test_changing_a_column_changes_the_entry(store: Engine, tmp_path: Path, column: str) -> None:
    """From its default, and from another value; of this record and of no other."""
    table = generated(3, 9)
    before = entries(of_file(store, table, tmp_path / "a.arrow"))
    type = table[column].type
    for fresh in _others(table[column][1].as_py(), type):
        values = [table[column][0].as_py(), fresh, table[column][2].as_py()]
        index = table.schema.get_field_index(column)
        changed = table.set_column(index, column, pa.array(values, type))
        made = entries_of_table(changed)
        after = entries(made)
        assert [a == b for a, b in zip(before, after, strict=True)] == [True, False, True], fresh
        if column != "LogIndex":  # the order of the engine's result
            assert of_file(store, changed, tmp_path / "b.arrow") == made


def _others(old: Any, type: pa.DataType) -> list[Any]:
    """Values that it does not have."""
    dice = random.Random(3)
    if pa.types.is_date(type):
        return [date(2001, 2, 3)]
    if pa.types.is_timestamp(type):
        return [DAY + timedelta(seconds=1)]
    found: list[Any] = []
    while len(found) < 2:
        value = _any(type, dice)
        if value != old and value not in found:
            found.append(value)
    return found


def test_an_erased_group_keeps_the_content(store: Engine) -> None:
    """Salts and commitments in place of values: the engine finds the entry that was sealed."""
    store.command("TRUNCATE TABLE audit_records")
    table = generated(20, 11)
    sealed = entries(entries_of_table(table))
    rows = table.to_pylist()
    values = {name: plain_values(table[name]) for name in SCHEMA.kinds}
    for at, row in enumerate(rows):
        _erase(row, {name: column[at] for name, column in values.items()}, ("user", "arguments"))
    extra = [
        pa.field(column.name, arrow_type(column.name, column.type))
        for column in PHYSICAL
        if column.source == "erasure"
    ]
    write(store, pa.Table.from_pylist(rows, schema=pa.schema([*FIELDS, *extra])), "b-11")
    assert entries_of_store(store, LOG, 0, 20).num_rows == 0
    found = entries_of_store(store, LOG, 0, 20, erased=True)
    assert entries(joined(found["Entry"])) == sealed
    assert "UserId" not in str(found.to_pylist())


def _erase(row: dict[str, Any], values: dict[str, object], groups: tuple[str, ...]) -> None:
    salts = derived_salts(row["RecordSalt"], SCHEMA)
    redacted = {name: group_commitment(values, salts[name], name, SCHEMA) for name in groups}
    redacted = {name: commitment for name, commitment in redacted.items() if commitment}
    kept = {name: salt for name, salt in salts.items() if name not in groups}
    for name in groups:
        for column in next(group.columns for group in GROUPS if group.name == name):
            row[column] = "" if BY_NAME[column].type.endswith("String)") else row[column]
            row[column] = "" if BY_NAME[column].type == "String" else row[column]
            values[column] = row[column]
    row |= {
        "RecordSalt": bytes(16),
        "GroupSalts": list(kept.items()),
        "Redacted": list(redacted.items()),
    }
    content = erased_digest(values, kept, redacted, SCHEMA)
    assert entry(0, 0, content)[6:] == content


@pytest.mark.parametrize("column", sorted({*SCHEMA.kinds} - {"RecordId", "LogId", "LogIndex"}))
def test_a_column_that_alone_holds_something_is_sealed(
    store: Engine, tmp_path: Path, column: str
) -> None:
    """The statement names what a batch holds, however little of it and in whatever row."""
    table = generated(60, 11)
    blank = generated(1, 11).schema.empty_table()
    names = {"RecordId", "LogId", "LogIndex", "RecordSalt", column}
    for at, field in enumerate(table.schema):
        if field.name not in names:
            table = table.set_column(at, field, defaults(field.type, table.num_rows))
    assert blank.schema == table.schema
    assert filled(table).keys() <= names | {"ExpiresOn"}
    assert of_file(store, table, tmp_path / "b.arrow") == entries_of_table(table)


def defaults(kind: pa.DataType, rows: int) -> pa.Array:
    """Values as the store gives them for columns that nothing was written to."""
    blank: object = 0
    if pa.types.is_string(kind):
        blank = ""
    elif pa.types.is_list(kind) or pa.types.is_map(kind):
        blank = []
    return pa.array([blank] * rows, kind)


def test_a_batch_without_values_fills_no_column() -> None:
    """Neither do no rows; kinds that are not known count as filled."""
    kinds = [pa.string(), pa.uint64(), pa.int32(), pa.date32(), pa.timestamp("ns", "UTC"),
             pa.list_(pa.string()), pa.map_(pa.string(), pa.string())]  # fmt: skip
    blank = {str(at): defaults(kind, 3) for at, kind in enumerate(kinds)}
    assert filled(pa.table(blank)) == {}
    assert filled(pa.table(blank).slice(0, 0)) == {}
    assert filled(pa.table({"x": pa.array([0.0])})) == {"x": Filling()}


_MAP = pa.map_(pa.string(), pa.string())


@pytest.mark.parametrize(
    ("values", "kind", "filling"),
    [
        ([b"ab", b"cd"], pa.binary(), Filling(always=True, length=2)),
        (["a", "bc"], pa.string(), Filling(always=True)),
        (["a", ""], pa.string(), Filling()),
        (["a", None], pa.string(), Filling()),
        ([10, 99], pa.uint64(), Filling(always=True, length=2)),
        ([9, 10], pa.uint64(), Filling(always=True)),
        ([-5, 5], pa.int32(), Filling()),
        ([-5, -4], pa.int32(), Filling(always=True)),
        ([["a"], ["b", "c"]], pa.list_(pa.string()), Filling(always=True)),
        ([[], ["b"]], pa.list_(pa.string()), Filling()),
        ([[("a", "b")], []], _MAP, Filling(ordered=True)),
        ([[("a", "b")], [("a", "d")]], _MAP, Filling(always=True, ordered=True)),
        ([[("b", "a"), ("é", "")], [("a", "d"), ("b", "d")]], _MAP, Filling(True, ordered=True)),
        ([[("a", "b")], [("b", ""), ("a", "")]], _MAP, Filling(always=True)),
        ([[("a", "b")], [("b", ""), ("b", "")]], _MAP, Filling(always=True)),
        ([[], [("a", ""), ("B", "")]], _MAP, Filling()),
    ],
    ids=str,
)
def test_what_is_known_of_a_column(
    values: list[object], kind: pa.DataType, filling: Filling
) -> None:
    """Only what is so in every row, and of part of a table what is so in that part."""
    column = pa.chunked_array([pa.array(values[:1], kind), pa.array(values[1:], kind)])
    assert filled(pa.table({"x": column}))["x"] == filling
    longer = pa.array([*values[:1], *values, *values[-1:]], kind).slice(1, len(values))
    assert filled(pa.table({"x": longer}))["x"] == filling


@pytest.mark.parametrize("seed", range(4))
def test_columns_that_are_never_empty_and_equally_long(
    store: Engine, tmp_path: Path, seed: int
) -> None:
    """Copies of one record: every column that it fills is filled in all, and as long."""
    table = pa.concat_tables([generated(12, seed).slice(seed, 1)] * 3)
    assert any(found.length for found in filled(table).values())
    assert of_file(store, table, tmp_path / "b.arrow") == entries_of_table(table)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("unordered", [None, 39, 0])
def test_maps_in_order_are_not_sorted(
    store: Engine, tmp_path: Path, seed: int, unordered: int | None
) -> None:
    """In all rows, or in all but one wherever it stands: the entries are those of any order."""
    table, dice = generated(40, seed), random.Random(seed)
    places = [at for at, field in enumerate(table.schema) if pa.types.is_map(field.type)]
    for at in places:
        rows = [sorted(row) for row in table.column(at).to_pylist()]
        if unordered is not None:
            rows[unordered] = [("b", dice.choice(TEXTS)), ("a", "1"), ("ab", "2")]
        table = table.set_column(at, table.schema[at], pa.array(rows, table.schema[at].type))
    found = filled(table)
    assert {found[table.schema[at].name].ordered for at in places} == {unordered is None}
    assert of_file(store, table, tmp_path / "b.arrow") == entries_of_table(table)


def test_types_without_a_canonical_form() -> None:
    """They are refused when the statement is made, not when a record comes."""
    with pytest.raises(ValueError, match="Cost: no canonical form for type Decimal"):
        value("Cost", "Decimal(10, 2)")
    with pytest.raises(ValueError, match="member of type UInt8"):
        value("Pairs", "Array(Tuple(A UInt8))")


def test_the_statement_names_what_it_reads() -> None:
    """Every sealed column stands in it; erased columns only in the one for erased records."""
    fresh, erased = (content_statement("t", columns="1", erased=each) for each in (False, True))
    for column in SCHEMA.kinds:
        assert f"`{column}`" in fresh
    assert "Redacted" not in fresh and "Redacted" in erased
    assert "`RecordSalt` FixedString(16)" in structure(PHYSICAL)
