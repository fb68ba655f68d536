"""Attempts to prove oneself, limited per address: guessing is slow, and a neighbour's failures
silence nobody who has proved themselves before.
"""

import hashlib
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from auditspan.collector.front.limits import Recent, WindowLimit, network
from auditspan.collector.front.refusals import TooManyRequests, Unauthenticated, Unavailable
from auditspan.identity.credentials import Credentials
from auditspan.identity.errors import CredentialRefused, IdentityError


class Attempts:
    """Counts failures, and turns errors of identity into refusals."""

    def __init__(
        self, failures_per_minute: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._failures = WindowLimit(failures_per_minute, clock=clock)
        self._good = Recent()
        self._pepper = secrets.token_bytes(32)

    @contextmanager
    def attempt(self, credentials: Credentials) -> Iterator[None]:
        """Check credentials inside. Raises `Unauthenticated`, `TooManyRequests`, `Unavailable`."""
        sender, mark = network(credentials.address), self._mark(credentials)
        wait = 0.0 if mark in self._good else self._failures.wait(sender)
        if wait:
            raise TooManyRequests("too many failed attempts from this address, wait", wait)
        try:
            yield
        except CredentialRefused as error:
            self._good.discard(mark)
            self._failures.add(sender)
            raise Unauthenticated(str(error)) from error
        except IdentityError as error:
            raise Unavailable(str(error), retry_after=60.0) from error
        if credentials.authorization is not None or credentials.peer_certificate is not None:
            self._good.add(mark)

    def _mark(self, credentials: Credentials) -> bytes:
        """What a credential is remembered by: a digest that is worthless outside this process."""
        shown = (credentials.authorization or "").encode() + b"\0"
        shown += credentials.peer_certificate or b""
        return hashlib.blake2b(shown, key=self._pepper, digest_size=16).digest()
