"""The controls over HTTP: for who may, JSON in and out, and no answer is kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.http import MAX_BODY
from auditspan.collector.errors import EngineFailed
from auditspan.identity.roles import ALLOWED, Action, Role
from tests.collector.control.asking import TOKEN, Asking
from tests.collector.control.bundles import BROKEN, STRICTER, WRONG, bundle, two_persons

WHY = {"requested_by": "ann", "ticket": "T-1", "reason": "because"}
HOLDERS = {
    Role.POLICY: "person:alice",
    Role.READER: "person:carol",
    Role.OPERATOR: "person:olga",
}


@pytest.fixture
def records() -> list[str]:
    """What reached the spool."""
    return []


@pytest.fixture
def ask(tmp_path: Path, records: list[str]) -> Asking:
    """Sends one request to the application."""

    async def submit(text: str) -> None:
        if "full" in text:
            raise ControlUnavailable("spool: disk full")
        if "away" in text:
            raise EngineFailed("the engine is away")
        if "disk" in text:
            raise PermissionError(1, "Operation not permitted", "/secret/place")
        if "fault" in text:
            raise ZeroDivisionError("secret detail")
        records.append(text)

    return Asking(tmp_path, submit)


def applying(**changed: str) -> dict[str, Any]:
    """The body that applies the small registry."""
    return {"files": dict(bundle(**changed).files), "why": WHY}


def applying_two() -> dict[str, Any]:
    """The body that puts it under the rule of two persons."""
    return {"files": dict(two_persons().files), "why": WHY}


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
        {"Authorization": "Bearer ask_0123456789abcdef_" + "0" * 64},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"X-Api-Key": TOKEN},
    ],
)
def test_nobody_unproved_is_heard(ask: Asking, records: list[str], headers: dict[str, str]) -> None:
    """Every route demands a credential, before it reads the body."""
    assert len(ask.table) > 10
    for endpoint in ask.table:
        response = ask(endpoint.method, endpoint.path, headers=headers, json=applying())
        assert response.status_code == 401, endpoint
        assert error(response)["code"] == "unauthenticated"
        assert response.headers["WWW-Authenticate"] == "Bearer"
    assert records == []


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    """A collector without a token refuses, even the empty one."""

    async def submit(text: str) -> None:
        raise AssertionError(text)

    ask = Asking(tmp_path, submit, token="")
    assert ask("GET", "keys", headers={"Authorization": "Bearer "}).status_code == 401
    assert ask("GET", "keys", "aso_").status_code == 401


@pytest.mark.parametrize("role", HOLDERS)
def test_every_route_demands_its_action(ask: Asking, role: Role) -> None:
    """Who has one of the route's actions is heard, others get 403 with the roles it takes; both
    before the body is read."""
    assert ask("POST", "registry", json=applying_two()).json()["applied"]
    key = ask.key(HOLDERS[role])
    for endpoint in ask.table:
        allowed = not ALLOWED[role].isdisjoint(endpoint.actions)
        response = ask(endpoint.method, endpoint.path, key, content=b"{")
        if allowed:
            assert response.status_code not in (401, 403), endpoint
        else:
            assert response.status_code == 403, endpoint
            assert error(response)["code"] == "not_allowed"
            assert f"{endpoint.actions[0]}: it takes the role" in error(response)["message"]


def test_every_action_of_controls_has_a_route(ask: Asking) -> None:
    """None of these can be done by nobody, and no route is without an action."""
    found = {action for endpoint in ask.table for action in endpoint.actions}
    assert found >= {
        Action.PROPOSE,
        Action.APPROVE,
        Action.DISABLE,
        Action.KEYS,
        Action.LOG_KEYS,
        Action.DEAD_LETTERS,
        Action.READ_REGISTRY,
    }
    assert all(endpoint.actions for endpoint in ask.table)


def test_two_persons_change_the_registry(ask: Asking, records: list[str]) -> None:
    """Propose, look, approve: each in the record as the credential proved them."""
    ask("POST", "registry", json=applying_two())
    alice, bob = ask.key("person:alice"), ask.key("person:bob")
    body = {"files": dict(two_persons(policies__p=STRICTER).files), "why": WHY}
    proposed = ask("POST", "registry", alice, json=body).json()
    assert not proposed["applied"]
    hash_ = proposed["proposal"]
    [row] = ask("GET", "changes", bob).json()["changes"]
    assert (row["id"], row["requested_by"], row["state"]) == (hash_, "person:alice", "open")
    shown = ask("GET", f"changes/{hash_}", bob).json()
    assert [change["kind"] for change in shown["changes"]] == ["policy"]
    own = ask("POST", f"changes/{hash_}/approve", alice, json={})
    assert (own.status_code, error(own)["code"]) == (403, "not_allowed")
    done = ask("POST", f"changes/{hash_[7:19]}/approve", bob, json={"reason": "fine"}).json()
    assert done["applied"]
    record = json.loads(records[-1])
    assert (record["requester"]["principal"], record["approver"]["principal"]) == (
        "person:alice",
        "person:bob",
    )
    again = ask("POST", f"changes/{hash_}/reject", bob, json={"reason": "no"})
    assert (again.status_code, error(again)["code"]) == (409, "conflict")
    assert ask("GET", "changes", bob).json()["changes"] == []
    assert len(ask("GET", "changes?all=1", bob).json()["changes"]) == 1
    assert ask("GET", "changes/zz", bob).status_code == 400
    assert ask("GET", "changes/00000000", bob).status_code == 404


def test_proposals_are_rejected_and_withdrawn(ask: Asking) -> None:
    """Over HTTP as anywhere."""
    ask("POST", "registry", json=applying_two())
    alice, bob = ask.key("person:alice"), ask.key("person:bob")
    for end, who, state in (("reject", bob, "rejected"), ("withdraw", alice, "withdrawn")):
        why = {"reason": end}
        body = {"files": dict(two_persons(policies__p=STRICTER).files), "why": why}
        hash_ = ask("POST", "registry", alice, json=body).json()["proposal"]
        ended = ask("POST", f"changes/{hash_}/{end}", who, json={"reason": "no"})
        assert (ended.status_code, ended.json()["state"]) == (200, state)


def test_agents_are_stopped_at_once(ask: Asking, records: list[str]) -> None:
    """The list shows it, and letting go on waits for a second person."""
    ask("POST", "registry", json=applying_two())
    body = {"agent": "helper", "why": WHY}
    assert ask("POST", "agents/disable", ask.key("person:olga"), json=body).json()["applied"]
    [row] = ask("GET", "agents", ask.key("person:carol")).json()["agents"]
    assert (row["state"], row["disabled_by"]) == ("disabled", "person:olga")
    assert [json.loads(text)["kind"] for text in records[-2:]] == [
        "agent.disabled",
        "registry.applied",
    ]
    enabled = ask("POST", "agents/enable", ask.key("person:alice"), json=body).json()
    assert (enabled["applied"], bool(enabled["proposal"])) == (False, True)


def test_a_registry_is_applied_and_read_back(ask: Asking, records: list[str]) -> None:
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


def test_a_refused_registry_answers_with_the_examples(ask: Asking) -> None:
    """422 with expected and actual."""
    response = ask("POST", "registry", json=applying(policies__p=WRONG))
    assert response.status_code == 422
    assert error(response)["details"][0]["actual"] == "deny by default-deny"


def test_an_invalid_registry_answers_with_the_places(ask: Asking) -> None:
    """400 with file, line and column."""
    response = ask("POST", "registry", json=applying(policies__p=BROKEN))
    assert response.status_code == 400
    detail = error(response)["details"][0]
    assert (detail["file"], detail["line"]) == ("policies/p.cedar", 2)


def test_a_spool_that_takes_nothing_asks_to_try_again(ask: Asking) -> None:
    """503 with Retry-After."""
    body = applying() | {"why": {"requested_by": "full"}}
    response = ask("POST", "registry", json=body)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "1"


def test_other_errors_keep_their_kind(ask: Asking, caplog: pytest.LogCaptureFixture) -> None:
    """A retryable one is 503; a fault of ours is 500, told in the log and not to the caller."""
    response = ask("POST", "registry", json=applying() | {"why": {"requested_by": "away"}})
    assert (response.status_code, error(response)["message"]) == (503, "the engine is away")
    response = ask("POST", "registry", json=applying() | {"why": {"requested_by": "disk"}})
    assert (response.status_code, "/secret/place" in caplog.text) == (503, True)
    words = "the collector's disk: operation not permitted; its log says which file"
    assert error(response)["message"] == words
    response = ask("POST", "registry", json=applying() | {"why": {"requested_by": "fault"}})
    assert response.status_code == 500
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text


def test_a_caller_that_goes_away_is_no_fault(tmp_path: Path) -> None:
    """A body that ends early is answered, if anybody still listens."""

    async def submit(text: str) -> None:
        raise AssertionError(text)

    app = Asking(tmp_path, submit).app
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


def test_a_key_is_issued_listed_and_revoked(ask: Asking, records: list[str]) -> None:
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
        (b'{"holder": "a", "seconds": 9, "why": {"requested_by": "a\\nb"}}', "why.requested_by"),
        (b'{"holder": "a", "kind": "king", "seconds": 9}', "kind"),
        (b'{"holder": "a", "seconds": 9, "why": {"requested_by": "a"}, "x": 1}', "x:"),
        (b'{"holder": "\\ud800", "seconds": 9, "why": {"requested_by": "a"}}', "holder"),
    ],
)
def test_a_bad_body_says_what_is_wrong(ask: Asking, content: bytes, words: str) -> None:
    """400 with the field and what was expected, and never a fault of the collector."""
    response = ask("POST", "keys", content=content)
    assert response.status_code == 400
    assert words in error(response)["message"]


def test_a_body_has_a_limit(ask: Asking) -> None:
    """More than the largest bundle is refused."""
    response = ask("POST", "registry", content=b" " * (MAX_BODY + 1))
    assert response.status_code == 400
    assert "at most" in error(response)["message"]


def test_texts_that_are_no_unicode_are_refused(ask: Asking) -> None:
    """A lone surrogate has no bytes and no hash."""
    body = json.dumps(applying()).replace("Helper", "\\ud800")
    assert ask("POST", "registry", content=body.encode()).status_code == 400
