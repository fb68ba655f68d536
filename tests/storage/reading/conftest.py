"""A store with some records, for statements of readers."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from auditspan.storage.engine import Engine
from auditspan.storage.scalars import TIME
from tests.migrated import migrated_store

TRACE = "0af7651916cd43dd8448eb211c80319c"
_TEXTS = pa.map_(pa.string(), pa.string())
_LIST = pa.list_(pa.string())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An embedded store with six records of two agents."""
    engine = migrated_store(tmp_path_factory.mktemp("reading") / "store")
    engine.insert("audit_records", _records())
    yield engine
    engine.close()


def _records() -> pa.Table:
    first = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    times = [first + timedelta(minutes=37 * row) for row in range(6)]
    values: dict[str, tuple[Sequence[object], pa.DataType]] = {
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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """`make query-attacks`: what was tried, and what became of it."""
    if not os.environ.get("AUDITSPAN_QUERY_TABLE"):
        return
    ran: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            row = _ROWS.get(report.nodeid.partition("::")[2].partition("[")[0], "")
            ran[row] += 1
            passed[row] += outcome == "passed"
            seconds[row] += report.duration
    terminalreporter.write_line(f"\n{'':34}{'tried':>8}{'as it should be':>18}{'seconds':>10}")
    for row in dict.fromkeys(_ROWS.values()):
        line = f"{row:34}{ran[row]:>8}{passed[row]:>18}{seconds[row]:>10.1f}"
        terminalreporter.write_line(line)
    from tests.storage.reading.test_fuzz import COUNTS

    terminalreporter.write_line(
        f"fuzzed: {COUNTS['statements']} statements, {COUNTS['accepted']} accepted, of which the "
        f"engine analysed {COUNTS['judged']}: none read or called what it may not"
        if passed["properties of statements at random"] == 3
        else "fuzzed: a statement got through, see above"
    )


_ROWS = {
    "test_an_attack_is_refused_and_leaves_nothing": "attacks, refused",
    "test_a_huge_statement_is_refused_at_once": "huge statements, refused",
    "test_a_setting_beside_the_statement_is_refused": "settings in the URL, refused",
    "test_a_format_beside_the_statement_is_refused": "formats in the URL, refused",
    "test_the_engine_alone_would_let_it_through": "holes of the engine, real",
    "test_an_honest_statement_gives_what_the_engine_gives": "honest statements, same result",
    "test_a_question_of_the_cookbook_gives_what_the_engine_gives": "questions, same result",
    "test_of_a_grammar_only_what_is_allowed_gets_through": "properties of statements at random",
    "test_of_mutated_statements_only_what_is_allowed_gets_through": (
        "properties of statements at random"
    ),
    "test_any_text_is_a_statement_or_refused": "properties of statements at random",
}
