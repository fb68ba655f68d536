"""The next version of auditspan: one more column, with its migration, installed in a folder.

It is this source tree with three edits, whose generated files the real generator makes, in a
virtual environment of its own, so that every process of its collector runs it.
"""

import re
import shutil
import site
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
COLUMN: Final = "Colour"
"""The column; it is in the group `text`, and nothing fills it."""
MIGRATION: Final = f"0990_{COLUMN.lower()}"
_CHANGED: Final = ("semconv", "integrity", "storage")
_ENTRY: Final = f"""columns:
  {COLUMN}: {{clickhouse: String, source: derived, brief: A colour.}}
"""
_SQL: Final = f"""-- One more column.
ALTER TABLE {{both audit_records}} ADD COLUMN IF NOT EXISTS {COLUMN} String CODEC(ZSTD(1))
    AFTER Summary;
"""


def installed(folder: Path) -> str:
    """Install it; the Python that has it."""
    source = folder / "source"
    for name in _CHANGED:
        shutil.copytree(ROOT / name, source / name)
    (source / "docs").mkdir()
    _edit(source)
    subprocess.run([sys.executable, str(source / "semconv" / "generator")], check=True,
                   capture_output=True, timeout=60)  # fmt: skip
    home = folder / "venv"
    venv.create(home, symlinks=True)
    paths = [str(source / name) for name in _CHANGED]
    # Before this version's, of which it takes all other folders.
    ours = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (packages,) = home.glob("lib/python*/site-packages")
    (packages / "next.pth").write_text("\n".join([*paths, *ours]) + "\n")
    return str(home / "bin" / "python")


def verifier(python: str) -> Path:
    """Its `verify.py`."""
    home = Path(python).parents[2]
    return home / "source" / "integrity" / "auditspan" / "integrity" / "verify.py"


def _edit(source: Path) -> None:
    columns = source / "semconv" / "auditspan" / "semconv" / "columns.yaml"
    text, groups = re.subn(r"(columns: \[StatusMessage,[^\]]*)\]", rf"\1, {COLUMN}]",
                           columns.read_text())  # fmt: skip
    text, entries = re.subn(r"^columns:\n", _ENTRY, text, flags=re.MULTILINE)
    assert (groups, entries) == (1, 1)
    columns.write_text(text)
    migrations = source / "storage" / "auditspan" / "storage" / "sql" / "migrations"
    (migrations / f"{MIGRATION}.sql").write_text(_SQL)
