"""A clock that is set while the collector runs, or while it does not."""

import time
from pathlib import Path

from tests.crash.collector import Collector
from tests.crash.faults import switch
from tests.crash.settling import sending, settle

HOUR = 3600.0


def test_the_clock_jumps(collector: Collector, tmp_path: Path) -> None:
    """Back over midnight, forth, and back again between two starts; the log stays valid."""
    file = tmp_path / "clock"
    switch(file)
    collector.faults = [f"*:{file}"]
    collector.start()
    collector.until_ready()
    with sending(collector) as senders:
        for hours in (-26.0, -25.0, 3.0):
            time.sleep(0.7)
            for sender in senders:
                sender.end()
            # A request that is sent again over a jump forth has left the window of repeats.
            switch(file, clock=hours * HOUR)
            for sender in senders:
                sender.start()
        time.sleep(0.7)
        collector.kill()
        switch(file, clock=-2 * HOUR)
        collector.start()
        collector.until_ready()
        time.sleep(0.5)
        compared = settle(collector, senders)
    assert compared.holds, str(compared)
    assert compared.acknowledged > 50
