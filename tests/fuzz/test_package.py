"""A hostile package: a verdict in time, never VALID for other files than the honest ones."""

import json
from pathlib import Path

from auditspan.integrity import verify
from tests.fuzz.driving import corpus, drive
from tests.integrity.test_verify_hostile import HONEST, judged, members

_VERDICTS = ("VALID", "INVALID", "UNVERIFIABLE", "INCOMPLETE", "VALID_PARTIAL")


def test_any_package_is_judged(tmp_path: Path) -> None:
    """Nothing is raised, and VALID means that the same files were read."""
    path = tmp_path / "case.zip"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        report = judged(path)
        json.dumps(report)
        verify.as_text(report)
        if report["verdict"] == "VALID" and data != HONEST:
            _same_files(path)

    print(f"package: {drive(check, [HONEST, *corpus('package')], 150)} files")


def _same_files(path: Path) -> None:
    read = verify.Package(str(path))
    for name, expected in members().items():
        if name != "manifest.json":
            with read.open(name) as file:
                assert file.read() == expected
