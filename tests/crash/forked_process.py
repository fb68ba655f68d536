"""In front's process: `asyncio.create_subprocess_exec` that asks the nursery instead of the kernel.

The collector starts its engine and its signer by `python -P -m <module>`; both come from the
nursery here, as children of its own, with the same pipes. Whatever else is started is started.
"""

import array
import asyncio
import json
import os
import signal
import socket
from typing import Any, Final

_ROLES: Final = {"auditspan.collector.engine": "engine", "auditspan.collector.signer": "signer"}
_QUICK: Final = (0.02, 0.05, 0.1, 0.5, 2.0)
"""Instead of seconds between two tries to start an engine, so that kills follow each other."""


def install(nursery: str, asked: dict[str, Any]) -> None:
    """Put it in the way."""
    from auditspan.collector import engine_process

    if asked.get("quick", True):
        engine_process._BACKOFF = _QUICK  # type: ignore[misc]
    real = asyncio.create_subprocess_exec

    async def create(*command: str, **named: Any) -> Any:
        role = _ROLES.get(command[3]) if len(command) > 3 else None
        if role is None:
            return await real(*command, **named)
        return await _forked(nursery, role, asked, named["env"], named["limit"])

    asyncio.create_subprocess_exec = create  # type: ignore[assignment]


class Forked:
    """As much of `asyncio.subprocess.Process` as the collector uses."""

    def __init__(self, pid: int, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        self.pid = pid
        self.stdin = stdin
        self.stdout = stdout
        self.returncode: int | None = None
        self.ended = asyncio.Event()

    async def wait(self) -> int:
        """Until it ends."""
        await self.ended.wait()
        assert self.returncode is not None
        return self.returncode

    def kill(self) -> None:
        """End it."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


async def _forked(
    nursery: str, role: str, asked: dict[str, Any], env: dict[str, str], limit: int
) -> Forked:
    loop = asyncio.get_running_loop()
    child_in, our_in = os.pipe()
    our_out, child_out = os.pipe()
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.connect(nursery)
    told = {"do": "spawn", "family": asked["family"], "role": role, "argv": [], "env": env}
    told["faults"] = asked.get("faults", [])
    streams = array.array("i", [child_in, child_out, 2])
    connection.sendmsg(
        [json.dumps(told).encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)]
    )
    os.close(child_in)
    os.close(child_out)
    connection.setblocking(False)
    answer = json.loads(await loop.sock_recv(connection, 1 << 16))
    reader = asyncio.StreamReader(limit, loop)
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader, loop=loop), os.fdopen(our_out, "rb", 0)
    )
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop), os.fdopen(our_in, "wb", 0)
    )
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    process = Forked(answer["pid"], writer, reader)
    process.watching = loop.create_task(_watch(connection, process))  # type: ignore[attr-defined]
    return process


async def _watch(connection: socket.socket, process: Forked) -> None:
    data = await asyncio.get_running_loop().sock_recv(connection, 1 << 16)
    connection.close()
    process.returncode = json.loads(data)["code"] if data else -signal.SIGKILL
    process.ended.set()
