"""What the tests of this folder share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.instrumentation import host, runtime
from tests.instrumentation.sink import Sink, running_sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver on free ports."""
    with running_sink() as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A process in which nothing has happened yet, and nothing is written outside of the test."""
    monkeypatch.setattr(runtime, "_process", runtime._Process())
    monkeypatch.setattr(host, "_last", {})
    monkeypatch.setenv("AUDITSPAN_SPOOL_DIR", str(tmp_path / "spool"))
