"""`evidence` on the store of a stopped collector."""

import json
import stat
import zipfile
from pathlib import Path

from tests.cli.conftest import Auditspan, Edit, record

DAMAGE = (
    "ALTER TABLE audit_log_entries UPDATE Body = 'x' WHERE LogId LIKE '%/root' AND LogIndex = 1"
)


def test_evidence_is_a_private_file(auditspan: Auditspan, folder: Path, tmp_path: Path) -> None:
    """With what was asked for in it; nothing is left of one that failed."""
    file = tmp_path / "case.zip"
    ran = auditspan("evidence", "build", "-o", file, "--data", folder, "--tool", "pay")
    assert ran.code == 0, ran.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with zipfile.ZipFile(file) as package:
        manifest = json.loads(package.read("manifest.json"))
    assert manifest["filters"] == {"tool": ["pay"]}
    ran = auditspan("evidence", "build", "-o", tmp_path / "y", "--data", folder, "--complete",
                    "--tool", "pay")  # fmt: skip
    assert ran.code == 2 and "completeness cannot be shown" in ran.err
    assert not list(tmp_path.glob("*y*"))


def test_damage_of_the_root_log_is_told(
    auditspan: Auditspan, folder: Path, edit: Edit, tmp_path: Path
) -> None:
    """Package and proof are written, since others of its entries prove them, with exit code 1."""
    name = record(folder)
    edit(DAMAGE)
    for words in (("evidence", "build"), ("proof", name)):
        file = tmp_path / words[0]
        ran = auditspan(*words, "-o", file, "--data", folder)
        assert ran.code == 1 and file.stat().st_size > 0
        told = " ".join(ran.err.split())
        assert "not proved: entry 1 of local/auditspan/default/root: the body" in told
