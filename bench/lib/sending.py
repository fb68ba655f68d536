"""Senders over OTLP/gRPC: as fast as answers come, or at a pace that no answer changes."""

import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import grpc

_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


@dataclass(slots=True)
class Sender:
    """Connections to one collector."""

    address: str
    key: str = ""
    """An API key, empty for none."""
    connections: int = 4
    retries: int = 0
    """Answers so far that asked to try again."""
    _channels: list[grpc.Channel] = field(default_factory=list)
    _pool: ThreadPoolExecutor = field(init=False)

    def __enter__(self) -> Self:
        """Open the connections."""
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_http_proxy", 0),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        target = self.address.partition("//")[2] or self.address
        self._channels = [grpc.insecure_channel(target, options) for _ in range(self.connections)]
        self._pool = ThreadPoolExecutor(self.connections * 8)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close them."""
        self._pool.shutdown(cancel_futures=True)
        for channel in self._channels:
            channel.close()

    def send(self, body: bytes, number: int = 0) -> float:
        """Seconds until it is acknowledged, tries again included."""
        call = self._channels[number % self.connections].unary_unary(_METHOD)
        metadata = (("authorization", f"Bearer {self.key}"),) if self.key else ()
        began = time.perf_counter()
        while True:
            try:
                call(body, timeout=60, metadata=metadata)
                return time.perf_counter() - began
            except grpc.RpcError as error:
                if error.code() not in _AGAIN:
                    raise
                self.retries += 1
                time.sleep(0.1)

    def all(self, bodies: Iterable[bytes]) -> list[float]:
        """Send all, one at a time on each connection; the seconds each took."""
        taken: list[float] = []
        running: set[Future[float]] = set()
        for number, body in enumerate(bodies):
            if len(running) >= self.connections:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                taken += [each.result() for each in done]
            running.add(self._pool.submit(self.send, body, number))
        return taken + [each.result() for each in running]

    def paced(self, bodies: Iterable[bytes], per_second: float) -> list[float]:
        """Send at a pace; the seconds from when each was due to its answer.

        From when it was due, so that a collector that is slow cannot hide it by slowing us down.
        """
        running, began = [], time.perf_counter()
        for number, body in enumerate(bodies):
            due = began + number / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
            running.append(self._pool.submit(self._late, body, number, due))
        return [each.result() for each in running]

    def _late(self, body: bytes, number: int, due: float) -> float:
        self.send(body, number)
        return time.perf_counter() - due
