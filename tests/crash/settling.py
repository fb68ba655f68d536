"""Traffic beside a test, and the end of it: everything stored, compared and verified."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.crash.clients import Client, clients
from tests.crash.collector import Collector, Stuck
from tests.crash.comparing import Compared, compare


@contextmanager
def sending(collector: Collector, pause: float = 0.05) -> Iterator[list[Client]]:
    """Raw clients over HTTP and gRPC, and the exporters; they stop at the end at the latest."""
    senders = clients(collector.ports, random.Random(1), pause)
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.close()


def settle(collector: Collector, senders: Sequence[Client]) -> Compared:
    """Let a running collector store what it has, stop it, and look."""
    for sender in senders:
        sender.end()
    collector.until_drained()
    code = collector.terminate()
    if code:
        raise Stuck(f"front ended with code {code} on SIGTERM: {collector.tail()}")
    return compare(collector, [sender.ledger for sender in senders], verify=True)
