"""Errors in the words of OTLP."""

import json

import pytest
from google.rpc.error_details_pb2 import BadRequest, RetryInfo
from google.rpc.status_pb2 import Status

from auditspan.collector.front.decompress import BodyInvalid, BodyTooLarge
from auditspan.collector.front.metrics import REASONS
from auditspan.collector.front.refusals import (
    NotAllowed,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from auditspan.collector.front.rejections import (
    DiskLow,
    Overloaded,
    RateExceeded,
    ShareExceeded,
    Unsupported,
)
from auditspan.collector.front.status import problem_of, tell
from auditspan.wire.errors import RequestInvalid, SpoolFailed, SpoolFull

CASES = [
    (RequestInvalid("r"), 400, "INVALID_ARGUMENT", "malformed", False),
    (BodyInvalid("r"), 400, "INVALID_ARGUMENT", "malformed", False),
    (BodyTooLarge("r"), 413, "RESOURCE_EXHAUSTED", "too_large", False),
    (Unsupported("r"), 415, "INVALID_ARGUMENT", "unsupported", False),
    (Unauthenticated("r"), 401, "UNAUTHENTICATED", "unauthenticated", False),
    (NotAllowed("r"), 403, "PERMISSION_DENIED", "not_allowed", False),
    (TooManyRequests("r", 3), 429, "RESOURCE_EXHAUSTED", "too_many_requests", True),
    (Unavailable("r"), 503, "UNAVAILABLE", "unavailable", True),
    (Overloaded("r"), 503, "UNAVAILABLE", "overloaded", True),
    (DiskLow("r"), 503, "UNAVAILABLE", "disk_low", True),
    (RateExceeded("r"), 429, "RESOURCE_EXHAUSTED", "rate_exceeded", True),
    (ShareExceeded("r"), 429, "RESOURCE_EXHAUSTED", "share_exceeded", True),
    (SpoolFull("r"), 503, "UNAVAILABLE", "spool_full", True),
    (SpoolFailed("r"), 503, "UNAVAILABLE", "spool_failed", True),
    (ZeroDivisionError("secret"), 503, "UNAVAILABLE", "internal", True),
]


@pytest.mark.parametrize(
    ("error", "http", "grpc", "reason", "again"), CASES, ids=lambda v: type(v).__name__
)
def test_each_error_says_whether_to_try_again(
    error: Exception, http: int, grpc: str, reason: str, again: bool
) -> None:
    """By code and by `RetryInfo`; its reason is one that is counted."""
    problem = problem_of(error)
    assert (problem.http, problem.grpc, problem.reason) == (http, grpc, reason)
    assert bool(problem.retry_after) is again
    assert reason in REASONS
    details = problem.status().details
    assert any(detail.Is(RetryInfo.DESCRIPTOR) for detail in details) is again
    bad = any(detail.Is(BadRequest.DESCRIPTOR) for detail in details)
    assert bad is (grpc == "INVALID_ARGUMENT")


def test_the_status_is_the_same_in_both_encodings() -> None:
    """Protobuf, and the JSON of protobuf."""
    problem = problem_of(RequestInvalid("span 1: no"))
    status = Status.FromString(problem.body(json=False))
    fields = json.loads(problem.body(json=True))
    assert (status.code, status.message) == (fields["code"], fields["message"]) == (3, "span 1: no")


@pytest.mark.parametrize("error", [ZeroDivisionError("/secret"), SpoolFull("/secret")])
def test_what_is_ours_alone_is_not_told(error: Exception) -> None:
    """Faults and paths are for the log."""
    assert "secret" not in problem_of(error).message


def test_what_the_disk_says_is_in_the_log_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who runs the collector has no other place to see why everybody is refused."""
    clock = iter((1000.0, 1001.0, 1061.0))
    monkeypatch.setattr("auditspan.collector.front.status._told", {"spool_failed": 0.0})
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    error = SpoolFailed("spool /data/spool: Read-only file system")
    for _ in range(3):
        tell(problem_of(error), error)
    assert caplog.messages == ["requests are refused: spool /data/spool: Read-only file system"] * 2
