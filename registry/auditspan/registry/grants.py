"""Which grant covers an action, and if none does, why.

An empty tuple or `*` means any. With several grants that cover, the one that lasts longest is
named, then the first by id, so that the answer does not depend on the order of files.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from auditspan.registry.models import Grant

Lacking = Literal[
    "", "authorization.missing", "authorization.expired", "authorization.out_of_scope"
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """An action that needs a grant."""

    agent: str
    """The agent's id."""
    user: str = ""
    """The user's subject, "" if there is none."""
    roles: tuple[str, ...] = ()
    """The user's roles."""
    operation: str = "execute_tool"
    """What is done."""
    tool: str = ""
    """The tool's name, "" for other operations."""
    target: str = ""
    """`type:id` of what is acted on, "" if unknown."""
    environment: str = ""
    """Where."""
    at_ns: int = 0
    """When, in unix nanoseconds."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The grant that covers, or the finding that says what lacks."""

    grant: Grant | None
    """The grant in force that covers the action; with `authorization.expired` the one that did."""
    lacking: Lacking
    """"" if covered."""


def resolve(grants: Sequence[Grant], wanted: Wanted) -> Resolution:
    """Find the grant that covers an action."""
    own = [grant for grant in grants if grant.agent == wanted.agent and _person(grant, wanted)]
    if not own:
        return Resolution(None, "authorization.missing")
    fitting = [grant for grant in own if _scope(grant, wanted)]
    if not fitting:
        return Resolution(None, "authorization.out_of_scope")
    in_force = [g for g in fitting if g.granted_ns <= wanted.at_ns < g.expires_ns]
    if in_force:
        return Resolution(_preferred(in_force), "")
    return Resolution(_preferred(fitting), "authorization.expired")


def of_agent(grants: Iterable[Grant], agent: str) -> list[Grant]:
    """All grants of an agent, the one that ends first at the top."""
    return sorted((g for g in grants if g.agent == agent), key=lambda g: (g.expires_ns, g.id))


def _preferred(grants: Sequence[Grant]) -> Grant:
    return min(grants, key=lambda grant: (-grant.expires_ns, grant.id))


def _person(grant: Grant, wanted: Wanted) -> bool:
    if not grant.users and not grant.roles:
        return True
    by_name = "*" in grant.users or (wanted.user != "" and wanted.user in grant.users)
    return by_name or "*" in grant.roles or not set(grant.roles).isdisjoint(wanted.roles)


def _scope(grant: Grant, wanted: Wanted) -> bool:
    anywhere = _listed(grant.operations, wanted.operation) and _listed(
        grant.environments, wanted.environment
    )
    # Tools and targets bound tool calls; a model call has neither and is bound by operations.
    return anywhere and (
        not wanted.tool or (_listed(grant.tools, wanted.tool) and _target(grant, wanted.target))
    )


def _target(grant: Grant, target: str) -> bool:
    return not grant.targets or any(fnmatchcase(target, pattern) for pattern in grant.targets)


def _listed(names: Sequence[str], name: str) -> bool:
    return not names or "*" in names or name in names
