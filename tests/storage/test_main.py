"""What an administrator runs against a server."""

from pathlib import Path

import pytest

from auditspan.storage.__main__ import main
from auditspan.storage.engine import Engine


def test_roles_are_printed_as_statements(capsys: pytest.CaptureFixture[str]) -> None:
    """To be read before they are run, for a server and for a cluster."""
    assert main(["roles", "--database", "trail", "--cluster", "prod"]) == 0
    printed = capsys.readouterr().out
    assert "CREATE ROLE IF NOT EXISTS auditspan_writer ON CLUSTER `prod`;" in printed
    assert "ON trail.audit_records_local TO auditspan_repair" in printed
    assert "{" not in printed


def test_the_schema_is_printed_as_it_would_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Local tables and the distributed ones over them, every placeholder filled."""
    assert main(["schema", "--cluster", "prod"]) == 0
    printed = capsys.readouterr().out
    assert "CREATE TABLE IF NOT EXISTS audit_seals_local ON CLUSTER `prod`" in printed
    assert "audit_seals ON CLUSTER `prod` AS audit_seals_local ENGINE = Distributed(" in printed
    assert "{" not in printed


def test_a_server_is_migrated_and_then_up_to_date(
    server: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what it applied."""
    assert main(["migrate", "--url", server.config.url]) == 0
    assert main(["migrate", "--url", server.config.url]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("applied: 1, 2")
    assert "up to date" in second


def test_a_failure_is_said_and_has_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody listens there."""
    assert main(["migrate", "--url", "http://127.0.0.1:1"]) == 1
    assert "refused" in capsys.readouterr().err
