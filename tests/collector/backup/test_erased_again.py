"""Papers that say what was erased since."""

import json
from pathlib import Path

import pytest

from auditspan.collector.backup.erased_again import certificates
from auditspan.collector.backup.errors import BackupInvalid

PAPER = {
    "format": 1,
    "erasure": "9eabc5d8aa39c989",
    "ticket": "DSR-1",
    "records": [{"record": "a", "groups": ["arguments"], "present": True}],
    "completed_at": "2026-11-26T03:05:18Z",
}


def test_certificates_are_read_of_files_and_folders(tmp_path: Path) -> None:
    """In the order of their names; what is no JSON file lies there for others."""
    for at in (2, 1):
        paper = PAPER | {"erasure": f"{at:016x}"}
        (tmp_path / f"{at}.json").write_text(json.dumps(paper))
    (tmp_path / "readme.txt").write_text("papers")
    found = certificates([tmp_path, tmp_path / "2.json"])
    assert [each.erasure[-1] for each in found] == ["1", "2", "2"]
    assert found[0].records[0].groups == ("arguments",)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"erasure": "x"}',
        '{"erasure": 1}',
        "\x00",
        '{"erasure": "../../up"}',
    ],
    ids=["empty", "object", "list", "null", "short", "number", "zero", "path"],
)
def test_what_is_no_certificate_is_refused_by_name(tmp_path: Path, text: str) -> None:
    """Before anything is restored."""
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(BackupInvalid, match=r"bad\.json: is no certificate of erasure"):
        certificates([tmp_path])
