"""Receipts of a data folder are external only after somebody outside has said so."""

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditspan.collector.anchors.checking import NEWEST, checked_receipts, chosen_of
from auditspan.collector.anchors.config import AnchorsConfig
from auditspan.collector.anchors.file import FileAnchor
from auditspan.collector.anchors.listing import listing
from auditspan.collector.anchors.receipts import add_receipt
from auditspan.collector.anchors.rfc3161 import TsaAnchor
from auditspan.collector.anchors.state import State, Tree, write_state
from auditspan.integrity.anchors import Receipt, path_of
from tests.collector.anchors.authority import Authority, made, serving
from tests.collector.anchors.signed import ORIGIN, checkpoint, note

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC).timestamp()


def config(tmp_path: Path, authority: Authority) -> AnchorsConfig:
    """A folder and an authority."""
    (tmp_path / "disk").mkdir(exist_ok=True)
    return AnchorsConfig.model_validate(
        {
            "files": [{"name": "disk", "folder": tmp_path / "disk"}],
            "rfc3161": [{"name": "tsa", "url": authority.url, "roots_file": authority.roots}],
        }
    )


def anchored(tmp_path: Path, given: AnchorsConfig) -> Path:
    """A data folder with a receipt of each for a log of seven entries."""
    data = tmp_path / "data"
    (data / "anchors").mkdir(parents=True)
    for anchor in (FileAnchor(given.files[0], data), TsaAnchor(given.rfc3161[0])):
        add_receipt(data / "anchors" / anchor.name, asyncio.run(anchor.anchor(note(7))), NOW)
    return data


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_what_was_asked_is_external_and_what_was_not_is_local(tmp_path: Path) -> None:
    """A folder never is more; roots given apart go before those of the configuration."""
    with serving(made(tmp_path / "tsa")) as authority:
        given = config(tmp_path, authority)
        data = anchored(tmp_path, given)
    other = made(tmp_path / "other").roots

    def kinds(found: list[Receipt]) -> dict[str, str]:
        return {one.anchor: one.kind for one in found}

    nobody = checked_receipts(data)
    assert (kinds(nobody.receipts), nobody.problems) == ({"disk": "local", "tsa": "local"}, [])
    asked = checked_receipts(data, given)
    assert (kinds(asked.receipts), asked.problems) == ({"disk": "local", "tsa": "external"}, [])
    by_roots = checked_receipts(data, tsa_roots=authority.roots)
    assert kinds(by_roots.receipts) == {"disk": "local", "tsa": "external"}
    wrong = checked_receipts(data, given, tsa_roots=other)
    assert kinds(wrong.receipts) == {"disk": "local"}
    (problem,) = wrong.problems
    assert problem.startswith("receipt of tsa at size 7: the time stamp of")


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_what_was_deleted_or_replaced_outside_is_a_problem(tmp_path: Path) -> None:
    """So is a line that is no receipt."""
    with serving(made(tmp_path / "tsa")) as authority:
        given = config(tmp_path, authority)
        data = anchored(tmp_path, given)
    (tmp_path / "disk" / path_of(checkpoint(7))).unlink()
    with (data / "anchors" / "tsa" / "2026-11-25.jsonl").open("ab") as file:
        file.write(b"{}\n")
    found = checked_receipts(data, given)
    assert [one.anchor for one in found.receipts] == ["tsa"]
    assert "was there and is gone" in found.problems[0]
    assert "2026-11-25.jsonl: line 2" in found.problems[1]


def test_an_anchor_that_does_not_answer_is_no_problem_and_no_proof(tmp_path: Path) -> None:
    """Its receipts stay local."""
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id=A\naws_secret_access_key=b\n")
    file.chmod(0o600)
    bucket = {
        "name": "worm",
        "endpoint": "http://127.0.0.1:1",
        "bucket": "anchors",
        "credentials_file": file,
    }
    data = tmp_path / "data"
    (data / "anchors").mkdir(parents=True)
    for size in (3, 4):
        raw = b'{"version": "v"}'
        receipt = Receipt("s3", "worm", int(NOW), note(size), raw)
        add_receipt(data / "anchors" / "worm", receipt, NOW)
    found = checked_receipts(data, AnchorsConfig.model_validate({"s3": [bucket]}))
    assert [(one.size, one.kind) for one in found.receipts] == [(3, "local"), (4, "local")]
    assert (found.problems, len(found.unasked)) == ([], 1)


def test_of_old_receipts_the_last_of_each_day_is_taken() -> None:
    """The newest are all taken, in their order."""
    day = 86_400
    times = [0, 1, day, day + 1, *(5 * day + place for place in range(NEWEST))]
    receipts = [Receipt("file", "disk", at, note(1)) for at in times]
    assert [one.time for one in chosen_of(receipts)] == [1, day + 1, *times[4:]]
    assert list(chosen_of([])) == []


def test_the_listing_says_how_far_each_is(tmp_path: Path) -> None:
    """Of a folder alone; one that has nothing yet is in it."""
    data = tmp_path / "data"
    assert listing(data, NOW) == []
    disk, tsa = data / "anchors" / "disk", data / "anchors" / "tsa"
    disk.mkdir(parents=True)
    add_receipt(disk, Receipt("file", "disk", int(NOW) - 90, note(7), place="/there"), NOW)
    tree = Tree(size=7, root=checkpoint(7).root.hex())
    write_state(disk, State(since=NOW - 90, trees={ORIGIN: tree}))
    write_state(tsa, State(since=NOW - 5, failures=2, problem="no answer", missed=True))
    first, second = listing(data, NOW)
    assert first == {
        "anchor": "disk", "type": "file", "log": ORIGIN, "size": 7,
        "root": checkpoint(7).root.hex(), "time": "2026-11-25T11:58:30Z", "lag_seconds": 90,
        "missed": False, "failures": 0, "problem": "", "place": "/there",
    }  # fmt: skip
    assert (second["anchor"], second["size"], second["failures"]) == ("tsa", 0, 2)
    assert (second["problem"], second["missed"]) == ("no answer", True)
