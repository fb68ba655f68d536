"""A user's token against the collector's statement, once per token, renewed before it ends.

The token stays in memory, for the renewal; it goes to the collector's `POST /v1/identities` and
nowhere else, in clear only to this machine.
"""

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from auditspan.instrumentation.errors import ExchangeFailed, ExchangeRefused
from auditspan.instrumentation.host import report, warn
from auditspan.instrumentation.http_client import Answer, HttpClient, is_loopback
from auditspan.instrumentation.transport import Transport

RENEW_BEFORE: Final = 60.0
"""Seconds before its end at which a statement is renewed."""
RETRY_AFTER: Final = 5.0
"""Seconds before the collector is asked again after it could not be."""
MAX_PROOFS: Final = 1024
"""Tokens remembered; the one that was used longest ago is forgotten."""


class Proof:
    """What the collector says about one token. Threads may share it."""

    def __init__(
        self, token: str, ask: Callable[[str], tuple[str, float]], now: Callable[[], float]
    ) -> None:
        self._token = token
        self._ask = ask
        self._now = now
        self._asking = threading.Lock()
        self._next = 0.0
        self._expires = 0.0
        self.statement = ""
        """The statement, "" without one."""
        self.error = ""
        """Why there is none, a word."""

    def __repr__(self) -> str:
        return f"Proof(statement={bool(self.statement)}, error={self.error!r})"

    @property
    def due(self) -> bool:
        """Whether the collector should be asked now."""
        return self._now() >= self._next

    def obtain(self) -> None:
        """Ask the collector if that is due, and wait for it. Raises nothing."""
        with self._asking:
            if self.due:
                self._obtain()

    def refresh(self) -> None:
        """The same in the background, for spans that must not wait."""
        if self.due and self._asking.acquire(blocking=False):
            thread = threading.Thread(
                target=self._in_background, name="auditspan-exchange", daemon=True
            )
            try:
                thread.start()
            except RuntimeError as error:  # the interpreter is ending
                self._asking.release()
                report("exchange", error)

    def _in_background(self) -> None:
        try:
            self._obtain()
        finally:
            self._asking.release()

    def _obtain(self) -> None:
        try:
            self.statement, self._expires = self._ask(self._token)
        except ExchangeRefused as error:
            self.error, self._next = error.code, float("inf")
            warn("exchange", "auditspan: the user's token was not accepted: %s", error)
        except ExchangeFailed as error:
            self.error, self._next = error.code, self._now() + RETRY_AFTER
            warn("exchange", "auditspan: the user's token was not exchanged: %s", error)
        else:
            self.error = ""
            self._next = max(self._expires - RENEW_BEFORE, self._now() + RETRY_AFTER)
        if self._expires <= self._now():
            self.statement = ""


class Exchange:
    """The proofs of a process. Threads may share it."""

    def __init__(self, transport: Transport, now: Callable[[], float] = time.time) -> None:
        self._transport = transport
        self._now = now
        self._proofs: OrderedDict[bytes, Proof] = OrderedDict()
        self._mutex = threading.Lock()

    def proof(self, token: str) -> Proof:
        """The proof for a token, which may still have to be obtained."""
        key = hashlib.sha256(token.encode()).digest()
        with self._mutex:
            found = self._proofs.get(key)
            if found is None:
                found = self._proofs[key] = Proof(token, self.ask, self._now)
            self._proofs.move_to_end(key)
            while len(self._proofs) > MAX_PROOFS:
                self._proofs.popitem(last=False)
            return found

    def ask(self, token: str) -> tuple[str, float]:
        """Statement and its end. Raises ExchangeRefused, ExchangeFailed."""
        url = self._checked_url()
        client = HttpClient(url, self._transport)
        body = json.dumps({"user_token": token}).encode()
        try:
            answer = client.post(body, {"Content-Type": "application/json"})
        except OSError as error:
            raise ExchangeFailed(f"{url}: {error.strerror or error}") from None
        finally:
            client.close()
        return _read(answer, url)

    def _checked_url(self) -> str:
        url = self._transport.identities
        if not url:
            raise ExchangeRefused(
                "no_endpoint", "set AUDITSPAN_IDENTITIES_ENDPOINT, which gRPC does not tell"
            )
        clear = urlsplit(url).scheme != "https" and not is_loopback(url)
        if clear and not self._transport.insecure:
            raise ExchangeRefused(
                "insecure_endpoint",
                f"{url} would send the token in clear: use https, or set "
                "OTEL_EXPORTER_OTLP_INSECURE=true",
            )
        return url


def _read(answer: Answer, url: str) -> tuple[str, float]:
    try:
        fields = json.loads(answer.body)
        if answer.status == 200:
            statement, expires = fields["statement"], fields["expires_at"]
            if isinstance(statement, str) and isinstance(expires, int):
                return statement, float(expires)
        code, retryable = str(fields["error"]), fields["retryable"] is True
        message = f"{url}: {code}: {fields.get('message', '')}"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        code, retryable = "unavailable", answer.status >= 500 or answer.status == 429
        message = f"{url}: HTTP {answer.status} without an answer of a collector"
    if retryable:
        raise ExchangeFailed(message)
    raise ExchangeRefused(code, message)
