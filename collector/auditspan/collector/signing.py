"""Front between engine and signing process: questions one way, answers back, notes into files.

The newest signed note of each log lies in `checkpoints/`, where anchors and the command line find
it, and the public keys in `public/`.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from auditspan.collector.config import CollectorConfig
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.messages import Asked
from auditspan.collector.engine_process import EngineProcess
from auditspan.collector.signer.beginning import begin_of
from auditspan.collector.signer.protocol import (
    Answer,
    Begun,
    Refused,
    RootPart,
    Signed,
    from_body,
    to_body,
)
from auditspan.collector.signer_process import SignerProcess
from auditspan.identity.files import write_atomic

LOG = logging.getLogger("auditspan.collector.signing")


@dataclass(slots=True)
class Signing:
    """The way of a question."""

    data: DataDir
    engine: EngineProcess
    process: SignerProcess
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def start(self) -> None:
        """Start the signing process. Raises `SignerFailed` with what is wrong."""
        publish(self.data, await self.process.start())

    async def stop(self) -> None:
        """End it, when nobody asks any more."""
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.process.stop()

    def pass_on(self, message: Asked) -> None:
        """Have a question of the engine answered; the engine waits, we do not."""
        task = asyncio.create_task(self._answer(message))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _answer(self, message: Asked) -> None:
        try:
            answer = await self.process.ask(from_body(message.question))  # type: ignore[arg-type]
        except ValueError as error:
            answer = Refused(f"no question: {error}", retryable=False)
        await self.engine.answer(message.number, to_body(answer))
        try:
            await asyncio.to_thread(self._keep, answer)
        except OSError as error:
            LOG.error("a checkpoint was signed and cannot be kept as a file: %s", error)

    def _keep(self, answer: Answer) -> None:
        if isinstance(answer, Signed | RootPart) and answer.note:
            path = self.data.folder("checkpoints") / f"{_file_name(answer.origin)}.note"
            write_atomic(path, answer.note.encode())


def publish(data: DataDir, begun: Begun) -> None:
    """Put the public keys where whoever verifies finds them."""
    for name, vkey in (("root", begun.root_vkey), ("notary", begun.notary_vkey)):
        write_atomic(data.folder("public") / f"{name}.vkey", f"{vkey}\n".encode())


def signing_of(config: CollectorConfig, data: DataDir, engine: EngineProcess) -> Signing | None:
    """What a configuration asks for; None if records are not to be sealed."""
    integrity = config.service.integrity
    if not integrity.enabled:
        return None
    return Signing(data, engine, SignerProcess(begin_of(integrity, data)))


def _file_name(origin: str) -> str:
    """`root`, or instance and epoch."""
    return "-".join(origin.split("/")[3:])
