"""From the bytes of a request to its acknowledgement, whatever it came over.

1. Who sent it. 2. Is it OTLP. 3. Raw credentials are taken out; a user's token becomes a signed
statement. 4. It is serialised again, so that no two parsers can read it differently. 5. Its frame
is on disk. Only then it is acknowledged.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.commit import Committer
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.metrics import Metrics
from auditspan.collector.front.refusals import Refusal
from auditspan.collector.front.retransmissions import Retransmissions
from auditspan.identity.credentials import Credentials
from auditspan.identity.principal import Principal
from auditspan.wire import otlp, otlp_json
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from auditspan.wire.otlp import Parsed
from auditspan.wire.scrub import Found, replace_token, scrub

LOG = logging.getLogger("auditspan.collector.front")

_IN_THREAD: Final = 256 * 1024
"""Bytes from which parsing leaves the event loop."""
_EXCHANGED: Final = "audit.identity.token"

Encoding = Literal["protobuf", "json"]


@dataclass(frozen=True, slots=True)
class Admission:
    """Takes requests in."""

    authenticator: Authenticator
    identities: Identities
    committer: Committer
    retransmissions: Retransmissions
    metrics: Metrics
    now_ns: Callable[[], int] = time.time_ns

    async def admit(self, body: bytes, encoding: Encoding, credentials: Credentials) -> int:
        """Return the number of spans once they are on disk.

        Raises `Refusal` and `WireError`; nothing of the request is kept then.
        """
        principal = await self.authenticator.authenticate(credentials)
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        parsed, found = await self._read(body, encoding)
        if not parsed.spans:
            return 0

        async def store() -> None:
            await self._replace(parsed, found, principal)
            request = otlp.serialise(parsed.request)
            await self._commit(
                Envelope(OTLP_TRACES, self.now_ns(), digest, principal.to_json(), request=request),
                parsed.spans,
            )

        new = await self.retransmissions.once(digest, principal.id, store)
        self.metrics.accepted(parsed.spans, new=new)
        return parsed.spans

    async def submit_control(self, text: str, principal: str) -> None:
        """Put a control record into the spool; returns once it is on disk."""
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        await self._commit(Envelope(CONTROL, self.now_ns(), digest, principal, control=text), 1)

    async def _read(self, body: bytes, encoding: Encoding) -> tuple[Parsed, tuple[Found, ...]]:
        if len(body) > _IN_THREAD:
            return await asyncio.to_thread(_read, body, encoding)
        return _read(body, encoding)

    async def _replace(
        self, parsed: Parsed, found: tuple[Found, ...], principal: Principal
    ) -> None:
        """Users' tokens become statements; every other credential is gone already."""
        if not found:
            return
        self.metrics.scrubbed(len(found))
        LOG.warning("%d raw credentials taken out of a request of %s", len(found), principal.id)
        tokens = {item.digest: item.token for item in found if item.attribute == _EXCHANGED}
        statements = {}
        for digest, token in tokens.items():
            try:
                statement = await self.identities.exchange(principal, token)
                statements[digest] = self.identities.signed(statement)
            except Refusal as refusal:
                LOG.warning("a user token on a span of %s: %s", principal.id, refusal)
        if tokens:
            replace_token(parsed.request, statements)

    async def _commit(self, envelope: Envelope, spans: int) -> None:
        await self.committer.submit(frame(envelope), spans)


def _read(body: bytes, encoding: Encoding) -> tuple[Parsed, tuple[Found, ...]]:
    if encoding == "json":
        parsed = otlp_json.parse_json(body)
        # What is searched for credentials is the text of values, not its escapes in JSON.
        return parsed, scrub(parsed.request, otlp.serialise(parsed.request))
    parsed = otlp.parse(body)
    return parsed, scrub(parsed.request, body)
