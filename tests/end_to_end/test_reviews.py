"""Reviews and recertification by people with keys, on a real collector and on a stopped one."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import bodies
from tests.end_to_end.running import Collector, ran, running
from tests.end_to_end.test_pages import ROOT, blocks, shell

FILES = {
    "agents/a.yaml": (
        "{id: helper, name: Helper, owner: Payments, owner_email: olga@example.org, purpose: pays,"
        " risk_tier: high}\n"
    ),
    "tools/t.yaml": "{name: pay, effect: external, review_required: true}\n",
    "grants/g.yaml": (
        "{id: g1, grantor: boss, agent: helper, granted_at: 2025-01-01T00:00:00Z,"
        " expires_at: 2035-01-01T00:00:00Z}\n"
    ),
    "policies/p.cedar": '@id("pay")\npermit (principal, action, resource);\n',
    "principals/p.yaml": """\
- {id: "person:pia", name: Pia, roles: policy}
- {id: "person:paul", name: Paul, roles: policy}
- {id: "person:ivan", name: Ivan, email: ivan@example.org, roles: investigator}
- {id: "person:tess", name: Tess, roles: investigator}
- {id: "person:olga", name: Olga, email: olga@example.org, roles: reader}
""",
}
PEOPLE = ("pia", "ivan", "tess", "olga")
OVERDUE = """
SELECT TargetId, Findings, Severity FROM audit
WHERE Operation = 'recertification.overdue' ORDER BY TargetId
"""


@dataclass
class House:
    """A data folder, its people's keys, and the collector that runs on it or does not."""

    base: Path
    collector: Collector | None = None
    records: dict[str, str] = field(default_factory=dict)
    """Record ids by user."""

    def run(self, who: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody, with the operator's token as `operator`."""
        shown = () if who == "operator" else ("--token-file", str(self.base / f"{who}.key"))
        return ran(*words, "--data", self.base / "data", *shown)

    def done(self, who: str, *words: str | Path) -> str:
        """Run a command in which nothing goes wrong; what it printed."""
        ran = self.run(who, *words)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def rows(self, who: str, *words: str) -> list[dict[str, Any]]:
        """A listing."""
        found = json.loads(self.done(who, *words, "--format", "json"))
        rows: list[dict[str, Any]] = found["rows"] if isinstance(found, dict) else found
        return rows

    def asked(self, sql: str) -> list[dict[str, Any]]:
        """What the store says to an investigator."""
        return self.rows("tess", "query", sql)

    def wait_for(self, sql: str, count: int) -> list[dict[str, Any]]:
        """The rows, once there are so many."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            found = self.asked(sql)
            if len(found) >= count:
                return found
            time.sleep(0.2)
        raise AssertionError(f"{sql}: {found}")

    def key(self, who: str, *holder: str) -> str:
        """Issue a key and keep it in a file."""
        text = self.done("operator", "keys", "issue", *holder, "--reason", "first").strip()
        path = self.base / f"{who}.key"
        path.touch(mode=0o600)
        path.write_text(text)
        return text


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Two calls of a tool that demands a review: one for bob, one for ivan."""
    made = House(tmp_path_factory.mktemp("reviews"))
    folder = made.base / "registry"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with running(made.base / "data") as collector:
        made.collector = collector
        made.done("operator", "apply", folder, "--ticket", "T-1", "--reason", "first")
        for who in PEOPLE:
            made.key(who, "--person", who)
        token = made.key("helper", "helper")
        for user in ("bob", "ivan"):
            attributes = {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "pay",
                "user.id": user,
            }
            answer = bodies.post(
                collector.addresses["http"],
                bodies.body("execute_tool pay", 1, **attributes),
                content_type=bodies.PROTOBUF,
                authorization=f"Bearer {token}",
            )
            assert answer.code == 200, answer
        sql = "SELECT RecordId, UserId FROM audit WHERE ReviewRequired"
        made.records = {r["UserId"]: r["RecordId"] for r in made.wait_for(sql, 2)}
        yield made


def review(house: House, who: str, user: str, verdict: str) -> subprocess.CompletedProcess[str]:
    """Review the record of a user."""
    words = ("--verdict", verdict, "--reason", "called the customer", "--ticket", "R-7")
    return house.run(who, "review", house.records[user], *words)


def test_what_needs_a_review_waits_until_somebody_else_gives_it(house: House) -> None:
    """Its user may not, a second person escalates, then decides; all of it is in the trail."""
    waiting = house.rows("ivan", "reviews", "pending")
    assert {row["UserId"] for row in waiting} == {"bob", "ivan"}
    assert all(row["Age"] == "0h" for row in waiting)
    own = review(house, "ivan", "ivan", "approved")
    assert (own.returncode, own.stdout) == (1, "")
    assert "the user whom the agent acted for ('ivan')" in own.stderr
    other = review(house, "ivan", "bob", "approved")
    assert other.stdout == f"record {house.records['bob']} is approved by person:ivan\n"
    escalated = review(house, "tess", "ivan", "escalated")
    assert "still waits" in escalated.stderr
    house.wait_for("SELECT ReviewId FROM reviews", 2)
    [left] = house.rows("ivan", "reviews", "pending", "--agent", "helper", "--severity", "2")
    assert (left["RecordId"], left["LastVerdict"]) == (house.records["ivan"], "escalated")
    assert house.rows("ivan", "reviews", "pending", "--agent", "other") == []
    assert review(house, "tess", "ivan", "rejected").returncode == 0
    house.wait_for("SELECT ReviewId FROM reviews", 3)
    assert house.rows("tess", "reviews", "pending") == []
    assert [
        (row["Operation"], row["AgentId"], row["UserId"], row["UserProvenance"], row["TargetId"])
        for row in house.asked(
            "SELECT Operation, AgentId, UserId, UserProvenance, TargetId FROM audit "
            "WHERE Operation = 'record.reviewed' ORDER BY Timestamp LIMIT 1"
        )
    ] == [("record.reviewed", "helper", "person:ivan", "verified", house.records["bob"])]


def test_all_reviews_are_kept_and_the_latest_counts(house: House) -> None:
    """A reader sees who said what, an investigator also why."""
    rows = house.rows("olga", "reviews", "list")
    assert [(row["Verdict"], bool(row["Counts"])) for row in rows] == [
        ("approved", True),
        ("escalated", False),
        ("rejected", True),
    ]
    of_one = house.rows("ivan", "reviews", "list", "--record", house.records["ivan"])
    assert [row["Reason"] for row in of_one] == ["called the customer"] * 2
    assert house.run("olga", "reviews", "list", "--record", "x").returncode == 2
    sql = "SELECT ReviewedBy, ReviewVerdict FROM audit WHERE UserId = 'ivan' AND ReviewRequired"
    assert house.asked(sql) == [{"ReviewedBy": "person:tess", "ReviewVerdict": "rejected"}]


@pytest.mark.parametrize(
    ("who", "record", "verdict", "code", "words"),
    [
        ("olga", "bob", "approved", 1, "investigator"),
        ("operator", "bob", "approved", 1, "investigator"),
        ("pia", "bob", "approved", 1, "investigator"),
        ("helper", "bob", "approved", 1, "may not do"),
        ("tess", "bob", "fine", 2, "expected one of approved"),
        ("tess", "nobody", "approved", 2, "the store has none of this id"),
    ],
)
def test_who_may_not_and_what_is_none_is_said(
    house: House, who: str, record: str, verdict: str, code: int, words: str
) -> None:
    """With an exit code that tells them apart."""
    wanted = house.records.get(record, record)
    ran = house.run(who, "review", wanted, "--verdict", verdict, "--reason", "x")
    assert ran.returncode == code, ran.stderr
    assert words in ran.stderr.replace("\n", " ")


def test_owners_are_asked_and_silence_is_a_finding_once(house: House) -> None:
    """Asked with a near due date; one owner answers, the other does not, and a restart is near."""
    rows = {row["item"]: row for row in house.rows("pia", "recertify")}
    assert rows["agent:helper"]["last_use"] == "verified"
    assert rows["agent:helper"]["owner_email"] == "olga@example.org"
    assert house.run("olga", "recertify", "start", "--due", "20s").returncode == 1
    assert "2 items" in house.done("pia", "recertify", "start", "--due", "20s")
    [mine] = house.rows("olga", "recertify", "--mine", "--open")
    assert (mine["item"], mine["state"]) == ("agent:helper", "unanswered")
    other = house.run("olga", "recertify", "grant:g1", "--verdict", "keep", "--reason", "x")
    assert (other.returncode, "grant:g1 is boss's" in other.stderr) == (1, True)
    told = house.run("olga", "recertify", "agent:helper", "--verdict", "revoke", "--reason", "x")
    assert told.stdout == "agent:helper: revoke by person:olga as owner\n"
    assert "auditspan agents disable helper" in told.stderr
    [found] = house.wait_for(OVERDUE, 1)
    assert (found["TargetId"], found["Findings"]) == ("grant:g1", ["recertification.overdue"])
    [campaign] = house.rows("pia", "recertify", "status")
    assert (campaign["answered"], campaign["overdue"], campaign["revoke"]) == (1, 1, 1)
    assert "helper" in house.done("pia", "show", "agent", "helper")


def test_the_questions_answer_the_same(house: House) -> None:
    """By SQL that stands in the cookbook."""
    rows = house.rows("tess", "ask", "recertification")
    assert [(row["Item"], row["Verdict"], bool(row["Overdue"])) for row in rows] == [
        ("agent:helper", "revoke", False),
        ("grant:g1", "", True),
    ]
    assert house.rows("tess", "ask", "review-missing") == []


def test_a_restart_finds_nothing_twice(tmp_path: Path) -> None:
    """And what came due while the collector was down is found at its start."""
    made = House(tmp_path)
    for name in ("agents/a.yaml", "grants/g.yaml"):
        path = tmp_path / "registry" / name
        path.parent.mkdir(parents=True)
        path.write_text(FILES[name])
    (tmp_path / "registry" / "controls.yaml").write_text("single_operator: true\n")
    with running(tmp_path / "data"):
        made.done("operator", "apply", tmp_path / "registry", "--ticket", "T", "--reason", "r")
        made.done("operator", "recertify", "start", "--due", "1s")
    stopped = made.rows("operator", "recertify")
    assert {row["state"] for row in stopped} <= {"unanswered", "overdue"}
    for _ in range(2):
        with running(tmp_path / "data") as collector:
            collector.wait_for(f"SELECT count() FROM ({OVERDUE})", 2)
            assert len(collector.rows(OVERDUE)) == 2
    words = ("--verdict", "keep", "--reason", "looked at it")
    late = made.done("operator", "recertify", "grant:g1", *words)
    assert late == "grant:g1: keep by operator as policy, after the due date\n"


def test_a_stopped_collector_takes_reviews(tmp_path: Path) -> None:
    """Of what is in its store; the review is there after the next start."""
    made = House(tmp_path)
    with running(tmp_path / "data") as collector:
        answer = bodies.post(
            collector.addresses["http"], bodies.body("x"), content_type=bodies.PROTOBUF
        )
        assert answer.code == 200
        collector.wait_for("SELECT count() FROM audit WHERE RecordKind = 'action'", 1)
        sql = "SELECT RecordId FROM audit WHERE RecordKind = 'action'"
        made.records["x"] = collector.rows(sql)[0]["RecordId"]
    assert review(made, "operator", "x", "false_positive").returncode == 0
    with running(tmp_path / "data") as collector:
        collector.wait_for("SELECT count() FROM reviews", 1)
        [row] = collector.rows("SELECT ReviewedBy, Verdict, ReviewRequired FROM reviews")
    assert row == {"ReviewedBy": "operator", "Verdict": "false_positive", "ReviewRequired": False}


def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """What docs/reviews.md tells to try works as it stands there, and says what it promises."""
    [block] = blocks(ROOT / "docs" / "reviews.md", "sh")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with running(tmp_path / "data") as collector:
        done = shell(collector, tmp_path, block)
    assert done.returncode == 0, done.stderr
    assert "agent:support-agent: keep by operator as policy" in done.stdout
    assert "take it out of grants/*.yaml" in done.stderr
    assert "8 agents and grants, 8 without an answer" in done.stderr
