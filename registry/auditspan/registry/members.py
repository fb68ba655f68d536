"""Persons and services with their roles, and the rules of changing: who controls the controls.

The words of the roles are those of `identity.roles`, where each is explained; a test compares them.
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, StrictBool, StringConstraints, model_validator

from auditspan.registry.fields import Id, Model, Name, Names, Text, listed

RoleName = Literal["ingest", "gateway", "reader", "investigator", "policy", "privacy", "operator"]

MemberId = Annotated[
    str, StringConstraints(pattern=r"^(person|service):[A-Za-z0-9][A-Za-z0-9._@-]{0,119}$")
]
"""As it stands in records, commands and reviews."""


class SubjectBinding(Model):
    """Tokens that prove a person or service: both must match exactly."""

    issuer: Name
    """The token's `iss`; one of `service.access.issuers` of the collector."""
    subject: Name
    """The token's `sub`: not an e-mail address, which can change hands."""


class MemberCredentials(Model):
    """What proves a person or service besides API keys, which are issued and never written here."""

    jwt: tuple[SubjectBinding, ...] = ()
    """Tokens of an identity provider."""
    spiffe: Names = ()
    """SPIFFE ids of client certificates."""


class Member(Model):
    """A person or service that may ask something of the collector."""

    id: MemberId
    """`person:<id>` or `service:<id>`; records carry it."""
    name: Name
    """What people call them."""
    email: Text = ""
    """By which they are recognised as owner of an agent."""
    roles: Annotated[tuple[RoleName, ...], BeforeValidator(listed)] = ()
    """What they are trusted with, see docs/roles.md; without a role they may do nothing."""
    disabled: StrictBool = False
    """Known, and may do nothing."""
    credentials: MemberCredentials = MemberCredentials()
    """What proves them, besides API keys."""

    @model_validator(mode="after")
    def _no_person_sends(self) -> Self:
        sending = [role for role in self.roles if role in ("ingest", "gateway")]
        if sending and self.id.startswith("person:"):
            raise ValueError(
                f"roles: a person cannot have {sending[0]!r}, records come from agents, relays and "
                "services; make it a service:<id>"
            )
        return self


class ControlsPolicy(Model):
    """How changes are controlled."""

    single_operator: StrictBool = False
    """One person may change the registry alone; each such change is a finding."""


class Disabled(Model):
    """What is disabled at once, whatever its own entry says."""

    agents: Annotated[tuple[Id, ...], BeforeValidator(listed)] = ()
    """Ids of agents that may do nothing; their records are still taken."""
