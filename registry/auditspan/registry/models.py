"""What a registry says: agents, tools, grants, examples, and the whole as `Registry`; persons and
services are in `members.py`.

Frozen models; an unknown key is refused. An empty tuple or `*` in a grant means any. Times carry a
zone (RFC 3339).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal, Self

import rfc8785
from pydantic import BeforeValidator, Field, JsonValue, StringConstraints, model_validator

from auditspan.registry.fields import Id, Model, Name, Names, Text, Time, listed
from auditspan.registry.members import ControlsPolicy, Member
from auditspan.registry.paths import ArgumentPath

Effect = Literal["read", "write", "destructive", "external", "unknown"]
Outcome = Literal["allow", "deny", "require_approval"]
CaptureMode = Literal["none", "hash", "redacted", "full"]


class JwtBinding(Model):
    """Bearer tokens that prove an agent: all three must match."""

    issuer: Name
    """The token's `iss`."""
    audience: Name
    """What `aud` must hold."""
    client: Name
    """The token's `azp` or `client_id`."""


class Credentials(Model):
    """What proves an agent besides API keys, which are issued and never written here."""

    jwt: tuple[JwtBinding, ...] = ()
    """Workload tokens of an identity provider."""
    spiffe: Names = ()
    """SPIFFE ids of client certificates."""


class Agent(Model):
    """An agent that may run, and who answers for it."""

    id: Id
    """Stable identifier; records carry it as AgentId."""
    name: Name
    """What people call it."""
    version: Text = ""
    """Version that is meant to run."""
    owner: Name
    """Team or person who answers for it."""
    owner_email: Text = ""
    """Where to reach the owner."""
    purpose: Annotated[Text, StringConstraints(min_length=1)]
    """What it is for, in one sentence."""
    risk_tier: Name
    """low, limited, high or critical; a word of your own is kept as it is."""
    environments: Names = ()
    """Where it may run; empty is anywhere."""
    roles: Names = ()
    """Roles that policies and grants can name."""
    disabled: bool = False
    """A disabled agent is known and may do nothing."""
    tags: Names = ()
    """Words to find it by, for example compliance tags."""
    system_id: Text = ""
    """Number in an inventory of AI systems, if there is one."""
    credentials: Credentials = Credentials()
    """What proves it, besides API keys."""


class Target(Model):
    """What a tool acts on."""

    type: Text = ""
    """Kind of thing, for example `reservation`."""
    id: ArgumentPath = ""
    """Where its identifier stands in the arguments."""
    path: ArgumentPath = ""
    """Where a path or URL stands in the arguments."""


class Capture(Model):
    """How much of a call is kept."""

    arguments: CaptureMode = "redacted"
    """none, hash, redacted (credentials and secrets removed) or full."""
    result: CaptureMode = "hash"
    """The same for the result."""


class Tool(Model):
    """A tool that agents call."""

    name: Name
    """As it stands in the call."""
    server: Text = ""
    """MCP server or service that offers it."""
    effect: Effect = "unknown"
    """What a call does to the world: read, write, destructive, external or unknown."""
    target: Target = Target()
    """What it acts on."""
    data_subjects: Annotated[tuple[ArgumentPath, ...], BeforeValidator(listed)] = ()
    """Where the arguments name the people concerned."""
    data_class: Text = ""
    """Classification of the data it touches."""
    review_required: bool = False
    """Every call must be reviewed by a person."""
    retention_class: Name = "default"
    """How long its records are kept."""
    version: Text = ""
    """Version of the tool."""
    arguments: Mapping[str, JsonValue] = Field(default_factory=dict)
    """JSON schema of the input."""
    description: str = ""
    """What the tool tells the model about itself."""
    schema_hash: str = ""
    """Computed from `arguments`; if written, it must agree."""
    description_hash: str = ""
    """Computed from `description`; if written, it must agree."""
    capture: Capture = Capture()
    """How much of a call is kept."""

    @model_validator(mode="before")
    @classmethod
    def _hashed(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        known = {
            "schema_hash": json_hash(data["arguments"]) if data.get("arguments") else "",
            "description_hash": text_hash(data.get("description", "")),
        }
        for field, computed in known.items():
            if data.get(field) not in (None, "", computed):
                raise ValueError(
                    f"{field} is {data[field]}, but what is written here gives {computed}: "
                    "the tool changed; look at the change, then correct or remove the hash"
                )
        return {**data, **known}


class Approval(Model):
    """Somebody's consent to a grant."""

    approver: Name
    """Who consented."""
    at: Time
    """When."""
    method: Text = ""
    """How, for example `ticket` or `signed e-mail`."""


class Grant(Model):
    """A permission: who lets which agent do what, for whom, until when."""

    id: Id
    """Stable identifier; records carry it as GrantId."""
    grantor: Name
    """Who gives it."""
    agent: Id
    """The agent that gets it."""
    users: Names = ()
    """Users on whose behalf it holds; empty together with roles is any."""
    roles: Names = ()
    """Roles of users on whose behalf it holds."""
    operations: Names = ()
    """Operations such as `execute_tool` or `chat`; empty is any."""
    tools: Names = ()
    """Tools by name; empty is any."""
    targets: Names = ()
    """Patterns (`*`, `?`) over `type:id` of the target; empty is any."""
    environments: Names = ()
    """Where it holds; empty is anywhere."""
    purpose: Text = ""
    """What it is given for."""
    granted_at: Time
    """From when it holds."""
    expires_at: Time
    """From when it holds no more."""
    approvals: tuple[Approval, ...] = ()
    """Who consented."""
    ticket: Text = ""
    """Where it was asked for."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.expires_at <= self.granted_at:
            raise ValueError("expires_at is not after granted_at")
        return self

    @cached_property
    def granted_ns(self) -> int:
        """`granted_at` in unix nanoseconds."""
        return unix_ns(self.granted_at)

    @cached_property
    def expires_ns(self) -> int:
        """`expires_at` in unix nanoseconds."""
        return unix_ns(self.expires_at)


class ExampleUser(Model):
    """The user of an example request."""

    id: Name
    """The user's subject."""
    organisation: Text = ""
    """The user's organisation."""
    roles: Names = ()
    """The user's roles."""
    scopes: Names = ()
    """The scopes of the user's token."""


class Expectation(Model):
    """What a policy must answer to an example."""

    outcome: Outcome
    """The decision: allow, deny or require_approval."""
    rules: Names = ()
    """The `@id`s that must decide it; empty does not look at them."""
    review: bool | None = None
    """Whether a review must be demanded; absent does not look at it."""


class Example(Model):
    """A request and the decision it must get; run before every change of the registry."""

    name: Name
    """What it shows."""
    agent: Id
    """Who asks."""
    tool: Text = ""
    """The tool called; "" for other operations."""
    operation: Name = "execute_tool"
    """What is asked."""
    user: ExampleUser | None = None
    """On whose behalf."""
    environment: Text = "production"
    """Where."""
    purpose: Text = ""
    """What for."""
    at: Time
    """When."""
    arguments: Mapping[str, JsonValue] = Field(default_factory=dict)
    """With which arguments."""
    expect: Expectation
    """What must come out."""


@dataclass(frozen=True, slots=True)
class Registry:
    """One version of everything that is registered."""

    agents: Mapping[str, Agent]
    """By id."""
    tools: Mapping[str, Tool]
    """By name."""
    grants: tuple[Grant, ...]
    """In order of their ids."""
    policies: Mapping[str, str]
    """Cedar text by file name."""
    examples: tuple[Example, ...]
    """In order of file and place."""
    version: str
    """Hash of the bundle it was read from."""
    policy_version: str
    """Hash of the policy texts alone."""
    principals: Mapping[str, Member] = dataclass_field(default_factory=dict)
    """Persons and services by id."""
    controls: ControlsPolicy = dataclass_field(default_factory=ControlsPolicy)
    """How changes are controlled."""

    def approvers(self) -> tuple[str, ...]:
        """Who may approve a change of the registry: ids of principals with the role policy."""
        return tuple(
            member.id
            for member in self.principals.values()
            if "policy" in member.roles and not member.disabled
        )


def unix_ns(time: datetime) -> int:
    """A time in unix nanoseconds, exactly."""
    whole = int(time.replace(microsecond=0).timestamp())
    return whole * 1_000_000_000 + time.microsecond * 1000


def text_hash(text: object) -> str:
    """`sha256:…` of a text, "" of none."""
    if not isinstance(text, str) or not text:
        return ""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def json_hash(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """`sha256:…` of the canonical JSON (RFC 8785) of a value.

    RFC 8785 has no integer above 2^53; such a schema is hashed as sorted compact JSON instead.
    """
    try:
        text = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return "sha256:" + hashlib.sha256(text).hexdigest()
