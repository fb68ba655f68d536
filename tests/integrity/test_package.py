"""Packages are the same bytes from the same parts, and hold what the format says."""

import csv
import io
import json
import zipfile
from dataclasses import replace

import pytest

from auditspan.integrity.errors import PackageInvalid, ValueInvalid
from auditspan.integrity.json_values import json_value, json_values
from auditspan.integrity.package import Anchor, Evidence, write_package
from auditspan.integrity.sealed_columns import SCHEMA
from tests.integrity.trail import Trail


def written(evidence: Evidence) -> bytes:
    """A package's bytes."""
    file = io.BytesIO()
    write_package(evidence, file, SCHEMA)
    return file.getvalue()


def test_the_same_parts_make_the_same_bytes() -> None:
    """No clock, no random name, no order of a set."""
    assert written(Trail.of(5).evidence()) == written(Trail.of(5).evidence())


def test_files_of_a_package() -> None:
    """As docs/integrity-format.md lists them, and what is put in besides."""
    more = {"README.txt": b"read me", "context/agents.json": b"[]"}
    evidence = replace(Trail.of(2).evidence(), files=more, manifest={"records": 2})
    with zipfile.ZipFile(io.BytesIO(written(evidence))) as package:
        assert sorted(package.namelist()) == [
            "README.txt",
            "anchors/0.note",
            "checkpoints/0.note",
            "context/agents.json",
            "control.jsonl",
            "manifest.json",
            "proof.json",
            "records.csv",
            "records.jsonl",
            "root/0-opened.tlog-proof",
            "root/0.tlog-proof",
            "root/root.note",
            "seals.bin",
        ]
        assert json.loads(package.read("manifest.json")) == {
            "format": "auditspan-evidence/1",
            "records": 2,
        }
        assert len(package.read("seals.bin")) == 3 * 38
        assert {info.date_time for info in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_receipts_have_their_own_files() -> None:
    """A time stamp can be checked with other tools as it is."""
    evidence = Trail.of(1).evidence()
    anchors = [
        Anchor("rfc3161", evidence.root, (), b"reply"),
        Anchor("s3", evidence.root, (), b"{}"),
    ]
    with zipfile.ZipFile(io.BytesIO(written(replace(evidence, anchors=anchors)))) as package:
        assert package.read("anchors/0.tsr") == b"reply"
        assert package.read("anchors/1.receipt") == b"{}"


def test_a_table_for_people() -> None:
    """One row a record; what a spreadsheet would compute is text; hidden records are not in it."""
    trail = Trail.of(3)
    trail.hide(2)
    with zipfile.ZipFile(io.BytesIO(written(trail.evidence()))) as package:
        rows = list(csv.DictReader(io.StringIO(package.read("records.csv").decode())))
    assert [row["RecordId"] for row in rows] == ["record-0", "record-2"]
    assert rows[0]["Summary"] == "'=agent 0 refunded"
    assert json.loads(rows[0]["SpanAttributes"])["user.id"] == "u0"
    assert set(rows[0]) == set(SCHEMA.kinds)


def test_parts_that_do_not_fit_are_refused() -> None:
    """Half an entry, and a proof for another note of the root log."""
    evidence = Trail.of(1).evidence()
    (log,) = evidence.logs
    with pytest.raises(PackageInvalid, match="multiple of 38"):
        written(replace(evidence, logs=[replace(log, entries=b"x")]))
    with pytest.raises(PackageInvalid, match="another note"):
        written(replace(evidence, root=log.note))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("string", "é\0", "é\0"),
        ("string", b"\xff", "\udcff"),
        ("int", 2**64 - 1, "18446744073709551615"),
        ("int", -1, "-1"),
        ("strings", ["a"], ["a"]),
        ("map", [("b", "1"), ("a", "")], {"b": "1", "a": ""}),
        ("[int,string,map]", [(5, "x", {"k": "v"})], [["5", "x", {"k": "v"}]]),
    ],
)
def test_values_as_json(kind: str, value: object, expected: object) -> None:
    """The table of the format document."""
    assert json_value(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [("string", 5), ("int", "5"), ("int", 1.5), ("strings", [5]), ("map", [5]), ("float", 1.0)],
)
def test_values_without_json_are_refused(kind: str, value: object) -> None:
    """What the verifier could not read is not written."""
    with pytest.raises(ValueInvalid):
        json_value(kind, value)


def test_defaults_are_left_out() -> None:
    """As in digests; columns that are not sealed too."""
    values = {"RecordId": "a", "UserId": "", "LogIndex": 0, "Findings": [], "RecordSalt": b"x" * 16}
    assert json_values(values, SCHEMA) == {"RecordId": "a"}
