"""What is changed on a stopped collector lies in its spool as segments that the engine reads."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.collector import data_dir
from auditspan.collector.control.derive import Frame
from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.collector.control.stopped import operator, submitting
from auditspan.collector.data_dir import DataDir
from auditspan.storage.decode import decode_controls
from auditspan.storage.engine import Engine, open_memory
from auditspan.wire.segments import closed_segments

NOW = 1_800_000_000_123_456_789


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine that reads segments."""
    made = open_memory()
    yield made
    made.close()


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """An empty data folder."""
    return data_dir.prepare(tmp_path / "data")


def record(ticket: str) -> str:
    """The text of a control record."""
    why = Why(requested_by="ann", ticket=ticket)
    return ControlRecord(kind="key.issued", at_ns=NOW, why=why, body={"id": "größer"}).to_json()


def submit(data: DataDir, *texts: str, now: int = NOW) -> list[Path]:
    """Write records; gives the closed segments in order, and none is left open."""

    async def all_of_them() -> None:
        with submitting(data, lambda: now) as put:
            for text in texts:
                await put(text)

    asyncio.run(all_of_them())
    assert not list(data.folder("spool").glob("*.open"))
    return closed_segments(data.folder("spool"))


def test_the_engine_reads_what_was_written(data: DataDir, engine: Engine) -> None:
    """Time, principal, digest and text arrive as they were given."""
    [segment] = submit(data, record("T-1"))
    [read] = decode_controls(engine, segment)
    assert read.received_at == NOW
    assert json.loads(read.principal)["id"].startswith("operator:")
    assert read.body == record("T-1")
    frame = Frame.read(read.received_at, read.digest, read.principal, read.body)
    assert frame.record.body["id"] == "größer"
    assert read.digest.startswith("sha256:")


def test_a_long_record_is_read_too(data: DataDir, engine: Engine) -> None:
    """A bundle has megabytes."""
    text = record("T").replace("größer", "x" * 3_000_000)
    [segment] = submit(data, text)
    assert decode_controls(engine, segment)[0].body == text


def test_segments_are_named_in_the_order_of_creation(data: DataDir, engine: Engine) -> None:
    """Within one millisecond, and after a clock that was set back."""
    submit(data, record("1"), record("2"))
    segments = submit(data, record("3"), now=NOW - 10**12)
    assert all(path.name.startswith(data.instance + "-") for path in segments)
    tickets = [json.loads(decode_controls(engine, s)[0].body)["why"]["ticket"] for s in segments]
    assert tickets == ["1", "2", "3"]


def test_a_spool_that_cannot_be_written_is_retryable(data: DataDir) -> None:
    """Nothing is left behind."""
    spool = data.folder("spool")
    spool.rmdir()
    with pytest.raises(ControlUnavailable, match="nothing changed"):
        submit(data, record("T"))
    assert not spool.exists()


def test_the_operator_is_the_user_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container's user without a name has a number."""
    monkeypatch.setenv("LOGNAME", "dana")
    assert operator().id == "operator:dana"
