"""`log policy` on the data folder of a stopped collector."""

from pathlib import Path

from tests.cli.conftest import Auditspan


def test_the_policy_is_the_auditors(auditspan: Auditspan, sealed: Path, folder: Path) -> None:
    """What `log policy` prints is what verification takes."""
    ran = auditspan("log", "policy", "--data", folder)
    assert (ran.code, ran.out) == (0, (sealed / "policy.txt").read_text())
