"""All 200 airline conversations, over real OTLP, come out complete, attributed and judged."""

from collections import Counter

from tests.end_to_end.conftest import Replay


def test_every_call_is_a_record(replay: Replay) -> None:
    """Exactly the calls and invocations that the data holds, and the agent's closing marker."""
    rows = replay.collector.rows(
        "SELECT Operation, count() AS n FROM audit_records WHERE RecordKind = 'action' "
        "GROUP BY Operation"
    )
    assert {row["Operation"]: row["n"] for row in rows} == {
        "chat": 2_454,
        "execute_tool": 1_164,
        "invoke_agent": 200,
        "other": 1,
    }
    [marker] = replay.collector.rows(
        "SELECT SequenceMark FROM audit_records WHERE Operation = 'other' AND RecordKind = 'action'"
    )
    assert marker == {"SequenceMark": "close"}


def test_every_tool_is_counted(replay: Replay) -> None:
    """Calls by tool equal those counted in the file itself."""
    expected = Counter(
        call["function"]["name"]
        for conversation in replay.conversations
        for message in conversation["messages"]
        for call in message.get("tool_calls") or []
    )
    rows = replay.collector.rows(
        "SELECT ToolName, count() AS n FROM audit_records WHERE Operation = 'execute_tool' "
        "GROUP BY ToolName"
    )
    found = {row["ToolName"]: row["n"] for row in rows}
    assert found == dict(expected)
    assert (len(found), found["get_reservation_details"], found["think"]) == (14, 377, 92)


def test_every_tool_call_hangs_in_its_conversation(replay: Replay) -> None:
    """Each has the id of its conversation and a parent that is a record of the same trace."""
    [row] = replay.collector.rows(
        """
        SELECT count() AS calls, countIf(ConversationId = '') AS loose,
               countIf((TraceId, ParentSpanId) NOT IN
                       (SELECT TraceId, SpanId FROM audit_records)) AS orphans,
               uniqExact(ConversationId) AS conversations
        FROM audit_records WHERE Operation = 'execute_tool'
        """
    )
    with_tools = sum(
        any(message.get("tool_calls") for message in conversation["messages"])
        for conversation in replay.conversations
    )
    assert row == {"calls": 1_164, "loose": 0, "orphans": 0, "conversations": with_tools}


def test_every_record_says_who_and_how_it_was_decided(replay: Replay) -> None:
    """Agent proved by its key, a user, a decision and a sentence on every record."""
    [row] = replay.collector.rows(
        """
        SELECT countIf(AgentId != 'airline-agent' OR AgentProvenance != 'verified') AS agents,
               countIf(UserId = '') AS users, countIf(Summary = '') AS summaries,
               countIf(PolicyOutcome NOT IN ('allow', 'deny', 'require_approval')) AS undecided,
               countIf(PolicyVersion = '') AS versions, uniqExact(RecordId) AS ids
        FROM audit_records WHERE RecordKind = 'action' AND Operation != 'other'
        """
    )
    assert row == {
        "agents": 0,
        "users": 0,
        "summaries": 0,
        "undecided": 0,
        "versions": 0,
        "ids": 3_818,
    }


def test_nothing_is_missing_or_dead(replay: Replay) -> None:
    """The sender's own numbering has no gap, and no frame could not be processed."""
    [row] = replay.collector.rows(
        """
        SELECT sum(highest - found) AS gaps FROM (
            SELECT InstanceId, max(Sequence) AS highest, uniqExact(Sequence) AS found
            FROM audit_records WHERE RecordKind = 'action' GROUP BY InstanceId)
        """
    )
    assert row["gaps"] == 0
    assert replay.collector.rows("SELECT count() AS n FROM dead_letters")[0]["n"] == 0


def test_records_are_queryable_within_three_seconds(replay: Replay) -> None:
    """From the end of the agent, after its last acknowledgement, to the last of 3,818 records."""
    assert replay.queryable_after <= 3.0
