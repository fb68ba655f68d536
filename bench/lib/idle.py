"""What a collector takes of a core over a stretch of time, by process."""

import time
from collections.abc import Callable, Mapping

from pydantic import JsonValue

from bench.lib.processes import cpu

IDLE_BAR = 1.0
"""Percent of a core that all processes together may take while nothing comes."""


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
