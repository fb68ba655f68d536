"""Processes are killed, the store is away, readers try to get out: nothing is lost or let out."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.end_to_end.running import COMMAND, CONFIG, Collector, running

SENT = "SELECT count() FROM audit_records WHERE RecordKind = 'action'"
TWICE = (
    "SELECT count() AS n FROM (SELECT SpanId FROM audit_records WHERE RecordKind = 'action' "
    "GROUP BY SpanId HAVING count() > 1)"
)


@dataclass
class Sender:
    """Sends requests of ten spans and remembers which were acknowledged."""

    url: str
    first: int = 1
    acknowledged: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Until stopped; a request that fails is given up, its spans may be stored or not."""
        number = self.first
        with httpx.Client(timeout=5, trust_env=False) as client:
            while not self.stop.is_set():
                spans = list(range(number, number + 10))
                number += 10
                try:
                    answer = client.post(
                        f"{self.url}/v1/traces",
                        content=request(spans),
                        headers={"content-type": "application/x-protobuf"},
                    )
                except httpx.HTTPError:
                    continue
                if answer.status_code == 200:
                    self.acknowledged += spans
                self.stop.wait(0.01)


@contextmanager
def sending(url: str, first: int = 1) -> Iterator[Sender]:
    """Send beside the test."""
    sender = Sender(url, first)
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        yield sender
    finally:
        sender.stop.set()
        thread.join()


def request(numbers: list[int]) -> bytes:
    """Spans with these ids."""
    sent = ExportTraceServiceRequest()
    spans = sent.resource_spans.add().scope_spans.add().spans
    for number in numbers:
        span = spans.add(name="chat", trace_id=(1).to_bytes(16), span_id=number.to_bytes(8))
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
    return sent.SerializeToString()


def assert_stored_once(collector: Collector, acknowledged: list[int]) -> None:
    """Every acknowledged span is a record, and no span is two."""
    assert acknowledged
    ids = [f"{number:016x}" for number in acknowledged]
    collector.wait_for(SENT, len(ids))
    rows = collector.rows("SELECT SpanId FROM audit_records WHERE RecordKind = 'action'")
    assert set(ids) <= {row["SpanId"] for row in rows}
    assert collector.rows(TWICE) == [{"n": 0}]


def engine_of(collector: Collector) -> int:
    """The process id of the engine. Raises `IndexError` while there is none."""
    return collector.children("engine")[0]


def until_ready(collector: Collector) -> None:
    """Until the engine answers again."""
    until = time.monotonic() + 30
    while httpx.get(f"{collector.addresses['api']}/readyz").status_code != 200:
        assert time.monotonic() < until, "the engine did not come back"
        time.sleep(0.1)


def test_a_killed_engine_comes_back_and_goes_on(tmp_path: Path) -> None:
    """Three kills while a client sends: requests are taken all the time, all are stored once."""
    with running(tmp_path / "data") as collector, sending(collector.addresses["http"]) as sender:
        for _ in range(3):
            before = len(sender.acknowledged)
            time.sleep(1.2)
            killed = engine_of(collector)
            os.kill(killed, signal.SIGKILL)
            until_other(collector, killed)
            until_ready(collector)
            assert len(sender.acknowledged) > before
        sender.stop.set()
        time.sleep(0.2)
        assert_stored_once(collector, sender.acknowledged)
    assert "the engine ended with code -9" in (tmp_path / "data.log").read_text()


def until_other(collector: Collector, killed: int) -> None:
    """Until another engine runs."""
    until = time.monotonic() + 20
    while True:
        try:
            if engine_of(collector) != killed:
                return
        except IndexError:
            pass
        assert time.monotonic() < until, "the engine was not started again"
        time.sleep(0.05)


def test_a_killed_collector_has_kept_what_it_acknowledged(tmp_path: Path) -> None:
    """Two kills of the front while a client sends; the third start stores all of it, once."""
    acknowledged: list[int] = []
    for first in (1, 1_000_001):
        with (
            pytest.raises(Killed),
            running(tmp_path / "data") as collector,
            sending(collector.addresses["http"], first) as sender,
        ):
            time.sleep(1.5)
            collector.process.kill()
            collector.process.wait()
            acknowledged += sender.acknowledged
            raise Killed
    with running(tmp_path / "data") as collector:
        assert_stored_once(collector, acknowledged)


class Killed(Exception):
    """The collector is gone on purpose."""


@pytest.mark.parametrize("whole_group", [False, True])
def test_a_stop_stores_what_was_acknowledged(tmp_path: Path, whole_group: bool) -> None:
    """SIGTERM, to the service or to all its processes: exit code 0 and nothing left to do."""
    with (
        running(tmp_path / "data", executed=whole_group) as collector,
        sending(collector.addresses["http"]) as sender,
    ):
        time.sleep(0.5)
        if whole_group:
            os.kill(engine_of(collector), signal.SIGTERM)
            os.kill(engine_of(collector), signal.SIGINT)
        collector.process.send_signal(signal.SIGTERM)
        assert collector.process.wait(30) == 0
    assert list((tmp_path / "data" / "spool").glob("*.seg")) == []
    log = (tmp_path / "data.log").read_text()
    assert "Unknown child process" not in log and "ERROR" not in log, log
    with running(tmp_path / "data") as collector:
        assert_stored_once(collector, sender.acknowledged)


def test_with_the_server_down_requests_wait_in_the_spool(tmp_path: Path) -> None:
    """Acknowledged all the same, and stored once it is up; and again when it goes in between."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    config = CONFIG + f"storage: {{url: 'http://127.0.0.1:{port}'}}\n"
    with up(tmp_path / "data", config) as collector, sending(collector.addresses["http"]) as sender:
        wait_for_log(tmp_path / "data.log", "the store cannot be opened")
        ready = httpx.get(f"{collector.addresses['api']}/readyz")
        assert ready.status_code == 503
        log = (tmp_path / "data.log").read_text()
        assert "refused" in log.lower()
        assert "the engine ended" not in log
        assert sender.acknowledged
        with server(tmp_path / "server", port):
            until_ready(collector)
            wait_for_log(tmp_path / "data.log", "engine ready")
        before = len(sender.acknowledged)
        wait_for_log(tmp_path / "data.log", "it stays in the spool")
        with server(tmp_path / "server", port):
            assert len(sender.acknowledged) > before
            sender.stop.set()
            until_drained(tmp_path / "data" / "spool")
            collector.process.send_signal(signal.SIGTERM)
            assert collector.process.wait(30) == 0
            assert_in_server(port, sender.acknowledged)


def wait_for_log(log: Path, words: str) -> None:
    """Until the collector has said so."""
    until = time.monotonic() + 20
    while words not in log.read_text():
        assert time.monotonic() < until, log.read_text()[-3000:]
        time.sleep(0.1)


def until_drained(spool: Path) -> None:
    """Until no segment waits, open or closed."""
    until = time.monotonic() + 40
    while any(path.suffix in (".open", ".seg") for path in spool.iterdir()):
        assert time.monotonic() < until, list(spool.iterdir())
        time.sleep(0.1)


def assert_in_server(port: int, acknowledged: list[int]) -> None:
    """Every acknowledged span is there, and no span twice."""
    sql = "SELECT SpanId FROM auditspan.audit_records WHERE RecordKind = 'action' FORMAT TSV"
    found = httpx.post(f"http://127.0.0.1:{port}/", content=sql).text.split()
    assert {f"{number:016x}" for number in acknowledged} <= set(found)
    assert len(found) == len(set(found))


@contextmanager
def server(folder: Path, port: int) -> Iterator[None]:
    """A ClickHouse endpoint that may write: that of the tests of storage, as its own process."""
    code = (
        "import sys, time, uvicorn\n"
        "from chdb.state.sqlitelike import Connection\n"
        "from starlette.applications import Starlette\n"
        "from starlette.routing import Route\n"
        "from tests.storage.conftest import _write_enabled\n"
        "app = Starlette(routes=[Route('/', _write_enabled(Connection(sys.argv[1])),"
        " methods=['GET', 'POST'])])\n"
        "uvicorn.run(app, port=int(sys.argv[2]), log_level='error', lifespan='off', ws='none')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(port)], cwd=Path(__file__).parents[2]
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def up(data: Path, config: str) -> Iterator[Collector]:
    """A collector that need not be ready."""
    file = data.parent / "auditspan.yaml"
    file.write_text(config)
    with (data.parent / f"{data.name}.log").open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, "up", "--config", str(file), "--data", str(data)],
            stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        try:
            until = time.monotonic() + 30
            while not (data / "front.json").exists():
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.05)
            yield Collector(data, process, json.loads((data / "front.json").read_text()))
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A collector whose data folder lies in the folder it was started in."""
    folder = tmp_path_factory.mktemp("confined")
    before = Path.cwd()
    os.chdir(folder)
    os.environ["OPENAI_API_KEY"] = "sk-only-for-the-host"
    try:
        with running(folder / "data", executed=True) as collector:
            yield collector
    finally:
        os.chdir(before)
        del os.environ["OPENAI_API_KEY"]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT file('/etc/passwd')",
        "SELECT file('{data}/secrets/operator.token')",
        "SELECT file('{data}/secrets/hmac.key')",
        "SELECT * FROM file('{data}/secrets/*', 'RawBLOB')",
        "SELECT * FROM file('{data}/../data.yaml', 'RawBLOB')",
        "SELECT * FROM url('{api}/metrics', 'RawBLOB')",
        "SELECT 1 INTO OUTFILE '{data}/public/x'",
        "SELECT 1 INTO OUTFILE '/tmp/auditspan-escaped'",
        "INSERT INTO FUNCTION file('{data}/spool/x.seg', 'RawBLOB') SELECT 'x'",
    ],
)
def test_a_reader_cannot_leave_the_store(confined: Collector, statement: str) -> None:
    """Files, ports and places to write are refused, and nothing of them is in the answer."""
    sql = statement.format(data=confined.data, api=confined.addresses["api"])
    answer = asked(confined, sql)
    assert answer.status_code != 200, answer.text
    assert confined.token not in answer.text and "root:" not in answer.text
    assert not Path("/tmp/auditspan-escaped").exists()
    assert not (confined.data / "public" / "x").exists()


def test_the_engine_has_nothing_of_our_environment(confined: Collector) -> None:
    """What the host keeps there is not passed on, and not to be read from the front's either."""
    own = Path(f"/proc/{engine_of(confined)}/environ").read_bytes()
    names = {entry.partition(b"=")[0] for entry in own.split(b"\0") if entry}
    allowed = {b"PATH", b"LANG", b"LC_ALL", b"TMPDIR", b"VIRTUAL_ENV", b"TZ", b"PYTHONUNBUFFERED"}
    assert names <= allowed
    for path in ("/proc/self/environ", f"/proc/{confined.process.pid}/environ"):
        answer = asked(confined, f"SELECT * FROM file('{path}', 'RawBLOB')")
        assert "sk-only-for-the-host" not in answer.text


def asked(collector: Collector, sql: str) -> httpx.Response:
    """Ask as a reader does."""
    return httpx.post(
        collector.addresses["query"], content=sql, auth=("operator", collector.token), timeout=30
    )


def test_the_engine_itself_is_confined(confined: Collector) -> None:
    """Even SQL without limits reaches no secret: the kernel says no, not the settings."""
    code = (
        "import sys; from pathlib import Path\n"
        "from auditspan.collector.data_dir import DataDir\n"
        "from auditspan.collector.engine.__main__ import _confine\n"
        "from auditspan.collector.engine.messages import Start\n"
        "data = sys.argv[1]\n"
        "missing = _confine(Start(data, {'storage': {'path': data + '/store'}}, b'', {}, ''))\n"
        "if 'no Landlock' in missing: print('unsupported'); sys.exit()\n"
        "secrets = ['secrets/operator.token', 'secrets/hmac.key']\n"
        "for name in (*secrets, 'front.json', '../data.yaml'):\n"
        "    try: Path(data, name).read_bytes(); print(name, 'open')\n"
        "    except PermissionError: pass\n"
        "print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(confined.data)],
        capture_output=True, text=True, timeout=60, check=True, cwd=confined.data.parent,
    )  # fmt: skip
    if done.stdout.startswith("unsupported"):
        pytest.skip("this kernel has no Landlock")
    assert done.stdout == "done\n"
