"""Between a collector and its server store: passes on, or does what networks and servers do."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

Mode = Literal["pass", "down", "hang", "late", "lost", "error"]
_ERROR: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 241\r\n"
    b"Content-Length: 59\r\nConnection: close\r\n\r\n"
    b"Code: 241. DB::Exception: Memory limit (total) exceeded.   \n"[:59]
)
_LATE_SECONDS: Final = 0.4
_LOST_SECONDS: Final = 0.2


class Proxy:
    """One port; `mode` may change at any time and holds for what comes then."""

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.mode: Mode = "pass"
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the collector."""
        # Cancelled at the end of a test, which asyncio would call an error of the callback.
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await self._handle(reader, writer)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.mode != "down":
                await self._between(reader, writer)
        finally:
            writer.close()

    async def _between(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        both = [
            asyncio.create_task(self._asked(reader, up_writer, writer)),
            asyncio.create_task(self._answered(up_reader, writer)),
        ]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            up_writer.close()

    async def _asked(
        self,
        reader: asyncio.StreamReader,
        up: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(1 << 16):
            mode = self.mode
            if mode == "down":
                return
            if mode == "error":
                writer.write(_ERROR)
                await writer.drain()
                return
            if mode == "hang":
                await asyncio.sleep(3600)
            if mode == "late":
                await asyncio.sleep(_LATE_SECONDS)
            up.write(data)
            await up.drain()

    async def _answered(self, up: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await up.read(1 << 16):
            if self.mode == "lost":
                # The server has done it, and nobody hears of it.
                await asyncio.sleep(_LOST_SECONDS)
                return
            writer.write(data)
            await writer.drain()


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    """A proxy in a thread of its own."""
    made, loop, started = Proxy(upstream), asyncio.new_event_loop(), threading.Event()

    async def serve() -> None:
        server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
        made.port = server.sockets[0].getsockname()[1]
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            server.close()

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(main)
        pending = asyncio.all_tasks(loop)
        for task in pending:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        # Transports close in the next turns of the loop.
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()

    main = loop.create_task(serve())
    thread = threading.Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(main.cancel)
        thread.join()
