"""The collector's policies in the agent's process: from disk at once, renewed in the background."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import time as time_of_day
from typing import Final

from auditspan.identity.signed_policies import MAX_LENGTH, SignedPolicies
from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.host import report, warn
from auditspan.instrumentation.http_client import Answer, HttpClient
from auditspan.instrumentation.policies import Loaded, loaded_from
from auditspan.instrumentation.policy_source import PolicySource
from auditspan.instrumentation.policy_store import PolicyStore
from auditspan.instrumentation.transport import Transport
from auditspan.policy import Calendar, PolicyInvalid
from auditspan.registry.bundle import Bundle
from auditspan.registry.errors import BundleInvalid

REFRESH_EVERY: Final = 30.0
"""Seconds after which the collector is asked again, and how long a change takes to arrive."""
RETRY_AFTER: Final = 5.0
"""Seconds before it is asked again after it could not be."""


class FetchedPolicies:
    """What the collector says now, or said when it was last reached. Threads may share it."""

    def __init__(
        self,
        source: PolicySource,
        transport: Transport,
        agent: str,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._transport = transport
        self._store = PolicyStore(source, agent)
        self._now = now
        self._clock = clock
        self._renewing = threading.Lock()
        self._loaded: Loaded | None = None
        self._signed: SignedPolicies | None = None
        self._fault: PoliciesUnusable | None = None
        self._look_at = 0.0

    def loaded(self) -> Loaded:
        """The policies in force, which may have come to their end.

        Raises PoliciesUnusable if there are none.
        """
        found = self._loaded
        if found is not None:
            if self._clock() >= self._look_at:
                self._renew_in_background()
            return found
        with self._renewing:
            if self._loaded is None:
                self._first()
        if self._loaded is None:
            raise self._fault or PoliciesUnusable("no policies of the collector are here yet")
        return self._loaded

    def renew(self) -> None:
        """Ask the collector now. What it gives takes effect only if it is right."""
        try:
            text = _text(self._fetched(), self._source.url)
            # Read as a whole before they are kept: a new process must not find others unusable.
            made = self._made(self._store.verified(text))
            self._store.keep(text)
            self._loaded, self._signed = made
        except PoliciesUnusable as error:
            self._fault = error
            self._look_at = self._clock() + RETRY_AFTER
            warn("policies", "auditspan: %s%s", error, "" if self._loaded is None else _STAYS)
        else:
            self._fault = None
            self._look_at = self._clock() + REFRESH_EVERY

    def _first(self) -> None:
        if self._fault is not None and self._clock() < self._look_at:
            return
        try:
            kept = self._store.read()
            if kept is not None:
                self._loaded, self._signed = self._made(kept)
        except PoliciesUnusable as error:
            warn("policies", "auditspan: %s; the collector is asked", error)
            self._fault = error
            kept = None
        if kept is None or kept.expires_at <= self._now():
            self.renew()
        else:
            self._look_at = self._clock()

    def _made(self, signed: SignedPolicies) -> tuple[Loaded, SignedPolicies]:
        """Policies ready to be asked; the same ones stay as they are and last longer."""
        expires_ns = signed.expires_at * 1_000_000_000
        if self._loaded is not None and _same(signed, self._signed):
            return replace(self._loaded, expires_ns=expires_ns), signed
        try:
            calendar = _calendar(signed)
            return loaded_from(Bundle(signed.files), "collector", calendar, expires_ns), signed
        except (BundleInvalid, PolicyInvalid, ValueError) as error:
            raise PoliciesUnusable(f"signed policies: {error}") from error

    def _fetched(self) -> Answer:
        client = HttpClient(self._source.url, self._transport)
        try:
            return client.get(MAX_LENGTH + 1024)
        except OSError as error:
            raise PoliciesUnusable(f"{self._source.url}: {error.strerror or error}") from error
        finally:
            client.close()

    def _renew_in_background(self) -> None:
        if not self._renewing.acquire(blocking=False):
            return
        thread = threading.Thread(
            target=self._in_background, name="auditspan-policies", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # the interpreter is ending
            self._renewing.release()
            report("policies", error)

    def _in_background(self) -> None:
        try:
            self.renew()
        finally:
            self._renewing.release()


_STAYS: Final = "; the former ones stay in force"


def _same(one: SignedPolicies, other: SignedPolicies | None) -> bool:
    return other is not None and (one.files, one.calendar) == (other.files, other.calendar)


def _text(answer: Answer, url: str) -> str:
    try:
        fields = json.loads(answer.body)
        if answer.status == 200 and isinstance(fields["policies"], str):
            return str(fields["policies"])
        message = f"{fields['error']}: {fields['message']}"
    except (ValueError, KeyError, TypeError, RecursionError):
        message = f"HTTP {answer.status} without an answer of a collector"
    raise PoliciesUnusable(f"{url}: {message}")


def _calendar(signed: SignedPolicies) -> Calendar:
    """The collector's, so that both tell the same time. Raises ValueError."""
    fields = signed.calendar
    try:
        return Calendar(
            str(fields["timezone"]),
            time_of_day.fromisoformat(str(fields["opens"])),
            time_of_day.fromisoformat(str(fields["closes"])),
            tuple(fields["days"]),
        )
    except KeyError as error:
        raise ValueError(f"the calendar has no {error}") from error
