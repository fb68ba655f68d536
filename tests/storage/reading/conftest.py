"""A store with some records, for statements of readers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.migrations import migrate
from auditspan.storage.scalars import TIME

TRACE = "0af7651916cd43dd8448eb211c80319c"
_TEXTS = pa.map_(pa.string(), pa.string())
_LIST = pa.list_(pa.string())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An embedded store with six records of two agents."""
    engine = open_embedded(tmp_path_factory.mktemp("reading") / "store")
    migrate(engine)
    engine.insert("audit_records", _records())
    yield engine
    engine.close()


def _records() -> pa.Table:
    first = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    times = [first + timedelta(minutes=37 * row) for row in range(6)]
    values: dict[str, tuple[list[object], pa.DataType]] = {
        "RecordId": ([f"b1-{row}" for row in range(6)], pa.string()),
        "RecordKind": (["action"] * 6, pa.string()),
        "Timestamp": (list(times), TIME),
        "ReceivedAt": (list(times), TIME),
        "BatchId": (["b1"] * 6, pa.string()),
        "TraceId": ([TRACE] * 4 + ["1" * 32] * 2, pa.string()),
        "SpanId": ([f"{row + 1:016x}" for row in range(6)], pa.string()),
        "ParentSpanId": (["", *[f"{1:016x}"] * 3, "", f"{5:016x}"], pa.string()),
        "SpanName": (
            ["agent", "tool book", "tool mail", "chat", "agent", "tool mail"],
            pa.string(),
        ),
        "ServiceName": (["booking"] * 4 + ["support"] * 2, pa.string()),
        "Duration": ([1_500_000 * (row + 1) for row in range(6)], pa.uint64()),
        "StatusCode": (["Ok", "Ok", "Error", "Ok", "Ok", "Error"], pa.string()),
        "AgentId": (["agent:booking"] * 4 + ["agent:support"] * 2, pa.string()),
        "UserId": (["alice", "alice", "bob", "alice", "", "bob"], pa.string()),
        "ToolName": (["", "book", "mail", "", "", "mail"], pa.string()),
        "ToolArguments": (['{"city":"Rome","nights":2}', *['{"to":"x"}'] * 5], pa.string()),
        "Effect": (["read", "write", "external", "read", "read", "external"], pa.string()),
        "PolicyOutcome": (["allow", "allow", "deny", "allow", "allow", "deny"], pa.string()),
        "OutcomeStatus": (
            ["success", "success", "denied", "success", "success", "failure"],
            pa.string(),
        ),
        "ConversationId": (["c1"] * 4 + [""] * 2, pa.string()),
        "Findings": ([[], [], ["policy.violation", "late"], [], [], ["late"]], _LIST),
        "Severity": ([1, 5, 8, 1, 2, 7], pa.uint8()),
        "RetentionClass": (["default"] * 6, pa.string()),
        "SpanAttributes": ([[("user.id", "alice"), ("gen_ai.tool.name", "book")]] * 6, _TEXTS),
    }
    return pa.table({name: pa.array(column, kind) for name, (column, kind) in values.items()})
