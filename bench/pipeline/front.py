"""What front does to a request, step by step, in this process: CPU µs a span.

What a collector's front takes beyond these steps is its transport: gRPC and the event loop.
"""

import hashlib
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from auditspan.wire import otlp
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from auditspan.wire.scrub import scrub
from auditspan.wire.spool import SpoolLimits, SpoolWriter

_RUNS = 7
_LIMITS = SpoolLimits(spans=10**9, bytes=1 << 30, seconds=1e9, total_bytes=4 << 30)
_PRINCIPAL = '{"id":"agent:airline-agent","kind":"agent"}'


def steps(bodies: list[bytes], spans: int, folder: Path) -> dict[str, float]:
    """Medians by step."""
    writer = SpoolWriter(folder / f"spool-{os.getpid()}", "abcd", _LIMITS)
    parsed = [otlp.parse(body) for body in bodies]
    frames = [_framed(body) for body in bodies]

    def spool() -> None:
        for each in frames:
            writer.append(each, 1)
            writer.sync()

    def scrubbed() -> None:
        for each, body in zip(parsed, bodies, strict=True):
            scrub(each.request, body)

    work: dict[str, Callable[[], object]] = {
        "hash": lambda: [hashlib.sha256(body).hexdigest() for body in bodies],
        "parse": lambda: [otlp.parse(body) for body in bodies],
        "scrub": scrubbed,
        "serialise": lambda: [otlp.serialise(each.request) for each in parsed],
        "frame": lambda: [_framed(body) for body in bodies],
        "spool": spool,
    }
    found = {name: _cpu(run) / spans * 1e6 for name, run in work.items()}
    writer.close()
    return {name: round(value, 2) for name, value in found.items()}


def _framed(body: bytes) -> bytes:
    return frame(Envelope(OTLP_TRACES, time.time_ns(), "sha256:" + "0" * 64, _PRINCIPAL, body))


def _cpu(run: Callable[[], object]) -> float:
    taken = []
    for _ in range(_RUNS + 1):
        began = time.process_time()
        run()
        taken.append(time.process_time() - began)
    return statistics.median(taken[1:])
