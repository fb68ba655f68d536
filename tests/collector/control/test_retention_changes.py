"""A change of the days of retention is recorded once."""

from pathlib import Path

import pytest

from auditspan.collector.control.retention_changes import changed, keep
from auditspan.collector.engine.log_entries import sayings
from auditspan.integrity.control_entry import Kind
from auditspan.processors.retention import RetentionConfig

LONG = RetentionConfig(presets=("hipaa",), classes={"chat": 3_000, "payments": 2_500})
SHORT = RetentionConfig(classes={"payments": 2_557})


def test_a_first_start_changes_nothing(tmp_path: Path) -> None:
    """Nor does a start with the same days, however they are written."""
    assert changed(tmp_path, RetentionConfig(), 1) is None
    keep(tmp_path, RetentionConfig())
    assert changed(tmp_path, RetentionConfig(days=400, classes={"other": 30}), 1) is None


def test_a_change_is_an_entry_of_the_log(tmp_path: Path) -> None:
    """What held, what holds, and which classes go earlier now; once."""
    keep(tmp_path, LONG)
    record = changed(tmp_path, SHORT, 7)
    assert record is not None
    before = {"default": 2_200, "chat": 3_000, "other": 30, "payments": 2_500}
    assert record.body["before"] == before
    assert record.body["after"] == {"default": 400, "payments": 2_557, "other": 400}
    assert record.body["shorter"] == ["chat", "default"]
    [said] = sayings([record])
    assert said.kind == Kind.RETENTION_POLICY
    keep(tmp_path, SHORT)
    assert changed(tmp_path, SHORT, 8) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"default": "x"}', "\x00"])
def test_a_damaged_file_is_written_anew(tmp_path: Path, text: str) -> None:
    """It holds nothing that is not in the configuration and the trail."""
    (tmp_path / "retention.json").write_text(text)
    changed(tmp_path, SHORT, 1)
    keep(tmp_path, SHORT)
    assert changed(tmp_path, SHORT, 2) is None
