"""Role × action, cell by cell, with real keys, at the routes that are served.

Each cell asks as a service that has that one role. An action that has routes is asked through them;
the others are asked of the caller. A new action without a cell fails here, and so does a new route
that does not demand what it says.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from auditspan.collector.control.api import endpoints, routes
from auditspan.collector.control.http import ROOT, Endpoint
from auditspan.collector.control.proposals import Proposal
from auditspan.collector.control.records import Party, Why
from auditspan.collector.control.service import Controls, open_controls
from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.gate import Gate
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.outcome import Asked, Outcome
from auditspan.collector.query.reading import Readers
from auditspan.collector.query.runner import LocalEngine
from auditspan.collector.query.turns import Turns
from auditspan.identity.errors import NotPermitted
from auditspan.identity.roles import ALLOWED, Action, Role
from auditspan.storage.engine import open_memory
from tests.collector.access.house import FILES, House
from tests.collector.front.receiving import Receiving, receiving
from tests.end_to_end.bodies import PROTOBUF, body

SERVICES = "- {id: 'service:nobody', name: S}\n" + "".join(
    f"- {{id: 'service:{role}', name: S, roles: [{role}]}}\n" for role in Role
)
LIMITS = ReadLimits()
FOREVER = 4_000_000_000


class Listening(LocalEngine):
    """An engine that remembers whose views a statement was to see."""

    seen: str = ""

    async def __call__(self, asked: Asked) -> Outcome:
        """Run a statement."""
        self.seen = asked.access
        return await super().__call__(asked)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything of a collector that can be asked."""

    house: House
    ports: Receiving
    controls: Controls
    api: Starlette
    query: Starlette
    engine: Listening
    keys: dict[str, str]

    def ask(self, role: str, method: str, path: str, **options: Any) -> httpx.Response:
        """One request to the API, as the service of a role."""
        return self._send(self.api, role, method, path, **options)

    def read(self, role: str, sql: str) -> httpx.Response:
        """One statement to the query endpoint."""
        self.engine.seen = ""
        return self._send(self.query, role, "POST", "/", content=sql)

    def key(self, role: str) -> str:
        """The key of the service of a role."""
        if role not in self.keys:
            holder = f"service:{role}"
            self.keys[role] = self.house.keys.issue(holder, expires_at=FOREVER)[0]
        return self.keys[role]

    def _send(
        self, app: Starlette, role: str, method: str, path: str, **options: Any
    ) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                headers = {"Authorization": f"Bearer {self.key(role)}"}
                return await http.request(method, path, headers=headers, **options)

        return asyncio.run(send())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """With a registry in force that has one service per role, and two persons who approve."""

    async def submit(text: str, principal: str = "") -> None:
        pass

    house = House(tmp_path_factory.mktemp("matrix"), failures_per_minute=1_000)
    house.apply(principals__services=SERVICES)
    registry, held = house.data.folder("registry"), house.data.secret("api_keys.json")
    controls = open_controls(registry, held, submit)
    store = open_memory()
    engine = Listening(store, LIMITS)
    readers = Readers(engine, AccessLog(submit), Turns(LIMITS))
    query = endpoint(Gate(house.authority.authenticate), readers)
    api = Starlette(routes=routes(controls, house.authority))
    try:
        with receiving(house.data.root) as ports:
            yield Desk(house, ports, controls, api, query, engine, {})
    finally:
        # One process has one embedded store at a time.
        store.close()


def heard(answer: httpx.Response) -> bool:
    """Whether the action was allowed; who is known and may not is told 403, never 401."""
    assert answer.status_code != 401, answer.text
    return answer.status_code != 403


def by_its_routes(action: Action) -> Callable[[Desk, Role], bool]:
    """A cell of an action that is asked through all routes of its own; while there is none, of the
    caller, which is what everything else asks."""

    def asked(desk: Desk, role: Role) -> bool:
        own = [each for each in endpoints(desk.controls) if each.actions == (action,)]
        found = {heard(_asked(desk, role, each)) for each in own}
        try:
            desk.house.ask(desk.key(role)).require(action)
            found.add(True)
        except NotPermitted:
            found.add(False)
        assert len(found) == 1, f"{role}, {action}: a route and the table disagree"
        return found.pop()

    return asked


def by_a_route(method: str, path: str, body: Any = None) -> Callable[[Desk, Role], bool]:
    """A cell of an action that has a route below `/v1/control/`."""

    def asked(desk: Desk, role: Role) -> bool:
        return heard(desk.ask(role, method, ROOT + path, json=body))

    return asked


def by_a_proposal(kind: str) -> Callable[[Desk, Role], bool]:
    """A cell of the action that approves proposals of a kind: the route takes every kind."""

    def asked(desk: Desk, role: Role) -> bool:
        requester = Party(principal="person:somebody", method="api_key")
        proposal = Proposal(
            kind=kind,
            body={},
            base="past",
            requester=requester,
            why=Why(),
            at="2026-11-25T00:00:00Z",
        )
        hash_ = desk.controls.changes.proposals.store(proposal).hash
        return heard(desk.ask(role, "POST", f"{ROOT}changes/{hash_}/approve", json={}))

    return asked


def sends(desk: Desk, role: Role) -> bool:
    """A record, over OTLP."""
    headers = {"content-type": PROTOBUF, "authorization": f"Bearer {desk.key(role)}"}
    answer = httpx.post(
        f"{desk.ports.http}/v1/traces", content=body(role), headers=headers, trust_env=False
    )
    return heard(answer)


def reads(desk: Desk, role: Role) -> bool:
    """A statement, at the query endpoint."""
    return heard(desk.read(role, "SELECT 1")) and desk.engine.seen != ""


def reads_as_investigator(desk: Desk, role: Role) -> bool:
    """The views that have the content and who read what."""
    desk.read(role, "SELECT 1")
    return desk.engine.seen == "investigator"


CELLS: Mapping[Action, Callable[[Desk, Role], bool]] = {
    Action.SEND: sends,
    Action.READ: reads,
    Action.READ_CONTENT: reads_as_investigator,
    Action.READ_ACCESS: reads_as_investigator,
    Action.REVIEW: by_its_routes(Action.REVIEW),
    Action.READ_REGISTRY: by_a_route("GET", "registry"),
    Action.PROPOSE: by_a_route("POST", "registry", {"files": FILES, "dry_run": True}),
    Action.APPROVE: by_a_proposal("registry"),
    Action.DISABLE: by_a_route("POST", "agents/disable", {"agent": "nobody"}),
    Action.RECERTIFY: by_its_routes(Action.RECERTIFY),
    Action.KEYS: by_a_route("GET", "keys"),
    Action.LOG_KEYS: by_a_route("POST", "log-keys/rotate", {}),
    Action.DEAD_LETTERS: by_its_routes(Action.DEAD_LETTERS),
    Action.HOLD: by_its_routes(Action.HOLD),
    Action.PROPOSE_ERASURE: by_its_routes(Action.PROPOSE_ERASURE),
    Action.APPROVE_ERASURE: by_a_proposal("erasure"),
}


def test_every_action_has_a_cell() -> None:
    """A new action is not allowed or denied unseen."""
    assert set(CELLS) == set(Action)


@pytest.mark.parametrize("action", list(Action))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_what_the_table_says_and_nothing_else(
    desk: Desk, role: Role, action: Action
) -> None:
    """The cell."""
    assert CELLS[action](desk, role) is (action in ALLOWED[role])


@pytest.mark.parametrize("role", [*Role, "nobody"])
def test_every_route_demands_one_of_its_actions(desk: Desk, role: str) -> None:
    """All that are served, whatever they are, in every role and in none."""
    allowed = ALLOWED[Role(role)] if role in set(Role) else frozenset[Action]()
    found = {_name(each): heard(_asked(desk, role, each)) for each in endpoints(desk.controls)}
    expected = {_name(each): bool(allowed & set(each.actions)) for each in endpoints(desk.controls)}
    assert found == expected
    assert len(found) == len(endpoints(desk.controls)) > 5


def test_every_route_demands_a_credential(desk: Desk) -> None:
    """Nobody gets further than 401, from this machine too."""

    async def ask(each: Endpoint) -> int:
        transport = httpx.ASGITransport(desk.api, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            return (await http.request(each.method, _path(each), json={})).status_code

    assert {asyncio.run(ask(each)) for each in endpoints(desk.controls)} == {401}


def _asked(desk: Desk, role: str, each: Endpoint) -> httpx.Response:
    return desk.ask(role, each.method, _path(each), json={} if each.method == "POST" else None)


def _path(each: Endpoint) -> str:
    return ROOT + re.sub(r"\{\w+\}", "00000000", each.path)


def _name(each: Endpoint) -> str:
    return f"{each.method} {each.path}"
