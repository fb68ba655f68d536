"""Two collectors on one server's store, each with a folder, a log and keys of its own."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.bodies import PROTOBUF, body, post
from tests.end_to_end.running import CONFIG, Collector, ran, running

WHY = ("--reason", "test", "--ticket", "T-1")
PAY = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay"}


SERVER = """
import sys, uvicorn
from chdb.state.sqlitelike import Connection
from starlette.applications import Starlette
from starlette.routing import Route
from tests.storage.conftest import _write_enabled

held = Connection(sys.argv[1])

async def answer(request):
    own = Connection(sys.argv[1])
    try:
        return await _write_enabled(own)(request)
    finally:
        own.close()

app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
uvicorn.run(app, port=int(sys.argv[2]), log_level="error", lifespan="off", ws="none")
"""
"""Where writers and readers meet no statement has the settings of the one before it."""


@contextmanager
def server(folder: Path, port: int) -> Iterator[None]:
    """A ClickHouse endpoint that may write, as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(folder), str(port)], cwd=Path(__file__).parents[2]
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


class Shared:
    """The store, and who writes to it."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.collectors: dict[str, Collector] = {}

    def config(self, name: str) -> str:
        """Of a collector with a deployment of its own."""
        url = f"storage: {{url: 'http://127.0.0.1:{self.port}'}}\n"
        return f"{CONFIG}  integrity: {{deployment: {name}}}\n{url}"

    def asked(self, sql: str) -> list[list[Any]]:
        """What the server answers, past all collectors."""
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/", params={"database": "auditspan"},
            content=f"{sql} FORMAT JSONCompact", timeout=60, trust_env=False,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        rows: list[list[Any]] = answer.json()["data"]
        return rows


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    """Both start at once on an empty server: one of them makes the schema."""
    folder = tmp_path_factory.mktemp("several")
    with socket.create_server(("127.0.0.1", 0)) as own:
        port = int(own.getsockname()[1])
    house = Shared(folder, port)
    with server(folder / "server", port), ExitStack() as stack:
        starting = [
            threading.Thread(target=_start, args=(house, name, stack)) for name in ("eu-1", "eu-2")
        ]
        for each in starting:
            each.start()
        for each in starting:
            each.join()
        assert len(house.collectors) == 2
        yield house


def _start(house: Shared, name: str, stack: ExitStack) -> None:
    data = house.folder / name
    house.collectors[name] = stack.enter_context(running(data, house.config(name), empty=True))


def _pay(collector: Collector, name: str, count: int) -> None:
    sent = body(name, count, **PAY, **{"gen_ai.tool.call.arguments": f'{{"customer": "{name}"}}'})
    assert post(collector.addresses["http"], sent, content_type=PROTOBUF).code == 200


def test_records_of_both_are_there_once_and_tell_whose_they_are(shared: Shared) -> None:
    """By batch and by log; either collector shows all of them."""
    one, two = shared.collectors.values()
    _pay(one, "by-one", 30)
    _pay(two, "by-two", 20)
    both = "SELECT count() FROM audit WHERE SpanName LIKE 'by-%'"
    one.wait_for(both, 50)
    two.wait_for(both, 50)
    rows = shared.asked(
        "SELECT SpanName, splitByChar('-', BatchId)[1], splitByChar('/', LogId)[4], count() "
        "FROM audit_records WHERE SpanName LIKE 'by-%' GROUP BY ALL ORDER BY 1"
    )
    mine, other = ((each.data / "instance").read_text().strip() for each in (one, two))
    assert [row[:3] for row in rows] == [["by-one", mine, mine], ["by-two", other, other]]
    assert [int(row[3]) for row in rows] == [30, 20]
    assert shared.asked("SELECT count() = uniqExact(Number) FROM schema_migrations")[0][0] == 1


def _policy_of_both(shared: Shared) -> Path:
    """Each has a notary of its own; a policy names both."""
    one, two = shared.collectors.values()
    other, both = shared.folder / "other.txt", shared.folder / "both.txt"
    other.write_text(two.auditspan("log", "policy").stdout)
    both.write_text(one.auditspan("log", "policy", "--with", str(other)).stdout)
    return both


def _verified(shared: Shared, policy: Path) -> dict[str, Any]:
    done = ran(
        "verify", "--url", f"http://127.0.0.1:{shared.port}", "--policy", policy,
        "--format", "json",
    )  # fmt: skip
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_what_one_holds_the_other_does_not_let_go(shared: Shared) -> None:
    """A record is held as long as any of them holds it."""
    one, two = shared.collectors.values()
    _pay(one, "held-1", 1)
    _pay(two, "held-2", 1)
    one.wait_for("SELECT count() FROM audit WHERE SpanName LIKE 'held-%'", 2)
    marked = "SELECT toInt64(countIf(Held)) FROM audit_records WHERE SpanName = '{}'"
    holds = []
    for collector, name in ((one, "held-1"), (two, "held-2")):
        (row,) = collector.rows(f"SELECT TraceId AS id FROM audit WHERE SpanName = '{name}'")
        done = collector.auditspan("hold", "add", "--filter", f"trace={row['id']}", *WHY)
        holds.append(done.stdout.split()[1])
        _until(shared, marked.format(name), 1)
    assert int(shared.asked(marked.format("held-1"))[0][0]) == 1, "the second lets it be"
    two.auditspan("hold", "release", holds[1], *WHY)
    _until(shared, marked.format("held-2"), 0)
    assert int(shared.asked(marked.format("held-1"))[0][0]) == 1


def test_an_erasure_is_done_by_the_collector_that_was_asked(shared: Shared) -> None:
    """Once, with its certificate, in a record of the other; both logs are VALID by one policy."""
    one = shared.collectors["eu-1"]
    (row,) = one.rows("SELECT RecordId AS id FROM audit WHERE SpanName = 'by-two' LIMIT 1")
    done = one.auditspan("erase", "--record", row["id"], "--field", "ToolArguments", "--yes", *WHY)
    assert "certificate of erasure" in done.stdout
    mine = (one.data / "instance").read_text().strip()
    made = shared.asked("SELECT splitByChar('-', BatchId)[1] FROM erasure_certificates")
    assert made == [[mine]]
    found = shared.asked(f"SELECT ToolArguments FROM audit_records WHERE RecordId = '{row['id']}'")
    assert found == [[""]]
    report = _verified(shared, _policy_of_both(shared))
    assert (report["verdict"], report["problems"]) == ("VALID", []), report
    assert {log["origin"].split("/")[2] for log in report["logs"]} == {"eu-1", "eu-2"}


def _until(shared: Shared, sql: str, wanted: int) -> None:
    until = time.monotonic() + 30
    while int(shared.asked(sql)[0][0]) != wanted:
        assert time.monotonic() < until, sql
        time.sleep(0.2)
