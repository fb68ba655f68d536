"""A prompt-injected agent on this machine and a web page get nothing of what is recorded.

The agent has no token but that of its own key, which is for sending; the page has a foreign Host,
an Origin, or what a form brings along. Each tries every route of every port.
"""

import base64
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from auditspan.collector.building import service_of
from auditspan.collector.config import CollectorConfig
from auditspan.collector.data_dir import prepare
from auditspan.collector.listening import front_of
from auditspan.collector.query.runner import RemoteEngine
from tests.end_to_end import bodies
from tests.end_to_end.proofs import api_key, bind_agent
from tests.end_to_end.running import Collector, running

SECRETS = ("xyzzy-tool", "xyzzy-argument", "xyzzy-user", "booking", "operator_token")
"""What is recorded, and who is registered: no answer to a stranger holds any of it."""

ROUTES: Mapping[str, frozenset[str]] = {
    "api": frozenset(
        {
            "/healthz", "/readyz", "/metrics", "/v1/whoami",
        }
    ),
    "http": frozenset({"/v1/traces", "/v1/identities", "/v1/policies"}),
    "query": frozenset({"/", "/ping"}),
}  # fmt: skip
STATUS = frozenset({"/healthz", "/readyz", "/metrics", "/ping"})
"""Whether it lives and numbers: open on this machine, for probes."""
EMPTY = ("", "{}", "Ok.\n")
"""Also what an agent of this machine is answered that sends a record without proof."""
METHODS = ("GET", "POST", "PUT", "OPTIONS")
SQL = "SELECT * FROM audit FORMAT JSONEachRow"


@dataclass(frozen=True)
class Target:
    """One route of a running collector."""

    port: str
    url: str
    path: str


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Collector, str]]:
    """A collector with a record worth stealing, and the key of an agent that may only send."""
    folder = tmp_path_factory.mktemp("strangers")
    with running(folder / "data") as collector:
        bind_agent(collector, folder / "registry")
        key = api_key(collector)
        attributes = {"gen_ai.tool.name": "xyzzy-tool", "user.id": "xyzzy-user",
                      "gen_ai.tool.call.arguments": '{"a":"xyzzy-argument"}',
                      "gen_ai.operation.name": "execute_tool"}  # fmt: skip
        sent = bodies.post(
            collector.addresses["http"], bodies.body("execute_tool xyzzy-tool", 1, **attributes),
            content_type=bodies.PROTOBUF, authorization=f"Bearer {key}",
        )  # fmt: skip
        assert sent.code == 200
        collector.wait_for("SELECT count() FROM audit WHERE ToolName = 'xyzzy-tool'", 1)
        yield collector, key


def routes_of_the_code(folder: Path) -> dict[str, set[str]]:
    """Every route that front serves, by port, as the code builds them."""
    built = service_of(CollectorConfig(), prepare(folder / "unused"))
    front = front_of(built, RemoteEngine(folder / "none.sock"))
    found: dict[str, set[str]] = {}
    for name, port in front._ports.items():
        if name != "grpc":
            app: Any = port._server.config.app
            app = getattr(app, "_app", app)
            assert isinstance(app, Starlette)
            found[name] = {route.path for route in app.routes if isinstance(route, Route)}
    return found


@pytest.fixture(scope="module")
def targets(house: tuple[Collector, str], tmp_path_factory: pytest.TempPathFactory) -> list[Target]:
    """Every route of the three HTTP ports; parameters in paths have a value."""
    addresses = house[0].addresses
    return [
        Target(port, addresses[port], path.replace("{", "").replace("}", ""))
        for port, paths in routes_of_the_code(tmp_path_factory.mktemp("code")).items()
        for path in sorted(paths)
    ]


def test_the_routes_are_known(targets: list[Target]) -> None:
    """The three ports have the routes that are meant here, and the controls."""
    for port, expected in ROUTES.items():
        assert expected <= {target.path for target in targets if target.port == port}
    controls = [target for target in targets if target.path.startswith("/v1/control/")]
    assert len(controls) >= 6


def every_answer(
    targets: list[Target], headers: Mapping[str, str]
) -> Iterator[tuple[Target, str, httpx.Response]]:
    """Every route, by each method: a statement in the URL, as it is, as JSON, and by a form."""
    body = {"query": SQL, "files": {}, "why": {"requested_by": "me"}, "holder": "booking"}
    posted: list[dict[str, Any]] = [{"content": SQL}, {"json": body}, {"data": {"query": SQL}}]
    with httpx.Client(trust_env=False, timeout=20) as http:
        for target in targets:
            url = target.url + target.path
            for method in METHODS:
                params = {"query": SQL}
                answer = http.request(method, url, params=params, headers=dict(headers))
                yield target, method, answer
            for content in posted:
                yield target, "POST", http.post(url, headers=dict(headers), **content)


def gives_nothing(target: Target, method: str, response: httpx.Response) -> None:
    """No record, no name, no permission for another origin; open are only the routes of status."""
    said = response.text + json.dumps(dict(response.headers))
    place = f"{method} {target.port}{target.path}: {response.status_code} {response.text[:200]}"
    assert not [secret for secret in SECRETS if secret in said], place
    assert not [name for name in response.headers if name.startswith("access-control")], place
    if response.status_code < 400 and target.path not in STATUS:
        assert response.text in EMPTY, place


def test_an_agent_without_a_token_gets_nothing(
    house: tuple[Collector, str], targets: list[Target]
) -> None:
    """Loopback proves nothing: it may send records, unproved, and is answered with nothing."""
    for target, method, response in every_answer(targets, {}):
        gives_nothing(target, method, response)


def test_an_agent_with_its_own_key_gets_nothing(
    house: tuple[Collector, str], targets: list[Target]
) -> None:
    """Its key is for sending: whoami tells it about itself, and nothing else."""
    key = house[1]
    basic = base64.b64encode(f"operator:{key}".encode()).decode()
    for headers in ({"Authorization": f"Bearer {key}"}, {"X-ClickHouse-Key": key},
                    {"Authorization": f"Basic {basic}"}):  # fmt: skip
        for target, method, response in every_answer(targets, headers):
            if target.path == "/v1/whoami" and response.status_code == 200:
                if method == "GET":
                    assert response.json()["actions"] == ["records.send"]
                continue
            if (target.path, method, response.status_code) == ("/v1/policies", "GET", 200):
                # What it is held to, signed for it alone.
                assert set(response.json()) == {"policies", "number", "expires_at"}
                continue
            # It is told who it is, when it is told what it may not do.
            said = response.text.replace("agent:booking", "")
            gives_nothing(target, method, httpx.Response(response.status_code,
                          headers=response.headers, text=said))  # fmt: skip


@pytest.mark.parametrize(
    "of_a_page",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8123"},
        {"Host": ""},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Content-Type": "application/x-www-form-urlencoded"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    ],
)
def test_a_web_page_gets_nothing(
    house: tuple[Collector, str], targets: list[Target], of_a_page: dict[str, str]
) -> None:
    """By a name of its own, by another origin, by a script element or a form."""
    own = of_a_page.get("Host") is None
    for target, method, response in every_answer(targets, of_a_page):
        gives_nothing(target, method, response)
        if not own and target.port in ("api", "query"):
            assert response.status_code >= 400, f"{method} {target}"


@pytest.mark.parametrize(
    "of_a_page", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}]
)
def test_a_page_that_got_hold_of_a_token_reads_nothing_with_it(
    house: tuple[Collector, str], of_a_page: dict[str, str]
) -> None:
    """In a form, in the URL, or in a header that a page may not set: the endpoint does not look."""
    collector = house[0]
    url, token = collector.addresses["query"], collector.token
    carried: list[dict[str, Any]] = [
        {"headers": {"X-ClickHouse-Key": token}},
        {"headers": {"Authorization": f"Bearer {token}"}},
        {"params": {"password": token, "user": "operator"}},
        {"data": {"password": token, "query": SQL}},
    ]
    for one in carried:
        headers = {**of_a_page, **one.pop("headers", {})}
        params = {"query": SQL, **one.pop("params", {})}
        response = httpx.post(url, params=params, headers=headers, timeout=20, **one)
        assert response.status_code >= 400
        assert not [secret for secret in SECRETS if secret in response.text]


def test_the_grpc_port_says_nothing_to_http(house: tuple[Collector, str]) -> None:
    """A page or a script that speaks HTTP/1.1 to it is cut off."""
    url = httpx.URL(house[0].addresses["grpc"])
    with socket.create_connection((url.host, url.port or 0), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        said = b""
        while part := connection.recv(4096):
            said += part
    assert not [secret for secret in SECRETS if secret.encode() in said]
