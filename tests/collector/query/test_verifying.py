"""Fixed questions of a verification: who may ask, what is logged, and that no SQL travels."""

import asyncio
import io
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest
import uvicorn
from starlette.applications import Starlette

from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.query.verifying import engine_verification, verification_routes
from auditspan.collector.query.verifying_path import path_of
from auditspan.storage.engine import Engine
from tests.collector.access.house import House
from tests.collector.front.test_authentication import NOW
from tests.migrated import migrated_store


@dataclass
class Asking:
    """Front's route before an engine that answers on a unix socket."""

    house: House
    socket: Path
    logged: list[dict[str, Any]] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    """One for each question that reached the engine."""

    def post(self, name: str, params: Mapping[str, Any], token: str = "") -> httpx.Response:
        """Ask over HTTP."""

        async def submit(text: str, principal: str) -> None:
            assert principal
            self.logged.append(json.loads(text))

        async def ask() -> httpx.Response:
            log = AccessLog(submit)
            app = Starlette(routes=verification_routes(self.house.authority, log, self.socket))
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                headers = {"Authorization": f"Bearer {token or self.house.token}"}
                return await client.post(path_of(name), json=params, headers=headers)

        return asyncio.run(ask())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """An empty store with the schema."""
    engine = migrated_store(tmp_path / "store")
    yield engine
    engine.close()


@pytest.fixture
def asking(store: Engine, tmp_path: Path) -> Iterator[Asking]:
    """The engine's part on a socket, and front's in this process; no registry is in force."""
    folder = Path(tempfile.mkdtemp())
    path = folder / "engine.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    begun: list[int] = []
    app = Starlette(routes=engine_verification(store, lambda: begun.append(1)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield Asking(House(tmp_path), path, begun=begun)
    server.should_exit = True
    thread.join(10)
    listener.close()
    shutil.rmtree(folder)


def test_whoever_may_read_content_gets_arrow(asking: Asking) -> None:
    """An answer as the engine gives it, and one read in the log."""
    answer = asking.post("logs", {})
    assert answer.status_code == 200, answer.text
    table = pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()
    assert table.column_names == ["LogId", "Entries", "End"]
    [read] = asking.logged
    assert (read["kind"], read["body"]["statement"]) == ("store.read", "verification of seals")
    assert (read["body"]["content"], read["body"]["rows"]) == (True, 0)
    assert asking.begun == [1]


def test_questions_that_show_records_are_logged_by_name(asking: Asking) -> None:
    """With what was asked for."""
    asking.post("record", {"record": "r-1"})
    [read] = asking.logged
    assert read["body"]["statement"] == "verification record"
    assert read["body"]["params"] == {"record": "r-1"}


def test_a_reader_may_not(asking: Asking) -> None:
    """Alice is a reader and a policy owner: no content, so no digests either."""
    asking.house.apply()
    text, _ = asking.house.keys.issue("person:alice", expires_at=NOW + 1000, issued_by="operator")
    answer = asking.post("logs", {}, text)
    assert (answer.status_code, asking.logged) == (403, []), answer.text
    assert asking.post("logs", {}, "nobody").status_code == 401


@pytest.mark.parametrize("name", ["SELECT 1", "nothing", "..%2Fquery"])
def test_there_are_no_other_questions(asking: Asking, name: str) -> None:
    """A name is one of a list, or nothing runs."""
    answer = asking.post(name, {})
    assert answer.status_code in (400, 404)
    assert asking.logged == []


def test_parameters_are_no_sql(asking: Asking) -> None:
    """A value stays a value; what is no text, or does not fit, is refused."""
    answer = asking.post("notes", {"log": "' OR 1 = 1 --", "limit": "1", "first": "0"})
    assert answer.status_code == 200, answer.text
    assert asking.post("notes", {"log": 1}).status_code == 400
    assert asking.post("notes", {"log": "x"}).status_code == 400


def test_an_engine_that_is_gone_is_unavailable(asking: Asking, tmp_path: Path) -> None:
    """It can be asked again."""
    gone = Asking(asking.house, tmp_path / "gone.sock")
    answer = gone.post("logs", {})
    assert (answer.status_code, gone.logged) == (503, [])
    assert "try again" in answer.text
