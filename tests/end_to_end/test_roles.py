"""What docs/roles.md tells to type works on a running collector, and what it rules out does not."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.running import Collector, running
from tests.end_to_end.test_pages import blocks, shell

PAGE = Path(__file__).parents[2] / "docs" / "roles.md"


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """A new one."""
    with running(tmp_path / "data") as started:
        yield started


def steps() -> list[str]:
    """The numbered steps, as they stand in the list."""
    found = re.findall(r"^   ```sh\n(.*?)^   ```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return ["\n".join(line[3:] for line in block.splitlines()) for block in found]


def typed(collector: Collector, folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    """Type a step in which nothing goes wrong."""
    done = shell(collector, folder, commands)
    assert done.returncode == 0, done.stderr
    return done


def refused(collector: Collector, folder: Path, commands: str) -> str:
    """What a command that must fail says."""
    done = shell(collector, folder, commands)
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_from_nothing_to_two_persons(collector: Collector, tmp_path: Path) -> None:
    """The operator begins alone; then nobody changes anything alone, the operator neither."""
    first, second, third, fourth = steps()
    alone = typed(collector, tmp_path, first.replace("auditspan up --data data", ""))
    assert "no registry is in force: this token stands for all roles" in alone.stdout
    typed(collector, tmp_path, second)
    typed(collector, tmp_path, third)
    now = typed(collector, tmp_path, "auditspan whoami").stdout
    assert "2 principals have the role policy: this token only operates" in now
    # Something to propose.
    people = tmp_path / "registry" / "principals" / "people.yaml"
    people.write_text(people.read_text().replace("name: Ben", "name: Benjamin"))
    propose, show, approve = fourth.splitlines()
    proposed = typed(collector, tmp_path, propose)
    [start] = re.findall(r"auditspan approve ([0-9a-f]{8,})", proposed.stdout + proposed.stderr)
    in_force = "auditspan show principal person:ben"
    assert "Benjamin" not in typed(collector, tmp_path, in_force).stdout
    assert "Benjamin" in typed(collector, tmp_path, show.replace("HASH", start)).stdout
    for token_file in ("ann.key", collector.data / "secrets" / "operator.token"):
        refused(collector, tmp_path, f"auditspan approve {start} --token-file {token_file}")
    assert "Benjamin" not in typed(collector, tmp_path, in_force).stdout
    typed(collector, tmp_path, approve.replace("HASH", start))
    assert "Benjamin" in typed(collector, tmp_path, in_force).stdout


def test_a_key_that_its_issuer_approves_with_does_nothing(
    collector: Collector, tmp_path: Path
) -> None:
    """The operator has seen every key it issued: with Ben's it cannot approve what it proposed."""
    _, second, third, _ = steps()
    typed(collector, tmp_path, second)
    typed(collector, tmp_path, third)
    people = tmp_path / "registry" / "principals" / "people.yaml"
    people.write_text(people.read_text().replace("name: Ben", "name: Benjamin"))
    proposed = typed(collector, tmp_path, "auditspan apply registry --ticket T-1 --reason mine")
    [start] = re.findall(r"auditspan approve ([0-9a-f]{8,})", proposed.stdout + proposed.stderr)
    words = refused(collector, tmp_path, f"auditspan approve {start} --token-file ben.key")
    assert "was issued by operator" in words


def test_nobody_and_a_web_page_are_told_nothing(collector: Collector) -> None:
    """From this machine: no token, or a page whose host or origin is foreign."""
    url = f"{collector.addresses['api']}/v1/whoami"
    assert httpx.get(url, trust_env=False).status_code == 401
    page = {"Host": "evil.example", "Origin": "http://evil.example"}
    assert httpx.get(url, headers=page, trust_env=False).status_code == 403
    token = {"Authorization": f"Bearer {collector.token}"}
    assert httpx.get(url, headers=token, trust_env=False).json()["principal"] == "operator"


def test_the_page_has_its_commands() -> None:
    """Four steps, and no command without one."""
    assert len(steps()) == 4
    assert any("auditspan whoami" in block for block in blocks(PAGE, "sh"))
