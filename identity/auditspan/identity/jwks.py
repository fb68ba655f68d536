"""Where an issuer's keys come from: a file or an https URL, and only from the configuration.

A fetch follows no redirect, is limited in bytes and seconds, and happens at most once a minute
whatever tokens arrive. What was last fetched stays in force when the next fetch fails.
"""

import ipaddress
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

from auditspan.identity.errors import IdentityError, KeySetInvalid, KeysUnavailable
from auditspan.identity.key_set import KeySet

MAX_BYTES: Final = 262_144
"""Bytes of a key set."""

MAX_SECONDS: Final = 5.0
"""Seconds that one fetch may take in all."""

MIN_INTERVAL: Final = 60.0
"""Seconds between two fetches."""


class KeySource(Protocol):
    """Gives an issuer's keys; safe to use from several threads."""

    def current(self) -> KeySet:
        """The keys in hand, without network. Raises `KeysUnavailable`, `KeySetInvalid`."""
        ...

    def refresh(self) -> bool:
        """Get them anew; may block. Whether that can have changed anything.

        Raises `KeysUnavailable` if it cannot be done now.
        """
        ...


class JwksFile:
    """Keys in a file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        """Raises `KeySetInvalid` or `KeysUnavailable`, so that a wrong path is found at start."""
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._keys = self._read()

    def current(self) -> KeySet:
        """The keys of the file; the last good ones while the file is broken or away."""
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_size, status.st_ino)
            if seen != self._seen:
                self._keys, self._seen = self._read(), seen
        except (OSError, IdentityError):
            return self._keys
        return self._keys

    def refresh(self) -> bool:
        """Nothing to do: `current` reads the file whenever it changed."""
        return False

    def _read(self) -> KeySet:
        try:
            return KeySet.parse(self._path.read_bytes())
        except OSError as error:
            raise KeysUnavailable(f"{self._path}: {error.strerror}") from error
        except KeySetInvalid as error:
            raise KeySetInvalid(f"{self._path}: {error}") from error


class JwksUrl:
    """Keys behind a URL."""

    def __init__(
        self,
        url: str,
        *,
        allow_http_loopback: bool = False,
        clock: Callable[[], float] = time.monotonic,
        context: ssl.SSLContext | None = None,
    ) -> None:
        """Nothing is fetched yet. Raises `KeySetInvalid` for a URL that may not be used.

        `context` verifies the server; without one the system's roots do.
        """
        _check_url(url, allow_http_loopback)
        self._url = url
        self._clock = clock
        self._opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=context)
        )
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._tried: float | None = None

    def current(self) -> KeySet:
        """What was fetched last."""
        if self._keys is None:
            raise KeysUnavailable(f"{self._url}: no key set was fetched yet, try again later")
        return self._keys

    def refresh(self) -> bool:
        """Fetch the set. What is in hand stays if that fails.

        Raises `KeysUnavailable`, also if it was tried within the last minute.
        """
        with self._lock:
            now = self._clock()
            if self._tried is not None and now - self._tried < MIN_INTERVAL:
                raise KeysUnavailable(f"{self._url}: was asked within the last minute, try later")
            self._tried = now
            try:
                self._keys = KeySet.parse(self._fetch())
            except (OSError, HTTPException, ValueError, IdentityError) as error:
                raise KeysUnavailable(f"{self._url}: no key set could be fetched") from error
            return True

    def _fetch(self) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked at construction
            self._url, headers={"Accept": "application/jwk-set+json, application/json"}
        )
        end = time.monotonic() + MAX_SECONDS
        with self._opener.open(request, timeout=MAX_SECONDS) as response:
            body = bytearray()
            # The socket's timeout starts anew with every read; this one does not.
            while chunk := response.read1(65_536):
                body += chunk
                if len(body) > MAX_BYTES or time.monotonic() > end:
                    raise KeySetInvalid(f"{self._url}: too large or too slow")
            return bytes(body)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would let the answer choose where keys come from."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow nothing, which makes the opener raise the status as an error."""
        return


def _check_url(url: str, allow_http_loopback: bool) -> None:
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise KeySetInvalid("jwks url: must hold no user or password")
    if parts.scheme == "https" and parts.hostname:
        return
    if allow_http_loopback and parts.scheme == "http" and _is_loopback(parts.hostname):
        return
    raise KeySetInvalid(f"{url}: expected an https URL")


def _is_loopback(host: str | None) -> bool:
    try:
        return host is not None and ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
