"""The real signing process: it answers, comes back when killed, and says why it cannot begin."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from auditspan.collector.errors import SignerFailed
from auditspan.collector.signer.protocol import (
    Begin,
    Heads,
    Known,
    Open,
    Opened,
    Question,
    Refused,
    Root,
)
from auditspan.collector.signer_process import SignerProcess


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """A folder of its own."""
    folder = tmp_path / "secrets" / "log"
    folder.mkdir(mode=0o700, parents=True)
    return Begin(str(folder), "local/auditspan/default", "abcd1234", "a passphrase")


def test_it_answers_and_comes_back(begin: Begin) -> None:
    """One answer a question, also from several askers; a killed one is started again."""

    async def life() -> None:
        signer = SignerProcess(begin)
        begun = await signer.start()
        assert begun.root_vkey.startswith("local/auditspan/default/root+")
        assert isinstance(await signer.ask(Open("2026-11", "first")), Opened)
        asked: tuple[Question, ...] = (Heads(), Root(0), Heads())
        answers = await asyncio.gather(*map(signer.ask, asked))
        assert isinstance(answers[0], Known) and answers[0] == answers[2]
        assert signer.process is not None
        os.kill(signer.process.pid, signal.SIGKILL)
        first = await signer.ask(Heads())
        again = first if isinstance(first, Known) else await signer.ask(Heads())
        assert isinstance(first, Known) or (isinstance(first, Refused) and first.retryable)
        assert again == answers[0]
        assert signer.begun == begun
        await signer.stop()
        assert signer.process is None

    asyncio.run(life())


def test_it_cannot_begin(begin: Begin) -> None:
    """The wrong passphrase, a damaged state: it is said, without a secret."""

    async def life(given: Begin) -> str:
        signer = SignerProcess(given)
        with pytest.raises(SignerFailed) as caught:
            await signer.start()
        return str(caught.value)

    async def healthy() -> None:
        signer = SignerProcess(begin)
        await signer.start()
        await signer.stop()

    asyncio.run(healthy())
    words = asyncio.run(life(replace(begin, passphrase="battery")))
    assert "passphrase" in words and "battery" not in words
    (Path(begin.folder) / "state.json").write_text('{"version": 9}')
    assert "expected version 1" in asyncio.run(life(begin))


def test_its_memory_is_closed(begin: Begin) -> None:
    """No other process of the user looks into it, and no core dump holds its keys."""

    async def life() -> tuple[int, str]:
        signer = SignerProcess(begin)
        await signer.start()
        assert signer.process is not None
        found = Path(f"/proc/{signer.process.pid}")
        owner, limits = (found / "environ").stat().st_uid, (found / "limits").read_text()
        await signer.stop()
        return owner, limits

    owner, limits = asyncio.run(life())
    assert owner == 0
    assert "Max core file size        0                    0" in limits
