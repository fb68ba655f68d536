"""Which store is read: an address, the collector that holds the folder, or the stopped one."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditspan.cli.errors import TokenRefused
from auditspan.cli.remote_store import RemoteStore
from auditspan.collector.access.authority import Authority
from auditspan.collector.access.config import AccessConfig
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.data_dir import locked, prepare, write_front
from auditspan.collector.front.authentication import Bindings
from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.gate import Gate
from auditspan.collector.query.limits import ReadLimits
from auditspan.collector.query.reading import Readers
from auditspan.collector.query.runner import LocalEngine
from auditspan.collector.query.turns import Turns
from auditspan.identity.api_keys import ApiKeys
from tests.cli.conftest import Auditspan
from tests.collector.query.conftest import served
from tests.migrated import migrated_store
from tests.reports.trail import fill

TOKEN = "aso_operator-token-of-the-test"
SQL = ("query", "SELECT count() AS n FROM audit_records", "--format", "json")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a collector that runs, as far as readers see it."""
    data = prepare(tmp_path_factory.mktemp("running") / "data")
    engine = migrated_store(data.folder("store"))
    fill(engine)
    data.secret("operator.token").write_text(TOKEN + "\n")
    data.secret("operator.token").chmod(0o600)
    registry = RegistryInForce(data.folder("registry"))
    keys = ApiKeys(data.secret("api_keys.json"))
    authority = Authority(AccessConfig(), keys, TOKEN, registry, Bindings)
    log = AccessLog(lambda text, principal: asyncio.sleep(0))
    readers = Readers(LocalEngine(engine), log, Turns(ReadLimits()))
    with served(endpoint(Gate(authority.authenticate), readers)) as port, locked(data):
        write_front(data, {"query": f"http://127.0.0.1:{port}"})
        yield data.root
    engine.close()


def address(data: Path) -> str:
    """Where it answers statements."""
    return str(json.loads((data / "front.json").read_text())["query"])


def secret(path: Path, text: str) -> Path:
    """A private file."""
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_running_collector_is_asked(auditspan: Auditspan, running: Path) -> None:
    """The folder is held, so the one who holds it answers: lists, times and parameters too."""
    assert json.loads(auditspan(*SQL, "--data", running).out) == [{"n": 6}]
    words = ("--agent", "helper", "--agent", "stranger's", "--format", "json", "--data", running)
    ran = auditspan("search", *words)
    assert ran.code == 0, ran.err
    assert len(json.loads(ran.out)["records"]) == 5
    assert "refund" in auditspan("trace", "--conversation", "c1", "--data", running).out
    assert auditspan("ask", "attempts", "--data", running).code == 0


def test_an_address_needs_the_token(auditspan: Auditspan, running: Path) -> None:
    """Without one, with a wrong one, and with the right one."""
    url = ("--url", address(running))
    ran = auditspan(*SQL, *url)
    assert (ran.code, "name the token's file with --token-file" in ran.err) == (2, True)
    wrong = auditspan(*SQL, *url, "--token-file", secret(Path("wrong"), "other"))
    assert (wrong.code, "Code: 516" in wrong.err) == (2, True)
    right = auditspan(*SQL, *url, "--token-file", running / "secrets" / "operator.token")
    assert json.loads(right.out) == [{"n": 6}]
    for told in (ran, wrong, right):
        assert TOKEN not in told.out + told.err


def test_an_error_of_the_engine_keeps_its_code(auditspan: Auditspan, running: Path) -> None:
    """Wrong SQL is wrong usage, wherever it runs."""
    ran = auditspan("query", "SELECT Nonsense FROM audit_records", "--data", running)
    assert (ran.code, "Nonsense" in ran.err) == (2, True)


def test_a_token_others_may_read_is_not_used(auditspan: Auditspan, running: Path) -> None:
    """The file must be private."""
    open_file = secret(Path("open"), TOKEN)
    open_file.chmod(0o644)
    ran = auditspan(*SQL, "--url", address(running), "--token-file", open_file)
    assert (ran.code, "chmod 600" in ran.err) == (2, True)
    ran = auditspan(*SQL, "--url", address(running), "--token-file", "absent")
    assert (ran.code, "no such file" in ran.err) == (2, True)


def test_a_token_goes_to_no_other_machine_in_clear(tmp_path: Path) -> None:
    """Plain HTTP is for this machine; a name that only looks like it is another."""
    token = secret(tmp_path / "token", TOKEN)
    for url in ("http://example.org:8123", "example.org", "http://127.0.0.1.example.org"):
        with pytest.raises(TokenRefused, match="expected https"):
            RemoteStore(url, "default", token)
    RemoteStore("http://[::1]:8123", "default", token).close()


def test_a_collector_that_does_not_answer_is_code_3(auditspan: Auditspan, tmp_path: Path) -> None:
    """It is starting, or its address is dead: try again."""
    data = prepare(tmp_path / "data")
    secret(data.secret("operator.token"), TOKEN)
    with locked(data):
        ran = auditspan(*SQL)
        assert (ran.code, "does not answer statements yet" in ran.err) == (3, True)
        write_front(data, {"query": "http://127.0.0.1:9"})
        ran = auditspan(*SQL)
        assert (ran.code, "is it running?" in ran.err) == (3, True)


def test_something_else_at_the_address_is_said(auditspan: Auditspan) -> None:
    """A web server that is no ClickHouse interface."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        ran = auditspan(*SQL, "--url", f"127.0.0.1:{listener.getsockname()[1]}")
        thread.join(5)
    assert (ran.code, "is this the address of a ClickHouse interface" in ran.err) == (3, True)
