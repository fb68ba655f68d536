"""`auditspan doctor`, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.instrumentation.agents import BIN


def doctor(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it with nothing in the environment but this."""
    return subprocess.run(
        [sys.executable, str(BIN / "auditspan"), "doctor", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_for_people_and_for_machines(tmp_path: Path) -> None:
    """The same findings; a program that is not guarded as it asks gives exit code 1."""
    program = tmp_path / "agent.py"
    program.write_text("import json\n")
    asked = {"AUDITSPAN_GUARD_MODE": "enforce", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    table = doctor(str(program), **asked)
    assert table.returncode == 1, table.stderr
    assert "none: set AUDITSPAN_REGISTRY" in table.stdout
    found = json.loads(doctor(str(program), "--format", "json", **asked).stdout)
    assert found["healthy"] is False
    assert {"about", "name", "mark", "state", "text"} == set(found["found"][0])


def test_a_program_that_is_none(tmp_path: Path) -> None:
    """Wrong usage, with the file's name."""
    done = doctor(str(tmp_path / "gone.py"))
    assert (done.returncode, "gone.py: cannot be read" in done.stderr) == (2, True)
