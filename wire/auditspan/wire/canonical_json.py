"""Canonical JSON (RFC 8785, https://www.rfc-editor.org/rfc/rfc8785) and hashes of it.

RFC 8785 has no form for some values that agents do send. `canonical_json` refuses them; `canonical`
takes them by rules of ours: an integer beyond 2^53 is written with all its digits, `nan` and the
infinities as the strings "NaN", "Infinity" and "-Infinity" (as protobuf's JSON has them), and a
lone surrogate as its escape, `\\ud800`.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import rfc8785

Json: TypeAlias = (
    "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"  # recursive
)
"""What JSON can hold."""


def canonical_json(value: object) -> bytes:
    """The form by RFC 8785 alone. Raises `ValueError` for what has none."""
    return rfc8785.dumps(value)  # type: ignore[arg-type]


def canonical(value: Json) -> bytes:
    """The form by RFC 8785, and by the rules above for what has none there.

    Raises `TypeError` for what is no JSON, `RecursionError` for what is nested too deeply.
    """
    try:
        return canonical_json(value)
    except ValueError:
        return _written(value)


def digest(value: Json) -> str:
    """`sha256:<hex>` of the canonical form."""
    return f"sha256:{hashlib.sha256(canonical(value)).hexdigest()}"


def hmac_digest(value: Json, key: bytes) -> str:
    """`hmac-sha256:<hex>` of the canonical form: for what could be guessed from a plain hash."""
    return f"hmac-sha256:{hmac.digest(key, canonical(value), 'sha256').hex()}"


def _written(value: Json) -> bytes:
    match value:
        case bool() | None:
            return canonical_json(value)
        case int():
            return str(value).encode()
        case float():
            return canonical_json(value) if math.isfinite(value) else _non_finite(value)
        case str():
            return _text(value)
        case dict():
            pairs = sorted(value.items(), key=lambda item: _utf16(item[0]))
            return b"{" + b",".join(_text(k) + b":" + _written(v) for k, v in pairs) + b"}"
        case list() | tuple():
            return b"[" + b",".join(map(_written, value)) + b"]"
    raise TypeError(f"canonical JSON: expected a JSON value, got {type(value).__name__}")


def _non_finite(value: float) -> bytes:
    return b'"NaN"' if math.isnan(value) else b'"Infinity"' if value > 0 else b'"-Infinity"'


def _text(text: str) -> bytes:
    parts = []
    for part in _split(text):
        lone = len(part) == 1 and "\ud800" <= part <= "\udfff"
        parts.append(f"\\u{ord(part):04x}".encode() if lone else canonical_json(part)[1:-1])
    return b'"' + b"".join(parts) + b'"'


def _split(text: str) -> list[str]:
    """Runs without surrogates, and each surrogate alone."""
    parts: list[str] = []
    run = 0
    for position, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            parts += [text[run:position], character]
            run = position + 1
    return [part for part in [*parts, text[run:]] if part]


def _utf16(key: object) -> bytes:
    if not isinstance(key, str):
        raise TypeError(f"canonical JSON: expected text as key, got {type(key).__name__}")
    # RFC 8785 §3.2.3 sorts by UTF-16 code units.
    return key.encode("utf-16-be", "surrogatepass")
