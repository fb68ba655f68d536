"""Runs readers' statements on the engine, beside it or from another process.

The engine process serves `engine_app` on a unix socket that only the front can reach; the front
holds `RemoteAnswer`. There is no token on that way: the folder's mode is what protects it.
"""

import json
from pathlib import Path
from types import TracebackType
from urllib.parse import quote, unquote

import anyio
import anyio.to_thread
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auditspan.collector.query.outcome import Answer, Outcome
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StoreError
from auditspan.storage.query import QueryLimits, Statement, execute

_UNKNOWN_EXCEPTION, _NETWORK_ERROR = 1002, 210


def local(engine: Engine, limits: QueryLimits | None = None, concurrency: int = 4) -> Answer:
    """Answer in this process; a statement takes a thread, never the event loop."""
    limiter = anyio.CapacityLimiter(concurrency)

    async def answer(statement: Statement) -> Outcome:
        return await anyio.to_thread.run_sync(_run, engine, statement, limits, limiter=limiter)

    return answer


def _run(engine: Engine, statement: Statement, limits: QueryLimits | None) -> Outcome:
    try:
        answer = execute(engine, statement, limits)
    except StoreError as error:
        return Outcome.error(error.code or _UNKNOWN_EXCEPTION, str(error))
    return Outcome(answer.body, answer.format)


def engine_app(answer: Answer) -> Starlette:
    """What the engine process serves on its unix socket."""

    async def run(request: Request) -> Response:
        asked = json.loads(await request.body())
        outcome = await answer(Statement(**asked))
        headers = {"X-Code": str(outcome.code), "X-Format": quote(outcome.format)}
        return Response(outcome.body, headers=headers, media_type="application/octet-stream")

    return Starlette(routes=[Route("/query", run, methods=["POST"])])


class RemoteAnswer:
    """Answers through the engine process; see `Answer`."""

    def __init__(self, socket: Path, seconds: float = 90.0) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(
            transport=transport, base_url="http://engine", timeout=seconds, trust_env=False
        )

    async def __call__(self, statement: Statement) -> Outcome:
        asked = {
            "sql": statement.sql,
            "format": statement.format,
            "params": dict(statement.params),
            "settings": dict(statement.settings),
        }
        try:
            response = await self._client.post("/query", json=asked)
            response.raise_for_status()
        except httpx.HTTPError as error:
            words = f"the engine does not answer, it may be starting: {type(error).__name__}"
            return Outcome.error(_NETWORK_ERROR, words)
        headers = response.headers
        return Outcome(response.content, unquote(headers["X-Format"]), int(headers["X-Code"]))

    async def __aenter__(self) -> "RemoteAnswer":
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
