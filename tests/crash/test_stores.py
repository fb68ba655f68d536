"""A server store that fails, hangs, answers late or not at all, or is away for long."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.clients import Client, Ledger, over_http
from tests.crash.collector import CONFIG, Nursery
from tests.crash.comparing import LOG_PROBLEMS
from tests.crash.proxy import Mode
from tests.crash.settling import sending
from tests.crash.stores import OUT_OF_ORDER, House, housed
from tests.end_to_end.bodies import body, call, post

TROUBLE: tuple[Mode, ...] = ("error", "late", "lost", "hang", "down")


@pytest.fixture(scope="module")
def house(forks: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests here; no test leaves the store in trouble."""
    config = CONFIG.replace("total_mib: 64", "total_mib: 16, principal_percent: 100")
    with housed(forks, tmp_path_factory.mktemp("server"), config) as made:
        yield made


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
    memory = resident(house)
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
    assert resident(house) - memory < 64 << 20
    house.between.mode = "pass"
    collector.until_drained()
    stored = house.stored()
    done = {span for request in ledger.acknowledged for span in request}
    assert done <= stored.keys() and max(stored[span] for span in done) == 1
    assert sum(stored.values()) - before >= len(done) + sent
    assert house.asked(OUT_OF_ORDER) == ["0"]
    assert post(url, body("again"), content_type="application/x-protobuf").code == 200


def large(number: int) -> bytes:
    """A request of a mebibyte."""
    return body(f"large {number}", content="x" * (1 << 20))


def resident(house: House) -> int:
    """Bytes of memory of the front."""
    status = Path(f"/proc/{house.front()}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
