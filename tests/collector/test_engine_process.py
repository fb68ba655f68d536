"""Front's side of the engine: started, started again, stopped."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

import pytest

from auditspan.collector.config import CollectorConfig
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.engine.messages import Message, Ready, Start
from auditspan.collector.engine_process import EngineProcess


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """An empty data folder."""
    return prepare(tmp_path / "data")


def start(data: DataDir, **storage: object) -> Start:
    """What a real engine is started with."""
    whole = CollectorConfig().engine(data.folder("store"))
    config = whole.model_dump(mode="json", exclude_unset=True)
    config["storage"] |= storage
    # Nobody is there who would answer questions for a signature.
    config["integrity"] = {"enabled": False}
    return Start(str(data.root), config, b"k" * 32, {"keys": []}, str(data.socket))


async def until(true: "asyncio.Event", seconds: float = 30) -> None:
    """Wait, but not for ever."""
    await asyncio.wait_for(true.wait(), seconds)


def test_a_fault_in_front_does_not_end_the_talk(
    data: DataDir, caplog: pytest.LogCaptureFixture
) -> None:
    """A message that front cannot take is logged; the engine runs and ends with code 0."""

    def faulty(message: Message) -> None:
        raise RuntimeError(type(message).__name__)

    async def life() -> tuple[str, int | None]:
        engine = EngineProcess(start(data), faulty)
        task = asyncio.create_task(engine.run())
        await until(engine.ready)
        await engine.stop(30)
        await asyncio.wait_for(task, 10)
        assert engine.process is not None
        return engine.trouble, engine.process.returncode

    assert asyncio.run(life()) == ("", 0)
    assert "a Ready of the engine could not be taken" in caplog.text


def test_an_engine_that_ends_is_started_again(data: DataDir) -> None:
    """With a pause in between, and it is known why it is not ready."""
    started: list[int] = []

    async def life() -> str:
        broken = Start(str(data.root), {"storage": {"nothing": 1}}, b"k", {"keys": []}, "s")
        engine = EngineProcess(broken, lambda _: None)
        task = asyncio.create_task(engine.run())
        before = time.monotonic()
        while len(started) < 2 and time.monotonic() - before < 30:
            if engine.process and engine.process.pid not in started:
                started.append(engine.process.pid)
            await asyncio.sleep(0.05)
        assert time.monotonic() - before > 0.5
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return engine.trouble

    assert asyncio.run(life()) == "the engine ended with code 1"
    assert len(started) == 2


def test_a_store_that_is_down_is_told(data: DataDir) -> None:
    """The engine waits and says so; it does not end, and a stop does not wait for the store."""
    messages: list[Message] = []

    async def life() -> tuple[str, bool, float]:
        engine = EngineProcess(start(data, path=None, url="http://127.0.0.1:9"), messages.append)
        task = asyncio.create_task(engine.run())
        began = time.monotonic()
        while not engine.trouble and time.monotonic() - began < 30:
            await asyncio.sleep(0.05)
        ready, trouble = engine.ready.is_set(), engine.trouble
        began = time.monotonic()
        await engine.stop(30)
        await asyncio.wait_for(task, 10)
        return trouble, ready, time.monotonic() - began

    trouble, ready, took = asyncio.run(life())
    assert trouble.startswith("the store cannot be opened: ")
    assert not ready and took < 5
    assert not any(isinstance(message, Ready) for message in messages)
