"""The auditor's verifier: what it accepts is what was sealed; each attack has its own answer."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditspan.integrity import verify
from auditspan.integrity.canonical import derived_salts, entry, record_digest
from auditspan.integrity.control_entry import Kind
from auditspan.integrity.json_values import Json
from auditspan.integrity.note import COSIGNATURE
from auditspan.integrity.package import Erased, Evidence, Hidden, Shown, write_package
from auditspan.integrity.sealed_columns import GROUPS, SCHEMA
from tests.integrity.trail import (
    ORIGIN,
    ROOT,
    SIGNED_AT,
    TODAY,
    Trail,
    note_of,
    policy,
    salt,
    signer,
    values,
)

NOW = SIGNED_AT + 86_400
Scope = dict[str, dict[str, Json]]
REMARK = "whoever held the keys"


@pytest.fixture
def trail() -> Trail:
    """Twenty records, the first at index 1."""
    return Trail.of(20)


def found(
    tmp_path: Path, evidence: Evidence, *, trusted: bytes | None = None, note: bytes = b""
) -> dict[str, Any]:
    """The verifier's report about a package."""
    path, mine = tmp_path / "case.zip", tmp_path / "mine.note"
    with path.open("wb") as file:
        write_package(evidence, file, SCHEMA)
    mine.write_bytes(note)
    return verify.verified(
        str(path), policy() if trusted is None else trusted, NOW, note=str(mine) if note else ""
    )


def test_an_honest_trail(tmp_path: Path, trail: Trail) -> None:
    """Everything is counted, and what a package without an outside anchor cannot show is said."""
    report = found(tmp_path, trail.evidence())
    assert (report["verdict"], report["exit"], report["problems"]) == ("VALID", 0, [])
    assert report["anchored"] == "local"
    assert [REMARK in each for each in report["not_excluded"]] == [True]
    assert {k: v for k, v in report["population"].items() if v} == {"records": 20, "control": 1}
    assert report["logs"] == [{"origin": ORIGIN, "size": 21, "from": 0, "entries": 21}]
    assert report["cosigned_at"] == "2025-11-25T17:00:00+00:00"


def test_a_note_of_the_auditors_anchors_it(tmp_path: Path, trail: Trail) -> None:
    """An older or the same note of the root log, kept outside, is part of this history."""
    root = trail.root()
    for size in (2, 3):
        report = found(tmp_path, trail.evidence(), note=note_of(ROOT, root, size))
        assert (report["verdict"], report["anchored"]) == ("VALID", "external")
        assert report["not_excluded"] == []
    report = found(tmp_path, trail.evidence(), note=note_of(ROOT, root, 1))
    assert (report["verdict"], report["anchored"]) == ("UNVERIFIABLE", "local")


@pytest.mark.parametrize(("start", "end"), [(0, 21), (5, 9), (1, 2), (20, 21), (7, 7)])
def test_any_range(tmp_path: Path, trail: Trail, start: int, end: int) -> None:
    """A part of the log is proved without the rest."""
    report = found(tmp_path, trail.evidence(start, end))
    assert report["verdict"] == "VALID", report
    assert report["population"]["records"] == len(range(max(start, 1), end))


def rewrite(trail: Trail, index: int, **more: object) -> None:
    """Change a record and its seal, as somebody with the store but without the keys does."""
    trail.signed = list(trail.entries)
    row = trail.rows[index]
    assert isinstance(row, Shown)
    changed = {**row.values, **more}
    digest = record_digest(changed, row.salt, SCHEMA)
    trail.entries[index] = entry(0, changed["ExpiresOn"], digest)  # type: ignore[arg-type]
    trail.rows[index] = Shown(changed, row.salt)


def drop(trail: Trail, index: int) -> None:
    """Delete record and seal."""
    trail.signed = list(trail.entries)
    del trail.entries[index], trail.rows[index]


def swap(trail: Trail) -> None:
    """Exchange two records with their seals."""
    trail.signed = list(trail.entries)
    rows, entries = trail.rows, trail.entries
    rows[4], rows[5] = rows[5], rows[4]
    entries[4], entries[5] = entries[5], entries[4]


def insert(trail: Trail) -> None:
    """Put a record into the middle, sealed as it should be but for the place."""
    trail.signed = list(trail.entries)
    record = {**values(99), "LogId": ORIGIN, "LogIndex": 6}
    trail.entries.insert(6, entry(0, TODAY + 400, record_digest(record, salt(6), SCHEMA)))
    trail.rows = {at + (at >= 6): row for at, row in trail.rows.items()}
    trail.rows[6] = Shown(record, salt(6))


def append(trail: Trail) -> None:
    """Add a record behind the last checkpoint."""
    trail.signed = list(trail.entries)
    trail.add(values(99))


def put_back(trail: Trail) -> None:
    """Text where it was erased."""
    trail.erase(4, "text")
    row = trail.rows[4]
    assert isinstance(row, Erased)
    trail.rows[4] = replace(row, values={**row.values, "Summary": "new"})


def new_salts(trail: Trail) -> None:
    """An erasure with salts and commitments that somebody made up."""
    trail.erase(4, "text")
    row = trail.rows[4]
    assert isinstance(row, Erased)
    trail.rows[4] = replace(
        row, salts={**row.salts, "user": bytes(16)}, values={**row.values, "UserId": "bob"}
    )


def repoint(trail: Trail) -> None:
    """Let an erasure speak of another record."""
    trail.erase(4, "text")
    trail.signed = list(trail.entries)
    line = trail.control[-1]
    trail.control[-1] = replace(line, body=line.body.replace('"index": 4', '"index": 5'))
    trail.erase(5, "text", authorised=False)


def withhold(trail: Trail) -> None:
    """Leave an entry out that says something."""
    trail.say(Kind.GAP, {"lost": 5})
    trail.control.pop()


def twice(trail: Trail) -> None:
    """Show a record twice."""
    trail.rows[99] = trail.rows[4]


ATTACKS: dict[str, tuple[Callable[[Trail], object], str]] = {
    "change a column": (lambda t: t.change(4, UserId="bob"), "record record-3 .*ALTERED"),
    "change an enumeration": (lambda t: t.change(4, RecordKind="x"), "ALTERED"),
    "fill a blank column": (lambda t: t.change(4, PolicyOutcome="allow"), "ALTERED"),
    "blank a column": (lambda t: t.change(4, ToolName=""), "ALTERED"),
    "change a map": (lambda t: t.change(4, SpanAttributes={"user.id": "bob"}), "ALTERED"),
    "add a key": (
        lambda t: t.change(4, SpanAttributes={**values(3)["SpanAttributes"], "x": ""}),  # type: ignore[dict-item]
        "ALTERED",
    ),
    "move a record": (lambda t: t.change(4, LogIndex=5), "ALTERED"),
    "another log": (lambda t: t.change(4, LogId="elsewhere"), "of a log that is not here"),
    "outside of the range": (lambda t: t.change(4, LogIndex=50), "outside of the range"),
    "another day of expiry": (lambda t: t.change(4, ExpiresOn=TODAY), "ALTERED"),
    "another salt": (lambda t: t.rows.update({4: Shown(t.rows[4].values, salt(5))}), "ALTERED"),  # type: ignore[union-attr]
    "change a column and its seal": (lambda t: rewrite(t, 4, UserId="bob"), "do not lead to"),
    "fake the expiry in the seal": (lambda t: rewrite(t, 4, ExpiresOn=TODAY), "do not lead to"),
    "delete a record": (lambda t: t.rows.pop(4), "index 4 of .*: MISSING"),
    "delete record and seal": (lambda t: drop(t, 4), "do not lead to"),
    "delete the newest": (lambda t: drop(t, 20), "do not lead to"),
    "exchange two": (swap, "do not lead to"),
    "insert one": (insert, "no range of 22"),
    "append one": (append, "no range of 22"),
    "erase without authority": (
        lambda t: t.erase(4, "user", authorised=False),
        r"groups \['user'\] erased without an entry",
    ),
    "put text back": (put_back, "group text was erased, but has values"),
    "make salts up": (new_salts, "ALTERED"),
    "erase all without authority": (lambda t: t.erase(4, "*", authorised=False), "MISSING"),
    "let an erasure speak of another": (repoint, "is not what was sealed"),
    "withhold a control entry": (withhold, "an entry of kind 7 is withheld"),
    "show a record twice": (twice, "shown twice"),
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("anchored", [False, True], ids=["alone", "anchored"])
def test_attacks_on_the_store_are_seen(
    tmp_path: Path, trail: Trail, name: str, *, anchored: bool
) -> None:
    """Whoever has the store, but not the keys, is found out, with an anchor or without."""
    attack, problem = ATTACKS[name]
    attack(trail)
    evidence = trail.evidence()
    honest = Trail.of(20).root()
    report = found(tmp_path, evidence, note=note_of(ROOT, honest, 2) if anchored else b"")
    assert (report["verdict"], report["exit"]) == ("INVALID", 1)
    assert any(re.search(problem, each) for each in report["problems"]), report["problems"]


@pytest.mark.parametrize("column", SCHEMA.kinds)
def test_every_column_of_a_record_is_verified(tmp_path: Path, column: str) -> None:
    """Another value in any column is found, and the record is named."""
    trail = Trail.of(2)
    kind = SCHEMA.kinds[column]
    other = {"string": "y", "int": 3, "strings": ["y"], "map": {"y": "y"}}.get(kind, [(0, "y", {})])
    if column == "Links":
        other = [("y", "", "", {})]
    trail.change(2, **{column: other})
    report = found(tmp_path, trail.evidence())
    assert report["verdict"] == "INVALID"
    name = "y" if column == "RecordId" else "record-1"
    assert any(each.startswith(f"record {name} ") for each in report["problems"])


def _edited() -> Trail:
    trail = Trail.of(20)
    rewrite(trail, 4, UserId="bob")
    trail.signed = []
    return trail


def test_whoever_holds_the_keys_is_not_seen_without_an_anchor(tmp_path: Path) -> None:
    """An honest miss: all edited and signed anew is VALID, and the report says so."""
    report = found(tmp_path, _edited().evidence(forged=1))
    assert report["verdict"] == "VALID"
    assert [REMARK in each for each in report["not_excluded"]] == [True]


def test_whoever_holds_the_keys_is_seen_with_an_anchor(tmp_path: Path, trail: Trail) -> None:
    """A note from before conflicts with a history that was made anew, or cut off."""
    before = trail.root()
    edited = found(tmp_path, _edited().evidence(forged=1), note=note_of(ROOT, before, 2))
    assert edited["verdict"] == "INVALID"
    assert "does not go on from" in edited["problems"][0]
    longer = Trail.of(20).root()
    longer.append([b"x" * 32])
    cut = found(tmp_path, trail.evidence(), note=note_of(ROOT, longer))
    assert cut["verdict"] == "INVALID"
    assert "cut off" in cut["problems"][0]


def test_time_does_not_go_back(tmp_path: Path) -> None:
    """A record that is back-dated with the key stands before the one in front of it."""
    trail = Trail.of(3)
    trail.add(values(3, SealedAt=1_764_080_000_000_000_000))
    report = found(tmp_path, trail.evidence())
    assert report["problems"] == [f"index 4 of {ORIGIN}: sealed before the record in front of it"]


def test_nothing_is_sealed_after_it_is_signed(tmp_path: Path) -> None:
    """The notary's time is a bound, with some minutes for clocks that differ."""
    trail = Trail.of(1)
    trail.add(values(2, SealedAt=(SIGNED_AT + 299) * 10**9))
    assert found(tmp_path, trail.evidence())["verdict"] == "VALID"
    trail.add(values(3, SealedAt=(SIGNED_AT + 301) * 10**9))
    report = found(tmp_path, trail.evidence())
    assert report["problems"] == [f"log {ORIGIN}: sealed after its checkpoint was signed"]


def test_erasures_are_explained(tmp_path: Path, trail: Trail) -> None:
    """One group, another one later, a whole record: VALID, and counted."""
    trail.erase(3, "user", "text")
    trail.erase(3, "attributes")
    trail.erase(5, "*")
    report = found(tmp_path, trail.evidence())
    assert report["verdict"] == "VALID"
    population = report["population"]
    assert (population["erased_groups"], population["erased"], population["records"]) == (3, 1, 19)
    assert population["control"] == 4


@pytest.mark.parametrize("group", [group for group in GROUPS if group != "core"])
def test_each_group_can_be_erased(tmp_path: Path, group: str) -> None:
    """The record is as verified as before, and the words are gone from the package."""
    trail = Trail()
    record = values(1)
    for name, kind in GROUPS[group].items():
        record[name] = {"string": "secret", "strings": ["secret"], "map": {"secret": "secret"}}.get(
            kind, [(1, "secret", {})] if name == "Events" else [("secret", "", "", {})]
        )
    index = trail.add(record)
    trail.erase(index, group)
    report = found(tmp_path, trail.evidence())
    assert report["verdict"] == "VALID", report
    with verify.Package(str(tmp_path / "case.zip")).open("records.jsonl") as file:
        assert b"secret" not in file.read()


def test_expired_records_may_be_gone_or_not(tmp_path: Path) -> None:
    """By the day of the signature, not of the verification; what is kept too long is told."""
    trail = Trail()
    for day in (TODAY - 1, TODAY, TODAY + 1, 0, TODAY - 5):
        trail.add(values(len(trail.entries), ExpiresOn=day))
    for index in (0, 1):
        del trail.rows[index]
    report = found(tmp_path, trail.evidence())
    assert report["verdict"] == "VALID"
    assert (report["population"]["expired"], report["population"]["over_retained"]) == (2, 1)
    assert report["warnings"] == ["1 records are past their day of expiry"]
    del trail.rows[2]
    assert found(tmp_path, trail.evidence())["verdict"] == "INVALID"


def test_expiry_without_anybodys_time_is_by_the_clock(tmp_path: Path) -> None:
    """A policy without witnesses knows no day but today."""
    trail = Trail()
    trail.add(values(0, ExpiresOn=TODAY + 1))
    del trail.rows[0]
    alone = f"log {signer(ROOT).vkey}\nquorum none\n".encode()
    report = found(tmp_path, trail.evidence(), trusted=alone)
    assert (report["verdict"], report["cosigned_at"]) == ("VALID", None)


def test_early_expiry_is_explained(tmp_path: Path, trail: Trail) -> None:
    """A retention that was shortened, by an entry that says so."""
    del trail.rows[4]
    trail.say(Kind.EARLY_EXPIRY, {"expired": [{"log": ORIGIN, "start": 4, "end": 5}]})
    report = found(tmp_path, trail.evidence())
    counts = report["population"]
    assert (report["verdict"], counts["expired"], counts["expired_early"]) == ("VALID", 0, 1)


@pytest.mark.parametrize(
    ("ranges", "verdict"),
    [
        ([(9, 11), (2, 6), (3, 5), (6, 7)], "VALID"),
        ([(4, 5), (2, 3), (6, 7)], "VALID"),
        ([(2, 4), (5, 9)], "INVALID"),
        ([(5, 4), (4, 4), (-9, 3), (5, 2**70)], "INVALID"),
    ],
    ids=["overlap", "apart", "beside", "turned"],
)
def test_early_expiry_covers_its_ranges_only(
    tmp_path: Path, trail: Trail, ranges: list[tuple[int, int]], verdict: str
) -> None:
    """In any order, overlapping or not: only a range with record 4 explains its absence."""
    del trail.rows[4]
    said = [{"log": ORIGIN, "start": start, "end": end} for start, end in ranges]
    trail.say(Kind.EARLY_EXPIRY, {"expired": said})
    assert found(tmp_path, trail.evidence())["verdict"] == verdict


def test_completeness_for_a_scope(tmp_path: Path, trail: Trail) -> None:
    """Records of one conversation are shown, of the others only that they are of others."""
    scope: Scope = {"ConversationId": {"in": ["conversation-2"]}}
    for index in range(1, 21):
        if (index - 1) % 5 != 2:
            trail.hide(index)
    evidence = replace(trail.evidence(), scope=scope)
    report = found(tmp_path, evidence)
    assert report["verdict"] == "VALID", report
    assert (report["population"]["records"], report["population"]["hidden"]) == (4, 16)
    trail.hide(3)
    report = found(tmp_path, replace(trail.evidence(), scope=scope))
    assert report["verdict"] == "INVALID"
    assert "against the scope" in report["problems"][0]


def test_a_scope_in_time(tmp_path: Path, trail: Trail) -> None:
    """`to` is not in it."""
    first = 1_764_000_000_000_000_000
    for index in (*range(1, 4), *range(9, 21)):
        trail.hide(index)
    scope: Scope = {"Timestamp": {"from": str(first + 3), "to": str(first + 8)}}
    assert found(tmp_path, replace(trail.evidence(), scope=scope))["verdict"] == "VALID"
    scope = {"Timestamp": {"from": str(first + 3), "to": str(first + 9)}}
    assert found(tmp_path, replace(trail.evidence(), scope=scope))["verdict"] == "INVALID"
    scope = {"UserId": {"in": ["x"]}}
    assert found(tmp_path, replace(trail.evidence(), scope=scope))["verdict"] == "UNVERIFIABLE"


def test_without_a_claim_of_completeness(tmp_path: Path, trail: Trail) -> None:
    """Records that are not shown are counted, and no more is said of them."""
    del trail.rows[4]
    report = found(tmp_path, replace(trail.evidence(), complete=False))
    assert (report["verdict"], report["population"]["not_shown"]) == ("VALID", 1)
    assert report["warnings"] == ["1 records of the range are not shown"]


def test_hidden_records_show_no_group(tmp_path: Path, trail: Trail) -> None:
    """Values of a group beside a hidden record would be believed by whoever reads them."""
    trail.hide(4)
    row = trail.rows[4]
    assert isinstance(row, Hidden)
    trail.rows[4] = replace(row, core={**row.core, "UserId": "bob"})
    report = found(tmp_path, replace(trail.evidence(), scope={"AgentId": {"in": ["x"]}}))
    assert any("ALTERED" in each for each in report["problems"])


@pytest.mark.parametrize(
    ("trusted", "verdict"),
    [
        (b"", "UNVERIFIABLE"),
        (b"quorum none\n", "UNVERIFIABLE"),
        (b"nonsense\nquorum none\n", "UNVERIFIABLE"),
        (policy().replace(b"quorum notary", b"quorum other"), "UNVERIFIABLE"),
        (f"log {signer('elsewhere').vkey}\nquorum none\n".encode(), "UNVERIFIABLE"),
        (f"log {signer(ORIGIN).vkey}\nquorum none\n".encode(), "UNVERIFIABLE"),
        (policy() + f"log {signer('elsewhere').vkey}\n".encode(), "VALID"),
    ],
)
def test_only_the_policy_is_trusted(
    tmp_path: Path, trail: Trail, trusted: bytes, verdict: str
) -> None:
    """Another log, another witness, no quorum: nothing can be told."""
    assert found(tmp_path, trail.evidence(), trusted=trusted)["verdict"] == verdict


def test_a_quorum_that_is_not_met(tmp_path: Path, trail: Trail) -> None:
    """One more witness is wanted than signed."""
    more = policy().replace(
        b"quorum notary",
        f"witness w {signer('w', COSIGNATURE).vkey}\ngroup g all notary w\nquorum g".encode(),
    )
    report = found(tmp_path, trail.evidence(), trusted=more)
    assert report["verdict"] == "UNVERIFIABLE"
    assert "not its quorum g" in report["unverifiable"][0]
    either = more.replace(b"group g all", b"group g any")
    assert found(tmp_path, trail.evidence(), trusted=either)["verdict"] == "VALID"


def test_signatures_are_verified(tmp_path: Path, trail: Trail) -> None:
    """A note with another text under the same signatures is INVALID, not unknown."""
    evidence = trail.evidence()
    root = evidence.root.replace(b"\n3\n", b"\n4\n")
    logs = [
        replace(
            log,
            note_proof=replace(log.note_proof, checkpoint=root),
            opened_proof=replace(log.opened_proof, checkpoint=root),
        )
        for log in evidence.logs
    ]
    report = found(tmp_path, replace(evidence, root=root, logs=logs))
    assert report["verdict"] == "INVALID"
    assert "does not verify" in report["problems"][0]


def test_columns_of_a_later_version(tmp_path: Path, trail: Trail) -> None:
    """What this file does not know it does not call wrong."""
    package = io.BytesIO()
    write_package(trail.evidence(), package, SCHEMA)
    changes = {
        "records.jsonl": (b'"ToolName"', b'"Zzz":"Zzz","ToolName"'),
        "records.csv": (b"\r\n", b",Zzz\r\n"),
    }
    report = found_in(tmp_path, package, changes)
    assert report["verdict"] == "UNVERIFIABLE"
    assert "take a newer verify.py" in report["unverifiable"][0]


def found_in(
    tmp_path: Path, package: io.BytesIO, changes: dict[str, tuple[bytes, bytes]]
) -> dict[str, Any]:
    """The report about a package some of whose bytes are replaced."""
    path = tmp_path / "changed.zip"
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name in changes:
                assert changes[name][0] in data
                data = data.replace(*changes[name])
            new.writestr(name, data)
    return verify.verified(str(path), policy(), NOW)


def test_salts_of_erased_records_bind(trail: Trail) -> None:
    """All salts of a record differ, so none tells another."""
    row = trail.rows[4]
    assert isinstance(row, Shown)
    assert len(set(derived_salts(row.salt, SCHEMA).values())) == len(GROUPS)


@pytest.mark.parametrize(("until", "verdict"), [(20, "INVALID"), (21, "VALID")])
def test_a_revoked_key(tmp_path: Path, trail: Trail, until: int, verdict: str) -> None:
    """What it signed beyond the size up to which it was good does not count."""
    body = json.dumps({"vkey": signer(ORIGIN).vkey, "good_until_size": until})
    evidence = trail.evidence(revoked=body)
    assert found(tmp_path, evidence)["verdict"] == verdict
