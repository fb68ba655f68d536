"""Retention classes."""

from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

from auditspan.processors.retention import RetentionConfig, retention
from auditspan.registry.models import Tool
from tests.processors.samples import batch, history, with_texts

NOON = int(datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()) * 10**9
MIDNIGHT = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9


def test_class_and_day() -> None:
    """The tool's class, else the one of the kind; a record is kept for whole days."""
    records = with_texts(
        batch(*({"ReceivedAt": NOON} for _ in range(4))),
        ToolName=["pay", "", "", "plain"],
        ActionType=["tool.call", "other", "model.call", "tool.call"],
    )
    registry = history(Tool(name="pay", retention_class="financial"), Tool(name="plain"))
    config = RetentionConfig(days=10, classes={"financial": 730, "other": 1})
    result = retention(records, registry, config)
    classes = result.column("RetentionClass").to_pylist()
    assert classes == ["financial", "other", "default", "default"]
    assert result.column("ExpiresOn").to_pylist() == [
        date(2028, 1, 2),
        date(2026, 1, 3),
        date(2026, 1, 12),
        date(2026, 1, 12),
    ]


def test_a_record_of_midnight() -> None:
    """It is not kept for a day more than it must."""
    result = retention(batch({"ReceivedAt": MIDNIGHT}), history(), RetentionConfig(days=1))
    assert result.column("ExpiresOn").to_pylist() == [date(2026, 1, 2)]


def test_an_unknown_class_is_kept_as_long_as_the_default() -> None:
    """A class that nobody configured keeps its name."""
    records = with_texts(batch({"ReceivedAt": MIDNIGHT}), ToolName="pay")
    result = retention(records, history(Tool(name="pay", retention_class="new")))
    assert result.column("RetentionClass").to_pylist() == ["new"]
    assert result.column("ExpiresOn").to_pylist() == [date(2027, 2, 5)]


@pytest.mark.parametrize("days", [0, -1, 40_000])
def test_days_are_checked(days: int) -> None:
    """Nothing is kept for no time."""
    with pytest.raises(ValidationError):
        RetentionConfig(classes={"x": days})
