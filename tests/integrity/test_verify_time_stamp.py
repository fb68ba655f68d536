"""Time stamps of RFC 3161, made and checked with openssl: a real authority, on this machine."""

import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from auditspan.integrity import verify
from auditspan.integrity.package import Anchor, Evidence, write_package
from auditspan.integrity.sealed_columns import SCHEMA
from tests.collector.anchors.authority import made
from tests.integrity.trail import SIGNED_AT, Trail, policy

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = Authority
[tsa]
basicConstraints = CA:FALSE
extendedKeyUsage = critical,timeStamping
[tsa_config]
dir = .
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


def openssl(folder: Path, *arguments: str) -> None:
    """Run it, or fail with what it says."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a root certificate and a time-stamp authority under it."""
    folder = tmp_path_factory.mktemp("tsa")
    (folder / "c.cnf").write_text(CONFIG)
    (folder / "serial").write_text("01\n")
    new = ["req", "-config", "c.cnf", "-newkey", "ed25519", "-nodes"]
    openssl(folder, *new, "-x509", "-days", "9", "-keyout", "ca.key", "-out", "ca.pem")
    rsa = ["req", "-config", "c.cnf", "-newkey", "rsa:2048", "-nodes"]
    openssl(folder, *rsa, "-subj", "/CN=TSA", "-keyout", "tsa.key", "-out", "tsa.csr")
    sign = ["x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "9"]
    openssl(folder, *sign, "-extfile", "c.cnf", "-extensions", "tsa", "-out", "tsa.pem")
    return folder


def stamp(folder: Path, data: bytes) -> bytes:
    """The reply of the authority about some bytes."""
    (folder / "data").write_bytes(data)
    openssl(folder, "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
    made = ["ts", "-reply", "-config", "c.cnf", "-section", "tsa_config", "-queryfile", "query"]
    openssl(folder, *made, "-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "reply")
    return (folder / "reply").read_bytes()


def judged(tmp_path: Path, evidence: Evidence, root: str) -> dict[str, object]:
    """The report about a package."""
    with (tmp_path / "case.zip").open("wb") as file:
        write_package(evidence, file, SCHEMA)
    return verify.verified(str(tmp_path / "case.zip"), policy(), SIGNED_AT, root)


def test_a_time_stamp_is_an_outside_anchor(tmp_path: Path, authority: Path) -> None:
    """Checked only against roots that the auditor brings."""
    evidence = Trail.of(3).evidence()
    anchor = Anchor("rfc3161", evidence.root, (), stamp(authority, evidence.root))
    stamped = replace(evidence, anchors=[anchor])
    report = judged(tmp_path, stamped, str(authority / "ca.pem"))
    assert (report["verdict"], report["anchored"]) == ("VALID", "external"), report
    assert "existed at" in str(report["anchors"])
    assert report["not_excluded"] == []
    without = judged(tmp_path, stamped, "")
    assert (without["verdict"], without["anchored"]) == ("VALID", "local")
    assert "not checked" in str(without["anchors"])


def test_other_time_stamps_are_found_out(tmp_path: Path, authority: Path) -> None:
    """Of another note, of another authority, or none at all."""
    evidence = Trail.of(3).evidence()
    new = ["req", "-config", "c.cnf", "-newkey", "ed25519", "-nodes", "-x509"]
    openssl(authority, *new, "-keyout", "other.key", "-out", "other.pem")
    good = stamp(authority, evidence.root)
    for reply, root in (
        (stamp(authority, b"something else"), "ca.pem"),
        (good, "other.pem"),
        (good[:-1] + b"x", "ca.pem"),
        (b"nonsense", "ca.pem"),
    ):
        anchored = replace(evidence, anchors=[Anchor("rfc3161", evidence.root, (), reply)])
        report = judged(tmp_path, anchored, str(authority / root))
        assert (report["verdict"], report["anchored"]) == ("INVALID", "none")


def test_the_time_is_the_one_that_is_signed(tmp_path: Path, authority: Path) -> None:
    """What the reply says in front of the signed part may be anybody's."""
    evidence = Trail.of(3).evidence()
    good = stamp(authority, evidence.root)
    earlier = b"x\nTST info:\nTime stamp: Jan  1 00:00:00 2020 GMT\n"
    # PKIStatusInfo of RFC 3161: granted, and a text (PKIFreeText) that nobody signs.
    text = _der(0x30, _der(0x0C, earlier))
    token = good[good.index(b"\x30\x03\x02\x01\x00") + 5 :]
    reply = _der(0x30, _der(0x30, b"\x02\x01\x00" + text) + token)
    anchored = replace(evidence, anchors=[Anchor("rfc3161", evidence.root, (), reply)])
    report = judged(tmp_path, anchored, str(authority / "ca.pem"))
    assert (report["verdict"], report["anchored"]) == ("VALID", "external"), report
    assert "2020" not in str(report["anchors"])


def test_a_certificate_may_have_ended_since(tmp_path: Path) -> None:
    """A stamp is for years: its chain has to be good at the stamp's own time."""
    authority, evidence = made(tmp_path / "tsa", seconds=2), Trail.of(3).evidence()
    query, reply = tmp_path / "query", tmp_path / "reply"
    (tmp_path / "data").write_bytes(evidence.root)
    openssl(tmp_path, "ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query")
    reply.write_bytes(authority.sign(query.read_bytes()))
    time.sleep(2.1)
    anchor = Anchor("rfc3161", evidence.root, (), reply.read_bytes())
    report = judged(tmp_path, replace(evidence, anchors=[anchor]), str(authority.roots))
    assert (report["verdict"], report["anchored"]) == ("VALID", "external"), report


def _der(tag: int, content: bytes) -> bytes:
    """An element of ASN.1 with a length of two bytes."""
    return bytes([tag, 0x82]) + len(content).to_bytes(2) + content


def test_without_openssl_nothing_is_claimed(
    tmp_path: Path, authority: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An auditor who asks for the check is told that it was not made."""
    evidence = Trail.of(1).evidence()
    anchor = Anchor("rfc3161", evidence.root, (), stamp(authority, evidence.root))
    monkeypatch.setenv("PATH", str(tmp_path))
    report = judged(tmp_path, replace(evidence, anchors=[anchor]), str(authority / "ca.pem"))
    assert (report["verdict"], report["anchored"]) == ("UNVERIFIABLE", "none")
