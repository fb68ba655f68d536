"""Statements cross from the front to the engine process and back."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from auditspan.collector.query.outcome import Access, Asked, Outcome
from auditspan.collector.query.runner import LocalEngine, RemoteEngine, engine_app
from auditspan.storage.query import Statement
from tests.collector.query.conftest import LIMITS


@pytest.fixture(scope="module")
def socket_path(running: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The engine's application on a unix socket."""
    path = tmp_path_factory.mktemp("s") / "engine.sock"
    config = uvicorn.Config(
        engine_app(LocalEngine(running.engine, LIMITS)),
        uds=str(path),
        log_level="error",
        lifespan="off",
        ws="none",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the engine did not start"
        time.sleep(0.01)
    yield path
    server.should_exit = True
    thread.join(10)


def _ask(socket: Path, statement: Statement, access: Access = "investigator") -> Outcome:
    async def ask() -> Outcome:
        async with RemoteEngine(socket) as engine:
            return await engine(Asked(statement, access, "read-1"))

    return asyncio.run(ask())


def test_a_result_comes_back_as_it_is(socket_path: Path) -> None:
    """Bytes, format and parameters, whatever characters are in them."""
    sql = "SELECT {x:String} AS x FORMAT RowBinary"
    outcome = _ask(socket_path, Statement(sql, params={"x": "é\\n"}))
    assert (outcome.body, outcome.format, outcome.code) == (b"\x03\xc3\xa9\n", "RowBinary", 0)


def test_an_error_comes_back_with_its_number(socket_path: Path) -> None:
    """As if the statement had run here."""
    outcome = _ask(socket_path, Statement("SELECT * FROM nothing_here"))
    assert outcome.code == 60
    assert b"nothing_here" in outcome.body


def test_an_engine_that_is_not_there_is_an_error_and_no_exception(tmp_path: Path) -> None:
    """It may be starting again; and there is nothing to end."""
    outcome = _ask(tmp_path / "no.sock", Statement("SELECT 1"))
    assert outcome.code == 210
    assert b"does not answer" in outcome.body

    async def cancel() -> None:
        async with RemoteEngine(tmp_path / "no.sock") as engine:
            await engine.cancel("read-1")

    asyncio.run(cancel())


def test_a_word_that_is_no_role_opens_nothing(socket_path: Path) -> None:
    """The engine does not guess what front meant."""
    transport = httpx.HTTPTransport(uds=str(socket_path))
    with httpx.Client(transport=transport, base_url="http://engine") as http:
        for access in ("operator", "", None):
            body = {"statement": {"sql": "SELECT 1"}, "access": access, "id": "x"}
            assert http.post("/query", json=body).status_code == 400


def test_a_running_statement_ends_when_it_is_cancelled(socket_path: Path) -> None:
    """Within a second, not after its time; others go on."""
    long = "SELECT sum(cityHash64(number)) FROM numbers(40000000000)"

    async def both() -> tuple[Outcome, float]:
        async with RemoteEngine(socket_path) as engine:
            running = asyncio.ensure_future(engine(Asked(Statement(long), "reader", "read-7")))
            other = asyncio.ensure_future(engine(Asked(Statement("SELECT 1"), "reader", "read-8")))
            assert (await other).code == 0
            await asyncio.sleep(0.3)
            began = time.monotonic()
            await engine.cancel("read-7")
            return await running, time.monotonic() - began

    outcome, took = asyncio.run(both())
    assert outcome.code == 394
    assert took < 2
