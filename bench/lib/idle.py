"""What a collector takes of a core over a stretch of time, by process."""

import time
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from bench.lib.processes import cpu

IDLE_BAR = 1.0
"""Percent of a core that all processes together may take while nothing comes."""


_QUIET_SECONDS = 1.5
_MOST_SETTLING = 20.0


def settled(pids: Mapping[str, int]) -> None:
    """Wait until merges have ended: the engine is quiet."""
    until = time.monotonic() + _MOST_SETTLING
    before = cpu(pids)["engine"]
    while time.monotonic() < until:
        time.sleep(_QUIET_SECONDS)
        now = cpu(pids)["engine"]
        if now - before < 0.05 * _QUIET_SECONDS:
            return
        before = now


def percent(pids: Mapping[str, int], run: Callable[[], object]) -> dict[str, JsonValue]:
    """CPU while this runs, in percent of one core: of all processes, and of each."""
    before, began = cpu(pids), time.monotonic()
    run()
    after, took = cpu(pids), time.monotonic() - began
    each = {role: (after[role] - before[role]) / took * 100 for role in after}
    return {
        "cpu_percent": round(sum(each.values()), 2),
        "of_them": {role: round(value, 2) for role, value in each.items()},
    }


def idle(pids: Mapping[str, int], seconds: float = 62.0) -> dict[str, JsonValue]:
    """The same of a collector that gets nothing; a minute holds one signature of an idle log."""
    return percent(pids, lambda: time.sleep(seconds))
