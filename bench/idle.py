"""CPU of a collector that gets nothing, by process, in percent of a core.

    .venv-dev/bin/python -m bench.idle [--seconds 60] [--runs 3]

Each run is a stretch of time of one collector, long enough for the signature that an idle log gets
every interval. The bar is for all its processes together.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.lib.processes import cpu, family
from bench.sealing import IDLE_BAR
from tests.end_to_end.running import CONFIG, running

_SETTLED = 10.0
"""Seconds until what a start leaves to do is done."""


def main() -> int:
    """Print the medians; 1 if the bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder) / "data", CONFIG, executed=True) as collector,
    ):
        time.sleep(_SETTLED)
        runs = [stretch(collector.process.pid, options.seconds) for _ in range(options.runs)]
    total = statistics.median(sum(run.values()) for run in runs)
    print(f"idle, of a core        {total:6.2f} %   (bar: {IDLE_BAR:.0f})")
    for name in sorted({name for run in runs for name in run}):
        print(f"  {name:<20} {statistics.median(run.get(name, 0.0) for run in runs):6.2f} %")
    print(json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "percent": runs}))
    return int(total > IDLE_BAR)


def stretch(pid: int, seconds: float) -> dict[str, float]:
    """Percent of a core that each process took in that time."""
    pids = family(pid)
    before, began = cpu(pids), time.monotonic()
    time.sleep(seconds)
    after, passed = cpu(pids), time.monotonic() - began
    return {role: (after[role] - before[role]) / passed * 100 for role in pids}


if __name__ == "__main__":
    sys.exit(main())
