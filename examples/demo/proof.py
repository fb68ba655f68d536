"""The end of the demo: the trail is verified, then one stored record is changed in a copy of it.

Both are asked of `auditspan verify`, as an auditor would; the collector has stopped.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from auditspan.storage.engine import open_embedded
from running import Failed

_AUDITSPAN = str(Path(sys.executable).with_name("auditspan"))
_TAMPER = """
ALTER TABLE audit_records UPDATE ToolArguments = replaceAll(ToolArguments, '120.5', '12000.5')
WHERE RecordId = {record:String} SETTINGS mutations_sync = 2
"""
_REFUND = """
SELECT RecordId FROM audit_records
WHERE ToolName = 'refund_order' AND ToolArguments LIKE '%120.5%' ORDER BY Timestamp LIMIT 1
"""


def prove(work: Path, notes: Path, console: Console) -> None:
    """Print both verdicts. Raises Failed if they are not what they must be."""
    console.print("\n[bold]Has anybody edited the trail?[/bold]  auditspan verify --anchors notes")
    _print(console, _verified(work / "data", notes, expected=0))
    copy = work / "copy"
    sockets = shutil.ignore_patterns("*.sock")
    shutil.copytree(work / "data", copy, symlinks=True, ignore=sockets)
    record = _tampered(copy / "store")
    console.print(
        f"\nNow a refund is made larger with SQL, in a copy of the store: record {record}",
        highlight=False,
    )
    verdict = _verified(copy, notes, expected=1)
    if record not in verdict:
        raise Failed(f"the changed record {record} is not named:\n{verdict}")
    _print(console, verdict)


def _verified(data: Path, notes: Path, expected: int) -> str:
    """What `auditspan verify` says of a data folder."""
    command = [_AUDITSPAN, "verify", "--data", str(data), "--anchors", str(notes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != expected:
        said = done.stdout + done.stderr
        raise Failed(f"auditspan verify ended with {done.returncode}, not {expected}:\n{said}")
    return done.stdout


def _tampered(store: Path) -> str:
    """Change the amount of one refund as somebody with the files could; which record."""
    engine = open_embedded(store)
    try:
        found = engine.arrow(_REFUND)["RecordId"].to_pylist()
        if not found:
            raise Failed("there is no refund to change")
        engine.command(_TAMPER, {"record": found[0]})
        return str(found[0])
    finally:
        engine.close()


def _print(console: Console, text: str) -> None:
    for line in text.splitlines():
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
