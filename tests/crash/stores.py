"""A collector with a server store, and a proxy between them."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.crash.collector import CONFIG, Collector, Nursery, new_collector
from tests.crash.proxy import Proxy, proxy
from tests.end_to_end.test_faults import server

OUT_OF_ORDER: Final = (
    "SELECT countIf(At < Before) FROM (SELECT ReceivedAt AS At, lagInFrame(ReceivedAt) OVER "
    "(PARTITION BY LogId ORDER BY LogIndex) AS Before FROM audit_records "
    # Control records stand behind the spans of their batch.
    "WHERE RecordKind = 'action')"
)
_STORAGE: Final = "\nstorage: {{{{url: 'http://127.0.0.1:{port}', timeout: {timeout}}}}}\n"


@dataclass
class House:
    """A collector, its server, and what lies between them."""

    collector: Collector
    between: Proxy
    port: int
    """Of the server itself."""

    def asked(self, sql: str) -> list[str]:
        """What the server answers, past proxy and collector."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/", params={"database": "auditspan"},
            content=f"{sql} FORMAT TSV", timeout=60, trust_env=False,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return answer.text.split("\n")[:-1]

    def stored(self) -> Counter[int]:
        """Span ids in the store, with how often each is there."""
        sql = "SELECT SpanId FROM audit_records WHERE RecordKind = 'action'"
        return Counter(int(span, 16) for span in self.asked(sql))

    def front(self) -> int:
        """The process that takes requests."""
        (pid,) = self.collector.nursery.ask("pids", family=self.collector.family)["front"]
        return int(pid)


@contextmanager
def housed(at: Nursery, folder: Path, config: str = CONFIG, *, timeout: int = 2) -> Iterator[House]:
    """All three run; `timeout` is how long the collector waits for the server."""
    with server(folder / "server", port := _free_port()), proxy(port) as between:
        _until_up(port)
        storage = _STORAGE.format(port=between.port, timeout=timeout)
        collector = new_collector(at, folder / "collector", config + storage)
        collector.start()
        try:
            collector.until_ready()
            yield House(collector, between, port)
        finally:
            collector.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as own:
        return int(own.getsockname()[1])


def _until_up(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            httpx.post(f"http://127.0.0.1:{port}/", content="SELECT 1", trust_env=False)
            return
        except httpx.HTTPError:
            assert time.monotonic() < until
            time.sleep(0.1)
