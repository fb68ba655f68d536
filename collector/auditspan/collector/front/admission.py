"""From the bytes of a request to its acknowledgement, whatever it came over.

1. Who sent it, before its body is read. 2. Was it stored before. 3. Is it OTLP. 4. Raw credentials
are taken out; a user's token becomes a signed statement. 5. It is serialised again, so that no two
parsers can read it differently. 6. Its frame is on disk. Only then it is acknowledged.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal, TypeVar

from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.bounds import bound_attributes
from auditspan.collector.front.budget import Budget
from auditspan.collector.front.commit import Committer
from auditspan.collector.front.decompress import BodyTooLarge
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.metrics import Metrics
from auditspan.collector.front.refusals import Refusal
from auditspan.collector.front.retransmissions import Retransmissions, mark_of
from auditspan.collector.front.shares import Shares
from auditspan.collector.front.success import Rejected
from auditspan.identity.credentials import Credentials
from auditspan.identity.principal import Principal
from auditspan.wire import otlp, otlp_json
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from auditspan.wire.otlp import Parsed
from auditspan.wire.outline import holds_more
from auditspan.wire.prefilter import TOKEN_ATTRIBUTE, find
from auditspan.wire.scrub import Found, replace_token, scrub

LOG = logging.getLogger("auditspan.collector.front")

_IN_FLIGHT: Final = 256 << 20
"""Bytes of requests in memory at once if nothing else is said."""
_IN_THREAD: Final[Mapping[str, int]] = {"protobuf": 1 << 20, "json": 256 << 10}
"""Bytes from which work on a body leaves the event loop: what takes some milliseconds."""
_MOST_SPREAD: Final = 64 << 20
"""Bytes that the records of a request may have of its resources and scopes. They stand in it once,
and in the store, as while a batch is worked on, in each record."""
_MOST_MESSAGES: Final = 500_000
"""Resources, scopes and spans of a request: two bytes are one, and 170 once it is parsed."""
_MOST_OBJECTS: Final = 2_000_000
"""Objects of a request in JSON, likewise. A span with its attributes has some forty."""
_COUNTED: Final = 1 << 20
"""Bytes from which a request is looked through for that; a smaller one cannot take much."""
_MOST_PARTS: Final = 1_000_000
"""Events and links of a request: two bytes are one, which takes hundreds in the engine."""
_MOST_TOKENS: Final = 64
"""Different users' tokens of one request that are looked at."""

Encoding = Literal["protobuf", "json"]
_T = TypeVar("_T")


def _heavy() -> ThreadPoolExecutor:
    # One at a time: a large request in JSON takes many times its size while it is read.
    return ThreadPoolExecutor(1, thread_name_prefix="parse")


@dataclass(frozen=True, slots=True)
class Admission:
    """Takes requests in."""

    authenticator: Authenticator
    identities: Identities
    committer: Committer
    retransmissions: Retransmissions
    metrics: Metrics
    now_ns: Callable[[], int] = time.time_ns
    shares: Shares | None = None
    """What one sender may take of the spool; None is all of it."""
    max_attributes: int = 1000
    """Attributes of a span; those beyond are dropped and counted."""
    budget: Budget = field(default_factory=lambda: Budget(_IN_FLIGHT))
    """Bytes of requests in memory; the largest one that a port takes must fit."""
    _thread: ThreadPoolExecutor = field(default_factory=_heavy)

    def __post_init__(self) -> None:
        """Let the bytes under way be seen."""
        self.metrics.watch_under_way(lambda: self.budget.used)

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who sends. Raises `Refusal`."""
        return await self.authenticator.authenticate(credentials)

    async def admit(self, body: bytes, encoding: Encoding, principal: Principal) -> Rejected:
        """Return once the request is on disk, with what of it was not taken.

        Raises `Refusal` and `WireError`; nothing of the request is kept then.
        """
        began = time.perf_counter()
        thread = len(body) > _IN_THREAD[encoding]
        digest = await self._run(thread, _digest, body)

        reading, rejected = _Reading(body, encoding, self.max_attributes), Rejected()

        async def store() -> None:
            nonlocal rejected
            rejected = await self._store(reading, principal, digest, thread=thread)

        if not await self.retransmissions.once(mark_of(digest, principal.id), store):
            self.metrics.repeated()
            # The sender may never have had the first answer, and needs to know the same.
            rejected = _rejected(await self._run(thread, _parsed, reading))
        self.metrics.acknowledged(time.perf_counter() - began)
        return rejected

    async def submit_control(self, text: str, principal: str) -> None:
        """Put a control record into the spool; returns once it is on disk."""
        digest, at = _digest(text.encode()), self.now_ns()
        await self.committer.submit(frame(Envelope(CONTROL, at, digest, principal, b"", text)), 1)

    async def _store(
        self, reading: "_Reading", principal: Principal, digest: str, *, thread: bool
    ) -> Rejected:
        if self.shares is not None:
            self.shares.check(principal.id)
        read = await self._run(thread, _read, reading)
        if not read.parsed.spans:
            return Rejected()
        if read.dropped:
            self.metrics.attributes_dropped(read.dropped)
            LOG.warning("%d attributes of %s are beyond max_attributes", read.dropped, principal.id)
        await self._replace(read, principal)
        request = read.serialised or await self._run(thread, otlp.serialise, read.parsed.request)
        # The time is taken where the order in the spool is decided.
        at = self.now_ns()
        envelope = Envelope(OTLP_TRACES, at, digest, _as_json(principal), request)
        row = (digest, principal.id, at)
        await self.committer.submit(frame(envelope), read.weight, at, row)
        if self.shares is not None:
            self.shares.took(principal.id, len(request), at)
        self.metrics.accepted(read.parsed.spans)
        rejected = _rejected(read.parsed)
        if rejected.spans:
            self.metrics.rejected(rejected.spans)
            LOG.warning("%d spans of %s were rejected", rejected.spans, principal.id)
        return rejected

    async def _replace(self, read: "_Read", principal: Principal) -> None:
        """Users' tokens become statements; every other credential is gone already."""
        if read.found:
            self.metrics.scrubbed(len(read.found))
            LOG.warning(
                "%d raw credentials taken out of a request of %s", len(read.found), principal.id
            )
        if read.tokens:
            statements, errors = await self._exchanged(read.found, principal)
            replace_token(read.parsed.request, statements, errors)

    async def _exchanged(
        self, found: Iterable[Found], principal: Principal
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Statements, and reasons why there is none, by the digest of a token."""
        tokens = {item.digest: item.token for item in found if item.attribute == TOKEN_ATTRIBUTE}
        statements: dict[str, str] = {}
        errors = dict.fromkeys(tokens, "too_many")
        for digest, token in list(tokens.items())[:_MOST_TOKENS]:
            try:
                statement = await self.identities.exchange(principal, token)
                statements[digest] = self.identities.signed(statement)
                del errors[digest]
            except Refusal as refusal:
                errors[digest] = refusal.code
                LOG.warning("a user's token on a span of %s: %s", principal.id, refusal)
        return statements, errors

    async def _run(self, thread: bool, work: Callable[..., _T], *arguments: object) -> _T:
        if not thread:
            return work(*arguments)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is to be read."""

    body: bytes
    encoding: Encoding
    most: int
    """Attributes of a span."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A request without credentials."""

    parsed: Parsed
    found: tuple[Found, ...]
    tokens: bool
    """Whether a user's token has its attribute somewhere."""
    dropped: int
    """Attributes that were too many."""
    weight: int
    """For how many spans it counts in a batch."""
    serialised: bytes
    """As it goes to the spool; empty while tokens have to be replaced first."""


def _parsed(reading: _Reading) -> Parsed:
    if len(reading.body) > _COUNTED and _has_too_many(reading):
        raise BodyTooLarge(
            f"request: expected at most {_MOST_MESSAGES} spans, in JSON {_MOST_OBJECTS} objects: "
            "send fewer at once"
        )
    parse = otlp_json.parse_json if reading.encoding == "json" else otlp.parse
    return parse(reading.body)


def _has_too_many(reading: _Reading) -> bool:
    if reading.encoding == "json":
        return reading.body.count(b"{") > _MOST_OBJECTS
    return holds_more(reading.body, _MOST_MESSAGES)


def _rejected(parsed: Parsed) -> Rejected:
    return Rejected(parsed.rejected, parsed.problem)


def _read(reading: _Reading) -> _Read:
    parsed, body = _parsed(reading), reading.body
    if reading.encoding == "json":
        # What is searched for credentials is the text of values, not its escapes in JSON.
        body = otlp.serialise(parsed.request)
    found = scrub(parsed.request, body)
    tokens = find(body, TOKEN_ATTRIBUTE.encode()) >= 0
    dropped = bound_attributes(parsed.request, reading.most)
    serialised = b"" if tokens else otlp.serialise(parsed.request)
    weight = _weight(parsed, serialised)
    return _Read(parsed, found, tokens, dropped, weight, serialised)


def _weight(parsed: Parsed, serialised: bytes) -> int:
    """For how many spans a request counts. Raises `BodyTooLarge`."""
    few = otlp.has_few_parts(serialised, parsed.spans)
    spread, parts = otlp.spread(parsed.request), 0 if few else otlp.parts(parsed.request)
    if spread > _MOST_SPREAD:
        raise BodyTooLarge(
            f"request: its {parsed.spans} spans have {spread} bytes of resource and scope, once "
            f"each has its own: expected at most {_MOST_SPREAD}: send fewer spans at once, or put "
            "less on the resource"
        )
    if parts > _MOST_PARTS:
        raise BodyTooLarge(
            f"request: {parts} events and links: expected at most {_MOST_PARTS}: send fewer spans "
            "at once, or put fewer on each"
        )
    return otlp.weight(parsed.spans, spread, parts)


@lru_cache(1024)
def _as_json(principal: Principal) -> str:
    """Of one who sends many requests it is made once."""
    return principal.to_json()


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
