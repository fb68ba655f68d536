"""API keys: `ask_<key id>_<secret>`, each of one agent, relay, person or service, with an end.

Kept is the SHA-256 of the secret (256 random bits need no slow hash); the key itself is shown once.
The file is replaced atomically, private, and read again when it changes, so that a key revoked by
another process stops working at the next request.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from auditspan.identity.errors import ApiKeyRefused, ApiKeyUnknown, SecretFileInvalid
from auditspan.identity.files import locked, read_private, write_atomic
from auditspan.identity.principal import NAMED, Principal, expected_names, named_principal
from auditspan.identity.strict_json import loads_object

PREFIX: Final = "ask_"
"""What every key begins with, so that scanners of leaked secrets find it."""

FORMAT: Final = 1
"""Version of the file's format; another one is refused, not guessed at."""

_LENGTH: Final = len(PREFIX) + 16 + 1 + 64
_NOBODY: Final = hashlib.sha256(b"no key has this digest").hexdigest()


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key."""

    id: str
    """Public part of the key, 16 hex digits."""
    principal: str
    """Whose it is: `agent:<id>`, `relay:<name>`, `person:<id>` or `service:<id>`. What they may
    do stands in the registry, never in a key."""
    secret_sha256: str
    """SHA-256 of the secret, hex."""
    issued_at: int
    """Unix seconds."""
    expires_at: int
    """Unix seconds."""
    revoked_at: int = 0
    """Unix seconds; 0 while it is in force."""
    label: str = ""
    """A word for people: where the key is used."""
    issued_by: str = ""
    """Id of the principal who issued it; empty for keys older than this field. Who issued a key
    has seen it, so it approves nothing that they asked for."""


class ApiKeys:
    """The API keys of one file."""

    def __init__(
        self,
        path: Path,
        *,
        now: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Open the file, which may not exist yet. Raises `SecretFileInvalid` if it is broken."""
        self._path = path
        self._now = now
        self._random = random
        self._seen: tuple[int, int, int] | None = None
        self._keys: Mapping[str, ApiKey] = {}
        self._refresh()

    def issue(
        self, principal: str, *, expires_at: float, label: str = "", issued_by: str = ""
    ) -> tuple[str, ApiKey]:
        """Make a key for `agent:<id>`, `relay:<name>`, `person:<id>` or `service:<id>`; the text is
        returned here and never again.

        Raises `ValueError` for another principal or an end that is past.
        """
        if not _holder(principal):
            raise ValueError(f"principal: expected {expected_names()}, got {principal!r}")
        now = int(self._now())
        if expires_at <= now:
            raise ValueError(f"expires_at: expected a time after now ({now}), got {expires_at}")
        identifier, secret = self._random(8).hex(), self._random(32).hex()
        digest = hashlib.sha256(secret.encode()).hexdigest()
        key = ApiKey(identifier, principal, digest, now, int(expires_at), 0, label, issued_by)
        self._change(lambda keys: {**keys, identifier: key})
        return f"{PREFIX}{identifier}_{secret}", key

    def revoke(self, key_id: str) -> ApiKey:
        """End a key now; it stays listed. Raises `ApiKeyUnknown`."""

        def ended(keys: Mapping[str, ApiKey]) -> dict[str, ApiKey]:
            key = _found(keys, key_id)
            at = key.revoked_at or int(self._now())
            return {**keys, key_id: replace(key, revoked_at=at)}

        self._change(ended)
        return self._keys[key_id]

    def list(self) -> tuple[ApiKey, ...]:
        """All keys, the oldest first."""
        self._refresh()
        return tuple(sorted(self._keys.values(), key=lambda key: (key.issued_at, key.id)))

    def get(self, key_id: str) -> ApiKey:
        """What is kept of a key. Raises `ApiKeyUnknown`."""
        self._refresh()
        return _found(self._keys, key_id)

    def verify(self, text: str, address: str) -> Principal:
        """The principal that holds the key. Raises `ApiKeyRefused`, with one reason for all
        callers who lack the secret, so that ids cannot be probed."""
        self._refresh()
        identifier, secret = _parse(text)
        key = self._keys.get(identifier)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        # 1. Compare also when there is no such key, so that time does not tell the two apart.
        same = hmac.compare_digest(digest, key.secret_sha256 if key else _NOBODY)
        if key is None or not same:
            raise ApiKeyRefused("api key: not a key of ours")
        # 2. Only who holds the secret learns that it has ended.
        if key.revoked_at:
            raise ApiKeyRefused(f"api key {key.id}: revoked, ask for a new one")
        if self._now() >= key.expires_at:
            raise ApiKeyRefused(f"api key {key.id}: expired, ask for a new one")
        return named_principal(key.principal, "api_key", key.id, address, key.expires_at)

    def _change(self, change: Callable[[Mapping[str, ApiKey]], dict[str, ApiKey]]) -> None:
        with locked(self._path):
            self._refresh()
            write_atomic(self._path, _dump(change(self._keys)))
        self._refresh()

    def _refresh(self) -> None:
        """Read the file again if it is not the one that was read last."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            # No file, no keys: a removed file must not leave keys in force.
            self._seen, self._keys = None, {}
            return
        except OSError as error:
            raise SecretFileInvalid(f"{self._path}: {error.strerror}") from error
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if seen != self._seen:
            self._keys = _load(self._path)
            self._seen = seen


def looks_like_api_key(text: str) -> bool:
    """Whether a bearer token is meant to be one of our keys."""
    return text.startswith(PREFIX)


def _parse(text: str) -> tuple[str, str]:
    identifier, _, secret = text[len(PREFIX) :].partition("_")
    if len(text) != _LENGTH or not text.startswith(PREFIX) or not text.isascii():
        # Compared all the same, with a value that no key has.
        return "", ""
    return identifier, secret


def _found(keys: Mapping[str, ApiKey], key_id: str) -> ApiKey:
    key = keys.get(key_id)
    if key is None:
        raise ApiKeyUnknown(f"api key {key_id!r}: there is none, see `auditspan keys list`")
    return key


def _holder(principal: str) -> bool:
    """Whether it is somebody who can hold a key."""
    kind, _, name = principal.partition(":")
    return kind in NAMED and bool(name)


def _dump(keys: Mapping[str, ApiKey]) -> bytes:
    body = {"version": FORMAT, "keys": [asdict(key) for key in keys.values()]}
    return json.dumps(body, indent=1).encode() + b"\n"


def _load(path: Path) -> dict[str, ApiKey]:
    try:
        body = loads_object(read_private(path))
        if body.get("version") != FORMAT:
            raise ValueError(f"expected version {FORMAT}, found {body.get('version')!r}")
        entries = body["keys"]
        if not isinstance(entries, list):
            raise ValueError("keys is no list")
        return {key.id: key for key in map(_entry, entries)}
    except (ValueError, KeyError, TypeError) as error:
        raise SecretFileInvalid(
            f"{path}: not a file of API keys ({error}): restore it from a backup"
        ) from error
    except OSError as error:
        raise SecretFileInvalid(f"{path}: {error.strerror}") from error


def _entry(fields: object) -> ApiKey:
    if not isinstance(fields, dict):
        raise ValueError("a key is no object")
    key = ApiKey(**fields)
    texts = (key.id, key.principal, key.secret_sha256, key.label, key.issued_by)
    times = (key.issued_at, key.expires_at, key.revoked_at)
    if not all(isinstance(t, str) for t in texts) or not all(type(t) is int for t in times):
        raise ValueError("a field of a key has the wrong type")
    if not _holder(key.principal):
        raise ValueError(f"a key belongs to nobody, expected {expected_names()}")
    return key
