"""Records are put under their parents, whatever the sender says its parents are."""

from datetime import UTC, datetime, timedelta
from typing import Any

from auditspan.reports.chain import assemble
from auditspan.reports.chain_markdown import chain_markdown

START = datetime(2026, 11, 25, 8, tzinfo=UTC)


def record(span: str, parent: str = "", at: int = 0, **fields: Any) -> dict[str, Any]:
    """One row as the chain query gives it."""
    return {
        "RecordId": f"r-{span}",
        "Timestamp": START + timedelta(seconds=at),
        "Duration": 1_500_000_000,
        "TraceId": "t",
        "SpanId": span,
        "ParentSpanId": parent,
        "SpanName": span,
        "Operation": "execute_tool",
        "AgentId": "bot",
        "AgentName": "Bot",
        "AgentProvenance": "verified",
        "UserId": "alice",
        "UserProvenance": "claimed",
        "GrantId": "g1",
        "ToolName": "refund",
        "ModelName": "",
        "TargetType": "order",
        "TargetId": "o-1",
        "PolicyOutcome": "deny",
        "PolicyRuleIds": ["no-refund"],
        "PolicyReason": "too much",
        "Enforcement": "block",
        "OutcomeStatus": "denied",
        "Findings": [],
        "Severity": 7,
        "CountsAs": "",
        "ApprovalId": "",
        "ApprovalStatus": "",
        **fields,
    }


def names(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Depth and span of each step, in reading order."""
    return [(depth, step.record["SpanId"]) for depth, step in assemble(rows).walk()]


def test_children_stand_under_their_parent_in_order() -> None:
    """Siblings keep the order of time that the query gave."""
    rows = [record("a"), record("b", "a", 1), record("d", "b", 2), record("c", "a", 3)]
    assert names(rows) == [(0, "a"), (1, "b"), (2, "d"), (1, "c")]


def test_a_missing_parent_is_said() -> None:
    """A record whose parent never came stands at the top and is marked."""
    chain = assemble([record("b", "gone")])
    assert [step.parent_missing for step in chain.steps] == [True]


def test_an_act_that_two_libraries_tell_counts_once() -> None:
    """Both are shown, and the second one says so."""
    page = chain_markdown(assemble([record("a"), record("b", "a", CountsAs="r-a")]), "trace")
    assert "| Decisions | deny 1 |" in page
    assert page.count("the same act, seen again") == 1


def test_spans_that_are_each_others_parents_are_all_shown() -> None:
    """A cycle loses no record and ends."""
    rows = [record("a", "b"), record("b", "a"), record("c", "c")]
    assert sorted(span for _, span in names(rows)) == ["a", "b", "c"]


def test_a_very_deep_chain_is_no_stack_overflow() -> None:
    """Depth is the sender's choice, so it may not be ours to fear."""
    rows = [record("0")] + [record(str(n), str(n - 1), n) for n in range(1, 5_000)]
    assert names(rows)[-1] == (4_999, "4999")


def test_equal_span_ids_keep_both_records() -> None:
    """A repeated span id is shown twice rather than once."""
    rows = [record("a"), {**record("a", at=1), "RecordId": "r-a2"}]
    assert len(names(rows)) == 2


def test_a_step_says_who_what_and_which_rule() -> None:
    """A claim carries a question mark, a block is named."""
    step = assemble([record("a")]).steps[0]
    assert step.who == "bot for alice?"
    assert step.what == "execute_tool refund on order:o-1"
    assert step.decision == "deny by no-refund (blocked)"


def test_the_page_shows_hostile_values_as_text() -> None:
    """No recorded value can add a link, a heading, a cell or a control character."""
    hostile = "x](http://evil) | # <b>\x1b[31m\u202e\n# owned"
    page = chain_markdown(assemble([record("a", ToolName=hostile)]), "Case")
    assert "](" not in page and "<b>" not in page and "\x1b" not in page and "\u202e" not in page
    assert "\n# owned" not in page


def test_an_approval_is_told_by_its_id() -> None:
    """Where it was asked for, and where it was given."""
    [asked] = assemble([record("a", ApprovalId="appr-1", ApprovalStatus="requested")]).steps
    assert asked.decision == "deny by no-refund (blocked); approval appr-1 requested"
    [plain] = assemble([record("a", Enforcement="")]).steps
    assert plain.decision == "deny by no-refund"
