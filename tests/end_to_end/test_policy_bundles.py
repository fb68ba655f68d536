"""Policies of a real collector in a real agent's process: fetched, kept, and what was held back."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from auditspan.identity.signed_policies import PoliciesVerifier, signed
from auditspan.identity.statement_keys import read_jwks
from tests.end_to_end import bodies
from tests.end_to_end.proofs import AGENT, BY
from tests.end_to_end.running import CONFIG, Collector, running
from tests.instrumentation import agents

DEPLOYMENT = "local/auditspan/default"
TOOL = "name: book\neffect: write\n---\nname: cancel\neffect: destructive\n"
ASK = '@id("ask") @outcome("require_approval") permit (principal, action, resource);'
ALLOW = '@id("books") permit (principal == Agent::"booking", action, resource == Tool::"book");'
DENY = '@id("closed") forbid (principal, action, resource);'
PROGRAM = """
from auditspan.instrumentation import PolicyDenied, tool

@tool
def book(seat):
    return "booked"

try:
    print(book("12A"))
except PolicyDenied as denied:
    print(*denied.rules)
"""


class House:
    """A collector with a registry, and the key of its agent."""

    def __init__(self, folder: Path, collector: Collector) -> None:
        self.folder = folder
        self.collector = collector
        self.apply(ALLOW)
        self.key = collector.auditspan("keys", "issue", "booking", *BY).stdout.strip()

    def apply(self, policy: str) -> None:
        """Put policies in force."""
        registry = self.folder / "registry"
        for name, text in {
            "agents/booking.yaml": AGENT,
            "tools/t.yaml": TOOL,
            "policies/p.cedar": policy,
            "controls.yaml": "single_operator: true\n",
        }.items():
            (registry / name).parent.mkdir(parents=True, exist_ok=True)
            (registry / name).write_text(text)
        self.collector.auditspan("apply", str(registry), *BY)

    def policies(self, key: str = "") -> httpx.Response:
        """Ask for them."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.get(f"{self.collector.addresses['http']}/v1/policies", headers=headers)

    def run(self, folder: Path, url: str = "", **further: str) -> tuple[str, str]:
        """What the agent said, and its log. Its spool is in the folder."""
        folder.mkdir(exist_ok=True)
        environ = {
            "AUDITSPAN_HEADERS": f"Authorization=Bearer {self.key}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "AUDITSPAN_AGENT_ID": "booking",
            "AUDITSPAN_GUARD_MODE": "enforce",
            "AUDITSPAN_POLICIES": url or "collector",
            "AUDITSPAN_POLICIES_KEYS": str(self.collector.data / "public" / "statement.jwks.json"),
            "AUDITSPAN_EXIT_SECONDS": "5",
            **further,
        }
        done = agents.run(folder, self.collector.addresses["http"], PROGRAM, **environ)
        return done.stdout.strip(), done.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One collector for all tests."""
    folder = tmp_path_factory.mktemp("policies")
    with running(folder / "data", CONFIG) as collector:
        yield House(folder, collector)


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    """Somebody between agent and collector, who always answers the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/policies"
        server.shutdown()
        thread.join()


def test_only_an_agent_that_proves_itself_gets_its_own(house: House) -> None:
    """Strangers on this machine may send, and get nothing."""
    assert house.policies("ask_wrong").status_code == 401
    assert house.policies().status_code == 403
    answer = house.policies(house.key)
    assert answer.status_code == 200
    found = verifier(house).verify(answer.json()["policies"])
    assert (found.agent, found.deployment) == ("booking", DEPLOYMENT)
    assert found.expires_at == answer.json()["expires_at"]
    assert found.files["policies/p.cedar"] == ALLOW
    assert "id.example" not in str(found.files)


def verifier(house: House) -> PoliciesVerifier:
    """For the agent."""
    keys = read_jwks(house.collector.data / "public" / "statement.jwks.json")
    return PoliciesVerifier(keys, DEPLOYMENT, "booking")


def test_an_agent_without_a_folder_is_guarded(house: House, tmp_path: Path) -> None:
    """And the collector finds that guard and policies say the same."""
    said, log = house.run(tmp_path / "agent")
    assert (said, log) == ("booked", "")
    [row] = found(house, "GuardOutcome = 'allow' AND AgentId = 'booking'")
    assert row["PolicyOutcome"] == "allow"
    assert row["GuardPolicyVersion"] == row["PolicyVersion"] != ""
    assert not {"policy.bypass", "policy.stale", "policy.override"} & set(row["Findings"])


def found(house: House, condition: str) -> list[dict[str, Any]]:
    """Records of the tool, as soon as there are some."""
    where = f"ToolName = 'book' AND {condition}"
    house.collector.wait_for(f"SELECT count() FROM audit WHERE {where}", 1)
    return house.collector.rows(f"SELECT * FROM audit WHERE {where} ORDER BY Timestamp")


def test_a_folder_beside_them_is_a_finding(house: House, tmp_path: Path) -> None:
    """It goes before, and whoever reads the records knows."""
    said, _ = house.run(tmp_path / "agent", AUDITSPAN_REGISTRY=str(house.folder / "registry"))
    assert said == "booked"
    assert len(found(house, "has(Findings, 'policy.override')")) == 1


def test_an_older_answer_and_an_older_file_are_refused(house: House, tmp_path: Path) -> None:
    """Both were signed by the collector, and were in force once."""
    old = house.policies(house.key)
    agent = tmp_path / "agent"
    house.run(agent)
    [kept] = (agent / "spool-policies").glob("*.jws")
    before = kept.read_text()
    house.apply(DENY)
    try:
        said, _ = house.run(agent)
        # A process uses what is kept and renews it while it runs.
        wait_for(lambda: house.run(agent)[0] == "closed")
        kept.write_text(before)
        with answering(old.content) as url:
            said, log = house.run(agent, url)
        assert said == ""
        assert "an older version was put in its place" in log
    finally:
        house.apply(ALLOW)


def wait_for(condition: Any, seconds: float = 30.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_held_back_ones_deny_and_are_a_finding(house: House, tmp_path: Path) -> None:
    """Whoever answers with the last ones for ever stops the agent when they end."""
    agent = tmp_path / "agent"
    house.run(agent)
    [kept] = (agent / "spool-policies").glob("*.jws")
    key = load_pem_private_key(
        (house.collector.data / "secrets" / "statement.key").read_bytes(), None
    )
    own = replace(verifier(house).verify(kept.read_text()), expires_at=int(time.time()) - 1)
    frozen = json.dumps({"policies": signed(key, own)}).encode()  # type: ignore[arg-type]
    kept.write_text(signed(key, own))  # type: ignore[arg-type]
    with answering(frozen) as url:
        said, _ = house.run(agent, url)
    assert said == "policy-stale"
    [row] = found(house, "has(GuardRuleIds, 'policy-stale')")
    assert (row["OutcomeStatus"], row["GuardEnforcement"]) == ("denied", "block")
    assert "policy.stale" in row["Findings"]
    assert "policy.bypass" not in row["Findings"]
    assert house.run(agent)[0] == "booked"


def test_an_approval_is_asked_for_and_found_by_its_id(house: House, tmp_path: Path) -> None:
    """Denied with an id; whoever approves records it by that id, and the chain shows both."""
    house.apply(ASK)
    try:
        said, _ = house.run(tmp_path / "agent")
    finally:
        house.apply(ALLOW)
    assert said == "ask"
    [asked] = found(house, "ApprovalStatus = 'requested'")
    id_, trace = asked["ApprovalId"], asked["TraceId"]
    assert id_.startswith("appr-")
    assert "approval.missing" not in asked["Findings"]
    given = bodies.request(
        "approval",
        **{
            "gen_ai.operation.name": "approval",
            "audit.approval.id": id_,
            "audit.approval.status": "approved",
            "audit.approval.approver.id": "lead@example.org",
        },
    )
    [span] = given.resource_spans[0].scope_spans[0].spans
    span.trace_id = bytes.fromhex(trace)
    span.parent_span_id = bytes.fromhex(asked["SpanId"])
    url, authorization = house.collector.addresses["http"], f"Bearer {house.key}"
    sent = bodies.post(
        url,
        given.SerializeToString(),
        content_type=bodies.PROTOBUF,
        authorization=authorization,
    )
    assert sent.code == 200
    by_id = f"SELECT count() FROM audit WHERE ApprovalId = '{id_}'"
    house.collector.wait_for(by_id, 2)
    shown = house.collector.auditspan("trace", trace).stdout
    text = " ".join(shown.split())
    assert f"approval {id_} requested" in text
    assert f"approval {id_} approved" in text


def test_without_the_collector_it_goes_on(tmp_path: Path) -> None:
    """What was fetched lasts to its end, and records wait on disk."""
    with running(tmp_path / "data", CONFIG) as collector:
        house = House(tmp_path, collector)
        house.run(tmp_path / "agent")
    said, _ = house.run(tmp_path / "agent", AUDITSPAN_FAULTS="", AUDITSPAN_EXIT_SECONDS="0")
    assert said == "booked"
    nothing, why = house.run(tmp_path / "new", AUDITSPAN_FAULTS="", AUDITSPAN_EXIT_SECONDS="0")
    assert nothing == ""
    assert "/v1/policies: Connection refused" in why
