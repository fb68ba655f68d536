"""Passing on what was received."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.forward.config import ForwardConfig
from auditspan.collector.forward.forwarder import Forwarder
from auditspan.collector.front.status import Problem
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from auditspan.wire.spool import SpoolLimits, SpoolWriter
from tests.collector.forward.backends import KINDS, Backend

EACH = pytest.mark.parametrize("protocol", sorted(KINDS))
SLOW_DOWN = Problem(429, "RESOURCE_EXHAUSTED", "", "", retry_after=7)
GONE = Problem(503, "UNAVAILABLE", "", "")
NEVER = Problem(400, "INVALID_ARGUMENT", "", "")


class House:
    """A spool, and a forwarder whose waits take no time."""

    def __init__(self, root: Path) -> None:
        self.root = root
        limits = SpoolLimits()
        self.writer = SpoolWriter(root / "spool", "test", limits)
        self.counted: Counter[str] = Counter()
        self.waits: list[float] = []
        self.on_wait: Callable[[], None] = lambda: None
        self.hold = False
        """Whether a wait takes until the forwarder is stopped."""

    def forwarder(self, backend: Backend, **config: Any) -> Forwarder:
        """One over the same queue."""
        return Forwarder(
            ForwardConfig(endpoint=backend.address, **config),
            self.root,
            lambda event, count: self.counted.update({event: count}),
            sleep=self._sleep,
            spread=lambda: 1.0,
        )

    def batch(self, *requests: ExportTraceServiceRequest) -> str:
        """A closed segment."""
        for request in requests:
            body = request.SerializeToString()
            self.writer.append(frame(Envelope(OTLP_TRACES, 1, "d", "p", request=body)), 1)
        self.writer.append(frame(Envelope(CONTROL, 1, "d", "p", control="{}")), 1)
        name = self.writer.roll()
        assert name is not None
        return name

    async def until(self, forwarder: Forwarder, done: Callable[[], bool]) -> None:
        """Run the forwarder until something is so."""
        task = asyncio.create_task(forwarder.run())
        try:
            async with asyncio.timeout(10):
                while not done():
                    assert not task.done(), task.exception()
                    await asyncio.sleep(0.005)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.on_wait()
        await asyncio.sleep(3600 if self.hold else 0)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty one."""
    return House(tmp_path)


def request(*names: str, size: int = 0, **attributes: str) -> ExportTraceServiceRequest:
    """A request with spans of these names."""
    made = ExportTraceServiceRequest()
    spans = made.resource_spans.add().scope_spans.add().spans
    for name in names:
        span = spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name=name, trace_state="x" * size)
        for key, value in attributes.items():
            span.attributes.add(key=key.replace("__", ".")).value.string_value = value
    return made


def run(protocol: str, backend: Backend, use: Callable[[Backend], Awaitable[None]]) -> None:
    """Use a running backend."""

    async def go() -> None:
        async with KINDS[protocol](backend):
            await use(backend)

    asyncio.run(go())


@EACH
def test_what_was_received_arrives_in_order(protocol: str, house: House) -> None:
    """Batches before and after the start; control records stay here."""

    async def use(backend: Backend) -> None:
        house.batch(request("a"), request("b"))
        forwarder = house.forwarder(backend, protocol=protocol)
        forwarder.closed(house.batch(request("c")))
        await house.until(forwarder, lambda: house.counted["forwarded"] == 3)
        assert backend.names() == ["a", "b", "c"]

    run(protocol, Backend(), use)
    assert list((house.root / "forward").glob("*.seg")) == []
    assert dict(house.counted) == {"forwarded": 3}


@EACH
def test_the_audit_path_may_finish_first(protocol: str, house: House) -> None:
    """The engine deletes a segment that is not passed on yet."""

    async def use(backend: Backend) -> None:
        forwarder = house.forwarder(backend, protocol=protocol)
        name = house.batch(request("a"))
        forwarder.closed(name)
        (house.root / "spool" / f"{name}.seg").unlink()
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        assert backend.names() == ["a"]

    run(protocol, Backend(), use)


@EACH
def test_a_backend_that_cannot_is_tried_again(protocol: str, house: House) -> None:
    """As long as it asks for, and longer each time if it asks for nothing."""

    async def use(backend: Backend) -> None:
        house.batch(request("a"))
        forwarder = house.forwarder(backend, protocol=protocol)
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        assert backend.names() == ["a"]

    run(protocol, Backend(answers=[GONE, SLOW_DOWN, GONE]), use)
    assert house.waits == [1.0, 7.0, 4.0]


@EACH
def test_a_backend_that_never_will_is_left_alone(protocol: str, house: House) -> None:
    """The request is counted, the next one is sent."""

    async def use(backend: Backend) -> None:
        house.batch(request("a"), request("b"))
        forwarder = house.forwarder(backend, protocol=protocol)
        await house.until(forwarder, lambda: sum(house.counted.values()) == 2)
        assert backend.names() == ["b"]

    run(protocol, Backend(answers=[NEVER]), use)
    assert dict(house.counted) == {"refused": 1, "forwarded": 1}
    assert house.waits == []


@EACH
def test_a_partial_success_is_not_repeated(protocol: str, house: House) -> None:
    """The specification forbids it; it counts as refused."""

    async def use(backend: Backend) -> None:
        house.batch(request("a"))
        forwarder = house.forwarder(backend, protocol=protocol)
        await house.until(forwarder, lambda: house.counted["refused"] == 1)
        assert len(backend.bodies) == 1

    run(protocol, Backend(rejected=1), use)


@EACH
def test_a_backend_that_is_down_is_waited_for(protocol: str, house: House) -> None:
    """And what waited goes on from where it stopped, in another process too."""
    house.batch(request("a"), request("b"), request("c"))

    async def use(backend: Backend) -> None:
        first, house.hold = house.forwarder(backend, protocol=protocol), True
        await house.until(first, lambda: len(backend.bodies) == 1 and bool(house.waits))
        backend.answers.clear()
        house.hold = False
        second = house.forwarder(backend, protocol=protocol)
        await house.until(second, lambda: house.counted["forwarded"] == 3)
        assert backend.names() == ["a", "b", "c"]

    class Once(list[Problem]):
        """Well once, and then down."""

        def pop(self, _: Any = None) -> Problem:
            from tests.collector.forward.backends import OK

            return OK if next(calls) == 0 else GONE

    calls = itertools.count()
    run(protocol, Backend(answers=Once([GONE])), use)


def test_nobody_listens(house: House) -> None:
    """A refused connection is a reason to wait."""
    house.batch(request("a"))
    nobody = Backend(address="http://127.0.0.1:9")

    async def go() -> None:
        for protocol in sorted(KINDS):
            forwarder = house.forwarder(nobody, protocol=protocol)
            await house.until(forwarder, lambda: len(house.waits) > 3)
            assert house.waits[:4] == [1.0, 2.0, 4.0, 8.0]
            house.waits.clear()

    asyncio.run(go())
    assert not house.counted


def test_beyond_its_bound_the_oldest_is_dropped(house: House) -> None:
    """With a count; the batch under way gives up, and the newest arrive."""

    async def use(backend: Backend) -> None:
        forwarder = house.forwarder(backend, queue_mib=1, compression="none")
        names = [house.batch(request(f"{n}", size=700_000), request("-")) for n in range(3)]

        def overrun() -> None:
            while names:
                forwarder.closed(names.pop(0))
            backend.answers.clear()

        house.on_wait = overrun
        forwarder.closed(names.pop(0))
        await house.until(forwarder, lambda: house.counted["forwarded"] == 2)
        assert backend.names() == ["2", "-"]

    run("grpc", Backend(answers=[GONE]), use)
    # Three frames of each dropped batch: two requests and a control record.
    assert house.counted["dropped"] == 6


def test_statements_are_not_passed_on(house: House) -> None:
    """Whatever else is on the span is."""

    async def use(backend: Backend) -> None:
        marks: dict[str, Any] = {
            "audit__identity__statement": "s",
            "audit__agent__statement": "s",
            "user__id": "u",
        }
        house.batch(request("a", **marks))
        forwarder = house.forwarder(backend)
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        (sent,) = backend.bodies
        assert b"statement" not in sent and b"user.id" in sent

    run("grpc", Backend(), use)


@EACH
def test_headers_come_from_a_private_file(protocol: str, house: House, tmp_path: Path) -> None:
    """Read for each request; while others could read it, nothing is sent."""
    file = tmp_path / "headers"
    file.write_text("# for the backend\nAuthorization: Bearer abc\nX-Scope: one\n")
    file.chmod(0o644)

    async def use(backend: Backend) -> None:
        house.on_wait = lambda: file.chmod(0o600)
        house.batch(request("a"))
        forwarder = house.forwarder(backend, protocol=protocol, headers_file=file)
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        assert len(backend.headers) == 1
        assert backend.headers[0]["authorization"] == "Bearer abc"
        assert backend.headers[0]["x-scope"] == "one"

    run(protocol, Backend(), use)
    assert len(house.waits) == 1


def test_a_line_of_the_headers_is_never_shown(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be a token on a line of its own."""
    file = tmp_path / "headers"
    file.write_text("secret-token\n")
    file.chmod(0o600)

    async def use(backend: Backend) -> None:
        house.batch(request("a"))
        forwarder = house.forwarder(backend, headers_file=file)
        await house.until(forwarder, lambda: bool(house.waits))

    run("grpc", Backend(), use)
    assert "line 1" in caplog.text and "secret-token" not in caplog.text


def test_large_requests_are_cut(house: House) -> None:
    """Between spans, with their resources; one large span stays whole."""
    large = request("a", "b", size=400_000)
    large.MergeFrom(request("c", size=1_500_000))
    large.resource_spans[0].resource.attributes.add(key="service.name")

    async def use(backend: Backend) -> None:
        house.batch(large)
        forwarder = house.forwarder(backend, max_request_mib=1)
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        assert backend.names() == ["a", "b", "c"]
        assert [b"service.name" in body for body in backend.bodies] == [True, True, False]

    run("grpc", Backend(), use)


def test_a_batch_that_is_gone_is_no_fault_of_others(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and nothing is raised into the audit path."""

    async def use(backend: Backend) -> None:
        house.forwarder(backend).closed("test-0000000000001-00000001")

    run("grpc", Backend(), use)
    assert "is not passed on" in caplog.text


def test_a_broken_frame_does_not_stop_it(house: House) -> None:
    """What follows it in the segment is left out, the next segment is not."""
    path = house.root / "spool" / f"{house.batch(request('a'), request('b'))}.seg"
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)

    async def use(backend: Backend) -> None:
        house.batch(request("c"))
        forwarder = house.forwarder(backend)
        await house.until(forwarder, lambda: "c" in backend.names())

    run("grpc", Backend(), use)


@EACH
def test_only_the_request_itself_leaves(protocol: str, house: House) -> None:
    """Byte for byte; who sent it, and with what, stays here."""
    body = request("a").SerializeToString()
    principal = '{"credential":"0123456789abcdef","id":"agent:x"}'
    house.writer.append(frame(Envelope(OTLP_TRACES, 1, "sha256:0", principal, request=body)), 1)
    house.writer.roll()

    async def use(backend: Backend) -> None:
        forwarder = house.forwarder(backend, protocol=protocol)
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        assert backend.bodies == [body]
        assert "authorization" not in backend.headers[0]

    run(protocol, Backend(), use)


def test_a_disk_without_room_for_the_cursor_ends_nothing(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and each request is sent once."""

    async def use(backend: Backend) -> None:
        house.batch(request("a"), request("b"))
        forwarder = house.forwarder(backend)
        (house.root / "forward" / "cursor.new").mkdir()
        await house.until(forwarder, lambda: house.counted["forwarded"] == 2)
        assert backend.names() == ["a", "b"]

    run("grpc", Backend(), use)
    assert "waits" in caplog.text


def test_a_request_that_cannot_be_read_is_left_out(house: House) -> None:
    """The next one is sent."""
    broken = b"\xff audit.identity.statement"
    house.writer.append(frame(Envelope(OTLP_TRACES, 1, "d", "p", request=broken)), 1)

    async def use(backend: Backend) -> None:
        house.batch(request("a"))
        forwarder = house.forwarder(backend)
        await house.until(forwarder, lambda: house.counted["forwarded"] == 1)
        assert backend.names() == ["a"]

    run("grpc", Backend(), use)
    assert house.counted == {"refused": 1, "forwarded": 1}


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("tempo:4317", "expected http"),
        ("http://tempo:4317", "insecure: true"),
        ("https://u:p@tempo", "headers_file"),
        ("https://tempo/v1/traces", "no path"),
        ("https://tempo:x", "invalid literal|cast"),
    ],
)
def test_endpoints_that_cannot_work_are_refused(endpoint: str, words: str) -> None:
    """With what to do."""
    with pytest.raises(ValueError, match=words):
        ForwardConfig(endpoint=endpoint)


def test_an_http_endpoint_without_path_means_traces() -> None:
    """As the collector's otlphttp exporter has it."""
    config = ForwardConfig(endpoint="https://tempo:4318", protocol="http/protobuf")
    assert config.url == "https://tempo:4318/v1/traces"
    assert ForwardConfig(endpoint="https://[::1]").target == "[::1]:4317"
