"""auditspan beside the Rotel agent: the same spans, the same machine, the same run.

    .venv-dev/bin/python -m bench.peers [--full]

Rotel (a collector in Rust, wheel `rotel` from PyPI) takes OTLP/gRPC and writes ClickHouse RowBinary
into chDB with the exporter's table and indexes. It neither attributes nor judges, seals or fsyncs.
auditspan runs as it is, and without sealing, without policies, and without both; `narrow` is the
same decoding with an insert into the exporter's table, which shows what wide columns cost. CPU µs
a span of all processes, merges included; batches of 20,000 for both. Rotel runs first and last.
"""

import argparse
import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pydantic import JsonValue

from auditspan.storage.config import StoreConfig
from auditspan.storage.decode import decode
from auditspan.storage.embedded import EmbeddedEngine
from bench.lib.collector import bench
from bench.lib.results import keep
from bench.lib.sending import Sender
from bench.lib.spans import Shape, bodies, endless
from bench.peers.receiver import DDL
from bench.peers.rotel import VERSION, costs, rotel
from bench.pipeline.__main__ import exact, show
from bench.pipeline.window import sustained

BATCH = 20_000
Figures = dict[str, JsonValue]
NO_SEAL: Figures = {"integrity": {"enabled": False}}
NARROW = ("TraceId", "SpanId", "ParentSpanId", "TraceState", "SpanName", "SpanKind", "ServiceName",
          "ResourceAttributes", "ScopeName", "ScopeVersion", "SpanAttributes", "Duration",
          "StatusCode", "StatusMessage", "Timestamp")  # fmt: skip


def main() -> int:
    """Run all, print and keep it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    batches = 20 if parser.parse_args().full else 5
    made = bodies(Shape(), BATCH)
    figures: Figures = {"rotel, first": peer(made, batches)}
    for name, seal, policies in (
        ("auditspan", True, True),
        ("auditspan without seal", False, True),
        ("auditspan without policies", True, False),
        ("auditspan without both", False, False),
    ):
        figures[name] = ours(made, batches, seal=seal, policies=policies)
    figures["narrow"] = narrow(batches)
    figures["rotel, last"] = peer(made, batches)
    show(figures)
    print(f"written to {keep('peers', figures, rotel=VERSION, spans=batches * BATCH)}")
    return 0


def peer(made: list[bytes], batches: int) -> Figures:
    """Rotel and its ingest."""
    source = endless(made)
    with (
        tempfile.TemporaryDirectory(
            prefix="auditspan-bench-", ignore_cleanup_errors=True
        ) as folder,
        rotel(Path(folder), BATCH) as at,
        Sender(at.grpc) as sender,
    ):
        sender.all(itertools.islice(source, 2 * len(made)))
        at.stored(2 * BATCH)
        return costs(at, sender, itertools.islice(source, batches * len(made)), batches * BATCH)


def ours(made: list[bytes], batches: int, *, seal: bool, policies: bool) -> Figures:
    """A collector of ours."""
    source, config = endless(made), exact(BATCH)
    if not seal:
        assert isinstance(config["service"], dict)
        config["service"] |= NO_SEAL
    with (
        tempfile.TemporaryDirectory(
            prefix="auditspan-bench-", ignore_cleanup_errors=True
        ) as folder,
        bench(Path(folder) / "data", config, policies=policies) as at,
        Sender(at.grpc, at.key) as sender,
    ):
        sender.all(itertools.islice(source, 2 * len(made)))
        at.drained()
        bodies = itertools.islice(source, batches * len(made))
        found = sustained(at, sender, bodies, batches * BATCH)
    return {
        "collector": round(found.costs["front"], 2),
        "engine": round(found.costs["engine"] + found.costs.get("signer", 0.0), 2),
        "together": found.figures()["cpu_us_all"],
        "spans_per_second": found.figures()["spans_per_second"],
        "peak_mb": round(found.peak_mb),
    }


def narrow(batches: int) -> Figures:
    """A segment decoded by us into the exporter's table: no stages, no columns of ours."""
    from bench.stages import frames

    with tempfile.TemporaryDirectory(
        prefix="auditspan-bench-", ignore_cleanup_errors=True
    ) as folder:
        segment = Path(folder) / "abcd1234-1795000000000-00000001.seg"
        segment.write_bytes(frames(bodies(Shape(), BATCH)))
        engine = EmbeddedEngine(StoreConfig(path=Path(folder) / "store", database="otel"))
        engine.command(DDL)
        decoding, inserting = [], []
        for _ in range(batches + 2):
            began = time.process_time()
            table = decode(engine, segment).select(NARROW)
            decoded = time.process_time()
            engine.insert("otel_traces", table)
            decoding.append((decoded - began) / BATCH * 1e6)
            inserting.append((time.process_time() - decoded) / BATCH * 1e6)
        engine.close()
    found = {"decode": statistics.median(decoding[2:]), "insert": statistics.median(inserting[2:])}
    return {name: round(value, 2) for name, value in found.items()}


if __name__ == "__main__":
    sys.exit(main())
