"""Tokens verified on the event loop: fetching an issuer's keys never blocks it, and happens once
for all requests that wait for it.
"""

import asyncio
from contextlib import suppress

from auditspan.identity.errors import KeysUnavailable, TokenKeyUnknown
from auditspan.identity.jwt_tokens import TokenVerifier, VerifiedToken

REFRESH_SECONDS = 600.0
"""How often key sets behind URLs are fetched anew, so that withdrawn keys go."""


class Tokens:
    """A verifier of tokens that fetches keys when it lacks one."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier
        self._fetching: dict[str, asyncio.Task[bool]] = {}

    async def verify(self, text: str) -> VerifiedToken:
        """Verify a token; if its key is not in hand, fetch the issuer's keys and try once more.

        Raises what `TokenVerifier.verify` raises. A key that is not known while its issuer cannot
        be asked is `KeysUnavailable`: it may be a new one, and its holder shall try again.
        """
        try:
            return self._verifier.verify(text)
        except (TokenKeyUnknown, KeysUnavailable):
            if not await self._fetched(self._verifier.issuer_of(text)):
                raise
        return self._verifier.verify(text)

    async def keep_fresh(self, seconds: float = REFRESH_SECONDS) -> None:
        """Fetch all key sets now, and again and again, until it is cancelled."""
        while True:
            await asyncio.to_thread(self._verifier.refresh_all)
            await asyncio.sleep(seconds)

    async def _fetched(self, issuer: str) -> bool:
        """Fetch an issuer's keys, or wait for somebody who does."""
        task = self._fetching.get(issuer)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._verifier.refresh, issuer))
            self._fetching[issuer] = task
            task.add_done_callback(lambda done: self._forget(issuer, done))
        # A request that goes away must not take the fetch from the others.
        return await asyncio.shield(task)

    def _forget(self, issuer: str, done: asyncio.Task[bool]) -> None:
        self._fetching.pop(issuer, None)
        # Looked at, so that a failure nobody waited for is no warning at the end.
        with suppress(asyncio.CancelledError):
            done.exception()
