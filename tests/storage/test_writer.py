"""A batch is in the store exactly once, whatever happened before."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from auditspan.integrity.canonical import entry
from auditspan.storage.batch_file import read_batch, write_batch
from auditspan.storage.engine import Engine
from auditspan.storage.errors import BatchFileInvalid, WriteMismatch
from auditspan.storage.sealing.seal_file import Seal
from auditspan.storage.sealing.seals import put_entries, read_entries
from auditspan.storage.writer import count, finish, finish_sealed, write

BatchOf = Callable[..., pa.Table]
_ID = "i-1795000000000-00000001"


def _parts(engine: Engine) -> int:
    sql = (
        "SELECT count() FROM system.parts WHERE active AND table = 'audit_records' "
        "AND database = currentDatabase()"
    )
    return int(engine.raw(sql))


def test_a_batch_is_one_part_and_is_not_written_twice(migrated: Engine, batch: BatchOf) -> None:
    """The second time finds the full count and inserts nothing."""
    rows = batch(100, _ID)
    first, second = write(migrated, rows, _ID), write(migrated, rows, _ID)
    assert (first.rows, first.inserted, first.repaired) == (100, True, False)
    assert (second.rows, second.inserted) == (100, False)
    assert count(migrated, _ID) == 100
    assert _parts(migrated) == 1


def test_classes_and_days_are_parts_of_their_own(migrated: Engine, batch: BatchOf) -> None:
    """Two retention classes, received on both sides of midnight: four parts, no row lost."""
    midnight = datetime(2026, 11, 26, tzinfo=UTC)
    times = [midnight - timedelta(seconds=1), midnight] * 4
    rows = batch(
        8, _ID, ReceivedAt=times, RetentionClass=["default", "default", "long", "long"] * 2
    )
    assert write(migrated, rows, _ID).rows == 8
    assert _parts(migrated) == 4


def test_the_largest_request_is_one_row_that_fits(migrated: Engine, batch: BatchOf) -> None:
    """A span of 60 MB, its text in two columns, is stored within the default memory."""
    text = "A" * 60_000_000
    rows = batch(1, _ID, ToolArguments=[text], SpanAttributes=[[("arguments", text)]])
    assert write(migrated, rows, _ID).rows == 1
    assert _parts(migrated) == 1


def test_more_rows_than_one_insert_takes_are_stored_once(migrated: Engine, batch: BatchOf) -> None:
    """A request of 100,000 spans goes in by pieces; what is left of it is repaired as a whole."""
    text = ["A" * 900] * 100_000
    rows = batch(
        100_000, _ID, ToolArguments=text, Summary=text, SpanAttributes=[[("a", text[0])]] * 100_000
    )
    assert write(migrated, rows.slice(0, 20_000), _ID).rows == 20_000
    written = write(migrated, rows, _ID)
    assert (written.rows, written.repaired) == (100_000, True)
    assert int(migrated.raw("SELECT uniqExact(RecordId) FROM audit_records")) == 100_000


@pytest.mark.parametrize("there", [1, 99])
def test_a_part_of_a_batch_is_replaced_by_the_whole(
    migrated: Engine, batch: BatchOf, there: int
) -> None:
    """What a crash left of this batch goes; other batches stay."""
    rows = batch(100, _ID)
    write(migrated, batch(5, "i-2-00000002"), "i-2-00000002")
    migrated.insert("audit_records", rows.slice(0, there))
    written = write(migrated, rows, _ID)
    assert (written.rows, written.repaired) == (100, True)
    assert count(migrated, "i-2-00000002") == 5


def test_a_batch_that_is_there_twice_is_repaired(migrated: Engine, batch: BatchOf) -> None:
    """An excess count is wrong as well."""
    rows = batch(10, _ID)
    for _ in range(2):
        migrated.insert("audit_records", rows)
    assert write(migrated, rows, _ID).repaired
    assert count(migrated, _ID) == 10


def test_a_first_attempt_counts_afterwards_only(migrated: Engine, batch: BatchOf) -> None:
    """If something was there all the same, it is found, and the next attempt repairs it."""
    rows = batch(10, _ID)
    assert write(migrated, rows, _ID, first=True).inserted
    with pytest.raises(WriteMismatch):
        write(migrated, rows, _ID, first=True)
    written = write(migrated, rows, _ID)
    assert (written.rows, written.repaired) == (10, True)


def test_a_first_attempt_at_entries_compares_afterwards_only(migrated: Engine) -> None:
    """As with rows."""
    entries = b"".join(entry(0, day, bytes([day]) * 32) for day in range(1, 4))
    put_entries(migrated, "log", 5, entries, first=True)
    with pytest.raises(WriteMismatch):
        put_entries(migrated, "log", 5, entries, first=True)
    put_entries(migrated, "log", 5, entries)
    assert read_entries(migrated, "log", 5, 8) == entries


def test_rows_of_another_batch_are_a_mismatch(migrated: Engine, batch: BatchOf) -> None:
    """Counted after the insert; the sender of the batch tries again."""
    with pytest.raises(WriteMismatch) as error:
        write(migrated, batch(10, "i-2-00000002"), _ID)
    assert error.value.retryable


class Expiring:
    """An engine that lets go at once what is past its day, as a merge in the background may."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def insert(self, *arguments: Any) -> None:
        self.engine.insert(*arguments)
        self.engine.command("OPTIMIZE TABLE audit_records FINAL")


def _salted(rows: pa.Table, past: int, word: int = 1) -> pa.Table:
    """Sealed rows, the first of which are long past their day."""
    days = [date(2020, 1, 1)] * past + [date(2100, 1, 1)] * (rows.num_rows - past)
    salts = [bytes([word, row]) * 8 for row in range(rows.num_rows)]
    return (
        rows.append_column("ExpiresOn", pa.array(days, pa.date32()))
        .append_column("LogId", pa.array(["log"] * rows.num_rows))
        .append_column("LogIndex", pa.array(range(rows.num_rows), pa.uint64()))
        .append_column("RecordSalt", pa.array(salts, pa.binary(16)))
    )


@pytest.mark.parametrize("past", [1, 3, 4])
def test_rows_past_their_day_may_be_gone_before_they_are_counted(
    migrated: Engine, batch: BatchOf, past: int
) -> None:
    """The batch is stored all the same, once, and again after a crash; the others are all there."""
    engine = Expiring(migrated)
    rows = _salted(batch(4, _ID), past)
    assert write(engine, rows, _ID).rows == 4 - past
    assert write(engine, rows, _ID).rows == 4 - past
    found = migrated.arrow("SELECT LogIndex FROM audit_records ORDER BY LogIndex")
    assert found["LogIndex"].to_pylist() == list(range(past, 4))


def test_rows_past_their_day_excuse_no_others(migrated: Engine, batch: BatchOf) -> None:
    """Neither a live one that is missing, nor one of another seal, past or not."""
    migrated.command("ALTER TABLE audit_records REMOVE TTL")  # stopping its merges is not enough
    rows = _salted(batch(6, _ID), 3)
    for there in (rows.slice(0, 5), _salted(batch(6, _ID), 3, word=2).slice(0, 1)):
        migrated.command("TRUNCATE TABLE audit_records")
        migrated.insert("audit_records", there)
        written = write(migrated, rows, _ID)
        assert (written.rows, written.repaired) == (6, True)
    migrated.command("TRUNCATE TABLE audit_records")
    migrated.insert("audit_records", rows.slice(1))
    assert (write(migrated, rows, _ID).rows, write(migrated, rows, _ID).inserted) == (5, False)


@pytest.mark.parametrize(("days", "done"), [((20, 20), True), ((20, 99_999), False)])
def test_a_damaged_file_whose_rows_are_past_their_day_is_not_needed(
    migrated: Engine, tmp_path: Path, days: tuple[int, ...], done: bool
) -> None:
    """They would be gone anyway; what was sealed of them is put into the log."""
    entries = b"".join(entry(0, day, bytes(32)) for day in days)
    seal = Seal(_ID, "log", 0, entries, len(days), 0, (), 0, ())
    if not done:
        with pytest.raises(BatchFileInvalid):
            finish_sealed(migrated, tmp_path / "none.arrow", seal)
        return
    assert finish_sealed(migrated, tmp_path / "none.arrow", seal).rows == 0
    assert read_entries(migrated, "log", 0, 2) == entries


def test_an_empty_batch_is_done_at_once(migrated: Engine, batch: BatchOf) -> None:
    """Nothing to insert, nothing to count."""
    assert write(migrated, batch(0, _ID), _ID).rows == 0


@pytest.mark.parametrize("batch_id", ["", "a'b", "a%b", "x" * 200])
def test_a_batch_id_that_could_be_sql_is_refused(
    migrated: Engine, batch: BatchOf, batch_id: str
) -> None:
    """It stands in statements and file names."""
    with pytest.raises(ValueError, match="batch id"):
        write(migrated, batch(1, "x"), batch_id)


def test_a_batch_file_can_be_finished_again_and_again(
    migrated: Engine, batch: BatchOf, tmp_path: Path
) -> None:
    """It comes back as it was written, private, and the store has it once."""
    path = tmp_path / f"{_ID}.arrow"
    rows = batch(100, _ID, SpanAttributes=[[("k", "v")]] * 100)
    write_batch(path, rows, _ID)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.glob(".*.new")) == []
    assert read_batch(path).table.equals(rows)
    assert finish(migrated, path).inserted
    assert not finish(migrated, path).inserted
    assert count(migrated, _ID) == 100


@pytest.mark.parametrize("cut", [0, 10, 500, -1])
def test_a_torn_batch_file_is_invalid(batch: BatchOf, tmp_path: Path, cut: int) -> None:
    """It is never read in part."""
    path = tmp_path / f"{_ID}.arrow"
    write_batch(path, batch(100, _ID), _ID)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BatchFileInvalid, match=_ID):
        read_batch(path)


def test_a_batch_file_of_another_version_is_invalid(tmp_path: Path) -> None:
    """The error says which version came and what to do."""
    path = tmp_path / "other.arrow"
    table = pa.table({"a": [1]}).replace_schema_metadata({"auditspan.batch": "1"})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(BatchFileInvalid, match="version 1, expected 2"):
        read_batch(path)
