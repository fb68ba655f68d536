"""Spans through a running collector, and what they cost it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import JsonValue

from bench.lib.collector import Bench
from bench.lib.processes import cpu, memory_of, peak_mb
from bench.lib.results import median
from bench.lib.sending import Sender

Costs = dict[str, float]
"""CPU µs a span: `front`, `engine`, `signer`, and the engine's stages as `stage.<name>`."""


@dataclass(frozen=True, slots=True)
class Sustained:
    """A longer run, with all merges that it led to."""

    spans: int
    seconds: float
    """From the first request until all is stored and signed."""
    costs: Costs
    peak_mb: float
    growth_mb: float
    peaks_mb: dict[str, float]
    """Of each process, since it began."""

    def figures(self) -> dict[str, JsonValue]:
        """As they stand in a result."""
        return {
            "spans": self.spans,
            "spans_per_second": round(self.spans / self.seconds),
            "cpu_us": {name: round(value, 2) for name, value in self.costs.items()},
            "cpu_us_all": round(whole(self.costs), 2),
            "peak_mb": round(self.peak_mb),
            "growth_mb": round(self.growth_mb),
            "peaks_mb": {role: round(value) for role, value in self.peaks_mb.items()},
        }


def window(bench: Bench, sender: Sender, bodies: Iterable[bytes], spans: int) -> Costs:
    """Send, wait until it is stored and signed."""
    before = _snapshot(bench)
    sender.all(bodies)
    bench.drained()
    return _difference(before, _snapshot(bench), spans)


def sustained(bench: Bench, sender: Sender, bodies: Iterable[bytes], spans: int) -> Sustained:
    """Send all without a pause, wait until it is stored, and then until merges have ended."""
    before, began = _snapshot(bench), time.monotonic()
    with memory_of(bench.pids) as memory:
        sender.all(bodies)
        bench.drained()
        seconds = time.monotonic() - began
    bench.settled()
    costs = _difference(before, _snapshot(bench), spans)
    return Sustained(spans, seconds, costs, memory.peak, memory.growth, peak_mb(bench.pids))


def medians(windows: list[Costs]) -> Costs:
    """The median of each cost, and of their sum as `all`."""
    found = {name: median([each.get(name, 0.0) for each in windows]) for name in windows[0]}
    return {**found, "all": median([whole(each) for each in windows])}


def whole(costs: Costs) -> float:
    """Of all processes."""
    return sum(value for name, value in costs.items() if "." not in name and name != "all")


def _snapshot(bench: Bench) -> Costs:
    stages = {f"stage.{name}": value for name, value in bench.stages().items()}
    return {**cpu(bench.pids), **stages}


def _difference(before: Costs, after: Costs, spans: int) -> Costs:
    return {name: (value - before.get(name, 0.0)) / spans * 1e6 for name, value in after.items()}
