"""How segments get to the collector."""

import socket
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from auditspan.instrumentation import delivery
from auditspan.instrumentation.delivery import Delivery
from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.send import sender
from auditspan.instrumentation.settings import settings
from auditspan.instrumentation.spool import Spool
from tests.instrumentation.recorded import spans
from tests.instrumentation.sink import Sink, running_sink

[SPAN] = spans("one")
REQUEST = Encoder().encode(SPAN, b"")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "LINGER", 0.01)
    monkeypatch.setattr(delivery, "FIRST_WAIT", 0.02)


def start(spool: Spool, url: str, **environ: str) -> Delivery:
    """A delivery to an address."""
    transport = settings({"OTEL_EXPORTER_OTLP_ENDPOINT": url, **environ}).transport
    made = Delivery(spool, lambda: sender(transport))
    made.start()
    return made


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for another thread."""
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen within 10 seconds"
        time.sleep(0.005)


def test_what_is_recorded_is_sent_and_removed(tmp_path: Path, sink: Sink) -> None:
    """Without anybody's doing, in one request."""
    spool = Spool(tmp_path, "i", 1 << 20)
    running = start(spool, sink.url, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20k")
    running.notify(spool.append(REQUEST))
    wait_until(lambda: bool(sink.requests) and spool.stored == 0)
    assert sink.requests == [REQUEST]
    assert sink.headers[0]["authorization"] == "Bearer k"
    assert sink.headers[0]["content-type"] == "application/x-protobuf"
    assert sink.headers[0][":path"] == "/v1/traces"
    assert running.finish(1)
    spool.close()


def test_the_same_bytes_are_sent_until_they_are_taken(tmp_path: Path, sink: Sink) -> None:
    """What fails for now is kept and sent again as it was."""
    sink.answers += [(503, {}), (429, {"Retry-After": "0"}), (401, {})]
    spool = Spool(tmp_path, "i", 1 << 20)
    running = start(spool, sink.url, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    running.notify(spool.append(REQUEST))
    wait_until(lambda: bool(sink.requests) and spool.stored == 0)
    assert (sink.answers, sink.requests) == ([], [REQUEST])
    assert sink.headers[0]["content-encoding"] == "gzip"
    assert running.finish(1)
    spool.close()


def test_an_address_where_no_collector_answers_costs_no_records(tmp_path: Path, sink: Sink) -> None:
    """A proxy that redirects, a wrong path: sent again until somebody has put it right."""
    sink.answers += [(302, {"Location": "/login"}), (404, {}), (402, {}), (501, {})]
    spool = Spool(tmp_path, "i", 1 << 20)
    running = start(spool, sink.url)
    running.notify(spool.append(REQUEST))
    wait_until(lambda: bool(sink.requests) and spool.stored == 0)
    assert (sink.answers, sink.requests) == ([], [REQUEST])
    assert running.finish(1)
    spool.close()
    assert not list(tmp_path.glob("*/*.bad"))


def test_an_address_where_no_collector_answers_is_named(sink: Sink) -> None:
    """Whoever reads the warning knows what to look at."""
    sink.answers.append((404, {}))
    transport = settings({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}).transport
    with closing(sender(transport)) as made:
        outcome = made.send(REQUEST, 1)
    assert outcome.kind == "retry"
    assert f"HTTP 404 from {sink.url}/v1/traces: no collector answers there" in outcome.message


def test_the_collector_says_how_long_to_wait(tmp_path: Path, sink: Sink) -> None:
    """`Retry-After` is obeyed."""
    sink.answers.append((429, {"Retry-After": "1"}))
    spool = Spool(tmp_path, "i", 1 << 20)
    running = start(spool, sink.url)
    began = time.monotonic()
    running.notify(spool.append(REQUEST))
    wait_until(lambda: bool(sink.requests))
    assert time.monotonic() - began >= 1
    assert running.finish(1)
    spool.close()


def test_what_is_refused_for_good_is_kept_for_people(tmp_path: Path, sink: Sink) -> None:
    """A request that is wrong blocks nothing and is not thrown away."""
    sink.answers.append((400, {}))
    spool = Spool(tmp_path, "i", 1 << 20)
    running = start(spool, sink.url)
    running.notify(spool.append(REQUEST))
    wait_until(lambda: bool(list(spool.folder.glob("*.bad"))))
    running.notify(spool.append(REQUEST))
    wait_until(lambda: sink.requests == [REQUEST])
    assert running.finish(1)
    spool.close()
    assert [path.name for path in tmp_path.glob("*/*.bad")] == ["00000001.bad"]


def test_what_was_left_is_sent_by_the_next(tmp_path: Path, sink: Sink) -> None:
    """A process that could not send leaves it to another one."""
    first = Spool(tmp_path, "first", 1 << 20)
    running = start(first, "http://127.0.0.1:9")
    running.notify(first.append(REQUEST))
    assert not running.finish(0.2)
    first.close()
    second = Spool(tmp_path, "second", 1 << 20)
    running = start(second, sink.url)
    wait_until(lambda: sink.requests == [REQUEST])
    assert running.finish(1)
    second.close()
    assert list(tmp_path.iterdir()) == []


def test_a_collector_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """The limit holds while a request is under way, too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        spool = Spool(tmp_path, "i", 1 << 20)
        running = start(spool, f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        spool.append(REQUEST)
        assert not running.finish(0.3)
        assert time.monotonic() - began < 3
        spool.close()
    assert len(list(tmp_path.glob("*/*.seg"))) == 1


def test_grpc_sends_the_same_bytes_with_headers(tmp_path: Path) -> None:
    """Over gRPC, retries included."""
    with running_sink(with_grpc=True) as sink:
        sink.refuse = "UNAVAILABLE"
        spool = Spool(tmp_path, "i", 1 << 20)
        running = start(
            spool,
            sink.grpc_url,
            OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
            OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20k",
        )
        running.notify(spool.append(REQUEST))
        wait_until(lambda: running._failures > 0)
        sink.refuse = ""
        wait_until(lambda: bool(sink.requests) and spool.stored == 0)
        assert sink.requests == [REQUEST]
        assert sink.headers[0]["authorization"] == "Bearer k"
        assert running.finish(1)
        spool.close()


def test_grpc_refusal_for_good_is_kept(tmp_path: Path) -> None:
    """INVALID_ARGUMENT is not sent again."""
    with running_sink(with_grpc=True) as sink:
        sink.refuse = "INVALID_ARGUMENT"
        spool = Spool(tmp_path, "i", 1 << 20)
        running = start(spool, sink.grpc_url, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        running.notify(spool.append(REQUEST))
        wait_until(lambda: bool(list(spool.folder.glob("*.bad"))))
        running.finish(1)
        spool.close()
