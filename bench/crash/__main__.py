"""Kills by the thousand: `make crash KILLS=2000`, or

.venv-dev/bin/python -m bench.crash --kills 2000 --seed 7

Two collectors at once, each with a new data folder after some hundred kills. The summary is
printed, and kept with --keep; the exit code is 1 if anything was lost, twice or not VALID, and then
the folder with data, log and configuration stays.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from bench.lib.results import keep
from tests.crash.campaign import Outcome
from tests.crash.collector import nursery
from tests.crash.running import run
from tests.crash.summary import as_dict, table

_TELL_SECONDS = 10.0


class Progress:
    """A line now and then."""

    def __init__(self, kills: int) -> None:
        self.kills = kills
        self.counts: dict[int, int] = {}
        self.told = self.began = time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        """After each life."""
        self.counts[id(outcome)] = outcome.kills.total()
        if time.monotonic() - self.told > _TELL_SECONDS:
            self.told = time.monotonic()
            took = self.told - self.began
            print(f"{sum(self.counts.values())} of {self.kills} kills, {took:.0f} s", flush=True)


def main() -> int:
    """Run, print, and write down."""
    parser = argparse.ArgumentParser(description="kill collectors and count what they kept")
    parser.add_argument("--kills", type=int, default=240)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--collectors", type=int, default=2)
    parser.add_argument("--per-folder", type=int, default=400)
    parser.add_argument("--look-every", type=int, default=60)
    parser.add_argument("--keep", action="store_true", help="in bench/results/crash.json")
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="auditspan-crash-"))
    with nursery(folder) as at:
        outcomes = run(
            at, folder, asked.seed, asked.kills, collectors=asked.collectors,
            per_folder=asked.per_folder, look_every=asked.look_every,
            progress=Progress(asked.kills),
        )  # fmt: skip
    print(table(outcomes, asked.seed))
    if asked.keep:
        keep("crash", as_dict(outcomes, asked.seed))
    return int(not all(outcome.holds for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
