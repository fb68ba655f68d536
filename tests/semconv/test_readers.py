"""What the role reader sees is an allow-list."""

from generator import tables
from generator.load import Registry
from generator.model import Attribute

from auditspan.semconv.columns import BY_NAME, COLUMNS, UNSEALED
from auditspan.semconv.readers import ATTRIBUTES, EVENTS, HIDDEN_OPERATIONS


def test_a_new_attribute_is_content(registry: Registry) -> None:
    """Until somebody says that it is not."""
    key = "audit.planted"
    planted = Attribute.model_validate(
        {
            "key": key,
            "type": "string",
            "brief": "Planted.",
            "stability": "development",
            "annotations": {"auditspan": {"asserted_by": ["client"]}},
        }
    )
    sections = {**registry.sections, "risk": (*registry.sections["risk"], planted)}
    more = Registry(
        sections, registry.groups, registry.spans, registry.refinements, registry.columns
    )
    assert key not in tables.readable_attributes(more)
    assert set(tables.readable_attributes(registry)) == set(ATTRIBUTES)


def test_what_people_and_models_said_is_content() -> None:
    """Arguments, results, messages, sentences of others and everything that came as it came."""
    for name in (
        *("ToolArguments", "ToolResult", "StatusMessage", "InputMessages", "OutputMessages"),
        *("RetrievalQuery", "RetrievedDocuments", "Justification", "Rationale", "NextAction"),
        *("ApprovalReason", "GuardReason", "AgentDescription", "ToolDescription", "ControlBody"),
        *(
            "ResourceAttributes",
            "SpanAttributes",
            "AttributeTypes",
            "OtlpExtras",
            "Events",
            "Links",
        ),
        *("Derived", "TraceState", "ContextSources", "IdentityError", "TicketUrl", *UNSEALED),
    ):
        assert BY_NAME[name].content, name
    assert not set(ATTRIBUTES) & {column.attribute for column in COLUMNS if column.content}


def test_who_did_what_by_which_rule_is_not() -> None:
    """Otherwise a reader could answer nothing."""
    for name in (
        *("RecordId", "Timestamp", "AgentId", "UserId", "UserEmail", "ToolName", "TargetId"),
        *("PolicyOutcome", "PolicyRuleIds", "PolicyReason", "OutcomeStatus", "Severity", "Summary"),
        *("Findings", "GrantId", "Ticket", "ReviewRequired", "LogId", "LogIndex"),
    ):
        assert not BY_NAME[name].content, name


def test_what_is_cut_for_readers_is_not_in_their_maps() -> None:
    """Else the value that the column hides stood there."""
    cut = {column.attribute for column in COLUMNS if column.shown}
    assert cut == {"audit.target.id", "audit.target.path", "audit.policy.reason", "audit.summary"}
    assert not cut & set(ATTRIBUTES)
    assert not {"claimed.audit.policy.outcome", "url.full", "mcp.session.id"} & set(ATTRIBUTES)
    assert "store.read" in HIDDEN_OPERATIONS
    assert "exception" in EVENTS
