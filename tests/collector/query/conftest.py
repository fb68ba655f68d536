"""A running endpoint over an embedded store, with real people and their keys."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.gate import Gate
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.reading import Readers
from auditspan.collector.query.runner import LocalEngine
from auditspan.collector.query.turns import Turns
from auditspan.storage.engine import Engine
from tests.collector.access.house import House
from tests.migrated import migrated_store

LIMITS = ReadLimits(seconds=5, memory=100_000_000, result_bytes=5_000_000, rows_read=50_000_000_000)
INVESTIGATOR = "{id: person:ivan, name: Ivan, roles: investigator}\n"


@dataclass(slots=True)
class Spool:
    """Where the access log goes."""

    written: list[tuple[str, str]] = field(default_factory=list)
    """Control record and principal, as JSON."""
    full: bool = False

    async def submit(self, text: str, principal: str) -> None:
        """Take a record, unless there is no room."""
        if self.full:
            raise OSError(28, "No space left on device")
        self.written.append((text, principal))


@dataclass(frozen=True, slots=True)
class Running:
    """Where the endpoint listens, who may ask it, and the engine behind it."""

    port: int
    url: str
    token: str
    """Of an investigator."""
    reader: str
    agent: str
    nobody: str
    """Of a person without a role."""
    engine: Engine
    spool: Spool


@contextmanager
def served(app: Starlette) -> Iterator[int]:
    """Serve an application on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started:
            assert time.monotonic() < deadline, "the endpoint did not start"
            time.sleep(0.01)
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The endpoint on a free port; the view `t` has two rows, and content for investigators."""
    folder = tmp_path_factory.mktemp("query")
    engine = migrated_store(folder / "store")
    engine.command("CREATE TABLE t (n UInt64, s String) ENGINE = MergeTree ORDER BY n")
    engine.command("INSERT INTO t VALUES (1, 'one'), (2, 'two')")
    engine.command("CREATE VIEW auditspan_reader.t AS SELECT n FROM auditspan.t")
    engine.command("CREATE VIEW auditspan_investigator.t AS SELECT n, s FROM auditspan.t")
    house, spool = House(folder, failures_per_minute=1_000), Spool()
    house.apply(principals__ivan=INVESTIGATOR)
    readers = Readers(LocalEngine(engine, LIMITS), AccessLog(spool.submit), Turns(LIMITS))
    app = endpoint(Gate(house.authority.authenticate), readers)
    names = ("person:ivan", "service:grafana", "agent:booking", "person:dave")
    with served(app) as port:
        ivan, grafana, booking, dave = (house.key(name) for name in names)
        url = f"http://127.0.0.1:{port}/"
        yield Running(port, url, ivan, grafana, booking, dave, engine, spool)
    engine.close()


@pytest.fixture
def secret_file(running: Running, tmp_path: Path) -> Path:
    """The token in a file that only we may read."""
    path = tmp_path / "key"
    path.write_text(running.token)
    path.chmod(0o600)
    return path
