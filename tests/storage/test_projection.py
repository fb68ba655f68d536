"""Which columns decoding fills follows from the registry."""

from dataclasses import dataclass

from auditspan.storage.projection import Projection, of_columns, of_registry


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    attribute: str
    asserted_by: str = "client"
    kind: str = "physical"
    type: str = "String"
    expression: str = ""
    group: str = "tool"
    content: bool = True
    shown: str = ""


def test_columns_that_a_sender_fills_through_an_attribute_are_decoded() -> None:
    """Not what the collector asserts, not what is computed, not what has no attribute."""
    registered = [
        _Column("ToolName", "gen_ai.tool.name"),
        _Column("ArgumentsHash", "audit.arguments.hash", asserted_by="guard"),
        _Column("Environment", "deployment.environment.name"),
        _Column("Severity", "audit.severity.number", asserted_by="collector"),
        _Column("Ticket", "audit.ticket.id", kind="alias"),
        _Column("TraceId", ""),
        _Column("ServiceName", "service.name"),
    ]
    assert of_columns(registered) == (
        Projection("ToolName", "gen_ai.tool.name", "String"),
        Projection("ArgumentsHash", "audit.arguments.hash", "String"),
        Projection("Environment", "deployment.environment.name", "String", resource=True),
    )


def test_the_tools_name_has_a_column() -> None:
    """Whatever else the registry says."""
    assert "ToolName" in {projection.column for projection in of_registry()}
