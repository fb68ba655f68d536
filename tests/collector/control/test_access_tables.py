"""A `store.read` record becomes one row of the access log, and one record."""

from collections.abc import Iterator
from typing import Any

import pytest

from auditspan.collector.control.access_tables import SCHEMA, TABLE, tables
from auditspan.collector.control.derive import Frame, batch
from auditspan.collector.control.derived_tables import DERIVERS
from auditspan.collector.control.records import STORE_READ, ControlRecord, Party, Why
from auditspan.collector.engine.dead_letters import insert_once
from auditspan.identity.principal import named_principal
from auditspan.storage.engine import Engine
from tests.migrated import migrated_store

AT = 1_767_225_600_123_456_789
BODY: dict[str, Any] = {
    "id": "0af7", "reader": "person:ivan", "roles": ["investigator"], "address": "10.0.0.7",
    "interface": "report", "report": "trace 0af7", "client": "auditspan/0.1",
    "statement": "SELECT * FROM audit WHERE TraceId = {id:String}", "statement_hash": "sha256:1",
    "params": {"id": "0af7"}, "cut": False, "tables": ["audit"], "content": True,
    "since": "2026-01-01", "until": "", "rows": 7, "bytes": 900, "duration_ns": 12, "code": 0,
    "repeats": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A migrated store."""
    engine = migrated_store(tmp_path_factory.mktemp("access") / "store")
    yield engine
    engine.close()


def frame(body: dict[str, Any] = BODY, kind: str = STORE_READ) -> Frame:
    """The frame of a read."""
    record = ControlRecord(
        kind=kind,
        at_ns=AT,
        why=Why(requested_by="person:ivan"),
        body=body,
        requester=Party(principal="person:ivan", method="api_key", credential="k1"),
    )
    principal = named_principal("person:ivan", "api_key", "k1", "10.0.0.7", 0)
    return Frame.read(AT + 5, "sha256:d", principal.to_json(), record.to_json())


def test_a_read_is_a_row_with_everything_that_is_known(engine: Engine) -> None:
    """Who, how proved, from where, what, how much, and when to the nanosecond."""
    found = tables([frame(), frame(kind="key.issued")], "i-1-00000009")
    assert list(found) == [TABLE]
    for _ in range(2):
        # A batch that is processed again after a crash.
        insert_once(engine, TABLE, found[TABLE], "i-1-00000009")
    [row] = engine.arrow("SELECT * FROM access_log").to_pylist()
    assert set(row) == set(SCHEMA.names)
    assert (row["Reader"], row["Method"], row["Credential"]) == ("person:ivan", "api_key", "k1")
    assert row["ReadAt"].value == AT
    assert dict(row["Params"]) == {"id": "0af7"}
    assert (row["Rows"], row["Bytes"], row["Content"], row["Tables"]) == (7, 900, True, ["audit"])


def test_a_read_is_a_record_of_kind_control() -> None:
    """The reader is its user; what was read lies in the erasable body alone."""
    made = batch([frame()])
    [row] = made.table.to_pylist()
    assert (row["RecordKind"], row["Operation"], row["UserId"]) == (
        "control", "store.read", "person:ivan",
    )  # fmt: skip
    assert row["PrincipalId"] == "person:ivan"
    assert BODY["statement"] not in str(row)
    assert BODY["statement"] in made.derived["audit.control.body"][0].as_py()


def test_a_body_of_another_shape_makes_a_row_all_the_same() -> None:
    """A frame that was acknowledged is never lost for a value in it."""
    odd = {"id": 7, "roles": "reader", "params": ["x"], "rows": -1, "tables": [1], "cut": "yes"}
    [row] = tables([frame(odd)], "b")[TABLE].to_pylist()
    assert (row["ReadId"], row["Roles"], row["Params"], row["Rows"], row["Cut"]) == (
        "", [], [], 0, False,
    )  # fmt: skip


def test_the_access_log_is_one_of_the_derived_tables() -> None:
    """The pipeline fills it."""
    assert tables in DERIVERS


def test_old_stores_get_the_new_columns(engine: Engine) -> None:
    """The migration adds columns to the table of 0002 in every store."""
    names = engine.arrow("DESCRIBE TABLE access_log").column("name").to_pylist()
    assert set(names) == set(SCHEMA.names)
