"""Hashes of what a record holds: HMAC-SHA-256, because arguments and results are guessable.

JSON is hashed in its canonical form (RFC 8785), so that two spellings of the same have the same
hash, here and in the recorder; what is no JSON is hashed as it came.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from json.encoder import c_make_encoder  # type: ignore[attr-defined]  # None without C

import pyarrow as pa
import pyarrow.compute as pc
import rfc8785

from auditspan.processors.arguments import NotJson, read_strictly, scan_plainly
from auditspan.processors.texts import filled

# Fractions, exponents and long integers are spelled by rules of their own (§3.2.2.3), and keys are
# sorted as UTF-16 (§3.2.3), which differs from code points above U+D7FF. Any other text has its
# canonical form from the standard library, ten times as fast.
_HARD = r"[0-9][.eE]|[0-9]{16}|[^\x00-\x{d7ff}]|\\u[dDeEfF]"
_BLOCK = 64
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def _whole(value: object, _: int) -> Iterable[str]:
    return (_encode(value),)


# Strings of a text without a backslash stand in its canonical form as they stand in the text.
_unescaped: Callable[[object, int], Iterable[str]] = (
    c_make_encoder(None, None, '"{}"'.format, None, ":", ",", True, False, False)
    if c_make_encoder
    else _whole
)


def content_hashes(texts: pa.Array, key: bytes) -> pa.Array:
    """The hash of each text's canonical form, "" of none; computed once per distinct text."""
    encoded = filled(texts).dictionary_encode()
    values, hashed = encoded.dictionary.to_pylist(), _Keyed(key)
    forms = [_plain(text) for text in values]
    left = [place for place, form in enumerate(forms) if form is None]
    if left:
        others = encoded.dictionary.take(pa.array(left))
        hard = pc.match_substring_regex(others, _HARD).to_pylist()
        for place, is_hard in zip(left, hard, strict=True):
            forms[place] = (canonical if is_hard else _simple)(values[place])
    hashes = [hashed.of(form) if form else "" for form in forms]
    return pa.array(hashes, pa.string()).take(encoded.indices)


def content_hash(text: str, key: bytes) -> str:
    """The hash of one text."""
    return _Keyed(key).of(canonical(text))


def canonical(text: str) -> bytes:
    """The canonical form of JSON, any other text as it is."""
    value = read_strictly(text)
    if isinstance(value, NotJson):
        return text.encode()
    try:
        return rfc8785.dumps(value)
    except (ValueError, RecursionError):
        # RFC 8785 has no integer above 2^53 and no lone surrogate.
        return text.encode()


def _plain(text: str) -> bytes | None:
    """The same of JSON in ASCII without escapes, fractions and long numbers; None of any other."""
    if not text.isascii() or "\\" in text:
        return None
    try:
        value, end = scan_plainly(text, 0)
        spelled = "".join(_unescaped(value, 0))
    except (StopIteration, ValueError, RecursionError):
        return None
    # Where a key stands twice, the value has it once.
    whole = end == len(text) and spelled.count(":") == text.count(":")
    return spelled.encode() if whole else None


def _simple(text: str) -> bytes:
    """The same of a text that has nothing hard."""
    read = read_strictly(text)
    return text.encode() if isinstance(read, NotJson) else _encode(read).encode()


class _Keyed:
    """HMAC-SHA-256 (RFC 2104) of many contents with one key.

    The two blocks that depend on the key alone are hashed once: half the time of `hmac.digest`.
    """

    def __init__(self, key: bytes) -> None:
        block = hashlib.sha256(key).digest() if len(key) > _BLOCK else key
        block = block.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(hmac.trans_36))
        self._outer = hashlib.sha256(block.translate(hmac.trans_5C))

    def of(self, content: bytes) -> str:
        """The hash as it stands in a record."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(content)
        outer.update(inner.digest())
        return f"hmac-sha256:{outer.hexdigest()}"
