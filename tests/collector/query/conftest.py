"""A running endpoint over an embedded store."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn

from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.runner import local
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.query import QueryLimits

TOKEN = "operator-token-0123456789"


@dataclass(frozen=True, slots=True)
class Running:
    """Where the endpoint listens, and the engine behind it."""

    port: int
    url: str
    token: str
    engine: Engine


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The endpoint on a free port; the table `t` has two rows."""
    engine = open_embedded(tmp_path_factory.mktemp("query") / "store")
    engine.command("CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    engine.command("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    limits = QueryLimits(seconds=5, memory=100_000_000, result_bytes=5_000_000)
    app = endpoint(local(engine, limits), lambda: TOKEN)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        _until_started(server)
        yield Running(port, f"http://127.0.0.1:{port}/", TOKEN, engine)
        server.should_exit = True
        thread.join(10)
    engine.close()


def _until_started(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the endpoint did not start"
        time.sleep(0.01)


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """The token in a file that only we may read."""
    path = tmp_path / "operator.token"
    path.write_text(TOKEN)
    path.chmod(0o600)
    return path
