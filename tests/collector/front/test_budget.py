"""Bytes of requests in memory."""

import socket
import time
from pathlib import Path

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from pydantic import ValidationError

from auditspan.collector.config import CollectorConfig
from auditspan.collector.front.budget import Budget
from auditspan.collector.front.rejections import Overloaded
from tests.collector.front.house import request
from tests.collector.front.receiving import Receiving, receiving

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = {"content-type": "application/x-protobuf"}


def test_a_share_grows_and_is_given_back() -> None:
    """After an error, too."""
    budget = Budget(10)
    with budget.hold() as one, budget.hold() as two:
        one.grow(4)
        one.grow(6)
        two.grow(4)
        assert budget.used == 10
        with pytest.raises(Overloaded) as caught:
            two.grow(5)
        assert caught.value.retryable and caught.value.retry_after > 0
        assert budget.used == 10
    assert budget.used == 0


def test_a_failed_request_gives_back_what_it_held() -> None:
    """Whatever was raised."""
    budget = Budget(10)
    with pytest.raises(ZeroDivisionError), budget.hold() as hold:
        hold.grow(7)
        raise ZeroDivisionError
    assert budget.used == 0


def test_beyond_the_bound_senders_are_told_when_to_try_again(tmp_path: Path) -> None:
    """Over HTTP and gRPC, while a slow sender's body is in memory; that one is taken."""
    small = {"max_request_mib": 1}
    with receiving(tmp_path, max_in_flight_mib=1, grpc=small, http=small) as running:
        message = request()
        message.resource_spans[0].scope_spans[0].spans[0].name = "n" * 500_000
        body = message.SerializeToString()
        with _half_sent(running, body) as slow:
            url = f"{running.http}/v1/traces"
            refused = httpx.post(url, content=body + b"\x1a\x80\xa0\x0a" + b"x" * 167_936,
                                 headers=PROTOBUF)  # fmt: skip
            assert refused.status_code == 503 and int(refused.headers["retry-after"]) >= 1
            with grpc.insecure_channel(running.addresses["grpc"].partition("://")[2]) as channel:
                with pytest.raises(grpc.RpcError) as caught:
                    channel.unary_unary(METHOD)(body + body[: 1 << 18], timeout=10)
                assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
                trailing = dict(caught.value.trailing_metadata())
                status = Status.FromString(trailing["grpc-status-details-bin"])
                assert any(detail.Is(RetryInfo.DESCRIPTOR) for detail in status.details)
            slow.sendall(body[400_000:])
            assert b" 200 " in slow.recv(100)
        assert httpx.post(url, content=body[:-1] + b"n", headers=PROTOBUF).status_code == 200


def _half_sent(running: Receiving, body: bytes) -> socket.socket:
    """A connection that has sent 400,000 bytes of a body, which are in memory."""
    host, _, port = running.http.rpartition("/")[2].partition(":")
    slow = socket.create_connection((host, int(port)), timeout=10)
    head = f"POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n"
    slow.sendall(f"{head}content-type: application/x-protobuf\r\n\r\n".encode())
    slow.sendall(body[:400_000])
    end = time.monotonic() + 5
    while running.admission.budget.used < 400_000 and time.monotonic() < end:
        time.sleep(0.01)
    return slow


def test_the_largest_request_has_to_fit() -> None:
    """Otherwise it would be refused for ever, with an answer that says to try again."""
    with pytest.raises(ValidationError, match="max_in_flight_mib is 8, less than the 64 MiB"):
        CollectorConfig.model_validate({"receivers": {"otlp": {"max_in_flight_mib": 8}}})
