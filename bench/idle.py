"""CPU of a collector that gets nothing, by process, in percent of a core.

    .venv-dev/bin/python -m bench.idle [--seconds 60] [--runs 3]

Each run is a stretch of time of one collector, long enough for the signature that an idle log gets
every interval. The bar is for all its processes together.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench.lib.idle import IDLE_BAR, idle
from bench.lib.processes import family
from bench.lib.results import keep, median, number
from tests.end_to_end.running import running, spooled

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
        running(Path(folder) / "data", spooled(), executed=True) as collector,
    ):
        time.sleep(_SETTLED)
        pids = family(collector.process.pid)
        runs = [idle(pids, options.seconds) for _ in range(options.runs)]
    total = median([number(run, "cpu_percent") for run in runs])
    print(f"idle, of a core        {total:6.2f} %   (bar: {IDLE_BAR:.0f})")
    print(f"written to {keep('idle', {'cpu_percent': total, 'runs': [*runs]}, bar=IDLE_BAR)}")
    return int(total > IDLE_BAR)


if __name__ == "__main__":
    sys.exit(main())
