"""What the front asks the engine for its own decisions: fixed questions by name, never SQL.

The engine process answers on its unix socket (`lookup_routes`) what the front asks
(`through_engine`); on a stopped collector an opened store is asked (`in_store`). The statements are
the files of `sql/`. They are not in the access log: no record leaves the collector by them, only
what the front decided on their account.
"""

import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import anyio.to_thread
import httpx
from pydantic import JsonValue, TypeAdapter
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.holds_files import condition_of_lists
from auditspan.storage.engine import Engine, open_embedded
from auditspan.storage.errors import StoreError
from auditspan.storage.values import Value

LOG = logging.getLogger("auditspan.collector.query")

_SETTINGS: Final = {
    "max_execution_time": 30,
    "max_memory_usage": 300_000_000,
    "max_threads": 2,
    # Numbers of nanoseconds are no floating point.
    "output_format_json_quote_64bit_integers": 0,
    # Last, since nothing can be set after it.
    "readonly": 1,
}
_MOST_DIGESTS: Final = 1_000
Rows = list[dict[str, JsonValue]]
Params = Mapping[str, Value]


def _sql(name: str) -> str:
    text = (files("auditspan.collector.query") / "sql" / f"{name}.sql").read_text("utf-8")
    return text.replace("/* filter */", condition_of_lists()).replace(
        "/* hold */", condition_of_lists("held_")
    )


# Read here: the engine process may not open these files once it is confined.
LOOKUPS: Final[Mapping[str, str]] = {
    name: _sql(name)
    for name in (
        "record",
        "last_use",
        "stored_controls",
        "answered_items",
        "erasable",
        "of_subject",
        "reads_naming",
        "same_request",
        "expiring",
        "expiring_held",
        "early_expiries",
        "erasures",
        "certificate",
        "dead_letters",
    )
}
"""The statements by name."""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What has to be known of a record to judge who may review it."""

    record_id: str
    kind: str
    operation: str
    outcome: str
    severity: int
    review_required: bool
    at_ns: int
    agent_id: str
    agent_owner: str
    agent_owner_email: str
    principal_id: str
    """Who sent it; of a control record, who asked for the change, as the credential says."""
    user_id: str
    """On whose behalf; of a control record, who asked."""
    user_provenance: str
    """`verified`, or how little it is known."""
    user_email: str
    user_subject: str
    delegation_chain: tuple[str, ...]
    approved_by: str
    """Of a control record, who consented."""
    approver: str
    """Who approved the act itself before it was done."""


@dataclass(frozen=True, slots=True)
class LastUse:
    """When an agent or a grant was last used."""

    at_ns: int
    """By any record; its time or that of its receipt, whichever was earlier."""
    proven_at_ns: int
    """By a record of which a credential proves the agent; 0 if there is none."""


Ask = Callable[[str, Params], Awaitable[Rows]]
"""Answers a question by its name. Raises ControlUnavailable."""

_FACTS = TypeAdapter(list[RecordFacts])


@dataclass(frozen=True, slots=True)
class Lookup:
    """Answers from the store. Every method raises ControlUnavailable."""

    ask: Ask

    async def record(self, record_id: str) -> RecordFacts | None:
        """A record, None if the store has none of this id."""
        found = _FACTS.validate_python(await self.ask("record", {"record_id": record_id}))
        return found[0] if found else None

    async def last_use(self) -> Mapping[str, LastUse]:
        """By `agent:<id>` and `grant:<id>`; what was never used is not there."""
        return {
            str(row["item"]): LastUse(_int(row["at_ns"]), _int(row["proven_at_ns"]))
            for row in await self.ask("last_use", {})
        }

    async def stored_controls(self, digests: Collection[str]) -> frozenset[str]:
        """Those of these digests of control records that the store has."""
        found: set[str] = set()
        for some in _portions(sorted(digests)):
            rows = await self.ask("stored_controls", {"digests": some})
            found.update(str(row["digest"]) for row in rows)
        return frozenset(found)

    async def answered_items(self, campaign: str) -> frozenset[str]:
        """The items of a recertification that somebody answered, as the store has it."""
        rows = await self.ask("answered_items", {"campaign": campaign})
        return frozenset(str(row["item"]) for row in rows)


def _portions(whole: list[str]) -> Iterable[list[str]]:
    return (whole[at : at + _MOST_DIGESTS] for at in range(0, len(whole), _MOST_DIGESTS))


def _int(value: JsonValue) -> int:
    return value if isinstance(value, int) else 0


def in_store(engine: Engine) -> Lookup:
    """Asks an opened store."""

    async def ask(name: str, params: Params) -> Rows:
        try:
            return await anyio.to_thread.run_sync(answer, engine, name, params)
        except StoreError as error:
            raise ControlUnavailable(f"the store does not answer: {error}") from error

    return Lookup(ask)


@contextmanager
def in_folder(folder: Path) -> Iterator[Lookup]:
    """Asks the embedded store of a stopped collector, which is opened when it is first asked.

    The caller holds the lock of the data folder.
    """
    with ExitStack() as stack:
        opened: list[Lookup] = []

        async def ask(name: str, params: Params) -> Rows:
            if not opened:
                opened.append(in_store(stack.enter_context(_embedded(folder))))
            return await opened[0].ask(name, params)

        yield Lookup(ask)


@contextmanager
def _embedded(folder: Path) -> Iterator[Engine]:
    if not any(folder.iterdir()):
        raise ControlUnavailable(
            f"{folder} holds no records: start the collector (`auditspan up`) and ask again"
        )
    try:
        engine = open_embedded(folder)
    except StoreError as error:
        raise ControlUnavailable(f"the store cannot be opened: {error}") from error
    with closing(engine):
        yield engine


def through_engine(socket: Path, seconds: float = 40.0) -> Lookup:
    """Asks the engine process on its socket."""

    async def ask(name: str, params: Params) -> Rows:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://engine", timeout=seconds, trust_env=False
            ) as client:
                got = await client.post("/lookup", json={"name": name, "params": dict(params)})
                got.raise_for_status()
        except httpx.HTTPError as error:
            raise ControlUnavailable(
                f"the engine does not answer, it may be starting ({type(error).__name__}); try "
                "again"
            ) from error
        rows: Rows = got.json()["rows"]
        return rows

    return Lookup(ask)


def no_store() -> Lookup:
    """For a place from which no store can be asked."""

    async def ask(name: str, params: Params) -> Rows:
        raise ControlUnavailable(
            "there is no store here to look into: ask a running collector (`auditspan up`)"
        )

    return Lookup(ask)


def lookup_routes(store: Engine) -> list[Route]:
    """What the engine process serves beside readers' statements."""

    async def lookup(request: Request) -> JSONResponse:
        asked = json.loads(await request.body())
        if asked.get("name") not in LOOKUPS:
            return JSONResponse({"error": "no such question"}, 404)
        try:
            rows = await anyio.to_thread.run_sync(answer, store, asked["name"], asked["params"])
        except StoreError as error:
            LOG.error("lookup %s: %s", asked["name"], error)
            return JSONResponse({"error": str(error)}, 503)
        return JSONResponse({"rows": rows})

    return [Route("/lookup", lookup, methods=["POST"])]


def answer(store: Engine, name: str, params: Params) -> Rows:
    """Run a fixed question on a connection of its own. Raises `StoreError`."""
    with store.session(_SETTINGS) as session:
        body = session.raw(LOOKUPS[name], "JSONEachRow", params)
    return [json.loads(line) for line in body.splitlines() if line]
