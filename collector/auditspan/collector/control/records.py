"""The control record: what was changed, when, who asked and who consented, on which ticket, why.

Who asked and who consented are parties: what their credentials proved. What they say of others
(`why.requested_by`, `why.approved_by`) stays beside it as their claim. A record travels as the JSON
text of a spool frame of kind 2 and never holds a secret.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    StringConstraints,
    ValidationError,
    model_validator,
)

from auditspan.collector.control.errors import ControlInvalid
from auditspan.identity.caller import Caller

Said = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=1024)]
"""What a person said, on one line."""
Named = Annotated[Said, StringConstraints(strip_whitespace=True)]
"""Somebody's name, as a person said it."""

REGISTRY_APPLIED = "registry.applied"
KEY_ISSUED = "key.issued"
KEY_REVOKED = "key.revoked"
CHANGE_PROPOSED = "change.proposed"
CHANGE_REJECTED = "change.rejected"
CHANGE_WITHDRAWN = "change.withdrawn"
AGENT_DISABLED = "agent.disabled"
STORE_READ = "store.read"
COLLECTOR_STARTED = "collector.started"
COLLECTOR_STOPPED = "collector.stopped"


class Why(BaseModel):
    """Why a change is wanted, in the words of who asked for it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    requested_by: Named = ""
    """On whose behalf it is asked for; a claim."""
    ticket: Said = ""
    """Where it was asked for."""
    reason: Said = ""
    """Why."""
    approved_by: Named = ""
    """Who is said to have consented elsewhere; a claim."""


class Party(BaseModel):
    """Somebody who took part in a change, as their credential proved it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    principal: str
    """`person:<id>`, `service:<id>` or `operator`."""
    method: str
    """How it was proved: `api_key`, `jwt`, `mtls` or `operator_token`."""
    credential: str = ""
    """Which credential; no secret."""
    issued_by: str = ""
    """Who issued the API key that was shown; empty for other credentials."""

    @classmethod
    def of(cls, caller: Caller) -> Self:
        """Who asks now."""
        who = caller.principal
        return cls(
            principal=who.id,
            method=who.method,
            credential=who.credential,
            issued_by=caller.issued_by,
        )


class ControlRecord(BaseModel):
    """One change."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    format: Literal[1] = 1
    """Version of this form."""
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z]+(\.[a-z_]+)+$")]
    """`registry.applied`, `key.issued`, `key.revoked`, `collector.started`, …"""
    at_ns: int
    """When it came into force, unix nanoseconds by the collector's clock."""
    why: Why
    """Who asked for it and why."""
    body: Mapping[str, JsonValue] = {}
    """What was changed; its keys depend on the kind."""
    requester: Party | None = None
    """Who asked, verified; without one, `why.requested_by` is all that is known, a claim."""
    approver: Party | None = None
    """Who consented, verified; another one than the requester."""
    proposal: str = ""
    """Hash of the proposal that was approved."""
    findings: tuple[str, ...] = ()
    """What is wrong with the way it was decided, for example `change.self_approved`."""

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if self.requester is None and not self.why.requested_by:
            raise ValueError(
                "expected a requester, or why.requested_by: somebody asks for a change"
            )
        return self

    @property
    def asked_by(self) -> str:
        """Who asked: proved, or of an older record the name that was claimed."""
        return self.requester.principal if self.requester else self.why.requested_by

    @property
    def agreed_by(self) -> str:
        """Who consented: proved, or of an older record the name that was claimed."""
        if self.requester is None:
            return self.why.approved_by
        return self.approver.principal if self.approver else ""

    def to_json(self) -> str:
        """The text that a spool frame carries."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote. Raises ControlInvalid."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"])) or "control record"
            raise ControlInvalid(f"{place}: {first['msg'].lower()}") from error


def started(at_ns: int, version: str, instance: str, config_hash: str) -> ControlRecord:
    """A collector began its work."""
    body: dict[str, JsonValue] = {
        "version": version,
        "instance": instance,
        "config_hash": config_hash,
    }
    return ControlRecord(
        kind=COLLECTOR_STARTED, at_ns=at_ns, why=Why(requested_by="collector"), body=body
    )


def rfc3339(ns: int) -> str:
    """Unix nanoseconds as people read them, to the microsecond."""
    second, rest = divmod(ns, 1_000_000_000)
    moment = datetime.fromtimestamp(second, UTC).replace(microsecond=rest // 1000)
    return moment.isoformat().replace("+00:00", "Z")


def why_of(
    requested_by: str = "", ticket: str = "", reason: str = "", approved_by: str = ""
) -> Why:
    """What a person said, checked. Raises ControlInvalid."""
    try:
        return Why(requested_by=requested_by, ticket=ticket, reason=reason, approved_by=approved_by)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ControlInvalid(
            f"{first['loc'][0]}: is {first['input']!r}, expected one line of text"
        ) from error
