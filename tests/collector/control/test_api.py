"""The controls over HTTP: for the operator only, JSON in and out, and no answer is kept."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from auditspan.collector.control.api import MAX_BODY, routes
from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.service import open_controls
from auditspan.collector.errors import EngineFailed
from tests.collector.control.bundles import BROKEN, WRONG, bundle

TOKEN = "aso_operator"
WHY = {"requested_by": "ann", "ticket": "T-1", "reason": "because"}
Ask = Callable[..., httpx.Response]


@pytest.fixture
def records() -> list[str]:
    """What reached the spool."""
    return []


@pytest.fixture
def ask(tmp_path: Path, records: list[str]) -> Ask:
    """Sends one request to the application."""

    async def submit(text: str) -> None:
        if "full" in text:
            raise ControlUnavailable("spool: disk full")
        if "away" in text:
            raise EngineFailed("the engine is away")
        if "fault" in text:
            raise ZeroDivisionError("secret detail")
        records.append(text)

    controls = open_controls(tmp_path, tmp_path / "api_keys.json", submit)
    app = Starlette(routes=routes(controls, TOKEN))

    async def send(method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://front") as client:
            return await client.request(method, f"/v1/control/{path}", **options)

    def asked(method: str, path: str, **options: Any) -> httpx.Response:
        options.setdefault("headers", {"Authorization": f"Bearer {TOKEN}"})
        return asyncio.run(send(method, path, **options))

    return asked


def applying(**changed: str) -> dict[str, Any]:
    """The body that applies the small registry."""
    return {"files": dict(bundle(**changed).files), "why": WHY}


def error(response: httpx.Response) -> dict[str, Any]:
    """The error of an answer."""
    found: dict[str, Any] = response.json()["error"]
    return found


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer aso_other"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"X-Api-Key": TOKEN},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "registry"),
        ("GET", "registry"),
        ("GET", "history"),
        ("POST", "keys"),
        ("GET", "keys"),
        ("POST", "keys/0123/revoke"),
    ],
)
def test_only_the_operator_may_ask(
    ask: Ask, records: list[str], method: str, path: str, headers: dict[str, str]
) -> None:
    """Every route demands the token, before it reads the body."""
    response = ask(method, path, headers=headers, json=applying())
    assert response.status_code == 401
    assert error(response)["code"] == "unauthenticated"
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert records == []


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    """A collector without a token refuses, even the empty one."""

    async def submit(text: str) -> None:
        raise AssertionError(text)

    controls = open_controls(tmp_path, tmp_path / "k.json", submit)
    app = Starlette(routes=routes(controls, ""))

    async def send() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://front"
        ) as client:
            return await client.get("/v1/control/keys", headers={"Authorization": "Bearer "})

    assert asyncio.run(send()).status_code == 401


def test_a_registry_is_applied_and_read_back(ask: Ask, records: list[str]) -> None:
    """Dry run, apply, texts in force, texts of a version, history."""
    dry = ask("POST", "registry", json=applying() | {"dry_run": True})
    assert (dry.status_code, dry.json()["applied"], records) == (200, False, [])
    assert ask("GET", "registry").status_code == 404
    applied = ask("POST", "registry", json=applying())
    assert applied.json()["applied"]
    assert applied.headers["Cache-Control"] == "no-store"
    version = applied.json()["version"]
    for query in ("registry", f"registry?version={version}"):
        assert ask("GET", query).json()["files"] == dict(bundle().files)
    [row] = ask("GET", "history").json()["versions"]
    assert row["version"] == version
    assert len(records) == 1


def test_a_refused_registry_answers_with_the_examples(ask: Ask) -> None:
    """422 with expected and actual."""
    response = ask("POST", "registry", json=applying(policies__p=WRONG))
    assert response.status_code == 422
    assert error(response)["details"][0]["actual"] == "deny by default-deny"


def test_an_invalid_registry_answers_with_the_places(ask: Ask) -> None:
    """400 with file, line and column."""
    response = ask("POST", "registry", json=applying(policies__p=BROKEN))
    assert response.status_code == 400
    detail = error(response)["details"][0]
    assert (detail["file"], detail["line"]) == ("policies/p.cedar", 2)


def test_a_spool_that_takes_nothing_asks_to_try_again(ask: Ask) -> None:
    """503 with Retry-After."""
    body = applying() | {"why": {"requested_by": "full"}}
    response = ask("POST", "registry", json=body)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"


def test_other_errors_keep_their_kind(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    """A retryable one is 503; a fault of ours is 500, told in the log and not to the caller."""
    response = ask("POST", "registry", json=applying() | {"why": {"requested_by": "away"}})
    assert (response.status_code, error(response)["message"]) == (503, "the engine is away")
    response = ask("POST", "registry", json=applying() | {"why": {"requested_by": "fault"}})
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text


def test_a_caller_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    """A body that ends early is answered, if anybody still listens."""

    async def submit(text: str) -> None:
        raise AssertionError(text)

    controls = open_controls(tmp_path, tmp_path / "k.json", submit)
    app = Starlette(routes=routes(controls, TOKEN))
    sent: list[Any] = []
    messages = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    )

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/control/keys",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {TOKEN}".encode())],
    }
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400


def test_a_key_is_issued_listed_and_revoked(ask: Ask, records: list[str]) -> None:
    """The key is in the first answer alone."""
    ask("POST", "registry", json=applying())
    issued = ask("POST", "keys", json={"holder": "helper", "seconds": 3600, "why": WHY})
    assert issued.status_code == 201
    key, id_ = issued.json()["key"], issued.json()["id"]
    listed = ask("GET", "keys")
    assert [row["id"] for row in listed.json()["keys"]] == [id_]
    assert key.rpartition("_")[2] not in listed.text + "".join(records)
    revoked = ask("POST", f"keys/{id_}/revoke", json={"why": WHY})
    assert revoked.json()["revoked_at"]
    assert ask("POST", "keys/0000/revoke", json={"why": WHY}).status_code == 404


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "body"),
        (b"{}", "holder"),
        (b'{"holder": "a", "seconds": "9", "why": {"requested_by": "a"}}', "seconds"),
        (b'{"holder": "a", "seconds": 9, "why": {"requested_by": " "}}', "why.requested_by"),
        (b'{"holder": "a", "seconds": 9, "why": {"requested_by": "a"}, "x": 1}', "x:"),
        (b'{"holder": "\\ud800", "seconds": 9, "why": {"requested_by": "a"}}', "holder"),
    ],
)
def test_a_bad_body_says_what_is_wrong(ask: Ask, content: bytes, words: str) -> None:
    """400 with the field and what was expected, and never a fault of the collector."""
    response = ask("POST", "keys", content=content)
    assert response.status_code == 400
    assert words in error(response)["message"]


def test_a_body_has_a_limit(ask: Ask) -> None:
    """More than the largest bundle is refused."""
    response = ask("POST", "registry", content=b" " * (MAX_BODY + 1))
    assert response.status_code == 400
    assert "at most" in error(response)["message"]


def test_texts_that_are_no_unicode_are_refused(ask: Ask) -> None:
    """A lone surrogate has no bytes and no hash."""
    body = json.dumps(applying()).replace("Helper", "\\ud800")
    assert ask("POST", "registry", content=body.encode()).status_code == 400
