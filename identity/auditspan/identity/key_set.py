"""The public keys of one issuer (RFC 7517), each usable with the algorithms of its own kind only.

Which algorithm a key verifies is decided here, when the set is read, and never by a token
(RFC 8725 §3.1): asymmetric ones only, with sizes that are still safe.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from auditspan.identity import jws
from auditspan.identity.errors import KeySetInvalid, TokenKeyUnknown
from auditspan.identity.strict_json import loads_object

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "EdDSA")
"""All that are ever accepted; a configuration may narrow them."""

MAX_KEYS: Final = 100
"""Keys of one issuer; real sets have fewer than ten."""

_BY_KIND: Final = {
    ("RSA", ""): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_RSA_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """One public key."""

    kid: str
    """Its id in the set, empty if it has none."""
    by_algorithm: Mapping[str, PyJWK]
    """What verifies with it, by algorithm."""

    def verify(self, algorithm: str, signing_input: bytes, signature: bytes) -> bool:
        """Whether the signature is of this key."""
        key = self.by_algorithm[algorithm]
        return bool(key.Algorithm.verify(signing_input, key.key, signature))


@dataclass(frozen=True, slots=True)
class KeySet:
    """The keys of one issuer."""

    keys: tuple[TrustedKey, ...]
    """At least one."""

    @classmethod
    def parse(cls, text: bytes) -> "KeySet":
        """Read a JWKS. Keys of kinds that we do not use are passed over (RFC 7517 §5).

        Raises `KeySetInvalid` if nothing usable is left.
        """
        try:
            entries = loads_object(text)["keys"]
        except (ValueError, KeyError) as error:
            raise KeySetInvalid("key set: expected a JSON object with a list `keys`") from error
        if not isinstance(entries, list) or len(entries) > MAX_KEYS:
            raise KeySetInvalid(f"key set: expected a list of at most {MAX_KEYS} keys")
        keys = tuple(key for entry in entries for key in _trusted(entry))
        if not keys:
            raise KeySetInvalid(
                "key set: no public signing key for any of " + ", ".join(ALGORITHMS)
            )
        return cls(keys)

    def find(self, kid: str | None, algorithm: str) -> TrustedKey:
        """The key that a token names; without a name only if one alone could be meant.

        Raises `TokenKeyUnknown`.
        """
        fitting = [key for key in self.keys if algorithm in key.by_algorithm]
        if kid is not None:
            fitting = [key for key in fitting if key.kid == kid]
        if len(fitting) != 1:
            raise TokenKeyUnknown(
                f"token: {len(fitting)} keys of its issuer fit its key id and algorithm, expected 1"
            )
        return fitting[0]


def _trusted(entry: object) -> Iterator[TrustedKey]:
    """The key of an entry, if it is a public signing key that we may use."""
    if not isinstance(entry, dict) or _PRIVATE & set(entry) or not _signs(entry):
        return
    kind = (str(entry.get("kty", "")), str(entry.get("crv", "")))
    own = entry.get("alg")
    algorithms = [name for name in _BY_KIND.get(kind, ()) if own in (None, name)]
    if kind[0] == "RSA" and not _long_enough(entry):
        return
    try:
        keys = {name: PyJWK(entry, algorithm=name) for name in algorithms}
    except PyJWTError:
        return
    if keys:
        yield TrustedKey(str(entry.get("kid", "")), keys)


def _signs(entry: Mapping[str, object]) -> bool:
    operations = entry.get("key_ops", ["verify"])
    return entry.get("use", "sig") == "sig" and (
        isinstance(operations, list) and "verify" in operations
    )


def _long_enough(entry: Mapping[str, object]) -> bool:
    try:
        return len(jws.decode(str(entry.get("n", ""))).lstrip(b"\0")) >= _RSA_BYTES
    except ValueError:
        return False
