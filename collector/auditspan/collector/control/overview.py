"""What an agent may do and who may use a tool, gathered from one registry at one time.

Permission needs both: a grant in force and a policy that allows. A policy concerns an agent if it
names the agent or one of its roles, or names no agent at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from auditspan.collector.control.errors import NotFound
from auditspan.policy.text import Statement, Token, statements
from auditspan.registry import Agent, Grant, Registry, Tool
from auditspan.registry.grants import of_agent
from auditspan.registry.problems import nearest

Ref = tuple[str, str]
"""An entity named in a policy: type and id."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One policy as it is written."""

    id: str
    """Its `@id`."""
    effect: str
    """`permit` or `forbid`."""
    outcome: str
    """What it leads to: `allow`, `deny`, `require_approval` or `review`."""
    file: str
    """Where it stands."""
    line: int
    """On which line."""
    text: str
    """The whole policy."""
    refs: frozenset[Ref]
    """The entities it names."""

    def names(self, refs: Iterable[Ref]) -> bool:
        """Whether it names one of these."""
        return not self.refs.isdisjoint(refs)

    def names_type(self, type: str) -> bool:
        """Whether it names any entity of a type."""
        return any(kind == type for kind, _ in self.refs)


@dataclass(frozen=True, slots=True)
class GrantState:
    """A grant as it stands at a time."""

    grant: Grant
    state: str
    """`in force`, `expired` or `not yet`."""
    tools: tuple[Tool, ...]
    """The tools it covers, by name."""


@dataclass(frozen=True, slots=True)
class AgentOverview:
    """What an agent may do."""

    agent: Agent
    grants: tuple[GrantState, ...]
    """Its grants, the one that ends first at the top."""
    rules: tuple[Rule, ...]
    """Policies that name it or a role of it."""
    common: tuple[Rule, ...]
    """Policies that name no agent."""


@dataclass(frozen=True, slots=True)
class ToolOverview:
    """Who may use a tool."""

    tool: Tool
    grants: tuple[GrantState, ...]
    """Grants that cover it."""
    rules: tuple[Rule, ...]
    """Policies that name it or its server."""
    common: tuple[Rule, ...]
    """Policies that name no tool."""


def of_the_agent(registry: Registry, agent_id: str, at_ns: int) -> AgentOverview:
    """What an agent may do. Raises NotFound."""
    agent = registry.agents.get(agent_id)
    if agent is None:
        raise NotFound(f"no agent is called {agent_id!r}" + nearest(agent_id, registry.agents))
    found = rules(registry)
    own = {("Agent", agent.id), *(("Role", role) for role in agent.roles)}
    return AgentOverview(
        agent,
        tuple(_state(grant, registry, at_ns) for grant in of_agent(registry.grants, agent_id)),
        tuple(rule for rule in found if rule.names(own)),
        tuple(rule for rule in found if not rule.names(own) and not rule.names_type("Agent")),
    )


def of_the_tool(registry: Registry, name: str, at_ns: int) -> ToolOverview:
    """Who may use a tool. Raises NotFound."""
    tool = registry.tools.get(name)
    if tool is None:
        raise NotFound(f"no tool is called {name!r}" + nearest(name, registry.tools))
    found = rules(registry)
    own = {("Tool", tool.name), ("Server", tool.server)}
    states = (_state(grant, registry, at_ns) for grant in registry.grants)
    return ToolOverview(
        tool,
        tuple(state for state in states if tool in state.tools),
        tuple(rule for rule in found if rule.names(own)),
        tuple(rule for rule in found if not rule.names_type("Tool") and not rule.names(own)),
    )


def rules(registry: Registry) -> tuple[Rule, ...]:
    """Every policy, in the order of files and places."""
    return tuple(
        _rule(statement)
        for file, source in registry.policies.items()
        for statement in statements(file, source)
    )


def _state(grant: Grant, registry: Registry, at_ns: int) -> GrantState:
    state = "in force"
    if at_ns >= grant.expires_ns:
        state = "expired"
    elif at_ns < grant.granted_ns:
        state = "not yet"
    calls = not grant.operations or not {"*", "execute_tool"}.isdisjoint(grant.operations)
    every = not grant.tools or "*" in grant.tools
    tools = (tool for name, tool in registry.tools.items() if every or name in grant.tools)
    return GrantState(grant, state, tuple(tools) if calls else ())


def _rule(statement: Statement) -> Rule:
    tokens = statement.tokens
    effect = next((t.text for t in tokens if t.text in ("permit", "forbid")), "")
    outcome = _annotation(tokens, "outcome") or {"permit": "allow"}.get(effect, "deny")
    return Rule(
        id=_annotation(tokens, "id"),
        effect=effect,
        outcome=outcome,
        file=statement.file,
        line=statement.source.count("\n", 0, tokens[0].start) + 1,
        text=statement.text,
        refs=_refs(tokens),
    )


def _annotation(tokens: tuple[Token, ...], name: str) -> str:
    """The value of `@name("…")`."""
    words = [token.text for token in tokens]
    for index in range(len(words) - 3):
        if words[index : index + 3] == ["@", name, "("]:
            return words[index + 3].strip('"')
    return ""


def _refs(tokens: tuple[Token, ...]) -> frozenset[Ref]:
    """Every `Type::"id"`."""
    words = [token.text for token in tokens]
    return frozenset(
        (words[index - 1], words[index + 1].strip('"'))
        for index in range(1, len(words) - 1)
        if words[index] == "::" and words[index + 1].startswith('"')
    )
