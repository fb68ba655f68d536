"""Little traffic and large spans, in a real `auditspan up` with its default configuration.

    .venv-dev/bin/python -m bench.small [--full]

Idle, 1 span a second, 100 a second, and 1,000 requests a second of one span: CPU of all processes
in percent of a core, time until the acknowledgement, and time from a record's receipt to the signed
checkpoint that covers it. Then spans of 60 kB as fast as they are taken: memory. About 2 minutes.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from auditspan.storage.engine import open_embedded
from bench.lib.collector import bench
from bench.lib.idle import IDLE_BAR, idle, percent
from bench.lib.processes import reset_peaks
from bench.lib.results import keep, number, quantile
from bench.lib.sending import Sender
from bench.lib.spans import Shape, bodies, endless
from bench.pipeline.__main__ import show
from bench.pipeline.window import sustained

SLOW_BAR, LAG_BAR_S, MEMORY_BAR_MB = 5.0, 3.0, 1200.0
LARGE = Shape(60_000, 17)
Figures = dict[str, JsonValue]
_LAGS = """
SELECT (toUnixTimestamp64Milli(c.SignedAt) - toUnixTimestamp64Milli(r.ReceivedAt)) / 1000 AS Lag
FROM audit_records AS r
ASOF JOIN (SELECT LogId, Size, min(SignedAt) AS SignedAt FROM audit_checkpoints GROUP BY 1, 2) AS c
ON r.LogId = c.LogId AND r.LogIndex < c.Size
WHERE r.RecordKind = 'action'
    AND toUnixTimestamp64Milli(r.ReceivedAt) / 1000 BETWEEN {since:Float64} AND {until:Float64}
"""
"""Seconds from the receipt of each record to the first note that covers it."""


def main() -> int:
    """Run all, keep it, and fail beyond a bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    seconds = 60 if parser.parse_args().full else 20
    figures: Figures = {}
    with tempfile.TemporaryDirectory(
        prefix="auditspan-bench-", ignore_cleanup_errors=True
    ) as folder:
        figures |= little(Path(folder) / "data", seconds)
    print("== little traffic", flush=True)
    show(figures)
    with tempfile.TemporaryDirectory(
        prefix="auditspan-bench-", ignore_cleanup_errors=True
    ) as folder:
        figures["60 kB a span"] = large(Path(folder) / "data", 5 if seconds < 60 else 20)
    print("== large spans", flush=True)
    show(figures["60 kB a span"])
    bars: Figures = {
        "idle_percent": IDLE_BAR, "slow_percent": SLOW_BAR, "lag_p99_s": LAG_BAR_S,
        "mb": MEMORY_BAR_MB,
    }  # fmt: skip
    print(f"written to {keep('small', figures, bars=bars)}")
    return int(not met(figures))


def met(figures: Mapping[str, JsonValue]) -> bool:
    """Whether every bar is met."""
    return (
        number(figures, "idle.cpu_percent") <= IDLE_BAR
        and number(figures, "1 span a second.cpu_percent") <= SLOW_BAR
        and all(number(figures, f"{name}.lag_p99_s") <= LAG_BAR_S for name in RATES)
        and number(figures, "60 kB a span.peak_mb") <= MEMORY_BAR_MB
    )


RATES = {"1 span a second": 1, "100 spans a second": 100, "1,000 requests a second": 1_000}
"""One span a request, all of them."""


def little(data: Path, seconds: int) -> Figures:
    """All rates in one collector, one after the other."""
    made = bodies(Shape(), 2_000, 1)
    figures: Figures = {}
    spans: dict[str, tuple[float, float]] = {}
    with bench(data, {}) as at, Sender(at.grpc, at.key) as sender:
        source = endless(made)
        sender.paced(itertools.islice(source, 500), 100)
        at.drained()
        time.sleep(3)
        figures["idle"] = idle(at.pids, 2 * seconds)
        for name, rate in RATES.items():
            taken: list[float] = []
            began = time.time()
            found = percent(
                at.pids,
                lambda rate=rate, taken=taken: taken.extend(  # type: ignore[misc]
                    sender.paced(itertools.islice(source, rate * seconds), rate)
                ),
            )
            spans[name] = (began, time.time())
            figures[name] = {
                "requests": len(taken),
                **found,
                "ack_p50_ms": quantile([each * 1e3 for each in taken], 0.5),
                "ack_p99_ms": quantile([each * 1e3 for each in taken], 0.99),
            }
        at.drained()
        time.sleep(12)  # the notes of the last seconds are stored
    for name, lags in lags_of(data, spans).items():
        case = figures[name]
        assert isinstance(case, dict)
        case |= {"lag_p50_s": quantile(lags, 0.5), "lag_p99_s": quantile(lags, 0.99)}
    return figures


def lags_of(data: Path, spans: Mapping[str, tuple[float, float]]) -> dict[str, list[float]]:
    """Seconds to the checkpoint, by case, from the store of a stopped collector."""
    store = open_embedded(data / "store")
    try:
        return {
            name: store.arrow(_LAGS, {"since": since, "until": until})["Lag"].to_pylist()
            for name, (since, until) in spans.items()
        }
    finally:
        store.close()


def large(data: Path, rounds: int) -> Figures:
    """Spans of 60 kB: 1,000 a round, which is a segment of 64 MB each."""
    made = bodies(LARGE, 1_000)
    with bench(data, {}) as at, Sender(at.grpc, at.key) as sender:
        source = endless(made)
        sender.all(itertools.islice(source, len(made)))
        at.drained()
        reset_peaks(at.pids)
        found = sustained(at, sender, itertools.islice(source, rounds * len(made)), rounds * 1_000)
        return {**found.figures(), "retries": sender.retries}


if __name__ == "__main__":
    sys.exit(main())
