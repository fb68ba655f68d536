"""Hold, erasure and early expiry by two persons' keys, with processes killed in between."""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.running import CONFIG, Collector, running
from tests.end_to_end.test_erasure import SECRET, calls, found
from tests.end_to_end.test_two_persons import AGENT, EXAMPLE, PEOPLE, POLICY, TOOLS, House

PRIVACY = """\
- {id: "person:dora", name: Dora, roles: privacy}
- {id: "person:dan", name: Dan, roles: privacy}
"""
WHY = ("--ticket", "DSR-7", "--reason", "asked by letter")


def bootstrapped(collector: Collector, folder: Path) -> House:
    """With two who may decide on erasures, and an investigator."""
    house = House(collector, folder)
    for name, text in (
        ("agents/a.yaml", AGENT),
        ("tools/t.yaml", TOOLS),
        ("policies/p.cedar", POLICY),
        ("examples/e.yaml", EXAMPLE),
        ("principals/p.yaml", PEOPLE + PRIVACY),
    ):
        house.write(name, text)
    assert house.run("operator", "apply", folder, *WHY).returncode == 0
    for who in ("dora", "dan", "ines"):
        house.key(who)
    return house


def proposed(house: House, *words: str) -> str:
    """Dora proposes; the hash that another is to approve."""
    asked = house.run("dora", *words, *WHY)
    assert asked.returncode == 0, asked.stderr
    [start] = re.findall(r"auditspan approve ([0-9a-f]{8,})", asked.stderr)
    return str(start)


def refused_alone(house: House, start: str) -> None:
    """Neither she who asked nor the operator's token approves."""
    own = house.run("dora", "approve", start)
    assert (own.returncode, "another principal must approve" in own.stderr) == (1, True)
    operator = house.run("operator", "approve", start)
    assert (operator.returncode, "operator may not do" in operator.stderr) == (1, True)


def approved(house: House, start: str) -> None:
    """Dan approves."""
    done = house.run("dan", "approve", start)
    assert done.returncode == 0, done.stderr
    assert "asked by person:dora, approved by person:dan" in done.stderr


def engine_of(collector: Collector) -> int:
    """The process that holds the store; 0 while there is none."""
    return next(iter(collector.children("engine")), 0)


def kill_engines(collector: Collector, pauses: tuple[float, ...]) -> None:
    """Kill one engine after the other, each some time after it was started."""
    for pause in pauses:
        until = time.monotonic() + 30
        while not (pid := engine_of(collector)):
            assert time.monotonic() < until, "no engine was started"
            time.sleep(0.02)
        time.sleep(pause)
        os.kill(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and engine_of(collector) == pid:
            time.sleep(0.02)


def only(house: House, command: str) -> str:
    """The id of the one request of its kind, once the engine answers and knows of it."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        shown = house.run("dora", command, "list", "--format", "json")
        if shown.returncode == 0 and (rows := json.loads(shown.stdout)):
            [row] = rows
            return str(row["id"])
        time.sleep(0.3)
    raise AssertionError(f"{command}: {shown.stderr}")


def certificates(house: House, command: str, start: str) -> Iterator[dict[str, object]]:
    """The papers of a request, once there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        shown = house.run("dora", command, "certificate", start, "--format", "json")
        if shown.returncode == 0:
            yield json.loads(shown.stdout)
            return
        time.sleep(0.3)
    raise AssertionError(f"no certificate of {start}: {shown.stderr}")


def states(house: House) -> dict[str, int]:
    """What became of records, of a trail that is valid."""
    shown = house.run("ines", "verify", "--format", "json")
    assert shown.stdout, shown.stderr
    report = json.loads(shown.stdout)
    assert report["verdict"] == "VALID", report["problems"]
    return {
        state: sum(log["states"].get(state, 0) for log in report["logs"])
        for state in ("erased-groups", "expired", "expired-early", "MISSING")
    }


@pytest.mark.timeout(400)
def test_two_persons_and_processes_that_die(tmp_path: Path) -> None:
    """Each request is done once, wherever a process was killed, and the trail is valid."""
    data = tmp_path / "data"
    # A confined engine makes and reads its cold volume; at the next start it knows of it.
    cold = f"storage: {{cold: {{path: '{tmp_path}/cold', after_days: 1}}}}\n"
    with running(data, CONFIG + cold, code=-signal.SIGKILL) as collector:
        house = bootstrapped(collector, tmp_path / "registry")
        calls(collector, 2, **{"gen_ai.tool.call.arguments": f'{{"to": "{SECRET}"}}'})
        calls(collector, 3, **{"gen_ai.tool.name": "mail", "note": "nobody"})
        house.wait_for("SELECT RecordId FROM audit WHERE ToolName IN ('pay', 'mail')", 5)
        assert found(data)

        placed = house.run("dora", "hold", "add", "--filter", "tool=pay", *WHY)
        hold = placed.stdout.split()[1]
        records = house.rows("SELECT RecordId, RequestDigest FROM audit WHERE ToolName = 'pay'")
        hashes = {str(row["RequestDigest"]).encode() for row in records}
        erase = ("erase", "--yes", *(f"--record={row['RecordId']}" for row in records))
        refused = house.run("dora", *erase, *WHY)
        assert (refused.returncode, hold in refused.stderr) == (1, True)
        approved(house, proposed(house, "hold", "release", hold))

        start = proposed(house, *erase)
        refused_alone(house, start)
        approved(house, start)
        kill_engines(collector, (0.0, 0.4, 0.9))
        os.kill(collector.process.pid, signal.SIGKILL)
        collector.process.wait()
    assert (tmp_path / "cold" / "cold-volume.json").exists()

    shorter = "processors: {retention: {days: 300}}\n"
    with running(data, CONFIG + shorter) as collector:
        house = House(collector, tmp_path / "registry")
        [paper] = certificates(house, "erasures", only(house, "erasures"))
        assert (paper["requested_by"], paper["approved_by"]) == ("person:dora", "person:dan")
        assert found(data) == []
        assert [file for hash in hashes for file in found(data, hash)] == []
        count = "SELECT count() AS n, uniqExact(ErasureId) AS u FROM erasures"
        assert [row["u"] for row in house.rows(count)] in ([1], ["1"])
        before = states(house)
        assert before["erased-groups"] >= 2 and before["expired-early"] == 0

        shorten = ("retention", "shorten", "--filter", "tool=mail", "--yes")
        start = proposed(house, *shorten)
        approved(house, start)
        kill_engines(collector, (0.0,))
        [paper] = certificates(house, "retention", only(house, "retention"))
        assert paper["kept_by_holds"] == 0
        assert house.rows("SELECT RecordId FROM audit WHERE ToolName = 'mail'") == []
        assert states(house) == {**before, "expired-early": 3}
        changed = "SELECT Operation FROM audit WHERE Operation = 'retention.changed'"
        assert len(house.rows(changed)) == 1
        again = house.run("dora", *shorten, *WHY)
        assert (again.returncode, "no sealed record of an act fits" in again.stderr) == (2, True)
