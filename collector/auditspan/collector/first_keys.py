"""The keys of a collector that has never run, made before its first start.

So an auditor can have the public halves before there is anything to verify. The same process makes
them that will use them, with the same configuration: a passphrase that is not there, or a program
that does not sign, is found now.
"""

import asyncio
from pathlib import Path

from auditspan.collector.config import load
from auditspan.collector.data_dir import SIGNER, DataDir, locked, prepare
from auditspan.collector.errors import ConfigInvalid, KeysThere
from auditspan.collector.signer.beginning import begin_of
from auditspan.collector.signer.protocol import Begun
from auditspan.collector.signer_process import SignerProcess
from auditspan.collector.signing import publish


def make_keys(config_file: Path | None, data_dir: Path) -> Begun:
    """The public halves of the keys that are there now.

    Raises `KeysThere` if there were any, and as a start of the collector does.
    """
    integrity = load(config_file).service.integrity
    if not integrity.enabled:
        raise ConfigInvalid("service.integrity.enabled is false, so nothing is signed: turn it on")
    data = prepare(data_dir)
    with locked(data):
        _check_none(data)
        begun = asyncio.run(_started(SignerProcess(begin_of(integrity, data))))
        publish(data, begun)
    return begun


async def _started(process: SignerProcess) -> Begun:
    try:
        return await process.start()
    finally:
        await process.stop()


def _check_none(data: DataDir) -> None:
    private = sorted((data.root / SIGNER).glob("[!.]*"))
    public = [data.folder("public") / f"{name}.vkey" for name in ("root", "notary")]
    found = [*private, *(path for path in public if path.exists())]
    if found:
        raise KeysThere(
            f"{found[0]} is there already, and is not overwritten: start the collector with it "
            "(`auditspan up`); `auditspan log policy` prints the policy, `auditspan keys rotate` "
            "gives the open log another key"
        )
