"""A request's token, for as long as the request is served."""

import asyncio
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from auditspan.instrumentation import tool
from auditspan.instrumentation.asgi import IdentityMiddleware, bearer_token
from auditspan.instrumentation.identity import NOBODY, current
from tests.instrumentation.recorded import running, written
from tests.instrumentation.sink import Sink


@tool
async def work() -> None:
    """Something to record."""
    await asyncio.sleep(0)


async def serve(request: Request) -> PlainTextResponse:
    """An agent behind HTTP."""
    await work()
    return PlainTextResponse("done")


def test_what_a_request_causes_is_recorded_for_its_user(tmp_path: Path, sink: Sink) -> None:
    """With the statement for its token, and for nobody afterwards."""
    sink.identity_answer = (200, {"statement": "a.b.c", "expires_at": 2**40})
    app = IdentityMiddleware(Starlette(routes=[Route("/", serve)]), purpose="support")
    with running(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url), TestClient(app) as client:
        client.get("/", headers={"Authorization": "Bearer user-token"})
        client.get("/")
        with_token, without = written(tmp_path)
    assert with_token.text("audit.identity.statement") == "a.b.c"
    assert with_token.text("audit.purpose") == "support"
    assert with_token.text("audit.trigger.type") == "http"
    assert "audit.identity.statement" not in without.attributes
    assert [asked["user_token"] for asked in sink.identities] == ["user-token"]
    assert current() is NOBODY


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ([(b"authorization", b"Bearer abc")], "abc"),
        ([(b"Authorization", b"bearer  abc ")], "abc"),
        ([(b"authorization", b"Basic abc")], ""),
        ([(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")], ""),
        ([(b"authorization", b"Bearer \xff")], ""),
        ([(b"authorization", b"Bearer " + b"a" * 20_000)], ""),
        ([], ""),
    ],
)
def test_only_one_plain_bearer_token_counts(headers: list[tuple[bytes, bytes]], token: str) -> None:
    """Anything else is no token."""
    assert bearer_token(headers) == token
