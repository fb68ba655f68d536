"""`auditspan keys` on a collector that has never run: keys are made, shown and not overwritten."""

import json
from pathlib import Path

import pytest

from auditspan.integrity.keys import read_key
from auditspan.integrity.note import Verifier
from auditspan.integrity.policy import parse_policy
from tests.cli.conftest import Auditspan
from tests.collector.signer.key_service import KeyService

NAME = "example.com/auditspan/default"


def config(folder: Path, *lines: str) -> Path:
    """A configuration with these lines about integrity."""
    path = folder / "collector.yaml"
    inner = "\n".join(f"    {line}" for line in ("domain: example.com", *lines))
    path.write_text(f"service:\n  integrity:\n{inner}\n")
    return path


def kept(service: KeyService, key: str) -> str:
    """The key of a key service, as a line of the configuration."""
    values = {"command": list(service.command), "public_key_file": str(service.public)}
    return f"{key}_signer: {json.dumps(values)}"


def test_keys_are_made_before_the_first_start(
    auditspan: Auditspan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a passphrase of the environment; the policy alone is on standard output."""
    monkeypatch.setenv("KEYS", "correct horse")
    file, data = config(tmp_path, "passphrase_env: KEYS"), tmp_path / "data"
    made = auditspan("keys", "init", "--config", file, "--data", data)
    assert made.code == 0, made.err
    policy = parse_policy(made.out.encode())
    assert [log.name for log in policy.logs] == [f"{NAME}/root"]
    key = read_key(data / "secrets" / "log" / "root.key", "correct horse")
    assert policy.logs[0].public == key.public_key().public_bytes_raw()
    for verifier in (*policy.logs, *policy.witnesses.values()):
        assert verifier.vkey in made.err.replace("\n", "")
    assert "correct horse" not in made.out + made.err
    assert auditspan("log", "policy", "--data", data).out == made.out


def test_keys_are_not_overwritten(auditspan: Auditspan, tmp_path: Path) -> None:
    """Nor are they where only one of them is left, or only the public halves."""
    data, file = tmp_path / "data", config(tmp_path)
    words = ("keys", "init", "--config", file, "--data", data)
    assert auditspan(*words).code == 0
    folder = data / "secrets" / "log"
    before = (folder / "root.key").read_bytes()
    for gone in ("notary.key", "root.key"):
        again = auditspan(*words)
        assert (again.code, again.out) == (1, "")
        assert "is there already, and is not overwritten" in again.err
        assert (folder / "root.key").read_bytes() == before
        (folder / gone).unlink()
    assert "root.vkey is there already" in auditspan(*words).err.replace("\n", "")


def test_keys_of_a_key_service_are_tried(auditspan: Auditspan, tmp_path: Path) -> None:
    """No private half is written; a program that does not sign is found now."""
    root, notary = KeyService.made(tmp_path / "root"), KeyService.made(tmp_path / "notary")
    file, data = config(tmp_path, kept(root, "root"), kept(notary, "notary")), tmp_path / "data"
    words = ("keys", "init", "--config", file, "--data", data)
    root.feels("down")
    down = auditspan(*words)
    assert (down.code, down.out) == (3, "")
    assert "cannot reach the key service" in down.err
    root.feels("base64")
    made = auditspan(*words)
    assert made.code == 0, made.err
    [log] = parse_policy(made.out.encode()).logs
    assert log.public == root.private.public_key().public_bytes_raw()
    assert list((data / "secrets" / "log").glob("[!.]*")) == []


@pytest.mark.parametrize(
    ("lines", "code", "expected"),
    [
        (("passphrase_env: NOT_THERE",), 2, "variable NOT_THERE holds nothing"),
        (("passphrase_file: /nowhere/passphrase",), 2, "no such file"),
        (("enabled: false",), 2, "nothing is signed"),
        (("passphrase_env: A", "passphrase_fd: 3"), 2, "name one of"),
    ],
    ids=["variable", "file", "off", "two"],
)
def test_what_is_wrong_is_said_before_keys_are_made(
    auditspan: Auditspan, tmp_path: Path, lines: tuple[str, ...], code: int, expected: str
) -> None:
    """And nothing is there then."""
    file = config(tmp_path, *lines)
    done = auditspan("keys", "init", "--config", file, "--data", tmp_path / "data")
    assert (done.code, done.out) == (code, "")
    assert expected in done.err
    assert not list(tmp_path.glob("data/secrets/log/[!.]*"))


def test_both_kinds_are_listed(auditspan: Auditspan, tmp_path: Path) -> None:
    """In two sections for people, in one listing for machines, or one kind alone."""
    data = tmp_path / "data"
    assert auditspan("keys", "init", "--data", data).code == 0
    issued = auditspan("keys", "issue", "gate", "--relay", "--data", data)
    assert issued.code == 0, issued.err
    shown = auditspan("keys", "list", "--data", data).out
    assert "API keys: 1" in shown and "Keys of logs: 2" in shown
    rows = json.loads(auditspan("keys", "list", "--format", "json", "--data", data).out)
    assert [(row["kind"], row.get("use")) for row in rows] == [
        ("api", None), ("log", "root"), ("log", "notary"),
    ]  # fmt: skip
    assert Verifier.parse(rows[1]["vkey"]).key_id.hex() == rows[1]["id"]
    for kind, count in (("api", 1), ("log", 2)):
        words = ("keys", "list", "--kind", kind, "--format", "csv", "--data", data)
        lines = auditspan(*words).out.splitlines()
        assert len(lines) == 1 + count
        assert {line.split(",")[0] for line in lines[1:]} == {kind}


def test_an_id_tells_which_kind_is_revoked(auditspan: Auditspan, tmp_path: Path) -> None:
    """The key of the root log is not revoked by anybody's word, and says what to do."""
    data = tmp_path / "data"
    assert auditspan("keys", "init", "--data", data).code == 0
    words = ("keys", "list", "--kind", "log", "--format", "json", "--data", data)
    root = json.loads(auditspan(*words).out)[0]["id"]
    said = ("--reason", "drill", "--data", data)
    refused = auditspan("keys", "revoke", root, *said)
    assert (refused.code, "auditors pin it" in refused.err) == (1, True)
    assert auditspan("keys", "revoke", "0" * 8, *said).code == 2
    assert "--reason" in auditspan("keys", "revoke", root, "--data", data).err
    assert "api key" in auditspan("keys", "revoke", "0" * 16, *said).err
    wrong = auditspan("keys", "revoke", "0" * 16, "--good-until", "3", *said)
    assert (wrong.code, "no key of a log" in wrong.err) == (2, True)
    rotated = auditspan("keys", "rotate", *said)
    assert (rotated.code, "no log is open" in rotated.err) == (1, True)
