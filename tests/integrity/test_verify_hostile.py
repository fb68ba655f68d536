"""A package may do anything but make the verifier crash, wait, write, or say VALID."""

import io
import json
import os
import re
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditspan.integrity import verify
from auditspan.integrity.package import write_package
from auditspan.integrity.sealed_columns import SCHEMA
from tests.integrity.trail import SIGNED_AT, Trail, policy

SCRIPT = Path(verify.__file__)
Members = dict[str, bytes]


def package(count: int = 4) -> bytes:
    """An honest package."""
    trail = Trail.of(count)
    trail.erase(2, "user")
    file = io.BytesIO()
    write_package(trail.evidence(), file, SCHEMA)
    return file.getvalue()


HONEST = package()


def members(data: bytes = HONEST) -> Members:
    """Its files."""
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return {name: found.read(name) for name in found.namelist()}


def judged(path: Path) -> dict[str, Any]:
    """The report about a file."""
    return verify.verified(str(path), policy(), SIGNED_AT)


def changed(tmp_path: Path, change: Callable[[Members], object]) -> dict[str, Any]:
    """The report about the honest package after a change to its files."""
    found = members()
    change(found)
    path = tmp_path / "case.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in found.items():
            made.writestr(name, data)
    return judged(path)


def proof(change: Callable[[Any], object]) -> Callable[[Members], object]:
    """A change to proof.json."""

    def apply(found: Members) -> None:
        read = json.loads(found["proof.json"])
        change(read)
        found["proof.json"] = json.dumps(read).encode()

    return apply


def record(old: bytes, new: bytes) -> Callable[[Members], object]:
    """Other bytes in records.jsonl."""

    def apply(found: Members) -> None:
        assert old in found["records.jsonl"]
        found["records.jsonl"] = found["records.jsonl"].replace(old, new, 1)

    return apply


def test_the_honest_one(tmp_path: Path) -> None:
    """What is changed below is VALID before."""
    assert changed(tmp_path, lambda found: None)["verdict"] == "VALID"


CHANGES: dict[str, Callable[[Members], object]] = {
    "no proof": lambda m: m.pop("proof.json"),
    "no records": lambda m: m.pop("records.jsonl"),
    "no control": lambda m: m.pop("control.jsonl"),
    "no csv": lambda m: m.pop("records.csv"),
    "no seals": lambda m: m.pop("seals.bin"),
    "no root": lambda m: m.pop("root/root.note"),
    "no checkpoint": lambda m: m.pop("checkpoints/0.note"),
    "no inclusion": lambda m: m.pop("root/0.tlog-proof"),
    "empty proof": lambda m: m.update({"proof.json": b""}),
    "list for proof": lambda m: m.update({"proof.json": b"[]"}),
    "deep JSON": lambda m: m.update({"proof.json": b"[" * 200_000}),
    "deep record": lambda m: m.update({"records.jsonl": b'{"values":' * 100_000 + b"\n"}),
    "huge number": lambda m: m.update({"proof.json": b'{"format":' + b"9" * 100_000 + b"}"}),
    "NaN": proof(lambda p: p.update(scope={"Timestamp": {"from": float("nan")}})),
    "infinite": lambda m: m.update(
        {"proof.json": m["proof.json"].replace(b'"start":0', b'"start":1e999')}),
    "key twice": record(b'{"values":{', b'{"values":{"RecordId":"x",'),
    "member twice": record(b'"salt":', b'"salt":"00","salt":'),
    "no line end": lambda m: m.update({"records.jsonl": m["records.jsonl"][:-1]}),
    "empty line": lambda m: m.update({"records.jsonl": m["records.jsonl"] + b"\n"}),
    "line that is a list": lambda m: m.update({"records.jsonl": b"[]\n" + m["records.jsonl"]}),
    "line with more": record(b'{"values":', b'{"more":1,"values":'),
    "control as a list": lambda m: m.update({"control.jsonl": b"[]\n"}),
    "seals too long": lambda m: m.update({"seals.bin": m["seals.bin"] + b"x"}),
    "seals too short": lambda m: m.update({"seals.bin": m["seals.bin"][:-1]}),
    "seals empty": lambda m: m.update({"seals.bin": b""}),
    "another csv": lambda m: m.update({"records.csv": m["records.csv"].replace(b"und", b"", 1)}),
    "csv too long": lambda m: m.update({"records.csv": m["records.csv"] + b"x"}),
    "csv without a column": lambda m: m.update({"records.csv": b"RecordId\r\n"}),
    "csv empty": lambda m: m.update({"records.csv": b""}),
    "salt too short": lambda m: m.update({"records.jsonl": re.sub(
        rb'"salt":"..', b'"salt":"', m["records.jsonl"], count=1)}),
    "number as number": record(b'"LogIndex":"1"', b'"LogIndex":1'),
    "number with zeros": record(b'"LogIndex":"1"', b'"LogIndex":"01"'),
    "number in other digits": record(b'"LogIndex":"1"', '"LogIndex":"\u0661"'.encode()),
    "text as number": record(b'"ToolName":"refund"', b'"ToolName":5'),
    "text as list": record(b'"ToolName":"refund"', b'"ToolName":["refund"]'),
    "map as list": record(b'"SpanAttributes":{', b'"SpanAttributes":[],"x":{'),
    "lone surrogate": record(b'"ToolName":"refund"', b'"ToolName":"\\ud800"'),
    "spelled otherwise": record(b'"ToolName":"refund"', b'"ToolName":"\\udcc3\\udca9"'),
    "erased and there": record(b'"redacted":{', b'"redacted":{"text":"' + b"0" * 64 + b'",'),
    "salt of no group": record(b'"salts":{', b'"salts":{"zzz":"' + b"0" * 32 + b'",'),
    "negative start": proof(lambda p: p["logs"][0].update(start=-1)),
    "start as true": proof(lambda p: p["logs"][0].update(start=False)),
    "count of more": proof(lambda p: p["logs"][0].update(count=10**15)),
    "subtree out of place": proof(lambda p: p["logs"][0].update(left=[[0, 3, "00" * 32]])),
    "subtree of nothing": proof(lambda p: p["logs"][0].update(left=[[0, 0, "00" * 32]])),
    "subtree of all": proof(lambda p: p["logs"][0].update(left=[[0, 1 << 62, "00" * 32]])),
    "subtrees without end": proof(lambda p: p["logs"][0].update(left=[[0, 1, "00" * 32]] * 1000)),
    "subtree as text": proof(lambda p: p["logs"][0].update(left="abc")),
    "log twice": proof(lambda p: p["logs"].append(p["logs"][0])),
    "no logs": proof(lambda p: p.pop("logs")),
    "logs without end": proof(lambda p: p.update(logs=[{}] * 2000)),
    "path as name": proof(lambda p: p["root"].update(note="../../../etc/passwd")),
    "number as name": proof(lambda p: p["root"].update(note=5)),
    "another key": proof(lambda p: p["logs"][0].update(opened=p["logs"][0]["opened"] + " ")),
    "proofs exchanged": proof(lambda p: p["logs"][0].update(note_proof="root/0-opened.tlog-proof")),
    "root as checkpoint": proof(lambda p: p["logs"][0].update(note="root/root.note")),
    "checkpoint as root": proof(lambda p: p["root"].update(note="checkpoints/0.note")),
    "anchor of a log": proof(lambda p: p["root"]["anchors"][0].update(note="checkpoints/0.note")),
    "anchor without proof": proof(lambda p: p["root"]["anchors"][0].update(hashes=[])),
    "scope of no column": proof(lambda p: p.update(scope={"Zzz": {"in": []}})),
    "scope that says more": proof(lambda p: p.update(scope={"AgentId": {"not": ["x"]}})),
    "scope of nonsense": proof(lambda p: p.update(scope={"AgentId": 5})),
    "not complete as text": proof(lambda p: p.update(complete="false")),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_changed_packages_are_never_valid(tmp_path: Path, name: str) -> None:
    """Whatever is missing, doubled, too large, of another type or in another place."""
    report = changed(tmp_path, CHANGES[name])
    assert report["verdict"] in ("INVALID", "UNVERIFIABLE"), name
    # A report that cannot be printed helps nobody.
    assert verify.as_text(report).startswith(report["verdict"])
    json.dumps(report)


@pytest.mark.parametrize(
    "name",
    [
        "../evil",
        "/evil",
        "a/../b",
        "a//b",
        "./a",
        "C:\\evil",
        "a\\b",
        ".hidden",
        "a/.",
        "",
        "é",
        "a b",
    ],
)
def test_paths_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    """A name is letters, digits and a few marks, and stays below."""
    report = changed(tmp_path, lambda found: found.update({name or "a/": b"x"}))
    assert report["verdict"] == "INVALID"
    assert list(tmp_path.iterdir()) == [tmp_path / "case.zip"]


def test_links_are_refused(tmp_path: Path) -> None:
    """Nothing is unpacked, and a link is no evidence."""
    path = tmp_path / "case.zip"
    path.write_bytes(HONEST)
    info = zipfile.ZipInfo("link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "a") as made:
        made.writestr(info, "/etc/passwd")
    report = judged(path)
    assert (report["verdict"], "link" in report["problems"][0]) == ("INVALID", True)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_twice_is_refused(tmp_path: Path) -> None:
    """Another reader would show the other one."""
    path = tmp_path / "case.zip"
    path.write_bytes(HONEST)
    with zipfile.ZipFile(path, "a") as made:
        made.writestr("records.jsonl", b"")
    assert judged(path)["verdict"] == "INVALID"


def test_other_ways_of_packing_are_refused(tmp_path: Path) -> None:
    """Bombs of ten thousand to one are made with these."""
    path = tmp_path / "case.zip"
    path.write_bytes(HONEST)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_LZMA) as made:
        made.writestr("more", b"x" * 1000)
    assert judged(path)["verdict"] == "INVALID"


def test_too_many_files(tmp_path: Path) -> None:
    """A directory of millions takes memory before a byte is read."""
    report = changed(tmp_path, lambda m: m.update({f"f{n}": b"" for n in range(verify.MAX_FILES)}))
    assert report["verdict"] == "INVALID"


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What files are said to be is added up first; one that says less than it holds is cut."""
    monkeypatch.setattr(verify, "MAX_TOTAL", 1_000_000)
    report = changed(tmp_path, lambda found: found.update(bomb=bytes(2_000_000)))
    assert "too large when unpacked" in report["problems"][0]
    path = tmp_path / "case.zip"
    honest = bytearray(path.read_bytes())
    at = honest.find(b"bomb", honest.find(b"PK\1\2")) - 46
    honest[at + 24 : at + 28] = (10).to_bytes(4, "little")
    path.write_bytes(honest)
    assert judged(path)["verdict"] in ("INVALID", "VALID")


def test_too_many_entries_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are held in memory, so there is a bound."""
    monkeypatch.setattr(verify, "MAX_ENTRIES", 5)
    report = changed(tmp_path, lambda found: None)
    assert "more than 5 entries" in report["problems"][0]


def test_long_lines_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line without end is not read to its end."""
    monkeypatch.setattr(verify, "MAX_LINE", 10_000)
    report = changed(tmp_path, lambda m: m.update({"records.jsonl": b" " * 50_000 + b"\n"}))
    assert any("too long" in each for each in report["problems"])


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\3\4" + bytes(100), HONEST[:500], HONEST[500:]])
def test_files_that_are_no_packages(tmp_path: Path, data: bytes) -> None:
    """Empty, cut at either end, no zip at all."""
    path = tmp_path / "case.zip"
    path.write_bytes(data)
    assert judged(path)["verdict"] == "INVALID"
    assert judged(tmp_path / "missing.zip")["verdict"] == "INVALID"
    assert judged(tmp_path)["verdict"] == "INVALID"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, len(HONEST) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_seen_or_means_nothing(tmp_path: Path, at: int, bit: int) -> None:
    """VALID only if the verifier read the same files as before."""
    data = bytearray(HONEST)
    data[at] ^= 1 << bit
    path = tmp_path / "case.zip"
    path.write_bytes(data)
    if judged(path)["verdict"] == "VALID":
        read = verify.Package(str(path))
        for name, expected in members().items():
            if name == "manifest.json":
                continue
            with read.open(name) as file:
                assert file.read() == expected


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_changed_byte_of_a_record_is_seen(tmp_path: Path, data: st.DataObject) -> None:
    """Inside of the zip, where no checksum helps."""
    text = members()["records.jsonl"]
    at = data.draw(st.integers(0, len(text) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda b: b != text[at]))
    other = text[:at] + bytes([byte]) + text[at + 1 :]
    report = changed(tmp_path, lambda m: m.update({"records.jsonl": other}))
    if report["verdict"] == "VALID":
        # Another spelling of the same JSON.
        old, new = text.splitlines(), other.splitlines()
        assert [json.loads(line) for line in old] == [json.loads(line) for line in new]


def test_a_terminal_is_not_steered(tmp_path: Path) -> None:
    """What came out of the package is printed without control characters."""
    report = changed(tmp_path, record(b'"RecordId":"record-0"', b'"RecordId":"\\u001b[2J\\u202e"'))
    text = verify.as_text(report)
    assert "ALTERED" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


def run(python: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The verifier as an auditor calls it."""
    command = [python, "-I", str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd="/")


def pythons() -> list[str]:
    """This Python, and the oldest that is promised, if it is here."""
    folders = [Path(each) for each in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted(Path.home().glob(".pyenv/versions/3.9*/bin"))
    old = next((each / "python3.9" for each in folders if _runs(each / "python3.9")), None)
    return [sys.executable, *([str(old)] if old else [])]


def _runs(path: Path) -> bool:
    # A shim of a version manager is there without its Python.
    probe = [str(path), "-c", "import ssl"]
    return path.is_file() and subprocess.run(probe, capture_output=True).returncode == 0


@pytest.mark.parametrize("python", pythons())
def test_as_an_auditor_calls_it(tmp_path: Path, python: str) -> None:
    """Isolated, from another folder: exit codes, words and JSON."""
    path, trusted = tmp_path / "case.zip", tmp_path / "policy.txt"
    path.write_bytes(HONEST)
    trusted.write_bytes(policy())
    good = run(python, str(path), "--policy", str(trusted))
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("VALID, anchored: local\n")
    as_json = run(python, str(path), "--policy", str(trusted), "--format", "json")
    assert json.loads(as_json.stdout)["verdict"] == "VALID"
    without = run(python, str(path))
    assert (without.returncode, without.stdout[:12]) == (2, "UNVERIFIABLE")
    path.write_bytes(HONEST[:-40])
    assert run(python, str(path), "--policy", str(trusted)).returncode == 1


def test_it_needs_only_the_standard_library() -> None:
    """One file that an auditor can read, and run anywhere."""
    import ast

    tree = ast.parse(SCRIPT.read_text("utf-8"), feature_version=(3, 9))
    names = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {
        (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert names <= sys.stdlib_module_names
    assert len(SCRIPT.read_text("utf-8").splitlines()) < 1100
