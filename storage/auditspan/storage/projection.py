"""Which attributes get a column of their own when a segment is decoded."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from auditspan.storage import columns


@dataclass(frozen=True, slots=True)
class Projection:
    """One attribute of a span, or of its resource, that becomes a column."""

    column: str
    """Public column name."""
    attribute: str
    """Attribute name."""
    type: str
    """ClickHouse type of the column."""
    resource: bool = False
    """The attribute stands on the resource and not on the span."""


@cache
def of_registry() -> tuple[Projection, ...]:
    """What the semantic-convention registry says, before it is there a list of our own."""
    return of_columns(columns.of_registry()) or _LOCAL


def of_columns(registered: Iterable[columns.Column]) -> tuple[Projection, ...]:
    """The physical columns that a client or a guard fills through an attribute."""
    return tuple(
        Projection(column.name, column.attribute, column.type, _on_resource(column.attribute))
        for column in registered
        if column.kind == "physical"
        and column.attribute
        and column.asserted_by in _SENDERS
        and column.name not in _DECODED_ANYWAY
    )


def _on_resource(attribute: str) -> bool:
    return attribute.startswith(("deployment.", "service."))


_SENDERS = ("client", "guard")
_DECODED_ANYWAY = frozenset({"ServiceName", "SpanName", "SpanKind", "StatusCode", "StatusMessage"})
_LOCAL = tuple(
    Projection(column, attribute, type)
    for column, attribute, type in (
        ("Operation", "gen_ai.operation.name", "LowCardinality(String)"),
        ("AgentId", "gen_ai.agent.id", "LowCardinality(String)"),
        ("AgentName", "gen_ai.agent.name", "LowCardinality(String)"),
        ("ConversationId", "gen_ai.conversation.id", "String"),
        ("ToolName", "gen_ai.tool.name", "LowCardinality(String)"),
        ("ToolArguments", "gen_ai.tool.call.arguments", "String"),
        ("ToolResult", "gen_ai.tool.call.result", "String"),
        ("ArgumentsHash", "audit.arguments.hash", "String"),
        ("ResultHash", "audit.result.hash", "String"),
        ("ErrorType", "error.type", "LowCardinality(String)"),
        ("ModelName", "gen_ai.response.model", "LowCardinality(String)"),
        ("InputTokens", "gen_ai.usage.input_tokens", "UInt64"),
        ("OutputTokens", "gen_ai.usage.output_tokens", "UInt64"),
        ("UserId", "user.id", "String"),
        ("SessionId", "session.id", "String"),
        ("Purpose", "audit.purpose", "LowCardinality(String)"),
    )
)
