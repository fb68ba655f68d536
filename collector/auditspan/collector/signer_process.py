"""Front's side of the signing process: start it, put one question at a time, start it again.

It is started before the engine and outlives it, whose last batches need it. A question that finds
it dead is answered with `Refused`, retryable: what it has signed is on its disk.
"""

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from typing import Final

from auditspan.collector.errors import SignerFailed, SignerRefused
from auditspan.collector.signer.protocol import (
    Answer,
    Begin,
    Begun,
    Question,
    Refused,
    decode,
    encode,
)

LOG = logging.getLogger("auditspan.collector.signer_process")

_KEPT_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV")
_ANSWER_SECONDS: Final = 20.0
_END_SECONDS: Final = 5.0
_LINE_LIMIT: Final = 64 << 20


@dataclass(slots=True)
class SignerProcess:
    """The one signing process of a collector."""

    begin: Begin
    process: Process | None = None
    begun: Begun | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self) -> Begun:
        """Start it. Raises `SignerFailed` if it cannot begin, with what it says."""
        async with self.lock:
            return await self._start()

    async def ask(self, question: Question) -> Answer:
        """Its answer; a dead one is started again for it."""
        async with self.lock:
            try:
                if self.process is None or self.process.returncode is not None:
                    await self._start()
                answer = await self._exchange(question)
            except SignerFailed as error:
                await self._end()
                LOG.error("%s", error)
                return Refused(str(error), retryable=True)
        return answer

    async def stop(self) -> None:
        """End it. Whatever it has answered is on disk."""
        async with self.lock:
            await self._end()

    async def _start(self) -> Begun:
        environment = {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "auditspan.collector.signer",
            stdin=PIPE,
            stdout=PIPE,
            env={**environment, "TZ": "UTC", "PYTHONUNBUFFERED": "1"},
            limit=_LINE_LIMIT,
            start_new_session=True,
        )
        try:
            answer = await self._exchange(self.begin)
        except SignerFailed:
            await self._end()
            raise
        if isinstance(answer, Begun):
            if answer.warning:
                LOG.warning("%s", answer.warning)
            self.begun = answer
            return answer
        await self._end()
        said = answer if isinstance(answer, Refused) else Refused(f"answered {answer}", False)
        kind = SignerFailed if said.retryable else SignerRefused
        raise kind(f"the signing process cannot begin: {said.reason}")

    async def _exchange(self, question: Question) -> Answer:
        process = self.process
        assert process is not None and process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(encode(question))
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), _ANSWER_SECONDS)
            answer = decode(line) if line else None
        except (OSError, TimeoutError, ValueError) as error:
            raise SignerFailed(
                f"the signing process stopped talking ({type(error).__name__})"
            ) from error
        if answer is None:
            raise SignerFailed("the signing process ended")
        return answer  # type: ignore[return-value]  # It asks nothing.

    async def _end(self) -> None:
        process, self.process = self.process, None
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
