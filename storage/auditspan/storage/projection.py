"""Which attributes get a column of their own when a segment is decoded."""

from dataclasses import dataclass


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


def of_registry() -> tuple[Projection, ...]:
    """What the semantic-convention registry says."""
    return _LOCAL


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
