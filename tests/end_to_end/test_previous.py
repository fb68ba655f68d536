"""Data folders of released versions, opened by this one (tests/fixtures/previous/README.md)."""

import json
import tarfile
from pathlib import Path

import pytest

from auditspan.storage.migrations import known
from tests.end_to_end.running import running
from tests.fixtures.previous.make_previous import HERE, LONG

FIXTURES = sorted(path.name.removesuffix(".tar.xz") for path in HERE.glob("*.tar.xz"))
_NAMES = "SELECT SpanName AS name, count() AS n FROM audit WHERE SpanName IN {names:Array(String)} "


@pytest.mark.parametrize("name", FIXTURES)
def test_what_a_released_version_left_is_taken_over_whole(tmp_path: Path, name: str) -> None:
    """Its store is migrated, its batch file inserted, its spool stored; and all of it is VALID."""
    with tarfile.open(HERE / f"{name}.tar.xz") as tar:
        tar.extractall(tmp_path, filter="tar")  # modes as they were
    about = json.loads((tmp_path / "about.json").read_text())
    policy = tmp_path / "policy.txt"
    policy.write_text(about["policy"])
    wanted: dict[str, int] = about["records"]
    with running(tmp_path / "data", LONG) as collector:
        left = "SELECT count() FROM audit WHERE SpanName IN ('sealed', 'frame-1', 'frame-2')"
        collector.wait_for(left, sum(wanted[each] for each in ("sealed", "frame-1", "frame-2")))
        rows = collector.rows(_NAMES + "GROUP BY name", names=list(wanted))
        assert {row["name"]: row["n"] for row in rows} == wanted, "each record once"
        last = "SELECT count() FROM audit_records WHERE BatchId != '' AND LogId = ''"
        assert collector.rows(last) == [{"count()": 0}], "all of them sealed"
        done = collector.auditspan("verify", "--format", "json", "--policy", str(policy))
    report = json.loads(done.stdout)
    assert (report["verdict"], report["problems"]) == ("VALID", [])
    states = [log["states"] for log in report["logs"]]
    assert sum(each.get("erased-groups", 0) for each in states) >= 1
    assert sum(each.get("MISSING", 0) for each in states) == 0
    assert max(each.number for each in known()) >= 10
