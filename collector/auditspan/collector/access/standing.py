"""What the operator's token stands for: everything as long as there are no two persons to share it.

1. No registry is in force: somebody has to begin.
2. The registry says `single_operator: true`: one person runs all of it, and each change
   is a finding.
3. Fewer than two principals have the role policy: nobody could approve what another proposes.
Else it is the operator's alone: keys and proposals, no record and no approval.
"""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from auditspan.collector.control.two_persons import FEWEST, mode_of
from auditspan.identity.roles import Role
from auditspan.registry import Registry

PERSON_ROLES: Final = frozenset(Role) - {Role.INGEST, Role.GATEWAY}
"""All that a person can be trusted with; the other two are for senders."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the operator's token stands for, and why."""

    alone: bool
    """Whether it stands for all roles of a person."""
    why: str
    """In words, for `auditspan whoami`."""

    @property
    def roles(self) -> Set[Role]:
        """The roles of the operator's token."""
        return PERSON_ROLES if self.alone else frozenset({Role.OPERATOR})


def standing(registry: Registry | None) -> Standing:
    """What the operator's token stands for under this registry."""
    if registry is None:
        return Standing(True, "no registry is in force: this token stands for all roles")
    found = len(registry.approvers())
    match mode_of(registry):
        case "single_operator":
            why = "single operator: this token stands for all roles"
        case "bootstrap":
            why = (
                f"bootstrap: {found} of at least {FEWEST} principals have the role policy, so this "
                "token stands for all roles"
            )
        case "two_persons":
            only = f"{found} principals have the role policy: this token only operates"
            return Standing(False, only)
    return Standing(True, why)
