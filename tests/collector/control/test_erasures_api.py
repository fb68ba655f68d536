"""Bodies of requests about erasures, holds and early expiry that are none."""

from pathlib import Path
from typing import Any

import pytest

from auditspan.collector.control.erasure_plan import MOST
from tests.collector.control.asking import Asking

WHY = {"reason": "asked by letter", "ticket": "DSR-1"}
ONE = {"id": "r1", "asked": ["user"]}


@pytest.fixture
def ask(tmp_path: Path) -> Asking:
    """A collector before its first registry, whose store does not answer."""

    async def submit(text: str) -> None:
        raise AssertionError(f"nothing is recorded of what is refused: {text}")

    return Asking(tmp_path, submit)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("erasures", {}),
        ("erasures", {"records": [], "why": WHY}),
        ("erasures", {"records": [ONE] * (MOST + 1), "why": WHY}),
        ("erasures", {"records": [{"id": "", "asked": ["user"]}], "why": WHY}),
        ("erasures", {"records": [{"id": "r" * 65, "asked": ["user"]}], "why": WHY}),
        ("erasures", {"records": [{"id": "r1"}], "why": WHY}),
        ("erasures", {"records": [{**ONE, "extra": 1}], "why": WHY}),
        ("erasures", {"records": [ONE], "why": {"reason": "two\nlines"}}),
        ("erasures", {"records": [ONE], "why": WHY, "dry_run": "perhaps"}),
        ("erasures", {"records": [{"id": "r1", "asked": ["AgentId"]}], "why": WHY}),
        ("erasures", {"records": [{"id": "r1", "asked": []}], "why": WHY}),
        ("erasures", {"records": [ONE]}),
        ("erasures/subject", {"subject": ""}),
        ("erasures/subject", {"subject": "a\u0000bcd"}),
        ("erasures/subject", {"subject": "x" * 2_000}),
        ("erasures/subject", {"subject": ["alice"]}),
        ("holds", {"filter": "", "why": WHY}),
        ("holds", {"filter": "tool=pay"}),
        ("holds", {"filter": "tool=pay,tool=mail", "why": WHY}),
        ("holds", {"filter": "x" * 2_000, "why": WHY}),
        ("holds/release", {"id": 7, "why": WHY}),
        ("expiries", {"filter": "tool", "why": WHY}),
        ("expiries", {"filter": "tool=pay"}),
        ("expiries", {"filter": "since=now", "why": WHY}),
        ("expiries", {"records": [ONE], "why": WHY}),
    ],
)
def test_bad_input_is_told(ask: Asking, path: str, body: dict[str, Any]) -> None:
    """400 and what is wrong, before anything is asked of the store."""
    answer = ask("POST", path, json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "invalid"
    assert answer.json()["error"]["message"]


def test_a_store_that_does_not_answer(ask: Asking) -> None:
    """What is sound is to be asked again later."""
    for path, body in (
        ("erasures", {"records": [ONE], "why": WHY}),
        ("expiries", {"filter": "tool=pay", "why": WHY, "dry_run": True}),
        ("erasures/subject", {"subject": "alice"}),
    ):
        answer = ask("POST", path, json=body)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), answer.text
