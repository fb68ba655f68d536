"""Which operations policies can name, in which groups, and what their resource is.

`Action::"create_memory"` is one operation, `Action::"memory.write"` the group of all that write:
`action in Action::"memory.write"`. Operations are those of the conventions
(`gen_ai.operation.name`, MCP methods and ours). Approvals and MCP's handshakes and listings are no
acts to permit. Whoever asks about an operation that is not listed is answered by the policies that
name no action.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Operation:
    """What Cedar is told about an operation."""

    resource: str
    """Entity type of the resource."""
    group: str
    """The action it is in; the words are those of the column ActionType."""


def _table() -> Mapping[str, Operation]:
    groups = {
        ("Tool", "tool.call"): ("execute_tool",),
        ("Model", "model.call"): (
            "chat",
            "generate_content",
            "text_completion",
            "embeddings",
            "fetch_response",
            "rerank",
        ),
        ("Agent", "agent.invoke"): ("invoke_agent", "create_agent", "invoke_workflow", "plan"),
        ("Agent", "agent.delegate"): ("agent.delegate", "delegate_agent", "handoff"),
        ("Target", "retrieval"): ("retrieval",),
        ("Target", "memory.read"): ("search_memory", "memory.read"),
        ("Target", "memory.write"): (
            "create_memory",
            "update_memory",
            "upsert_memory",
            "delete_memory",
            "create_memory_store",
            "delete_memory_store",
            "memory.write",
        ),
        ("Target", "mcp"): (
            "resources/read",
            "resources/subscribe",
            "prompts/get",
            "completion/complete",
            "sampling/createMessage",
            "elicitation/create",
        ),
    }
    return MappingProxyType(
        {
            name: Operation(resource, "" if group == name else group)
            for (resource, group), names in groups.items()
            for name in names
        }
    )


OPERATIONS = _table()
"""The known operations by name."""

UNKNOWN = Operation("Target", "")
"""What any other operation is taken for."""


def operation(name: str) -> Operation:
    """What Cedar is told about an operation; an unknown one is in no group."""
    return OPERATIONS.get(name, UNKNOWN)
