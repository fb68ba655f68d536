"""The columns of the seal, and entries of small batches."""

import numpy as np
import pyarrow as pa
import pytest

from auditspan.integrity.canonical import ENTRY_BYTES, entry, record_digest
from auditspan.integrity.sealed_columns import SCHEMA
from auditspan.processors.entries import entries_of_table, plain_values
from auditspan.processors.finish import RANDOM_BYTES, finish
from auditspan.processors.seal import SALT_BYTES, Place, seal
from auditspan.semconv.columns import PHYSICAL
from tests.processors.samples import NOW, spans

PLACE = Place("local/auditspan/default/abcd1234/2026-11", 7, NOW)
SALTS = bytes(range(2 * SALT_BYTES))


def sealed(salts: bytes = SALTS) -> pa.Table:
    """Two records in their place."""
    batch = spans({"a": "1"}, {"b": "é"})
    done = finish(batch, "i-1-00000001", np.random.default_rng(7).bytes(RANDOM_BYTES * 2))
    return seal(done, PLACE, salts)


def test_every_record_gets_its_place() -> None:
    """Indices in order, one time, a salt each; all columns but those that an erasure fills."""
    table = sealed()
    names = [column.name for column in PHYSICAL if column.source != "erasure"]
    assert table.column_names == names
    assert table["LogId"].to_pylist() == [PLACE.log_id] * 2
    assert table["LogIndex"].to_pylist() == [7, 8]
    assert table["SealedAt"].cast(pa.int64()).to_pylist() == [NOW] * 2
    assert table["RecordSalt"].to_pylist() == [SALTS[:16], SALTS[16:]]
    table.validate(full=True)


def test_salts_are_counted() -> None:
    """A record without a salt of its own would share one."""
    with pytest.raises(ValueError, match="salts have 31 bytes, expected 32"):
        sealed(SALTS[:-1])


def test_an_entry_is_that_of_the_record() -> None:
    """The same as of the record alone, value by value."""
    table = sealed()
    columns = {name: plain_values(table[name]) for name in SCHEMA.kinds}
    made = entries_of_table(table)
    assert len(made) == 2 * ENTRY_BYTES
    for row in range(2):
        values = {name: column[row] for name, column in columns.items()}
        content = record_digest(values, SALTS[16 * row : 16 * row + 16], SCHEMA)
        day = values["ExpiresOn"]
        assert isinstance(day, int)
        assert made[row * ENTRY_BYTES :][:ENTRY_BYTES] == entry(0, day, content)
