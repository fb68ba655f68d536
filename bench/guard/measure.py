"""Measures the calls of `cases.py` in this process and prints the figures as JSON.

Run by `bench.guard` with the environment that guards; alone it measures nothing useful.
"""

import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from auditspan.instrumentation.adapters.guards import guards
from auditspan.instrumentation.runtime import shut_down
from bench.guard.adapters import ADAPTERS
from bench.guard.cases import CASES, Call
from tests.instrumentation.sink import spans_of

WARM_UP = 200
"""Calls of each before any is measured."""
Rounds = list[tuple[float, float]]
"""Of each round what a call took, in microseconds: CPU of this thread, and by the clock."""


def main() -> None:
    """The cases of our own, then the frameworks without and with their guards."""
    rounds, calls = map(int, sys.argv[1:3])
    own = measured({name: make() for name, make in CASES.items()}, rounds, calls)
    recorded(Path(os.environ["AUDITSPAN_SPOOL_DIR"]), rounds * calls + WARM_UP)
    plain, guarded = of_frameworks(rounds // 2, calls // 5)
    json.dump({"own": own, "plain": plain, "guarded": guarded}, sys.stdout)
    shut_down(0)


def measured(made: Mapping[str, Call], rounds: int, calls: int) -> Mapping[str, Rounds]:
    """Rounds of every call in turn, so that what disturbs disturbs all of them."""
    for call in made.values():
        timed(call, WARM_UP)
    settle()
    found: dict[str, Rounds] = {name: [] for name in made}
    for _ in range(rounds):
        for name, call in made.items():
            found[name].append(timed(call, calls))
    return found


def recorded(spool: Path, each: int) -> None:
    """Raises ValueError unless the record of every guarded call is on disk."""
    found: Counter[str] = Counter()
    for file in (*spool.glob("*/*.seg"), *spool.glob("*/*.open")):
        found.update(span.name for span in spans_of(file.read_bytes()))
    wanted = {"get_order": 2 * each, "refund_order": 2 * each, "delete_order": each}
    for tool, number in wanted.items():
        if found[f"execute_tool {tool}"] != number:
            raise ValueError(f"{tool}: {number} calls, {found[f'execute_tool {tool}']} records")


def of_frameworks(rounds: int, calls: int) -> tuple[dict[str, Rounds], dict[str, Rounds]]:
    """Without and with the guard, one right after the other. Each is made in its own state."""
    bare = installed()
    guards.instrument()
    held = installed()
    plain: dict[str, Rounds] = {name: [] for name in bare}
    guarded: dict[str, Rounds] = {name: [] for name in held}
    settle()
    for _ in range(rounds):
        for name in bare:
            with unguarded():
                plain[name].append(timed(bare[name], calls))
            guarded[name].append(timed(held[name], calls))
    return plain, guarded


@contextmanager
def unguarded() -> Iterator[None]:
    """The functions of the frameworks as they were, for a while."""
    wrapped = tuple(guards._wrapped.values())
    for each in wrapped:
        each.undo()
    try:
        yield
    finally:
        for each in wrapped:
            setattr(each.parent, each.name, each.guard)


def settle() -> None:
    """What was made until now is no business of the garbage collector."""
    gc.collect()
    gc.freeze()


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
