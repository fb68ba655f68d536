"""Agents to test with: real processes under `opentelemetry-instrument`."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

BIN = Path(sys.executable).parent


def environment(spool: Path, url: str, further: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the outer environment but what a process needs, and the settings."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return {
        **kept,
        "AUDITSPAN_FAULTS": "raise",
        "AUDITSPAN_SPOOL_DIR": str(spool),
        "AUDITSPAN_EXIT_SECONDS": "10",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_SERVICE_NAME": "test-agent",
        **(further or {}),
    }


def command(script: Path) -> list[str]:
    """How a user starts an agent."""
    return [str(BIN / "opentelemetry-instrument"), sys.executable, str(script)]


def script(folder: Path, code: str) -> Path:
    """A program of a user."""
    path = folder / "agent.py"
    path.write_text(textwrap.dedent(code))
    return path


def run(folder: Path, url: str, code: str, /, **further: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command(script(folder, code)),
        env=environment(folder / "spool", url, further),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
