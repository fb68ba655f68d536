"""A change that one person cannot make alone, on a real collector, and what the store says."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end import bodies
from tests.end_to_end.running import Collector, running

AGENT = "{id: helper, name: Helper, owner: support, purpose: helps, risk_tier: low}\n"
TOOLS = "{name: pay, effect: external}\n"
POLICY = '@id("pay")\npermit (principal, action, resource);\n'
EXAMPLE = """\
{name: pays, agent: helper, tool: pay, at: 2026-01-01T00:00:00Z, expect: {outcome: allow}}
"""
PEOPLE = """\
- {id: "person:alice", name: Alice, roles: policy}
- {id: "person:bob", name: Bob, roles: policy}
- {id: "person:olga", name: Olga, roles: [operator, policy]}
- {id: "person:ines", name: Ines, roles: investigator}
"""
WHY = ("--ticket", "SEC-1", "--reason", "as agreed")
CHANGES = """
SELECT UserId, UserProvenance, AuthorizedBy, Findings, Summary
FROM audit_records WHERE Operation = 'registry.applied' ORDER BY Timestamp
"""


@dataclass(frozen=True)
class House:
    """A collector with a registry folder and a key for each of its people."""

    collector: Collector
    folder: Path

    def run(self, who: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command as somebody, or with the operator's token as `operator`."""
        shown = () if who == "operator" else ("--token-file", str(self.file(who)))
        return self.collector.auditspan(*map(str, words), *shown, check=False)

    def file(self, who: str) -> Path:
        """Where the key of somebody lies."""
        return self.folder.parent / f"{who}.key"

    def key(self, who: str, *, issuer: str = "operator", agent: bool = False) -> None:
        """Issue a key."""
        holder = (who,) if agent else ("--person", who)
        issued = self.run(issuer, "keys", "issue", *holder, "--reason", "first")
        assert issued.returncode == 0, issued.stderr
        self.file(who).touch(mode=0o600)
        self.file(who).write_text(issued.stdout)

    def write(self, name: str, text: str) -> None:
        """Write a file of the registry."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def propose(self, who: str, text: str) -> str:
        """Propose another policy; the start of the hash that the command tells to approve."""
        self.write("policies/p.cedar", text)
        done = self.run(who, "apply", self.folder, *WHY)
        assert done.returncode == 0, done.stderr
        assert "proposed, not in force" in done.stderr
        [start] = re.findall(r"auditspan approve ([0-9a-f]{8,})", done.stderr)
        return str(start)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Ask the store as the investigator."""
        key = self.file("ines").read_text().strip()
        answer = httpx.post(
            self.collector.addresses["query"],
            content=f"{sql} FORMAT JSON",
            headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": key},
            trust_env=False,
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        rows: list[dict[str, Any]] = answer.json()["data"]
        return rows

    def wait_for(self, sql: str, count: int) -> list[dict[str, Any]]:
        """The rows, once there are so many."""
        for _ in range(300):
            found = self.rows(sql)
            if len(found) >= count:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{sql}: {found}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Bootstrapped by the operator's token: two who decide, a third who also issues keys."""
    base = tmp_path_factory.mktemp("two")
    with running(base / "data") as collector:
        made = House(collector, base / "registry")
        for name, text in (
            ("agents/a.yaml", AGENT),
            ("tools/t.yaml", TOOLS),
            ("policies/p.cedar", POLICY),
            ("examples/e.yaml", EXAMPLE),
            ("principals/p.yaml", PEOPLE),
        ):
            made.write(name, text)
        first = made.run("operator", "apply", made.folder, *WHY)
        assert first.returncode == 0, first.stderr
        assert "approved by nobody else: recorded as change.bootstrap" in first.stderr
        for who in ("alice", "bob", "olga", "ines"):
            made.key(who)
        yield made


def test_one_person_cannot_change_anything_alone(house: House) -> None:
    """Alice proposes, neither she nor the operator's token approves; Bob does, and the store shows
    both as verified."""
    start = house.propose("alice", POLICY + "// reviewed\n")
    assert "reviewed" not in "".join(_texts(house))
    listed = json.loads(house.run("bob", "changes", "--format", "json").stdout)
    assert [(row["requested_by"], row["ticket"]) for row in listed] == [("person:alice", "SEC-1")]
    own = house.run("alice", "approve", start)
    assert own.returncode == 1
    assert "person:alice asked for this change, so another principal must approve it" in own.stderr
    token = house.run("operator", "approve", start)
    assert token.returncode == 1
    assert "operator may not do registry.approve: it takes the role policy" in token.stderr
    reader = house.run("ines", "approve", start)
    assert reader.returncode == 1
    assert "+// reviewed" in house.run("bob", "changes", "show", start).stdout
    done = house.run("bob", "approve", start, "--reason", "looks right")
    assert done.returncode == 0, done.stderr
    assert "in force: asked by person:alice, approved by person:bob" in done.stderr
    assert "reviewed" in "".join(_texts(house))
    first, second = house.wait_for(CHANGES, 2)
    assert (first["UserId"], first["Findings"]) == ("operator", ["change.bootstrap"])
    assert (second["UserId"], second["UserProvenance"]) == ("person:alice", "verified")
    assert (second["AuthorizedBy"], second["Findings"]) == ("person:bob", [])
    assert 'asked by "person:alice", approved by "person:bob"' in second["Summary"]
    again = house.run("bob", "reject", start, "--reason", "no")
    assert again.returncode == 1
    assert "was approved by person:bob" in again.stderr


def test_tricks_do_not_help(house: House) -> None:
    """An outdated base, a key that the requester issued, a changed file, a made-up hash."""
    before = _texts(house)
    outdated = house.propose("alice", POLICY + "// outdated\n")
    other = house.propose("bob", POLICY + "// other\n")
    assert house.run("alice", "approve", other).returncode == 0
    stale = house.run("bob", "approve", outdated)
    assert (stale.returncode, "is in force now: propose it anew" in stale.stderr) == (1, True)

    # Olga operates and may approve: with a key for Bob that she issued, she is Bob to the ports.
    mine = house.propose("olga", POLICY + "// mine\n")
    kept = house.file("bob").read_text()
    house.key("bob", issuer="olga")
    refused = house.run("bob", "approve", mine)
    assert (refused.returncode, "was issued by person:olga" in refused.stderr) == (1, True)
    house.file("bob").write_text(kept)

    folder = house.collector.data / "registry" / "proposals"
    [file] = folder.glob(f"{mine}*.json")
    text = file.read_text()
    file.write_text(text.replace("// mine", "// evil"))
    changed = house.run("bob", "approve", mine)
    assert (changed.returncode, "it was changed after it was proposed" in changed.stderr) == (
        2,
        True,
    )
    file.write_text(text)
    assert house.run("bob", "approve", "0" * 64).returncode == 2
    assert house.run("olga", "withdraw", mine).returncode == 0
    assert house.run("bob", "approve", mine).returncode == 1
    after = _texts(house)
    assert after != before and "other" in "".join(after)
    for word in ("outdated", "mine", "evil"):
        assert word not in "".join(after)


def test_a_lonely_registry_is_refused(house: House) -> None:
    """The rule is not left by leaving nobody who could approve; the message says what to do."""
    house.write("principals/p.yaml", PEOPLE.replace("policy", "reader"))
    done = house.run("alice", "apply", house.folder, *WHY)
    house.write("principals/p.yaml", PEOPLE)
    assert done.returncode == 2
    assert "write `single_operator: true` into controls.yaml" in done.stderr


def test_a_disabled_agent_is_heard_and_denied(house: House) -> None:
    """Its key still sends; what it does is stored, denied by policy, and a finding."""
    house.key("helper", agent=True)
    stopped = house.run("olga", "agents", "disable", "helper", "--reason", "it pays strangers")
    assert stopped.returncode == 0, stopped.stderr
    listed = json.loads(house.run("alice", "agents", "list", "--format", "json").stdout)
    assert [(row["state"], row["disabled_by"]) for row in listed] == [("disabled", "person:olga")]
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "pay",
    }
    answer = bodies.post(
        house.collector.addresses["http"],
        bodies.body("execute_tool pay", **attributes),
        content_type=bodies.PROTOBUF,
        authorization=f"Bearer {house.file('helper').read_text().strip()}",
    )
    assert answer.code == 200
    [row] = house.wait_for(
        "SELECT AgentId, AgentProvenance, PolicyOutcome, PolicyRuleIds, Findings "
        "FROM audit_records WHERE ToolName = 'pay'",
        1,
    )
    assert (row["AgentId"], row["AgentProvenance"]) == ("helper", "verified")
    assert (row["PolicyOutcome"], row["PolicyRuleIds"]) == ("deny", ["agent-disabled"])
    assert {"agent.disabled", "policy.violation"} <= set(row["Findings"])
    [order] = house.wait_for(
        "SELECT UserId, TargetId, Summary FROM audit_records WHERE Operation = 'agent.disabled'", 1
    )
    assert (order["UserId"], order["TargetId"]) == ("person:olga", "helper")
    enabled = house.run("olga", "agents", "enable", "helper", "--reason", "mended")
    [start] = re.findall(r"auditspan approve ([0-9a-f]{8,})", enabled.stderr)
    assert house.run("olga", "approve", start).returncode == 1
    assert house.run("alice", "approve", start).returncode == 0
    listed = json.loads(house.run("alice", "agents", "list", "--format", "json").stdout)
    assert listed[0]["state"] == "enabled"


def _texts(house: House) -> list[str]:
    """Every text in force, as the API gives it."""
    answer = httpx.get(
        f"{house.collector.addresses['api']}/v1/control/registry",
        headers={"Authorization": f"Bearer {house.file('ines').read_text().strip()}"},
        trust_env=False,
    )
    assert answer.status_code == 200
    return [*answer.json()["files"].values()]
