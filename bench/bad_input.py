"""100,000 malformed requests amid good ones: what is lost of the good, and what memory does.

    .venv-dev/bin/python -m bench.bad_input [--bad 100000] [--keep]

The exit code is 1 if an answer was wrong, a good request was lost or stored twice, a process ended,
or the memory of a process grew. With --keep the figures go to bench/results/bad_input.json.
"""

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.lib.processes import cpu, family, memory_of
from bench.lib.results import keep
from tests.conformance.bad_load import NAME, run
from tests.end_to_end.running import Collector, running

MOST_GROWTH_MB = {"front": 8.0, "engine": 64.0, "signer": 8.0}
"""Mean of the last quarter of the time less that of the second. Bad requests end in the front,
where memory must be flat. The engine sees the good ones alone: parts, merges, caches."""


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
    grew_mb: dict[str, float]
    peak_mb: dict[str, float]
    seconds: float
    front_cpu_us_a_request: float

    @property
    def holds(self) -> bool:
        """Whether it is as it must be."""
        broken = self.wrong_answers or self.lost or self.stored_twice or self.processes_ended
        return not broken and all(
            self.grew_mb[role] < most for role, most in MOST_GROWTH_MB.items()
        )


def measured(collector: Collector, bad: int) -> Figures:
    """Send, and compare with the store."""
    pids = _processes(collector)
    before, began = cpu(pids)["front"], time.monotonic()
    with ExitStack() as watching:
        memory = {role: watching.enter_context(memory_of({role: pids[role]})) for role in pids}
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
        processes_ended=sum(_processes(collector).get(role) != pid for role, pid in pids.items()),
        grew_mb={role: round(found.growth, 1) for role, found in memory.items()},
        peak_mb={role: round(found.peak, 1) for role, found in memory.items()},
        seconds=round(took, 1),
        front_cpu_us_a_request=round(spent / load.answers.total() * 1e6, 1),
    )


def _processes(collector: Collector) -> dict[str, int]:
    """Those that stay."""
    found = family(collector.process.pid)
    return {role: pid for role, pid in found.items() if role in MOST_GROWTH_MB}


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
