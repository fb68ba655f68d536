"""Bodies that nobody would send get clean answers; the engine never ends, nothing is lost."""

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import grpc
import httpx
import pytest
from google.protobuf.json_format import Parse
from google.rpc import error_details_pb2  # noqa: F401 (what a status in JSON may hold)
from google.rpc.status_pb2 import Status

from auditspan.wire.errors import RequestInvalid
from auditspan.wire.otlp import parse
from auditspan.wire.otlp_json import parse_json
from tests.conformance.sending import Senders, senders
from tests.end_to_end.bodies import JSON, PROTOBUF
from tests.end_to_end.running import running
from tests.fuzz.driving import corpus, drive

_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
_COUNT = "SELECT count() AS n FROM audit_records WHERE RecordKind = 'action'"


class Sent:
    """What was taken, and that answers are clean."""

    def __init__(self, to: Senders) -> None:
        self.to = to
        self.taken: dict[bytes, int] = {}
        """Spans of each body that was acknowledged; the same body again is the same request."""

    def protobuf(self, body: bytes) -> None:
        """Over HTTP."""
        self._post(body, body, PROTOBUF, {}, lambda: parse(body).spans)

    def json(self, body: bytes) -> None:
        """Over HTTP."""
        self._post(body, body, JSON, {}, lambda: parse_json(body).spans)

    def gzipped(self, body: bytes) -> None:
        """What is in the body is packed, or already no gzip."""
        headers = {"content-encoding": "gzip"}
        self._post(body, gzip.compress(body, 1), PROTOBUF, headers, lambda: parse(body).spans)
        try:
            plain = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            plain = b"\xff"
        self._post(plain, body, PROTOBUF, headers, lambda: parse(plain).spans)

    def grpc(self, body: bytes) -> None:
        """OK or INVALID_ARGUMENT."""
        try:
            self.to.channel.unary_unary(_METHOD)(body, timeout=30)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
            with pytest.raises(RequestInvalid):
                parse(body)
        else:
            self.taken[body] = parse(body).spans

    def _post(
        self, mark: bytes, body: bytes, kind: str, more: dict[str, str], spans: Callable[[], int]
    ) -> None:
        if mark in self.taken:
            # The same bytes again are the same request, whatever they are said to be.
            return
        headers = {"content-type": kind, **more}
        answer = self.to.http.post(self.to.url, content=body, headers=headers)
        assert answer.status_code in (200, 400), (answer.status_code, answer.content)
        assert answer.headers["content-type"] == kind
        if answer.status_code == 200:
            self.taken[mark] = spans()
            return
        status = Status()
        if kind == JSON:
            Parse(answer.content, status)
        else:
            status.ParseFromString(answer.content)
        assert status.code == 3
        assert status.message


def test_any_body_gets_a_clean_answer(tmp_path: Path) -> None:
    """200 and stored, or 400 with a reason; afterwards the same processes are ready."""
    with running(tmp_path / "data") as collector, senders(collector.addresses) as to:
        engines, sent = collector.children("engine"), Sent(to)
        done = drive(sent.protobuf, corpus("protobuf"), 150)
        done += drive(sent.grpc, corpus("protobuf"), 80)
        done += drive(sent.json, corpus("json"), 150)
        done += drive(sent.gzipped, corpus("protobuf"), 60)
        collector.wait_for(_COUNT, sum(sent.taken.values()), 60)
        assert collector.rows(_COUNT) == [{"n": sum(sent.taken.values())}]
        assert collector.rows("SELECT count() AS n FROM dead_letters") == [{"n": 0}]
        assert collector.children("engine") == engines
        assert httpx.get(f"{collector.addresses['api']}/readyz").status_code == 200
    print(f"receiver: {done} bodies, {sum(sent.taken.values())} spans taken")
