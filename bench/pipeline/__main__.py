"""CPU of the whole pipeline in a real `auditspan up`, fed over real OTLP/gRPC.

    .venv-dev/bin/python -m bench.pipeline [--full] [--only standard,growth,latency,cores,airline]

The collector runs with the airline example's registry in force and its agent's key; spans are
those of `bench/lib/spans.py` (two thirds tool calls) and the recorded airline conversations. CPU is
that of all processes by `/proc`, merges included; stages are what the engine counts itself. Medians
of 5 windows of one batch after 3 batches of warm-up. About 4 minutes, `--full` 12.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from bench.lib.airline import copies, recorded, spans_of
from bench.lib.collector import Bench, bench
from bench.lib.processes import peak_mb
from bench.lib.results import keep, quantile
from bench.lib.sending import Sender
from bench.lib.spans import Shape, bodies, endless
from bench.pipeline.front import steps
from bench.pipeline.window import medians, sustained, window

BAR, STRETCH, LATENCY_BAR_MS, MEMORY_BAR_MB = 50.0, 25.0, 50.0, 1200.0
BATCH, STANDARD = 20_000, Shape()
SHAPES = {
    "0.5 kB, 8 attributes": Shape(500, 8),
    "1.2 kB, 9 attributes": Shape(1200, 9),
    "1.2 kB, 34 attributes": Shape(1200, 34),
    "8 kB, 17 attributes": Shape(8000, 17),
}
BATCHES = (1_000, 5_000)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything."""

    windows: int
    sustained: int
    """Batches of the sustained run."""
    seconds: int
    """Of the latency run."""
    growth_windows: int


QUICK, FULL = Plan(5, 10, 10, 3), Plan(9, 50, 60, 5)
Figures = dict[str, JsonValue]


def main() -> int:
    """Run what is asked for, keep it, and fail beyond a bar."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", default="standard,latency,cores,growth,airline")
    options = parser.parse_args()
    plan, figures = FULL if options.full else QUICK, Figures()
    parts: dict[str, Callable[[Path, Plan], Figures]] = {
        "standard": standard,
        "latency": latency,
        "cores": one_core,
        "growth": growth,
        "airline": airline,
    }
    for name in options.only.split(","):
        with tempfile.TemporaryDirectory(
            prefix="auditspan-bench-", ignore_cleanup_errors=True
        ) as folder:
            figures[name] = parts[name](Path(folder), plan)
        print(f"== {name}", flush=True)
        show(figures[name])
    if options.only.count(",") == len(parts) - 1:
        print(f"written to {keep('pipeline', figures, bars=bars())}")
    return int(not met(figures))


def bars() -> Figures:
    """What DESIGN §10 asks for."""
    return {"cpu_us": BAR, "stretch_us": STRETCH, "p99_ms": LATENCY_BAR_MS, "mb": MEMORY_BAR_MB}


def met(figures: Figures) -> bool:
    """Whether the bars are met as far as they were measured."""
    standard, latency = figures.get("standard"), figures.get("latency")
    good = True
    if isinstance(standard, dict) and isinstance(standard["sustained"], dict):
        found = standard["sustained"]
        assert isinstance(found["cpu_us_all"], float) and isinstance(found["peak_mb"], int)
        good = found["cpu_us_all"] <= BAR and found["peak_mb"] <= MEMORY_BAR_MB
    if isinstance(latency, dict):
        assert isinstance(latency["p99_ms"], float)
        good = good and latency["p99_ms"] <= LATENCY_BAR_MS
    return good


def exact(batch: int) -> Figures:
    """Batches are cut by their size alone."""
    return {"service": {"spool": {"batch_spans": batch, "batch_seconds": 5}}}


def measured(at: Bench, sender: Sender, shape: Shape, windows: int, batch: int) -> Figures:
    """Medians of windows of a batch; the first one is warm-up."""
    source = endless(bodies(shape, batch, min(shape.per_request, batch)))
    count = -(-batch // min(shape.per_request, batch))
    spans = count * min(shape.per_request, batch)
    found = [window(at, sender, itertools.islice(source, count), spans) for _ in range(windows + 1)]
    return {"windows": windows, "spans": spans, "cpu_us": dict(medians(found[1:]))}


def standard(folder: Path, plan: Plan) -> Figures:
    """The standard case: medians by stage, then a longer run."""
    made = bodies(STANDARD, BATCH)
    with bench(folder / "data", exact(BATCH)) as at, Sender(at.grpc, at.key) as sender:
        source = endless(made)

        def batches(count: int) -> Iterator[bytes]:
            return itertools.islice(source, count * len(made))

        for _ in range(3):
            window(at, sender, batches(1), BATCH)
        found = [window(at, sender, batches(1), BATCH) for _ in range(plan.windows)]
        spans = plan.sustained * BATCH
        long = sustained(at, sender, batches(plan.sustained), spans)
        return {
            "batch": BATCH,
            "bytes_a_span": sum(map(len, made)) // BATCH,
            "windows": plan.windows,
            "cpu_us": dict(medians(found)),
            "front_steps_us": dict(steps(made[:10], BATCH // len(made) * 10, folder)),
            "sustained": long.figures(),
        }


def latency(folder: Path, plan: Plan) -> Figures:
    """Acknowledgements at 5,000 spans a second in 100 requests, with the default configuration."""
    made = bodies(STANDARD, 5_000, 50)
    with bench(folder / "data", {}) as at, Sender(at.grpc, at.key) as sender:
        sender.paced(itertools.islice(endless(made), 300), 100)
        at.drained()
        taken = sender.paced(itertools.islice(endless(made), plan.seconds * 100), 100)
        at.drained()
        return {
            "spans_per_second": 5_000,
            "requests": len(taken),
            "p50_ms": quantile([each * 1e3 for each in taken], 0.5),
            "p99_ms": quantile([each * 1e3 for each in taken], 0.99),
            "max_ms": quantile([each * 1e3 for each in taken], 1.0),
            "peak_mb": {role: round(value) for role, value in peak_mb(at.pids).items()},
        }


def one_core(folder: Path, plan: Plan) -> Figures:
    """Throughput with all processes of the collector on one core; the sender has the other."""
    made, count = bodies(STANDARD, BATCH), plan.sustained // 2
    with bench(folder / "data", exact(BATCH), cores="0") as at, Sender(at.grpc, at.key) as sender:
        source = endless(made)
        window(at, sender, itertools.islice(source, 2 * len(made)), 2 * BATCH)
        spans = count * BATCH
        return sustained(at, sender, itertools.islice(source, count * len(made)), spans).figures()


def growth(folder: Path, plan: Plan) -> Figures:
    """How cost grows with the batch, the attributes and the size of a span."""
    found: Figures = {}
    for batch in BATCHES:
        with bench(folder / f"b{batch}", exact(batch)) as at, Sender(at.grpc, at.key) as sender:
            measured(at, sender, STANDARD, 2, batch)
            more = plan.growth_windows * 2
            found[f"batch of {batch:,}"] = measured(at, sender, STANDARD, more, batch)
    with bench(folder / "shapes", exact(BATCH)) as at, Sender(at.grpc, at.key) as sender:
        measured(at, sender, STANDARD, 2, BATCH)
        for name, shape in SHAPES.items():
            found[name] = measured(at, sender, shape, plan.growth_windows, BATCH)
    return found


def airline(folder: Path, plan: Plan) -> Figures:
    """The 200 airline conversations as a real agent sent them, some five times a batch."""
    requests = recorded()
    with bench(folder / "data", exact(BATCH)) as at, Sender(at.grpc, at.key) as sender:
        measured(at, sender, STANDARD, 2, BATCH)
        found = []
        for _ in range(plan.growth_windows + 1):
            made = list(copies(requests, BATCH))
            spans = sum(spans_of([type(requests[0]).FromString(body)]) for body in made)
            found.append(window(at, sender, made, spans))
        return {
            "spans_recorded": spans_of(requests),
            "bytes_a_span": sum(each.ByteSize() for each in requests) // spans_of(requests),
            "spans_a_request": round(spans_of(requests) / len(requests)),
            "cpu_us": dict(medians(found[1:])),
        }


def show(figures: JsonValue, indent: str = "  ") -> None:
    """Print figures below each other."""
    if not isinstance(figures, dict):
        return
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        else:
            print(f"{indent}{name:<24}{value!s:>12}")


if __name__ == "__main__":
    sys.exit(main())
