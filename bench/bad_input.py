"""100,000 malformed requests amid good ones: what is lost of the good, and what memory does.

    .venv-dev/bin/python -m bench.bad_input [--bad 100000] [--keep]

The exit code is 1 if an answer was wrong, a good request was lost or stored twice, a process ended,
or the memory of a process grew. With --keep the figures go to bench/results/bad_input.json.
"""

import argparse
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.lib.processes import cpu, family, memory_of
from bench.lib.results import keep
from tests.conformance.bad_load import NAME, run
from tests.end_to_end.running import Collector, running

MOST_GROWTH_MB = 32.0
"""Mean of the last quarter of the time less that of the second: what is remembered of the good
requests, and what memory does anyway."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of it."""

    bad: int
    good: int
    answers: dict[str, int]
    wrong_answers: int
    lost: int
    stored_twice: int
    processes_ended: int
    front_grew_mb: float
    all_grew_mb: float
    all_peak_mb: float
    seconds: float
    front_cpu_us_a_request: float

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        broken = self.wrong_answers or self.lost or self.stored_twice or self.processes_ended
        grew = max(self.front_grew_mb, self.all_grew_mb)
        return not broken and grew < MOST_GROWTH_MB


def measured(collector: Collector, bad: int) -> Figures:
    """Send, and compare with the store."""
    pids = family(collector.process.pid)
    before, began = cpu(pids)["front"], time.monotonic()
    with memory_of({"front": pids["front"]}) as front, memory_of(pids) as together:
        load = run(collector, bad)
        took, spent = time.monotonic() - began, cpu(pids)["front"] - before
    where = f"FROM audit_records WHERE SpanName = '{NAME}'"
    collector.wait_for(f"SELECT count() {where}", load.good, 60)
    [stored] = collector.rows(f"SELECT count() AS n, uniqExact(TraceId) AS different {where}")
    return Figures(
        bad=load.bad,
        good=load.good,
        answers={str(code): count for code, count in sorted(load.answers.items())},
        wrong_answers=len(load.wrong),
        lost=load.good - stored["different"],
        stored_twice=stored["n"] - stored["different"],
        processes_ended=sum(now != pids.get(role) for role, now in family(pids["front"]).items()),
        front_grew_mb=round(front.growth, 1),
        all_grew_mb=round(together.growth, 1),
        all_peak_mb=round(together.peak, 1),
        seconds=round(took, 1),
        front_cpu_us_a_request=round(spent / load.answers.total() * 1e6, 1),
    )


def main() -> int:
    """Run, print, and write down."""
    parser = argparse.ArgumentParser(description="malformed requests amid good ones")
    parser.add_argument("--bad", type=int, default=100_000)
    parser.add_argument("--keep", action="store_true", help="in bench/results/bad_input.json")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="auditspan-bad-") as folder,
        running(Path(folder) / "data", executed=True) as collector,
    ):
        figures = measured(collector, asked.bad)
    for name, value in asdict(figures).items():
        print(f"{name.replace('_', ' '):<24} {value}")
    if asked.keep:
        keep("bad_input", {**asdict(figures), "holds": figures.holds})
    return int(not figures.holds)


if __name__ == "__main__":
    sys.exit(main())
