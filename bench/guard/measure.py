"""Measures the calls of `cases.py` in this process and prints the figures as JSON.

Run by `bench.guard` with the environment that guards; alone it measures nothing useful.
"""

import gc
import json
import sys
import time
from collections.abc import Mapping

from auditspan.instrumentation.adapters.guards import guards
from auditspan.instrumentation.runtime import shut_down
from bench.guard.adapters import ADAPTERS
from bench.guard.cases import CASES, Call


def main() -> None:
    """The cases of our own, then the frameworks without and with their guards."""
    rounds, calls = map(int, sys.argv[1:3])
    found = {"own": measured({name: make() for name, make in CASES.items()}, rounds, calls)}
    frameworks = installed()
    found["plain"] = measured(frameworks, rounds // 2, calls // 5)
    guards.instrument()
    found["guarded"] = measured(frameworks, rounds // 2, calls // 5)
    json.dump(found, sys.stdout)
    shut_down(0)


def measured(
    made: Mapping[str, Call], rounds: int, calls: int
) -> Mapping[str, list[tuple[float, float]]]:
    """Rounds of every call in turn, so that what disturbs disturbs all of them."""
    for call in made.values():
        timed(call, 200)
    gc.collect()
    gc.freeze()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, call in made.items():
            found[name].append(timed(call, calls))
    return found


def installed() -> dict[str, Call]:
    """A call through each framework that is here."""
    made = {}
    for name, make in ADAPTERS.items():
        try:
            made[name] = make()
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
    return made


def timed(call: Call, times: int) -> tuple[float, float]:
    """Microseconds of a call: CPU of this thread, and by the clock."""
    began, ran = time.perf_counter_ns(), time.thread_time_ns()
    for _ in range(times):
        call()
    ran, passed = time.thread_time_ns() - ran, time.perf_counter_ns() - began
    return ran / times / 1e3, passed / times / 1e3


if __name__ == "__main__":
    main()
