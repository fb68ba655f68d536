"""An erased group is nowhere in the store's files, and the record still has its entry."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from auditspan.integrity.canonical import ENTRY_BYTES, derived_salt, group_commitment
from auditspan.integrity.sealed_columns import SCHEMA
from auditspan.processors.entries import entries_of_table, plain_values
from auditspan.storage.engine import Engine
from auditspan.storage.erased_batch import blanked, left_of
from auditspan.storage.erasure import ERASABLE, erase, erased, remaining
from auditspan.storage.old_parts import drop_old_parts
from auditspan.storage.sealing.entries import entries_of_store, joined
from auditspan.storage.sealing.seals import put_entries
from auditspan.storage.writer import write
from tests.migrated import migrated_store
from tests.storage.sealing.test_entries import LOG, generated

SECRET = "violet-heron-4711"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the store."""
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[Engine]:
    """A store of its own, whose files can be searched."""
    engine = migrated_store(folder)
    # The generated records have any day of expiry.
    engine.command("ALTER TABLE audit_records REMOVE TTL")
    yield engine
    engine.close()


def filled(store: Engine, rows: int = 20) -> pa.Table:
    """Sealed records, of which each holds the secret in arguments and in a map."""
    table = generated(rows, 7)
    planted = {
        "RecordId": [f"record-{at}" for at in range(rows)],
        "ToolArguments": [SECRET] * rows,
        "SpanAttributes": [[("k", SECRET)]] * rows,
    }
    for name, values in planted.items():
        kind, at = table.schema.field(name).type, table.column_names.index(name)
        table = table.set_column(at, name, pa.array(values, kind))
    write(store, table, "b-7")
    put_entries(store, LOG, 0, entries_of_table(table))
    return table


def found(folder: Path) -> list[str]:
    """Files that hold the secret."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET.encode() in path.read_bytes()]


def ids_of(table: pa.Table, *places: int) -> list[str]:
    """Ids of records."""
    ids: list[str] = table["RecordId"].to_pylist()
    return [ids[at] for at in places]


def entry_of(store: Engine, index: int, *, is_erased: bool) -> bytes:
    """What a stored record's entry is, computed anew."""
    return joined(entries_of_store(store, LOG, index, index + 1, erased=is_erased)["Entry"])


def test_an_erased_group_keeps_its_commitment(store: Engine) -> None:
    """It is the one that Python computes of the values that were there; the entry fits."""
    table = filled(store)
    sealed = entries_of_table(table)
    first, second = ids_of(table, 3, 5)
    erase(store, ["arguments", "user"], [first, second])
    for index, record_id in ((3, first), (5, second)):
        values = {name: plain_values(table[name])[index] for name in SCHEMA.kinds}
        salt = table["RecordSalt"][index].as_py()
        wanted = {
            name: group_commitment(values, derived_salt(salt, name), name, SCHEMA)
            for name in ("arguments", "user")
        }
        [left] = erased(store, [record_id])
        assert left.commitments == {name: hash for name, hash in wanted.items() if hash}
        assert (left.log_index, left.fits) == (index, True)
        own = sealed[index * ENTRY_BYTES : (index + 1) * ENTRY_BYTES]
        assert entry_of(store, index, is_erased=True) == own
    assert entry_of(store, 4, is_erased=False) == sealed[4 * ENTRY_BYTES : 5 * ENTRY_BYTES]


def test_a_second_erasure_of_a_record_adds_to_the_first(store: Engine) -> None:
    """And doing the same again changes nothing."""
    table = filled(store)
    [record_id] = ids_of(table, 0)
    erase(store, ["arguments"], [record_id])
    [before] = erased(store, [record_id])
    erase(store, ["arguments"], [record_id])
    assert erased(store, [record_id]) == [before]
    erase(store, ["attributes", "text"], [record_id])
    [after] = erased(store, [record_id])
    assert after.fits
    assert before.commitments.items() < after.commitments.items()
    salts = store.arrow(
        "SELECT mapKeys(GroupSalts) AS Names FROM audit_records WHERE RecordId = {id:String}",
        {"id": record_id},
    )["Names"][0].as_py()
    assert set(salts) == {"core", *ERASABLE} - {"arguments", "attributes", "text"}


def salt_before_zero(group: str) -> bytes:
    """A record's salt of which a group's own ends with a zero byte."""
    salts = (number.to_bytes(16) for number in range(1, 1 << 16))
    return next(salt for salt in salts if derived_salt(salt, group)[-1] == 0)


@pytest.mark.parametrize("group", ["core", *sorted(ERASABLE - {"arguments"})])
def test_a_salt_that_ends_with_zero_is_kept_whole(store: Engine, group: str) -> None:
    """The engine's `toString` cuts such zeros; of one record in twenty a salt ends so."""
    table = generated(3, 7)
    at, salts = table.column_names.index("RecordSalt"), [salt_before_zero(group)] * 3
    kind = table.schema.field("RecordSalt").type
    table = table.set_column(at, "RecordSalt", pa.array(salts, kind))
    write(store, table, "b-7")
    put_entries(store, LOG, 0, entries_of_table(table))
    [record_id] = ids_of(table, 1)
    erase(store, ["arguments"], [record_id])
    assert [left.fits for left in erased(store, [record_id])] == [True]
    if group != "core":
        erase(store, [group], [record_id])
        [left] = erased(store, [record_id])
        values = {name: plain_values(table[name])[1] for name in SCHEMA.kinds}
        wanted = group_commitment(values, derived_salt(salts[1], group), group, SCHEMA)
        assert (left.commitments.get(group, b""), left.fits) == (wanted, True)


def test_every_group_can_be_erased(store: Engine) -> None:
    """Also all at once."""
    table = filled(store)
    [record_id] = ids_of(table, 1)
    erase(store, sorted(ERASABLE), [record_id])
    assert [left.fits for left in erased(store, [record_id])] == [True]


def test_the_value_is_in_no_file(store: Engine, folder: Path) -> None:
    """Neither in replaced parts, nor in the text of the mutation."""
    table = filled(store, 5)
    assert found(folder)
    erase(store, ["arguments", "attributes"], ids_of(table, 0, 1, 2, 3, 4))
    drop_old_parts(store, ["audit_records"])
    assert found(folder) == []
    assert store.raw("SELECT count() FROM audit_records WHERE ActionType != ''") != b""


def test_what_is_left_is_named(store: Engine) -> None:
    """Before the erasure the record holds something, and its salt."""
    table = filled(store, 3)
    ids = ids_of(table, 0, 1, 2)
    erase(store, ["arguments"], ids[:1])
    assert remaining(store, ["arguments"], ids) == sorted(ids[1:])
    assert remaining(store, ["attributes"], ids[:1]) == ids[:1]


def test_the_core_and_unknown_groups_are_refused(store: Engine) -> None:
    """What proofs are made of stays."""
    for groups in (["core"], ["arguments", "nothing"], []):
        with pytest.raises(ValueError, match="groups: expected some of"):
            erase(store, groups, ["r"])


def test_a_batch_without_what_was_erased_is_the_batch_in_the_store(store: Engine) -> None:
    """Written again it is there already: nothing comes back, nothing is replaced."""
    table = filled(store, 6)
    ids = ids_of(table, 2, 4)
    erase(store, ["arguments"], ids)
    erase(store, ["attributes"], ids[:1])
    groups = {ids[0]: ["arguments", "attributes"], ids[1]: ["arguments"]}
    fresh = blanked(table, groups, left_of(store, ids))
    assert [row == "" for row in fresh["ToolArguments"].to_pylist()] == [
        at in (2, 4) for at in range(6)
    ]
    done = write(store, fresh, "b-7")
    assert (done.rows, done.inserted, done.repaired) == (6, False, False)
    assert blanked(fresh, groups, left_of(store, ids)).equals(fresh)
    store.command("ALTER TABLE audit_records DELETE WHERE 1 SETTINGS mutations_sync = 2")
    assert write(store, fresh, "b-7").inserted
    assert [left.fits for left in erased(store, ids)] == [True, True]
