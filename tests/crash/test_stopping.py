"""An end with a deadline, and two collectors at one folder."""

import os
import re
import signal
import time

import httpx

from tests.crash.collector import Collector
from tests.crash.settling import sending, settle


def test_a_stop_says_what_is_left_and_the_next_start_stores_it(collector: Collector) -> None:
    """An engine that does not get on is ended at the deadline."""
    collector.config = collector.config.replace("service:", "service:\n  drain_seconds: 0.5")
    collector.start()
    collector.until_ready()
    with sending(collector) as senders:
        time.sleep(0.4)
        (engine,) = collector.nursery.ask("pids", family=collector.family)["engine"]
        os.kill(engine, signal.SIGSTOP)
        time.sleep(1.2)
        for sender in senders:
            sender.end()
        assert collector.terminate() == 0
        left = collector.waiting()
        said = re.search(r"stopped with (\d+) batches \((\d+) bytes\) left", collector.tail())
        assert said and int(said[1]) == len(left) > 0
        spool = collector.data / "spool"
        assert int(said[2]) == sum((spool / name).stat().st_size for name in left)
        collector.start()
        collector.until_ready()
        compared = settle(collector, senders)
    assert compared.holds, str(compared)
    assert "nothing is left in the spool" in collector.tail()


def test_a_second_collector_is_refused(collector: Collector) -> None:
    """It says who holds the folder; the first one goes on."""
    collector.start()
    addresses = collector.until_ready()
    (front,) = collector.nursery.ask("pids", family=collector.family)["front"]
    file = str(collector.folder / "auditspan.yaml")
    code, said = collector.command("up", "--config", file)
    assert code == 2
    assert f"is in use by process {front}" in said and "Traceback" not in said
    assert httpx.get(f"{addresses['api']}/readyz", trust_env=False).status_code == 200


def test_engine_and_signer_wait_for_those_before(collector: Collector) -> None:
    """Front is killed while both are slow: two engines or signers never work on one folder.

    A second signer would forget what the first one signs when it goes on.
    """
    collector.start()
    collector.until_ready()
    with sending(collector) as senders:
        time.sleep(0.5)
        slow = collector.nursery.ask("pids", family=collector.family)
        os.kill(slow["signer"][0], signal.SIGSTOP)
        # A question is on its way to it by now.
        time.sleep(1.2)
        os.kill(slow["engine"][0], signal.SIGSTOP)
        collector.kill("front")
        collector.start()
        time.sleep(1.5)
        os.kill(slow["signer"][0], signal.SIGCONT)
        addresses = collector.addresses()
        time.sleep(1)
        answer = httpx.get(f"{addresses['api']}/readyz", trust_env=False)
        assert answer.status_code == 503 and "earlier start" in answer.text, answer.text
        os.kill(slow["engine"][0], signal.SIGCONT)
        collector.until_ready()
        compared = settle(collector, senders)
    assert compared.holds, str(compared)
