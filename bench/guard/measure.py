"""Measures the calls of `cases.py` in this process and prints the figures as JSON.

Run by `bench.guard` with the environment that guards; alone it measures nothing useful.
"""

import gc
import json
import statistics
import sys
import time
from collections.abc import Mapping

from auditspan.instrumentation.runtime import shut_down
from bench.guard.cases import ADAPTERS, CASES, Call


def main() -> None:
    """Rounds of every call in turn, so that what disturbs disturbs all of them."""
    rounds, calls = map(int, sys.argv[1:3])
    made = {name: make() for name, make in CASES.items()} | installed()
    for call in made.values():
        timed(call, 200)
    gc.freeze()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, call in made.items():
            found[name].append(timed(call, calls))
    json.dump({name: medians(each) for name, each in found.items()}, sys.stdout)
    shut_down(0)


def installed() -> dict[str, Call]:
    """The adapters whose libraries are here."""
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


def medians(rounds: list[tuple[float, float]]) -> Mapping[str, float]:
    """Over the rounds."""
    ran, passed = zip(*rounds, strict=True)
    return {"cpu_us": statistics.median(ran), "us": statistics.median(passed)}


if __name__ == "__main__":
    main()
