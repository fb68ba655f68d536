"""Reviews and recertification over HTTP, asked by people whom a real authority proves."""

from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.query.lookups import Lookup
from auditspan.identity.roles import Action
from tests.collector.control.asking import Asking
from tests.collector.control.human import FACTS, Told, owned

WHY = {"reason": "looked at it", "ticket": "T-1"}
REVIEW = {"record": "r1", "verdict": "approved", "why": WHY}
START = {"seconds": 3600, "why": WHY}
ANSWER = {"item": "agent:helper", "verdict": "keep", "why": WHY}


@pytest.fixture
def records() -> list[str]:
    """What reached the spool."""
    return []


@pytest.fixture
def ask(tmp_path: Path, records: list[str], monkeypatch: pytest.MonkeyPatch) -> Asking:
    """The API over a registry with owners, and a store that knows one record."""

    async def submit(text: str) -> None:
        records.append(text)

    lookup = Lookup(Told({"record": [FACTS]}).ask)
    monkeypatch.setattr("auditspan.collector.control.service.no_store", lambda: lookup)
    made = Asking(tmp_path, submit)
    answer = made("POST", "registry", json={"files": dict(owned().files), "why": WHY})
    assert answer.json()["applied"], answer.text
    records.clear()
    return made


def test_a_review_comes_in(ask: Asking, records: list[str]) -> None:
    """And says what was recorded."""
    answer = ask("POST", "reviews", ask.key("person:ivan"), json=REVIEW)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    said = answer.json()
    assert (said["id"], said["verdict"], said["by"]) == ("r1", "approved", "person:ivan")
    assert len(records) == 1


def test_owners_are_asked_and_answer(ask: Asking, records: list[str]) -> None:
    """Started by the role policy, answered by the owner, listed for both."""
    pia, olga = ask.key("person:pia"), ask.key("person:olga")
    started = ask("POST", "recertification/campaigns", pia, json=START)
    assert (started.status_code, started.json()["items"]) == (201, 2)
    done = ask("POST", "recertification/answers", olga, json=ANSWER)
    assert (done.status_code, done.json()["as"]) == (201, "owner")
    rows = ask("GET", "recertification", olga).json()["items"]
    assert [(row["item"], row["state"], row["yours"]) for row in rows] == [
        ("agent:helper", "answered", True),
        ("grant:g1", "unanswered", False),
    ]
    [campaign] = ask("GET", "recertification/campaigns", olga).json()["campaigns"]
    assert (campaign["answered"], campaign["unanswered"]) == (1, 1)
    assert len(records) == 2


@pytest.mark.parametrize(
    ("method", "path", "body", "who", "status", "code"),
    [
        ("POST", "reviews", REVIEW, "person:olga", 403, "not_allowed"),
        ("POST", "reviews", REVIEW, "service:bot", 403, "not_allowed"),
        ("POST", "reviews", {**REVIEW, "record": "r2"}, "person:ivan", 404, "not_found"),
        ("POST", "reviews", {**REVIEW, "verdict": "x"}, "person:ivan", 400, "invalid"),
        ("POST", "reviews", {**REVIEW, "why": {}}, "person:ivan", 400, "invalid"),
        ("POST", "reviews", {"record": "r1"}, "person:ivan", 400, "invalid"),
        ("POST", "reviews", {**REVIEW, "by": "x"}, "person:ivan", 400, "invalid"),
        ("POST", "recertification/campaigns", START, "person:ivan", 403, "not_allowed"),
        ("POST", "recertification/campaigns", {"seconds": "9"}, "person:pia", 400, "invalid"),
        ("POST", "recertification/campaigns", {"seconds": 0}, "person:pia", 400, "invalid"),
        ("POST", "recertification/answers", ANSWER, "person:olga", 404, "not_found"),
    ],
)
def test_what_is_refused_says_why(
    ask: Asking, records: list[str], method: str, path: str, body: Any, who: str, status: int,
    code: str,
) -> None:  # fmt: skip
    """As JSON, and nothing is recorded."""
    answer = ask(method, path, ask.key(who), json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), answer.text
    assert records == []


def test_each_route_demands_a_credential(ask: Asking) -> None:
    """Nobody known, nothing asked."""
    own = [each for each in ask.table if each.path.startswith(("reviews", "recertification"))]
    assert len(own) == 5
    for endpoint in own:
        assert ask(endpoint.method, endpoint.path, "aso_wrong").status_code == 401
        assert set(endpoint.actions) <= {Action.REVIEW, Action.RECERTIFY, Action.READ_REGISTRY}
