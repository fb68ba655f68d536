"""The doctor says what would be recorded and guarded, and what is missing for it."""

import socket
from pathlib import Path

import pytest

from auditspan.instrumentation.adapters.state import AdapterState, State
from auditspan.instrumentation.doctor import FrameworkFound, Report, examine
from tests.instrumentation.sink import Sink
from tests.instrumentation.test_guard import registry


def marks(report: Report) -> dict[str, str]:
    return {check.name: check.mark for check in report.checks}


def test_a_sound_environment(tmp_path: Path, sink: Sink) -> None:
    """Everything is looked at, and nothing is written."""
    environ = registry(tmp_path) | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "AUDITSPAN_SPOOL_DIR": str(tmp_path / "deep" / "spool"),
    }
    report = examine(environ=environ)
    assert set(marks(report).values()) == {"ok"}, report.checks
    assert not (tmp_path / "deep").exists()


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    """Each thing by itself."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    (tmp_path / "file").write_text("")
    environ = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free}",
        "OTEL_SDK_DISABLED": "true",
        "AUDITSPAN_GUARD_MODE": "enforce",
        "AUDITSPAN_SPOOL_DIR": str(tmp_path / "file" / "spool"),
    }
    report = examine(environ=environ)
    assert not report.healthy
    assert marks(report) == {
        "OpenTelemetry": "fault",
        "agent": "warning",
        "policies": "fault",
        "spool": "fault",
        "collector": "warning",
    }


def test_settings_that_cannot_be_read() -> None:
    """Their error is what is told."""
    report = examine(environ={"AUDITSPAN_GUARD_MODE": "perhaps"})
    assert [check.text for check in report.checks] == [
        "AUDITSPAN_GUARD_MODE is 'perhaps', expected observe or enforce"
    ]


def test_policies_that_do_not_load(tmp_path: Path) -> None:
    """Where, and why."""
    environ = registry(tmp_path)
    (tmp_path / "registry" / "policies" / "bad.cedar").write_text("permit (")
    report = examine(environ=environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    [found] = [check for check in report.checks if check.name == "policies"]
    assert (found.mark, "bad.cedar" in found.text) == ("fault", True)


@pytest.mark.parametrize(
    ("state", "used", "mark"),
    [
        ("armed", "mcp", "ok"),
        ("no_adapter", "", "warning"),
        ("no_adapter", "crewai", "fault"),
        ("missing", "mcp", "fault"),
        ("missing", "", "warning"),
        ("disabled", "mcp", "warning"),
    ],
)
def test_only_what_is_used_must_be_guarded(state: State, used: str, mark: str) -> None:
    """What is installed and not used is a warning."""
    assert FrameworkFound(AdapterState("x", "x", "1", state), used).mark == mark
