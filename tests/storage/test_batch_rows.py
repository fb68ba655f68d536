"""What the store has of a batch is told row by row, not by numbers that may agree by chance."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from auditspan.storage.batch_rows import BatchRows, stored
from auditspan.storage.engine import Engine

BatchOf = Callable[..., pa.Table]
_ID = "i-1795000000000-00000001"
_SALTS = [bytes([row]) * 16 for row in range(5)]


def _rows(places: list[int], salts: list[bytes], log: str = "log") -> dict[str, Any]:
    """What was found in a store."""
    return {
        "LogId": pa.array([log] * len(places)),
        "LogIndex": pa.array(places, pa.uint64()),
        "RecordSalt": pa.array(salts, pa.binary(16)),
        "Day": pa.array([0] * len(places), pa.int32()),
    }


@pytest.fixture
def wanted(batch: BatchOf) -> BatchRows:
    """Three rows at the places 7, 8 and 9; the table has them in another order."""
    rows = batch(3, _ID, LogId=["log"] * 3)
    rows = rows.append_column("LogIndex", pa.array([8, 7, 9], pa.uint64()))
    return BatchRows.of(rows.append_column("RecordSalt", pa.array(_SALTS[:3], pa.binary(16))))


class Asked:
    """An engine that is not to be asked."""

    def raw(self, *arguments: object) -> bytes:
        raise AssertionError("nothing is missing that could be past its day")


def _are(wanted: BatchRows, **found: Any) -> bool:
    engine: Any = Asked()
    return wanted.are(pa.table(found), engine)


def test_the_same_rows_in_any_order(wanted: BatchRows) -> None:
    """Each place with its salt."""
    assert _are(wanted, **_rows([9, 7, 8], [_SALTS[2], _SALTS[1], _SALTS[0]]))


@pytest.mark.parametrize(
    ("places", "salts", "log"),
    [
        ([7, 8, 9], [0, 1, 2], "log"),  # two salts changed places: their sum is the same
        ([7, 7, 9], [1, 1, 2], "log"),  # one place twice instead of another
        ([7, 8, 9, 9], [1, 0, 2, 2], "log"),
        ([7, 8, 9, 10], [1, 0, 2, 3], "log"),
        ([6, 8, 9], [1, 0, 2], "log"),
        ([7, 8, 9], [1, 0, 2], "another log"),
        ([7, 8, 9], [1, 0, 3], "log"),
    ],
)
def test_any_other_row_is_not_this_batch(
    wanted: BatchRows, places: list[int], salts: list[int], log: str
) -> None:
    """As many as there should be, or more."""
    assert not _are(wanted, **_rows(places, [_SALTS[at] for at in salts], log))


def test_salts_that_end_in_zeros_come_back_whole(migrated: Engine, batch: BatchOf) -> None:
    """All sixteen bytes of each are compared."""
    rows = batch(2, _ID, LogId=["log"] * 2)
    rows = rows.append_column("LogIndex", pa.array([0, 1], pa.uint64()))
    salts = pa.array([b"\1" + bytes(15), bytes(16)], pa.binary(16))
    rows = rows.append_column("RecordSalt", salts)
    migrated.insert("audit_records", rows)
    assert BatchRows.of(rows).are(stored(migrated, _ID), migrated)
    other = pa.array([b"\1" + bytes(14) + b"\1", bytes(16)], pa.binary(16))
    changed = rows.set_column(rows.column_names.index("RecordSalt"), "RecordSalt", other)
    assert not BatchRows.of(changed).are(stored(migrated, _ID), migrated)
