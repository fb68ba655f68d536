"""What the environment says, and what it must not say."""

from pathlib import Path

import pytest

from auditspan.instrumentation.errors import SettingsInvalid
from auditspan.instrumentation.settings import settings


def test_nothing_set_is_an_agent_that_is_observed() -> None:
    """Without variables spans go to this machine over HTTP and nothing is held up."""
    found = settings({})
    assert found.transport.endpoint == "http://localhost:4318/v1/traces"
    assert found.transport.identities == "http://localhost:4318/v1/identities"
    assert (found.mode, found.fail, found.closed, found.registry) == (
        "observe",
        "open",
        False,
        None,
    )
    assert found.capture == {"arguments", "results", "calls"}


def test_enforcing_fails_closed_unless_told_otherwise() -> None:
    """A guard that cannot ask denies, if it is one that enforces."""
    assert settings({"AUDITSPAN_GUARD_MODE": "enforce"}).closed
    assert not settings({"AUDITSPAN_GUARD_MODE": "enforce", "AUDITSPAN_FAIL_MODE": "open"}).closed
    assert not settings({"AUDITSPAN_FAIL_MODE": "closed"}).closed


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AUDITSPAN_GUARD_MODE", "enforced", "observe or enforce"),
        ("AUDITSPAN_FAIL_MODE", "shut", "open or closed"),
        ("AUDITSPAN_CAPTURE", "argument", "none or some of"),
        ("AUDITSPAN_SPOOL_MAX_BYTES", "0", "above 0"),
        ("AUDITSPAN_SPOOL_MAX_BYTES", "1e9", "above 0"),
        ("AUDITSPAN_EXIT_SECONDS", "nan", "from 0 to 3600"),
    ],
)
def test_nonsense_is_refused(name: str, value: str, expected: str) -> None:
    """A wrong value is told with what is expected."""
    with pytest.raises(SettingsInvalid, match=expected):
        settings({name: value})


def test_folders_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An agent that changes its folder keeps its spool."""
    monkeypatch.chdir(tmp_path)
    assert settings({"AUDITSPAN_SPOOL_DIR": "here"}).spool == tmp_path / "here"
    assert settings({"XDG_STATE_HOME": str(tmp_path)}).spool == tmp_path / "auditspan/spool"
