"""Verification of a collector that runs: fixed questions by name, never SQL.

    POST /v1/verification/{name}   parameters as an object of texts → a stream of Arrow

Who asks has to be allowed to read content, since whoever recomputes digests sees what they cover.
It is in the access log before its answer leaves. Front passes it on to the engine process, on
whose socket `engine_verification` answers.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import anyio.to_thread
import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.http import caller_of, refused
from auditspan.collector.control.errors import ControlInvalid, ControlUnavailable
from auditspan.collector.control.http import failure
from auditspan.collector.front.refusals import NotAllowed, Refusal
from auditspan.collector.query.access_log import AccessLog, NotWritten
from auditspan.collector.query.endpoint import claims_of
from auditspan.collector.query.outcome import BAD_ARGUMENTS, Facts, Outcome
from auditspan.collector.query.reads import Read
from auditspan.collector.query.verifying_path import ROOT
from auditspan.identity.caller import Caller
from auditspan.identity.errors import NotPermitted
from auditspan.identity.roles import Action
from auditspan.storage.engine import Engine
from auditspan.storage.errors import StoreError
from auditspan.storage.query import Statement
from auditspan.storage.sealing.recompute import STATEMENTS, answered
from auditspan.storage.values import Text

ARROW: Final = "application/vnd.apache.arrow.stream"
SHOWING: Final = frozenset({"rows", "record"})
"""Questions that show records; the others give digests, places and what the logs say. A
verification asks hundreds of these, and they are one read that is repeated."""
_OTHERS: Final = Statement("verification of seals", "ArrowStream")
_SECONDS: Final = 310.0
_MAX_BODY: Final = 1_000_000


def verification_routes(authority: Authority, log: AccessLog, socket: Path) -> list[Route]:
    """The route, for the application that front serves."""

    async def ask(request: Request) -> Response:
        try:
            caller = await caller_of(request, authority)
            caller.require(Action.READ_CONTENT)
            params = await _params(request)
            return await _logged(request, caller, params)
        except Refusal as refusal:
            return refused(refusal)
        except NotPermitted as error:
            return refused(NotAllowed(str(error)))
        except NotWritten as error:
            return failure(ControlUnavailable(str(error)))
        except (ControlInvalid, ControlUnavailable) as error:
            return failure(error)

    async def _logged(request: Request, caller: Caller, params: Mapping[str, str]) -> Response:
        name, at, began = request.path_params["name"], time.time_ns(), time.perf_counter_ns()
        if name not in STATEMENTS:
            raise ControlInvalid(f"question {name[:60]!r}: expected one of a verification")
        got = await _through(socket, name, params)
        rows = int(got.headers.get("x-auditspan-rows", "0")) if name in SHOWING else 0
        code = 0 if got.is_success else BAD_ARGUMENTS
        outcome = Outcome(got.content, "ArrowStream", code, Facts(("audit_records",), rows))
        took = time.perf_counter_ns() - began
        named = Statement(f"verification {name}", "ArrowStream", params)
        statement = named if name in SHOWING else _OTHERS
        identity = secrets.token_hex(16)
        read = Read(
            identity, at, caller, claims_of(request), statement, "investigator", outcome, took
        )
        await log.write(read)
        if not got.is_success:
            raise ControlInvalid(f"question {name}: {got.text[:2_000]}")
        return Response(got.content, media_type=ARROW, headers={"Cache-Control": "no-store"})

    return [Route(f"{ROOT}/{{name}}", ask, methods=["POST"])]


def engine_verification(store: Engine, somebody_verifies: Callable[[], None]) -> list[Route]:
    """What the engine process serves on its socket; it tells of each question."""

    async def ask(request: Request) -> Response:
        asked = json.loads(await request.body())
        somebody_verifies()
        params = {name: Text(value) for name, value in asked["params"].items()}
        try:
            body = await anyio.to_thread.run_sync(answered, store, asked["name"], params)
        except StoreError as error:
            return JSONResponse({"error": str(error)}, 503 if error.retryable else 400)
        rows = await anyio.to_thread.run_sync(_rows, body)
        return Response(body, media_type=ARROW, headers={"X-Auditspan-Rows": str(rows)})

    return [Route("/verification", ask, methods=["POST"])]


async def _params(request: Request) -> dict[str, str]:
    """The parameters of a question. Raises `ControlInvalid`."""
    body = await request.body()
    try:
        given = json.loads(body) if len(body) <= _MAX_BODY else None
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise ControlInvalid("body: expected an object of texts, of at most 1 MB")
    return given


async def _through(socket: Path, name: str, params: Mapping[str, str]) -> httpx.Response:
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://engine", timeout=_SECONDS, trust_env=False
        ) as client:
            asked = {"name": name, "params": dict(params)}
            return await client.post("/verification", json=asked)
    except httpx.HTTPError as error:
        raise ControlUnavailable(
            f"the engine does not answer, it may be starting ({type(error).__name__}); try again"
        ) from error


def _rows(body: bytes) -> int:
    import pyarrow as pa

    with pa.ipc.open_stream(body) as stream:
        return sum(batch.num_rows for batch in stream)
