"""Runs a collector until it is stopped.

Order of start: data folder and its lock, secrets, spool recovered, engine started, ports opened.
Order of stop: ports closed, last segment closed, engine finishes what was acknowledged and ends.
"""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from auditspan.collector import log_lines
from auditspan.collector.anchors.anchored import write_outside
from auditspan.collector.building import service_of
from auditspan.collector.config import load
from auditspan.collector.control.stopped import operator
from auditspan.collector.data_dir import DataDir, locked, prepare, write_front
from auditspan.collector.engine_socket import expect_place
from auditspan.collector.errors import LogRefused
from auditspan.collector.front.holdings import closed_files, held_in
from auditspan.collector.front.shares import Shares
from auditspan.collector.listening import front_of
from auditspan.collector.query.runner import RemoteEngine
from auditspan.collector.service import Service
from auditspan.collector.start_records import note_retention, started
from auditspan.storage import memory
from auditspan.wire.segments import closed_segments, spooled_bytes

LOG = logging.getLogger("auditspan.collector")
Announce = Callable[[dict[str, str]], None]
"""Gets the addresses of the open ports by name."""


def run(
    config_file: Path | None,
    data_dir: Path,
    announce: Announce = lambda _: None,
    *,
    recover_log: bool = False,
) -> int:
    """Run until SIGTERM or SIGINT. Raises `CollectorError` if it cannot start or go on.

    `announce` gets the addresses once the ports are open: `grpc`, `http`, `query`, `api`. With
    `recover_log` a log that cannot be continued is given up, and a new one states the gap.
    """
    config = load(config_file)
    log_lines.configure(config.service.log_level)
    for library in ("uvicorn", "httpx"):
        logging.getLogger(library).setLevel(logging.WARNING)
    memory.keep()
    data = prepare(data_dir)
    with locked(data):
        expect_place(data.socket)
        service = service_of(config, data, recover_log=recover_log)
        return asyncio.run(_serve(service, config_file, announce))


async def _serve(service: Service, config_file: Path | None, announce: Announce) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if service.anchoring is not None:
        await service.anchoring.prepare()
    _look_outside(service)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, service.reload, config_file)
    async with _tasks(service), RemoteEngine(service.data.socket) as engine:
        front = front_of(service, engine)
        addresses = await front.start()
        # What was made until now stays, and need not be looked through again and again for waste.
        gc.freeze()
        try:
            write_front(service.data, addresses)
            await service.admission.submit_control(started(service), operator().to_json())
            await note_retention(service)
            announce(addresses)
            await _end(stop, service.engine.gave_up)
            LOG.info("stopping: what was acknowledged is stored first")
        finally:
            await front.stop()
            await service.access_log.close()
            await service.committer.close()
            service.data.front_json.unlink(missing_ok=True)
            await service.engine.stop(service.config.service.drain_seconds)
            _say_what_is_left(service.data)
    if service.engine.gave_up.is_set():
        raise LogRefused(service.engine.trouble)
    return 0


def _look_outside(service: Service) -> None:
    """Leave for the engine what anchors have that lie outside of the data folder."""
    integrity = service.config.service.integrity
    write_outside(service.data.folder("anchors"), integrity.anchors.files, f"{integrity.name}/root")


@asynccontextmanager
async def _tasks(service: Service) -> AsyncIterator[None]:
    running = [
        asyncio.create_task(service.engine.run()),
        asyncio.create_task(service.authority.keep_fresh()),
        asyncio.create_task(service.authenticator.keep_fresh()),
        asyncio.create_task(service.identities.keep_fresh()),
        asyncio.create_task(service.controls.human.overdue.keep_checking()),
        asyncio.create_task(service.access_log.keep()),
        asyncio.create_task(service.spare.keep()),
        asyncio.create_task(_recall(service.admission.shares, service.data.folder("spool"))),
    ]
    if service.forwarder is not None:
        running.append(asyncio.create_task(service.forwarder.run()))
    if service.drops is not None:
        running.append(asyncio.create_task(service.drops.keep()))
    if service.anchoring is not None:
        running.append(asyncio.create_task(service.anchoring.keep()))
    try:
        # Beside the engine, whose first questions wait for it.
        if service.signing is not None:
            await service.signing.start()
        yield
    finally:
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if service.signing is not None:
            await service.signing.stop()


async def _recall(shares: Shares | None, spool: Path) -> None:
    """Count again what senders hold of the spool, beside the first requests."""
    if shares is not None:
        # Listed before the first new one can be closed, which is counted when it comes.
        before = closed_files(spool)
        shares.recall(await asyncio.to_thread(held_in, before))


async def _end(*reasons: asyncio.Event) -> None:
    """Wait for the first of some reasons to stop."""
    waiting = [asyncio.create_task(reason.wait()) for reason in reasons]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


def _say_what_is_left(data: DataDir) -> None:
    spool = data.folder("spool")
    left = len(closed_segments(spool))
    if left:
        LOG.warning("stopped with %d batches (%d bytes) left in the spool: they are acknowledged, "
                    "and stored after the next start", left, spooled_bytes(spool))  # fmt: skip
    else:
        LOG.info("stopped, and nothing is left in the spool")
