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

from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.outcome import Outcome
from auditspan.collector.query.runner import RemoteAnswer, engine_app, local
from auditspan.storage.query import Statement


@pytest.fixture(scope="module")
def socket_path(running: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The engine's application on a unix socket."""
    path = tmp_path_factory.mktemp("s") / "engine.sock"
    config = uvicorn.Config(
        engine_app(local(running.engine)),
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


def _ask(socket: Path, statement: Statement) -> Outcome:
    async def ask() -> Outcome:
        async with RemoteAnswer(socket) as answer:
            return await answer(statement)

    return asyncio.run(ask())


def test_a_result_comes_back_as_it_is(socket_path: Path) -> None:
    """Bytes, format and parameters, whatever characters are in them."""
    sql = "SELECT {x:String} AS x FORMAT RowBinary"
    outcome = _ask(socket_path, Statement(sql, params={"x": "é\\n"}))
    assert outcome == Outcome(b"\x03\xc3\xa9\n", "RowBinary")


def test_an_error_comes_back_with_its_number(socket_path: Path) -> None:
    """As if the statement had run here."""
    outcome = _ask(socket_path, Statement("SELECT * FROM nothing_here"))
    assert outcome.code == 60
    assert b"nothing_here" in outcome.body


def test_an_engine_that_is_not_there_is_an_error_and_no_exception(tmp_path: Path) -> None:
    """It may be starting again."""
    outcome = _ask(tmp_path / "no.sock", Statement("SELECT 1"))
    assert outcome.code == 210
    assert b"does not answer" in outcome.body


def test_the_endpoint_answers_through_the_socket(socket_path: Path) -> None:
    """The whole way, as in a running collector."""

    async def ask() -> httpx.Response:
        async with RemoteAnswer(socket_path) as answer:
            app = endpoint(answer, lambda: "token")
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                return await http.post(
                    "/", content="SELECT 1+1", headers={"Authorization": "Bearer token"}
                )

    response = asyncio.run(ask())
    assert (response.status_code, response.text) == (200, "2\n")
