"""What certificates of erasure cannot ask for again is said."""

from pathlib import Path

import pytest

from auditspan.cli.backup_commands import _again
from auditspan.collector.backup.erased_again import Certificate, erased_again
from auditspan.collector.data_dir import prepare
from tests.migrated import migrated_store


@pytest.mark.parametrize("there", [True, False])
def test_dead_letters_that_may_be_back_are_said(tmp_path: Path, there: bool) -> None:
    """A certificate counts them and names none; without any in the backup nothing is back."""
    data = prepare(tmp_path / "data")
    if there:
        (data.folder("dead") / "a-record-0.data").write_bytes(b"x")
    wanted = [Certificate.model_validate({"erasure": "00aa11bb22cc33ee", "dead_letters": 2})]
    engine = migrated_store(data.folder("store"))
    found = list(erased_again(data, engine, wanted, "operator", 1))
    engine.close()
    assert [each.letters for each in found] == [2 if there else 0]
    words = [line for line in _again(found) if "2 dead letters" in line and "NOT" in line]
    assert len(words) == there
