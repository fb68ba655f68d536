"""Runs readers' statements on the engine, beside it or from another process.

The engine process serves `engine_app` on a unix socket that only the front can reach; the front
holds `RemoteEngine`. There is no token on that way: the folder's mode is what protects it. Whose
views a statement sees travels along, and the check of the statement happens where it runs.
"""

import json
import logging
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import get_args
from urllib.parse import quote, unquote

import anyio
import anyio.to_thread
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.query import outcome as outcomes
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.outcome import Access, Asked, Facts, Outcome
from auditspan.collector.query.running import NamedEngine, end
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StoreError
from auditspan.storage.query import Statement, execute, prepared

LOG = logging.getLogger("auditspan.collector.query")


class LocalEngine:
    """Answers in this process; a statement takes a thread, never the event loop."""

    def __init__(self, engine: Engine, limits: ReadLimits | None = None) -> None:
        self._engine = engine
        self._limits = limits or ReadLimits()
        self._threads: anyio.CapacityLimiter | None = None

    async def __call__(self, asked: Asked) -> Outcome:
        """Run a statement."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(self._limits.concurrency)
        return await anyio.to_thread.run_sync(
            run, self._engine, asked, self._limits, limiter=self._threads
        )

    async def cancel(self, id: str) -> None:
        """End a statement."""
        await anyio.to_thread.run_sync(_end, self._engine, id)


def run(engine: Engine, asked: Asked, limits: ReadLimits) -> Outcome:
    """Check a statement against the views it may see, and run it."""
    caps = {"max_rows_to_read": limits.rows_read, "max_bytes_to_read": limits.bytes_read}
    named = NamedEngine(engine, asked.id, caps)
    try:
        answer = execute(named, asked.statement, limits, asked.access)
    except StoreError as error:
        facts = Facts(_tables(engine, asked))
        return Outcome.error(error.code or outcomes.UNKNOWN_EXCEPTION, str(error), facts)
    return Outcome(answer.body, answer.format, facts=Facts(answer.checked.tables, named.rows))


def _tables(engine: Engine, asked: Asked) -> tuple[str, ...]:
    """What a statement that failed would have read; nothing if it may not run at all."""
    try:
        return prepared(engine, asked.statement, asked.access).tables
    except StoreError:
        return ()


def _end(engine: Engine, id: str) -> None:
    try:
        end(engine, id)
    except StoreError as error:
        LOG.warning("a statement whose client is gone runs to its end: %s", error)


def engine_app(engine: outcomes.Engine) -> Starlette:
    """What the engine process serves on its unix socket."""

    async def run(request: Request) -> Response:
        try:
            asked = _asked(json.loads(await request.body()))
        except (KeyError, TypeError, ValueError) as error:
            return Response(str(error), 400)
        outcome = await engine(asked)
        headers = {
            "X-Code": str(outcome.code),
            "X-Format": quote(outcome.format),
            "X-Facts": quote(json.dumps(asdict(outcome.facts))),
        }
        return Response(outcome.body, headers=headers, media_type="application/octet-stream")

    async def cancel(request: Request) -> Response:
        await engine.cancel(str(json.loads(await request.body())["id"]))
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/query", run, methods=["POST"]),
            Route("/cancel", cancel, methods=["POST"]),
        ]
    )


def _asked(body: dict[str, object]) -> Asked:
    """What came over the socket. Raises `ValueError`: no word but ours opens any view."""
    access = body["access"]
    if access not in get_args(Access):
        raise ValueError(f"access: expected one of {get_args(Access)}, got {access!r}")
    statement = body["statement"]
    if not isinstance(statement, dict):
        raise ValueError("statement: expected an object")
    whose: Access = "investigator" if access == "investigator" else "reader"
    return Asked(Statement(**statement), whose, str(body["id"]))


class RemoteEngine:
    """Answers through the engine process; see `outcome.Engine`."""

    def __init__(self, socket: Path, seconds: float = 90.0) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://engine", timeout=seconds, trust_env=False
        )

    async def __call__(self, asked: Asked) -> Outcome:
        """Run a statement."""
        statement = asked.statement
        body = {
            "statement": {
                "sql": statement.sql,
                "format": statement.format,
                "params": dict(statement.params),
                "settings": dict(statement.settings),
            },
            "access": asked.access,
            "id": asked.id,
        }
        try:
            response = await self._client.post("/query", json=body)
            response.raise_for_status()
        except httpx.HTTPError as error:
            words = f"the engine does not answer, it may be starting: {type(error).__name__}"
            return Outcome.error(outcomes.NETWORK_ERROR, words)
        headers = response.headers
        said = json.loads(unquote(headers["X-Facts"]))
        facts = Facts(tuple(said["tables"]), said["rows"])
        code = int(headers["X-Code"])
        return Outcome(response.content, unquote(headers["X-Format"]), code, facts)

    async def cancel(self, id: str) -> None:
        """End a statement."""
        try:
            response = await self._client.post("/cancel", json={"id": id})
            response.raise_for_status()
        except httpx.HTTPError as error:
            LOG.warning("a statement whose client is gone runs on: %s", type(error).__name__)

    async def __aenter__(self) -> "RemoteEngine":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections to the engine."""
        await self._client.aclose()
