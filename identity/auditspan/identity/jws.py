"""The compact form of a signed object (RFC 7515 §7.1), taken apart without trusting it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from auditspan.identity.strict_json import loads_object


@dataclass(frozen=True, slots=True)
class Parts:
    """A compact JWS, decoded and not yet verified."""

    header: Mapping[str, object]
    """The protected header."""
    payload: Mapping[str, object]
    """The claims; nothing may be concluded from them before the signature is checked."""
    signing_input: bytes
    """What was signed."""
    signature: bytes
    """The signature over `signing_input`."""


def split(text: str, limit: int) -> Parts:
    """Take a compact JWS apart. Raises `ValueError` with a reason that quotes nothing of it."""
    if len(text) > limit:
        raise ValueError(f"longer than {limit} characters")
    segments = text.split(".")
    if len(segments) != 3:
        raise ValueError(f"expected 3 segments, got {len(segments)}")
    header, payload, signature = (decode(segment) for segment in segments)
    return Parts(
        header=_object(header, "header"),
        payload=_object(payload, "payload"),
        signing_input=f"{segments[0]}.{segments[1]}".encode("ascii"),
        signature=signature,
    )


def decode(segment: str) -> bytes:
    """Unpadded base64url that round-trips; other spellings of the same bytes are refused."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError as error:
        raise ValueError("a segment is not base64url") from error
    if encode(data) != segment:
        raise ValueError("a segment is not canonical base64url")
    return data


def encode(data: bytes) -> str:
    """Unpadded base64url (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _object(data: bytes, name: str) -> dict[str, object]:
    try:
        return loads_object(data)
    except ValueError as error:
        # The parser's own message could quote the token.
        raise ValueError(f"the {name} is not a JSON object with one reading") from error
