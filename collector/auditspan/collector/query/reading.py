"""One read from the gate to its answer.

1. It waits for its turn. 2. The engine checks the statement and runs it; if the client goes away,
the statement is ended. 3. The read is in the access log. 4. Only then the answer leaves. What was
refused is logged in the same way.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from auditspan.collector.query.access_log import AccessLog, NotWritten
from auditspan.collector.query.claims import Claims
from auditspan.collector.query.gate import access_of
from auditspan.collector.query.outcome import (
    NETWORK_ERROR,
    QUERY_WAS_CANCELLED,
    TOO_MANY_SIMULTANEOUS_QUERIES,
    Asked,
    Engine,
    Outcome,
)
from auditspan.collector.query.reads import Read
from auditspan.collector.query.turns import Busy, Turns
from auditspan.identity.caller import Caller
from auditspan.storage.query import Statement


@dataclass(frozen=True, slots=True)
class Readers:
    """What all reads share."""

    engine: Engine
    log: AccessLog
    turns: Turns
    now_ns: Callable[[], int] = time.time_ns
    new_id: Callable[[], str] = field(default=lambda: secrets.token_hex(16))

    async def read(
        self, request: Request, caller: Caller, claims: Claims, statement: Statement
    ) -> Outcome:
        """Run a statement and log it."""
        at, began = self.now_ns(), time.perf_counter_ns()
        asked = Asked(statement, access_of(caller), self.new_id())
        outcome = await self._outcome(request, caller, asked)
        took = time.perf_counter_ns() - began
        read = Read(asked.id, at, caller, claims, statement, asked.access, outcome, took)
        return await self._logged(read)

    async def refused(
        self, caller: Caller, claims: Claims, statement: Statement, outcome: Outcome
    ) -> Outcome:
        """Log what never reached the engine."""
        read = Read(
            self.new_id(), self.now_ns(), caller, claims, statement, access_of(caller), outcome, 0
        )
        return await self._logged(read)

    async def _outcome(self, request: Request, caller: Caller, asked: Asked) -> Outcome:
        try:
            async with self.turns.turn(caller.principal.id):
                return await self._unless_gone(request, asked)
        except Busy as busy:
            return Outcome.error(TOO_MANY_SIMULTANEOUS_QUERIES, str(busy))

    async def _unless_gone(self, request: Request, asked: Asked) -> Outcome:
        """The outcome, unless the client goes away before; then nobody waits for it."""
        answer = asyncio.ensure_future(self.engine(asked))
        gone = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({answer, gone}, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            await self.engine.cancel(asked.id)
            # What it held is free when it has ended, and not before.
            await asyncio.wait({answer})
            facts = answer.result().facts
            return Outcome.error(QUERY_WAS_CANCELLED, "the client is gone", facts)
        finally:
            gone.cancel()

    async def _logged(self, read: Read) -> Outcome:
        try:
            await self.log.write(read)
        except NotWritten as error:
            return Outcome.error(NETWORK_ERROR, str(error))
        return read.outcome


async def _gone(request: Request) -> None:
    """Return when the client closes the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
