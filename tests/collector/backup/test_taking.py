"""Snapshots of a running collector: one at a time, for as long as somebody reads."""

import asyncio
import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from auditspan.collector.backup.client import reading
from auditspan.collector.backup.errors import BackupInterrupted
from auditspan.collector.backup.snapshot import frozen_of, opened
from auditspan.collector.backup.taking import Backups
from auditspan.collector.control.errors import (
    ControlForbidden,
    ControlUnavailable,
    NotFound,
)
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.records import Why
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.engine.messages import GoOn, Message, Pause, Paused, Start
from auditspan.collector.engine.pausing import Pauses, Pausing
from auditspan.collector.engine_process import EngineProcess
from auditspan.storage.engine import Engine
from auditspan.storage.freezing import thaw
from tests.collector.control.callers import CAROL, OLGA, Spool
from tests.migrated import migrated_store


@dataclass(slots=True)
class NearEngine(EngineProcess):
    """An engine in a thread of this process: messages go through queues instead of pipes."""

    pauses: Pauses = field(default_factory=queue.SimpleQueue)
    ended: int = 0

    async def _send(self, message: Message) -> bool:
        if isinstance(message, Pause):
            self.pauses.put(message)
        elif isinstance(message, GoOn):
            self.ended += 1
            self.pauses.put(None)
        return True


@dataclass
class House:
    """What a backup needs of a running collector."""

    data: DataDir
    store: Engine
    spool: Spool = field(default_factory=Spool)
    longest: float = 10.0
    messages: list[Message] = field(default_factory=list)

    def backups(self, look_seconds: float = 60.0) -> tuple[Backups, NearEngine]:
        """In the loop that runs."""
        engine = NearEngine(Start("", {}, b"", {}, ""), lambda message: None)
        engine.ready.set()
        journal = Journal(Versions(self.data.folder("registry")), self.spool.submit)
        made = Backups(self.data, engine, None, journal, look_seconds)
        loop = asyncio.get_running_loop()

        def send(message: Message) -> None:
            self.messages.append(message)
            if isinstance(message, Paused):
                loop.call_soon_threadsafe(made.on_paused, message)

        pausing = Pausing(self.store, None, engine.pauses, send, self.longest)
        self.pausing = pausing
        return made, engine

    async def begin(self, backups: Backups) -> dict[str, object]:
        """Ask, while the engine looks."""
        looking = threading.Thread(target=_look, args=(self.pausing,), daemon=True)
        looking.start()
        try:
            return dict(await backups.begin(OLGA, secrets_too=False))
        finally:
            await asyncio.to_thread(looking.join)


def _look(pausing: Pausing) -> None:
    for _ in range(1_000):
        if not pausing.asked.empty():
            pausing.tick()
            return
        threading.Event().wait(0.01)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A data folder with a store."""
    data = prepare(tmp_path / "data")
    store = migrated_store(data.folder("store"))
    yield House(data, store)
    store.close()


def left(data: DataDir) -> list[str]:
    """What snapshots have left."""
    return sorted(str(path.relative_to(data.root)) for path in data.root.glob("backup/*"))


def test_a_snapshot_is_taken_read_ended_and_sealed(house: House) -> None:
    """One at a time; at its end nothing of it is left, and a record says who has the copy."""

    async def run() -> None:
        backups, engine = house.backups()
        told = await house.begin(backups)
        id, tables = str(told["id"]), told["tables"]
        assert isinstance(tables, dict) and "audit_records" in tables
        assert engine.ended == 1, "the pipeline goes on before anybody has read"
        snapshot = opened(house.data, id, frozen_of(id, tables))
        assert (snapshot.taken.running, snapshot.taken.store) == (True, "embedded")
        assert "instance" in dict(snapshot.members())
        with pytest.raises(ControlUnavailable, match="is under way"):
            await backups.begin(OLGA, secrets_too=False)
        with pytest.raises(NotFound):
            await backups.end("0" * 16, {}, Why(), OLGA)
        await backups.end(id, {"id": "sha256:00", "files": 1}, Why(ticket="B-1"), OLGA)
        assert left(house.data) == []
        assert not (house.data.folder("store") / "shadow" / id).exists()

    asyncio.run(run())
    [record] = house.spool.records
    assert (record.kind, record.asked_by, record.why.ticket) == (
        "backup.made", "person:olga", "B-1",
    )  # fmt: skip


def test_what_is_frozen_too_late_is_let_go_of(house: House) -> None:
    """The engine was busy until nobody waited any more: hard links would keep what is erased."""

    async def run() -> None:
        backups, _ = house.backups()
        backups.pause_seconds = 0.01
        with pytest.raises(ControlUnavailable, match="does not pause"):
            await backups.begin(OLGA, secrets_too=False)
        await asyncio.to_thread(house.pausing.tick)
        await asyncio.sleep(0)
        await asyncio.gather(*backups.watching)

    asyncio.run(run())
    [paused] = [message for message in house.messages if isinstance(message, Paused)]
    shadow = house.data.folder("store") / "shadow"
    assert paused.tables and not (shadow / paused.name).exists()


def test_the_engine_holds_still_as_long_as_it_is_copied(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a batch that is stored meanwhile is neither among the copies nor in the frozen store."""
    for number in range(10_000):
        (house.data.folder("anchors") / f"{number}.json").write_bytes(b"{}")
    house.longest = 0.5

    async def run() -> None:
        backups, _ = house.backups()
        backups.say_seconds = 0.01
        await house.begin(backups)

    asyncio.run(run())
    assert "did not end a pause" not in caplog.text
    assert len(house.messages) == 1, "one pause, and not several"
    assert house.pausing.asked.empty(), "the engine heard its end before it went on"


def test_a_store_that_thawed_is_no_backup_without_records(house: House) -> None:
    """As by an engine that was started anew before anybody has read."""

    async def run() -> None:
        backups, _ = house.backups()
        told = await house.begin(backups)
        id, tables = str(told["id"]), told["tables"]
        assert isinstance(tables, dict)
        thaw(house.data.folder("store"))
        snapshot = opened(house.data, id, frozen_of(id, tables))
        signed = replace(snapshot, taken=snapshot.taken.model_copy(update={"size": 1}))
        with pytest.raises(BackupInterrupted, match="what was frozen of the store is gone"):
            list(signed.members())

    asyncio.run(run())


def test_one_that_nobody_reads_any_more_is_removed(house: House) -> None:
    """While its lock is held it stays: hard links would keep what is erased."""

    async def run() -> None:
        backups, _ = house.backups(look_seconds=0.05)
        told = await house.begin(backups)
        snapshot = opened(house.data, str(told["id"]), None)
        with reading(snapshot):
            await asyncio.sleep(0.3)
            assert left(house.data) == [f"backup/{told['id']}"]
        for _ in range(100):
            if not left(house.data):
                break
            await asyncio.sleep(0.05)
        assert (left(house.data), backups.current) == ([], "")

    asyncio.run(run())
    assert house.spool.records == []


def test_who_may_not_and_an_engine_that_cannot_leave_nothing(house: House) -> None:
    """Refused before anything is asked; a pause that fails ends and is told."""

    async def run() -> None:
        backups, engine = house.backups()
        with pytest.raises(ControlForbidden):
            await backups.begin(CAROL, secrets_too=False)
        engine.ready.clear()
        with pytest.raises(ControlUnavailable, match="not ready"):
            await backups.begin(OLGA, secrets_too=False)
        engine.ready.set()
        house.store.command("RENAME TABLE audit_seals TO sealed_elsewhere")
        house.store.command("RENAME TABLE schema_migrations TO gone")
        with pytest.raises(ControlUnavailable, match="cannot pause now"):
            await house.begin(backups)
        assert (engine.ended, backups.current, left(house.data)) == (1, "", [])

    asyncio.run(run())


def test_a_front_that_says_nothing_does_not_stop_the_pipeline(house: House) -> None:
    """The pause ends by itself; the end of front, or a late end, are no pause."""
    sent: list[Message] = []
    pauses: Pauses = queue.SimpleQueue()
    pausing = Pausing(house.store, None, pauses, sent.append, 0.05)
    pauses.put(None)
    pausing.tick()
    assert sent == []
    pauses.put(Pause("aa11"))
    pausing.tick()
    [message] = sent
    assert isinstance(message, Paused) and not message.refused and message.tables
