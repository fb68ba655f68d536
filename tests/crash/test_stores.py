"""A server store that fails, hangs, answers late or not at all, or is away for long."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.crash.clients import Client, Ledger, over_http
from tests.crash.collector import Collector, Nursery, new_collector
from tests.crash.comparing import LOG_PROBLEMS
from tests.crash.proxy import Mode, Proxy, proxy
from tests.crash.settling import sending
from tests.end_to_end.bodies import body, call, post
from tests.end_to_end.test_faults import server

STORAGE = "\nstorage: {{{{url: 'http://127.0.0.1:{port}', timeout: 2}}}}\n"
TROUBLE: tuple[Mode, ...] = ("error", "late", "lost", "hang", "down")


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


@pytest.fixture(scope="module")
def house(forks: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Both run for all tests here, and no test leaves the store in trouble."""
    folder = tmp_path_factory.mktemp("server")
    collector = new_collector(forks, folder / "collector")
    with server(folder / "store", port := free_port()), proxy(port) as between:
        collector.config += STORAGE.format(port=between.port)
        collector.config = collector.config.replace("total_mib: 64", "total_mib: 16")
        until_up(port)
        collector.start()
        try:
            collector.until_ready()
            yield House(collector, between, port)
        finally:
            collector.close()


def free_port() -> int:
    """One that nobody listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as own:
        return int(own.getsockname()[1])


def until_up(port: int) -> None:
    """Until the server answers."""
    until = time.monotonic() + 60
    while True:
        try:
            httpx.post(f"http://127.0.0.1:{port}/", content="SELECT 1", trust_env=False)
            return
        except httpx.HTTPError:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_a_store_in_trouble_gets_everything_once(house: House) -> None:
    """Each trouble in turn while clients send, the engine killed in some, then all processes."""
    collector = house.collector
    with sending(collector) as senders:
        for mode in TROUBLE:
            house.between.mode = mode
            time.sleep(1.2)
            if mode in ("lost", "hang"):
                collector.kill("engine")
                time.sleep(0.5)
            house.between.mode = "pass"
            time.sleep(0.5)
        house.between.mode = "lost"
        time.sleep(0.5)
        collector.kill()
        house.between.mode = "pass"
        collector.start()
        for sender in senders:
            sender.end()
        collector.until_drained()
        stored = house.stored()
        done = {span for s in senders for request in s.ledger.acknowledged for span in request}
        assert done and done <= stored.keys()
        assert max(stored.values()) == 1
    for problem, sql in LOG_PROBLEMS.items():
        assert house.asked(sql) == [], problem


def test_an_outage_is_caught_up_in_order_and_a_full_spool_refuses(house: House) -> None:
    """Memory stays flat; at the limit clients are told when to come again; then all is stored."""
    collector, before = house.collector, sum(house.stored().values())
    house.between.mode = "down"
    ledger = Ledger(90)
    client = Client(ledger, over_http(collector.ports["http"]), random.Random(2), 0.002)
    client.start()
    memory = resident(collector)
    time.sleep(3)
    client.close()
    assert len(collector.waiting()) >= 3
    url = f"http://127.0.0.1:{collector.ports['http']}"
    sent = 0
    while (answer := post(url, large(sent), content_type="application/x-protobuf")).code == 200:
        sent += 1
        assert sent < 20, "16 MiB of spool took 20 MiB"
    assert (answer.code, "RetryInfo" in answer.details) == (503, True)
    assert answer.retry_after is not None and int(answer.retry_after) >= 1
    over_grpc = call(f"http://127.0.0.1:{collector.ports['grpc']}", large(99))
    assert (over_grpc.code, "RetryInfo" in over_grpc.details) == (14, True)
    # Requests of a mebibyte are parsed, and the interpreter keeps some of that.
    assert resident(collector) - memory < 64 << 20
    house.between.mode = "pass"
    collector.until_drained()
    stored = house.stored()
    done = {span for request in ledger.acknowledged for span in request}
    assert done <= stored.keys() and max(stored[span] for span in done) == 1
    assert sum(stored.values()) - before >= len(done) + sent
    assert house.asked(OUT_OF_ORDER) == ["0"]
    assert post(url, body("again"), content_type="application/x-protobuf").code == 200


OUT_OF_ORDER = (
    "SELECT countIf(At < Before) FROM (SELECT ReceivedAt AS At, lagInFrame(ReceivedAt) OVER "
    "(PARTITION BY LogId ORDER BY LogIndex) AS Before FROM audit_records "
    # Control records stand behind the spans of their batch.
    "WHERE RecordKind = 'action')"
)


def large(number: int) -> bytes:
    """A request of a mebibyte."""
    return body(f"large {number}", content="x" * (1 << 20))


def resident(collector: Collector) -> int:
    """Bytes of memory of the front."""
    (front,) = collector.nursery.ask("pids", family=collector.family)["front"]
    status = Path(f"/proc/{front}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
