"""What front takes of CPU, in a process of its own and without an engine behind it.

    .venv-dev/bin/python -m bench.front [--seconds 2] [--rounds 5]

Requests of 200 spans over gRPC: µs a span. One span a request, 1,000 requests a second, over gRPC
and over HTTP with kept connections: µs a request. All threads of the process are counted, those of
gRPC and of the spool included; the windows of the three take turns.
"""

import argparse
import http.client
import itertools
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from bench.lib.results import median
from bench.lib.sending import Sender
from bench.lib.spans import Shape, bodies, endless

PER_REQUEST = 200


@dataclass(frozen=True, slots=True)
class Front:
    """A running one."""

    pid: int
    grpc: str
    http: str

    def cpu(self) -> float:
        """Seconds of CPU so far, of all its threads; none of them ends before it does."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((t / "schedstat").read_text().split()[0]) for t in threads) / 1e9


def main() -> int:
    """Measure all three, in turns."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with front() as at, Sender(at.grpc) as sender:
        small = endless(bodies(Shape(), 2_000, 1))
        large = endless(bodies(Shape(), 4_000, PER_REQUEST))
        requests = int(options.seconds * 1_000)
        cases: dict[str, tuple[int, Callable[[], object]]] = {
            f"gRPC, {PER_REQUEST} spans a request: a span": (
                100 * PER_REQUEST,
                lambda: sender.all(itertools.islice(large, 100)),
            ),
            "gRPC, 1 span a request: a request": (
                requests,
                lambda: sender.paced(itertools.islice(small, requests), 1_000),
            ),
            "HTTP, 1 span a request: a request": (
                requests,
                lambda: over_http(at.http, list(itertools.islice(small, requests)), 1_000),
            ),
        }
        found: dict[str, list[float]] = {name: [] for name in cases}
        for _ in range(options.rounds + 1):
            for name, (count, run) in cases.items():
                before = at.cpu()
                run()
                found[name].append((at.cpu() - before) / count * 1e6)
        for name, values in found.items():
            print(f"{name:<45}{median(values[1:]):8.1f} µs   ({min(values[1:]):.1f} at least)")
    return 0


def over_http(url: str, made: list[bytes], per_second: float, connections: int = 8) -> None:
    """Send at a pace over kept connections."""
    host = url.partition("//")[2]
    began = time.perf_counter()

    def lane(number: int) -> None:
        connection = http.client.HTTPConnection(host)
        headers = {"content-type": "application/x-protobuf"}
        for position in range(number, len(made), connections):
            time.sleep(max(0.0, began + position / per_second - time.perf_counter()))
            connection.request("POST", "/v1/traces", made[position], headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"expected 200, got {answer.status}")
        connection.close()

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(lane, range(connections)))


@contextmanager
def front() -> Iterator[Front]:
    """The ports over an empty data folder."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="auditspan-bench-") as folder:
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(Path(folder) / "data", theirs), daemon=True)
        process.start()
        addresses = ours.recv()
        try:
            assert process.pid is not None
            yield Front(process.pid, addresses["grpc"], addresses["http"])
        finally:
            ours.send("stop")
            process.join(10)


def _serve(folder: Path, pipe: Connection) -> None:
    from tests.collector.front.receiving import receiving

    with receiving(folder) as running:
        pipe.send(running.addresses)
        pipe.recv()


if __name__ == "__main__":
    sys.exit(main())
