"""A server store that is away for an hour of traffic, which comes as fast as it can here.

.venv-dev/bin/python -m bench.crash.outage --spans 180000

An hour at 50 spans a second. Meanwhile everything is acknowledged and the front's memory stays
flat; afterwards it is caught up in order, every span once. The exit code is 1 if not.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import httpx

from bench.lib.processes import memory_of
from bench.lib.results import keep
from tests.crash.collector import CONFIG, nursery
from tests.crash.stores import OUT_OF_ORDER, House, housed
from tests.end_to_end.bodies import body

A_REQUEST = 100
SEGMENTS = 360
_FLAT_MB = 32


def main() -> int:
    """Run it, print it, keep it."""
    parser = argparse.ArgumentParser(description="an outage of the store, caught up")
    parser.add_argument("--spans", type=int, default=180_000)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="auditspan-outage-"))
    with nursery(folder) as at, housed(at, folder, _config(asked.spans), timeout=60) as house:
        figures = _outage(house, asked.spans)
    for name, value in figures.items():
        print(f"{name:<24}{value:>12}")
    keep("outage", dict(figures))
    return int(not figures["holds"])


def _config(spans: int) -> str:
    """As many batches as an hour has at one in ten seconds."""
    config = CONFIG.replace("total_mib: 64", "total_mib: 4096")
    return config.replace("batch_spans: 400", f"batch_spans: {max(spans // SEGMENTS, 1)}")


def _outage(house: House, spans: int) -> dict[str, float]:
    _send(house, A_REQUEST, "before")
    house.collector.until_drained()
    house.between.mode = "down"
    with memory_of({"front": house.front()}) as memory:
        began = time.monotonic()
        acknowledged = _send(house, spans, "meanwhile")
        outage = time.monotonic() - began
    waiting = sum(path.stat().st_size for path in (house.collector.data / "spool").glob("*.*"))
    house.between.mode = "pass"
    began = time.monotonic()
    house.collector.until_drained(120)
    caught_up = time.monotonic() - began
    (rows,) = house.asked("SELECT count(), uniqExact(TraceId, SpanId) FROM audit_records "
                          "WHERE SpanName = 'meanwhile'")  # fmt: skip
    stored, distinct = map(int, rows.split("\t"))
    disorder = int(house.asked(OUT_OF_ORDER)[0])
    return {
        "acknowledged": acknowledged,
        "stored": stored,
        "duplicates": stored - distinct,
        "lost": acknowledged - distinct,
        "out of order": disorder,
        "spool MB": round(waiting / 1e6, 1),
        "front grew MB": round(memory.growth, 1),
        "seconds of traffic": round(outage, 1),
        "seconds to catch up": round(caught_up, 1),
        "holds": stored == distinct == acknowledged and not disorder and memory.growth < _FLAT_MB,
    }


def _send(house: House, spans: int, name: str) -> int:
    """The spans that were acknowledged; a refusal ends it."""
    sent, url = 0, f"http://127.0.0.1:{house.collector.ports['http']}/v1/traces"
    headers = {"content-type": "application/x-protobuf"}
    with httpx.Client(timeout=30, trust_env=False) as client:
        while sent < spans:
            content = body(name, A_REQUEST, **{"gen_ai.operation.name": "execute_tool"})
            client.post(url, content=content, headers=headers).raise_for_status()
            sent += A_REQUEST
    return sent


if __name__ == "__main__":
    sys.exit(main())
