"""Who sent a request, as proved by its credential: what the collector stamps beside the bytes.

The JSON form is canonical (sorted keys, no spaces), so that equal principals are equal strings.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal, get_args

from auditspan.identity.errors import CredentialRefused

Kind = Literal["agent", "relay", "person", "service", "operator", "anonymous"]
Method = Literal["api_key", "jwt", "mtls", "operator_token", "none"]

NAMED: Final[Mapping[str, Kind]] = {
    "agent": "agent",
    "relay": "relay",
    "person": "person",
    "service": "service",
}
"""The kinds whose id is `<kind>:<name>`, and who may hold an API key."""

_TEXT_FIELDS: Final = ("id", "agent_id", "credential", "tenant", "address")


@dataclass(frozen=True, slots=True)
class Principal:
    """The sender of a request."""

    id: str
    """`agent:<agent id>`, `relay:<name>`, `person:<id>`, `service:<id>`, `operator` or
    `anonymous`."""
    kind: Kind
    """An agent speaks for itself; a relay passes on what others say; persons and services have the
    roles of the registry; the operator holds the token of the data folder; anonymous proved
    nothing."""
    agent_id: str
    """The registered agent, empty for relays and anonymous senders."""
    method: Method
    """How it was proved."""
    credential: str
    """Which credential: key id, hash of the token's id, certificate fingerprint; no secret."""
    tenant: str = ""
    """A label, not a boundary (one store serves one trust domain)."""
    address: str = ""
    """The peer's address as the socket gave it; forwarded headers are not believed."""
    expires_at: int = 0
    """When the credential ends, Unix seconds; 0 if it does not."""

    def to_json(self) -> str:
        """The canonical text."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Principal":
        """Read what `to_json` wrote. Raises `CredentialRefused` on anything else."""
        try:
            fields = json.loads(text)
            principal = cls(**fields)
        except (ValueError, TypeError, RecursionError) as error:
            raise CredentialRefused(
                "principal: expected the JSON of a principal, got other text"
            ) from error
        _check(principal)
        return principal


def _check(principal: Principal) -> None:
    """Hold the types of the fields, which JSON does not."""
    texts = all(isinstance(getattr(principal, name), str) for name in _TEXT_FIELDS)
    words = principal.kind in get_args(Kind) and principal.method in get_args(Method)
    if not (texts and words and type(principal.expires_at) is int):
        raise CredentialRefused("principal: a field has a type or word that no principal has")


def agent_principal(
    agent_id: str, method: Method, credential: str, address: str, expires_at: int
) -> Principal:
    """The principal of a registered agent."""
    return Principal(
        id=f"agent:{agent_id}",
        kind="agent",
        agent_id=agent_id,
        method=method,
        credential=credential,
        address=address,
        expires_at=expires_at,
    )


def relay_principal(
    name: str, method: Method, credential: str, address: str, expires_at: int
) -> Principal:
    """The principal of a relay: a shared collector or a proxy."""
    return Principal(
        id=f"relay:{name}",
        kind="relay",
        agent_id="",
        method=method,
        credential=credential,
        address=address,
        expires_at=expires_at,
    )


def named_principal(
    name: str, method: Method, credential: str, address: str, expires_at: int
) -> Principal:
    """The principal of `agent:<id>`, `relay:<name>`, `person:<id>` or `service:<id>`.

    Raises `ValueError` for any other name.
    """
    kind, _, own = name.partition(":")
    if not own or kind not in NAMED:
        raise ValueError(f"principal: expected {expected_names()}, got {name!r}")
    if kind == "agent":
        return agent_principal(own, method, credential, address, expires_at)
    return Principal(
        id=name,
        kind=NAMED[kind],
        agent_id="",
        method=method,
        credential=credential,
        address=address,
        expires_at=expires_at,
    )


def expected_names() -> str:
    """The forms that `named_principal` takes, for messages."""
    return "agent:<id>, relay:<name>, person:<id> or service:<id>"


def operator_principal(credential: str, address: str) -> Principal:
    """The principal of the token in the data folder, whoever holds it."""
    return Principal(
        id="operator",
        kind="operator",
        agent_id="",
        method="operator_token",
        credential=credential,
        address=address,
    )


def anonymous_principal(address: str) -> Principal:
    """The principal of a sender without credentials."""
    return Principal(
        id="anonymous", kind="anonymous", agent_id="", method="none", credential="", address=address
    )
