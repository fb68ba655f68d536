"""Spans that end in awkward places."""

from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from auditspan.instrumentation import tool
from auditspan.instrumentation.act_span import ActSpan
from auditspan.instrumentation.outlet import Outlet
from auditspan.instrumentation.spool import Spool
from tests.instrumentation.recorded import running, written


@tool
def work(n: int) -> None:
    """Something to record."""


def test_a_span_that_ends_while_another_is_written_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a signal handler or a finalizer: no deadlock, and both are written, in order."""
    write = Outlet.write

    def interrupted(self: Outlet, span: ReadableSpan | ActSpan) -> None:
        said = span.readable() if isinstance(span, ActSpan) else span
        if said.name == "execute_tool work" and "1" in str((said.attributes or {}).values()):
            work(2)
        write(self, span)

    monkeypatch.setattr(Outlet, "write", interrupted)
    with running(tmp_path):
        work(1)
    found = [span.text("gen_ai.tool.call.arguments") for span in written(tmp_path)]
    assert found == ['{"n":1}', '{"n":2}']


def test_a_full_spool_leaves_a_gap_and_a_record_of_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent goes on, somebody is told, the numbers show how many are missing, and so does a
    record as soon as there is room, also if it finds none at first."""
    # The delivery looks at the disk when it likes.
    monkeypatch.setattr(Spool, "measure", lambda spool: None)
    with running(tmp_path, AUDITSPAN_SPOOL_MAX_BYTES="1") as made:
        for n in range(3):
            work(n)
        assert made.durable.dropped == 2
        [spool] = [outlet.spool for outlet in [made.durable._outlet] if outlet]
        _empty(spool)
        work(9)  # takes the room; the record of the loss is lost itself
        spool._max_bytes = 1 << 20
        work(10)
    assert "1 spans were not recorded" in caplog.text
    assert f"{made.durable.dropped} spans in all were not recorded" in caplog.text
    last, loss = written(tmp_path)[-2:]
    assert last.attributes["audit.sequence.number"] == 6
    assert loss.name == "auditspan.loss"
    assert loss.attributes["audit.loss.count"] == 3


def _empty(spool: Spool) -> None:
    spool.cut()
    for segment in list(spool.closed()):
        spool.done(segment)
