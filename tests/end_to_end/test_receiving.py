"""What is acknowledged is stored, once, without credentials; what cannot be kept is refused."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import httpx
import pytest

from tests.end_to_end import bodies, proofs
from tests.end_to_end.bodies import PROTOBUF
from tests.end_to_end.running import CONFIG, Collector, running, spooled

KEY_LIKE = f"ask_{'0' * 16}_{'c' * 64}"


def _post(collector: Collector, content: bytes, bearer: str = "") -> bodies.Answer:
    headers = {"content_type": PROTOBUF}
    if bearer:
        headers["authorization"] = f"Bearer {bearer}"
    return bodies.post(collector.addresses["http"], content, **headers)


def _count(name: str) -> str:
    return f"SELECT count() FROM audit_records WHERE SpanName = '{name}'"


def test_a_request_sent_again_is_stored_once(tmp_path: Path) -> None:
    """Over both transports, at once and later, and after a stop and a crash of the collector."""
    body, other = bodies.body("once"), bodies.body("crashed")
    with running(tmp_path / "data", executed=True, empty=True) as collector:
        proofs.bind_agent(collector, tmp_path / "registry")
        key = proofs.api_key(collector)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: _post(collector, body).code, range(8)))
        assert answers == [200] * 8
        assert bodies.call(collector.addresses["grpc"], body).code == 0
        assert _post(collector, body, key).code == 200  # Another principal: another request.
        collector.wait_for(_count("once"), 2)
        text = httpx.get(f"{collector.addresses['api']}/metrics", trust_env=False).text
        assert "auditspan_requests_repeated_total 8.0" in text
    with running(tmp_path / "data", code=-signal.SIGKILL, executed=True) as collector:
        assert _post(collector, body).code == 200
        assert _post(collector, other).code == 200
        collector.process.kill()
    with running(tmp_path / "data") as collector:
        assert _post(collector, other).code == 200
        assert _post(collector, body, key).code == 200
        assert _post(collector, bodies.body("last")).code == 200
        collector.wait_for(_count("last"), 1)
        rows = collector.rows(
            "SELECT SpanName, PrincipalId, count() AS n FROM audit_records "
            "WHERE RecordKind = 'action' GROUP BY ALL ORDER BY ALL"
        )
    assert [tuple(row.values()) for row in rows] == [
        ("crashed", "anonymous", 1),
        ("last", "anonymous", 1),
        ("once", "agent:booking", 1),
        ("once", "anonymous", 1),
    ]


def test_no_raw_credential_reaches_the_disk(tmp_path: Path) -> None:
    """Nor the next collector, wherever on a span it stands; nor does what proves a request."""
    issuer = proofs.Issuer.at(tmp_path)
    upstream = Upstream()
    config = CONFIG.replace(
        "service:",
        f"""    identities:
      issuers:
        - {{issuer: "{proofs.ISSUER}", audiences: [auditspan], clients: [robot],
           jwks_file: {issuer.jwks}}}
exporters:
  otlp: {{endpoint: "{upstream.url}", protocol: http/protobuf, compression: none, insecure: true}}
service:""",
        1,
    )
    tokens = [issuer.token(jti=f"token-{number}") for number in range(6)]
    request = bodies.request("secret", note=f"see {tokens[0]}", key=KEY_LIKE)
    request.resource_spans[0].resource.attributes.add(key="token").value.string_value = tokens[1]
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.status.message = f"refused: Bearer {KEY_LIKE}, {tokens[2]}"
    event = span.events.add(name="log", time_unix_nano=1_760_000_000_000_000_000)
    event.attributes.add(key="header").value.string_value = f"Authorization: Bearer {tokens[3]}"
    nested = span.attributes.add(key="nested").value.kvlist_value.values.add(key="deep").value
    nested.array_value.values.add().string_value = tokens[4]
    span.attributes.add(key="audit.identity.token").value.string_value = tokens[5]
    with upstream, running(tmp_path / "data", config) as collector:
        proofs.bind_agent(collector, tmp_path / "registry")
        key = proofs.api_key(collector)
        _sees_nothing(collector, [*tokens, KEY_LIKE])
        assert _post(collector, request.SerializeToString(), key).code == 200
        _sees_nothing(collector, [*tokens, KEY_LIKE, key])  # While it is in the spool, probably.
        malformed = request.SerializeToString()[:-1]
        assert _post(collector, malformed, key).code == 400
        collector.wait_for(_count("secret"), 1)
        [row] = collector.rows(
            "SELECT UserId, UserProvenance, StatusMessage FROM audit_records "
            "WHERE SpanName = 'secret'"
        )
        assert (row["UserId"], row["UserProvenance"]) == ("ada@example.org", "verified")
        assert row["StatusMessage"].startswith("refused: Bearer [token sha256:")
        forwarded = upstream.bodies.get(timeout=20)
    _sees_nothing(collector, [*tokens, KEY_LIKE, key])
    assert b"secret" in forwarded
    for secret in map(_secret_part, [*tokens, KEY_LIKE, key]):
        assert secret not in forwarded


class Upstream(AbstractContextManager[None]):
    """A next collector that keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: Queue[bytes] = Queue()
        kept = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.put(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-type", PROTOBUF)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _secret_part(credential: str) -> bytes:
    """The signature of a token or the secret of a key: without it the rest opens nothing."""
    return credential.rpartition("." if "." in credential else "_")[2].encode()


def _sees_nothing(collector: Collector, credentials: list[str]) -> None:
    """No file of the data folder and no line of the log has one, or the secret part of one."""
    log = collector.data.parent / f"{collector.data.name}.log"
    # Folders come and go, too: the store's of parts that are being written.
    walked = os.walk(collector.data)
    there = (Path(folder) / name for folder, _, names in walked for name in names)
    files = [path for path in there if path.is_file()]
    assert files
    for path in [*files, log]:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # A batch that is stored meanwhile.
        for secret in map(_secret_part, credentials):
            assert secret not in content, f"{path.name} holds a credential"


def test_two_hundred_at_once(tmp_path: Path) -> None:
    """Each is stored, in few batches."""
    with running(tmp_path / "data") as collector:
        requests = [bodies.body(f"many-{number}") for number in range(200)]
        limits = httpx.Limits(max_connections=50)
        with httpx.Client(trust_env=False, limits=limits, timeout=60) as client:
            url = f"{collector.addresses['http']}/v1/traces"
            headers = {"content-type": PROTOBUF}

            def send(content: bytes) -> int:
                return client.post(url, content=content, headers=headers).status_code

            with ThreadPoolExecutor(50) as pool:
                assert set(pool.map(send, requests)) == {200}
        collector.wait_for(
            "SELECT uniqExact(SpanName) FROM audit_records WHERE SpanName LIKE 'many-%'", 200
        )
        batches = collector.rows(
            "SELECT uniqExact(BatchId) AS n FROM audit_records WHERE SpanName LIKE 'many-%'"
        )
        assert batches[0]["n"] < 20


def test_a_full_disk_is_retryable_and_loses_nothing(tmp_path: Path) -> None:
    """Files may not grow beyond a limit: refused with 503, and what was acknowledged is stored."""
    config = spooled("{batch_seconds: 60}")
    with running(tmp_path / "data", config) as collector:
        first = bodies.body("before")
        assert _post(collector, first).code == 200
        limit = 200_000
        subprocess.run(
            ["prlimit", f"--pid={collector.process.pid}", f"--fsize={limit}:"], check=True
        )
        large = bodies.body("large", note="x" * limit)
        answer = _post(collector, large)
        assert (answer.code, answer.status.code) == (503, 14)
        assert int(answer.retry_after or 0) > 0
        assert set(answer.details) == {"ErrorInfo", "RetryInfo"}
        assert str(tmp_path) not in answer.status.message
        over_grpc = bodies.call(collector.addresses["grpc"], large)
        assert (over_grpc.code, set(over_grpc.details)) == (14, {"ErrorInfo", "RetryInfo"})
        subprocess.run(
            ["prlimit", f"--pid={collector.process.pid}", "--fsize=unlimited:"], check=True
        )
        assert _post(collector, large).code == 200
        assert _post(collector, first).code == 200  # Repeated, and known.
    with running(tmp_path / "data") as collector:
        collector.wait_for(_count("large"), 1)
        rows = collector.rows(
            "SELECT SpanName, count() AS n FROM audit_records "
            "WHERE RecordKind = 'action' GROUP BY ALL ORDER BY ALL"
        )
        assert [tuple(row.values()) for row in rows] == [("before", 1), ("large", 1)]


def test_a_full_spool_takes_requests_again_later(tmp_path: Path) -> None:
    """503 while it is full; the same request is taken once batches are stored."""
    config = spooled("{total_mib: 16, principal_percent: 100, batch_seconds: 2}")
    many = [bodies.body(f"full-{n}", 40, note=f"{n}" * 100_000) for n in range(6)]
    with running(tmp_path / "data", config) as collector:
        answers = [_post(collector, body) for body in many]
        refused = [body for body, answer in zip(many, answers, strict=True) if answer.code == 503]
        assert 0 < len(refused) < len(many)
        assert {answer.status.code for answer in answers} == {0, 14}
        assert answers[-1].details["ErrorInfo"].reason == "SPOOL_FULL"
        until = time.monotonic() + 30
        while refused and time.monotonic() < until:
            time.sleep(0.2)
            refused = [body for body in refused if _post(collector, body).code != 200]
        assert not refused
        collector.wait_for(
            "SELECT count() FROM audit_records WHERE SpanName LIKE 'full-%'", 6 * 40, 60
        )
        total = "SELECT count() AS n FROM audit_records WHERE SpanName LIKE 'full-%'"
        assert collector.rows(total)[0]["n"] == 6 * 40


def test_health_and_metrics(tmp_path: Path) -> None:
    """Health, readiness and numbers, which know no value of a client."""
    with running(tmp_path / "data") as collector:
        api = collector.addresses["api"]
        assert httpx.get(f"{api}/healthz", trust_env=False).json() == {"status": "ok"}
        assert httpx.get(f"{api}/readyz", trust_env=False).json() == {"status": "ready"}
        body = bodies.body("tell-nobody", 3, **{"gen_ai.tool.name": "tell-nobody"})
        assert _post(collector, body).code == 200
        assert _post(collector, body).code == 200
        assert _post(collector, b"\xff").code == 400
        collector.wait_for(_count("tell-nobody"), 3)
        # The engine tells when the batch is signed, which is after its rows can be read.
        began = time.monotonic()
        while not (numbers := _metrics(collector))["auditspan_batch_lag_seconds"]:
            assert time.monotonic() - began < 20, numbers
            time.sleep(0.05)
        assert numbers["auditspan_spans_accepted_total"] == 3
        assert numbers["auditspan_requests_accepted_total"] == 1
        assert numbers["auditspan_requests_repeated_total"] == 1
        assert numbers['auditspan_requests_refused_total{reason="malformed"}'] == 1
        assert numbers["auditspan_dead_letters_total"] == 0
        assert 0 < numbers["auditspan_batch_lag_seconds"] < 30
        assert any(name.startswith("auditspan_stage_cpu_seconds_total{") for name in numbers)
        assert not any("tell-nobody" in name for name in numbers)


def test_readiness_says_what_is_wrong(tmp_path: Path) -> None:
    """While the engine is gone requests are accepted; they are stored when it is back."""
    with running(tmp_path / "data") as collector:
        _kill_engine(collector)
        ready = f"{collector.addresses['api']}/readyz"
        until = time.monotonic() + 10
        answer = httpx.get(ready, trust_env=False)
        while "ended with code -9" not in answer.text and time.monotonic() < until:
            time.sleep(0.02)
            answer = httpx.get(ready, trust_env=False)
        assert answer.status_code == 503
        assert answer.json()["reason"].startswith("the engine has trouble (")
        assert _post(collector, bodies.body("meanwhile")).code == 200
        while httpx.get(ready, trust_env=False).status_code != 200:
            assert time.monotonic() < until + 20
            time.sleep(0.1)
        collector.wait_for(_count("meanwhile"), 1)


def _kill_engine(collector: Collector) -> None:
    """The child of the collector that is its engine; another one signs."""
    [engine] = collector.children("engine")
    os.kill(engine, signal.SIGKILL)


def test_the_metrics_show_what_waits_in_the_spool(tmp_path: Path) -> None:
    """As many bytes as its files have."""
    config = spooled("{batch_seconds: 60}")
    with running(tmp_path / "data", config) as collector:
        assert _post(collector, bodies.body("waits", note="x" * 5000)).code == 200
        waiting = sum(path.stat().st_size for path in (collector.data / "spool").glob("*.open"))
        assert waiting > 5000
        assert _metrics(collector)["auditspan_spool_bytes"] == waiting


def _metrics(collector: Collector) -> dict[str, float]:
    text = httpx.get(f"{collector.addresses['api']}/metrics", trust_env=False).text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_a_reload_takes_the_log_level_and_refuses_the_rest(tmp_path: Path) -> None:
    """As a whole, with a line in the log; the collector runs on."""
    data = tmp_path / "data"
    file, log = tmp_path / "data.yaml", tmp_path / "data.log"
    with running(data) as collector:
        louder = CONFIG.replace("service:", "service:\n  log_level: debug", 1)
        smaller = CONFIG.replace("http: {", "http: {max_request_mib: 1, ", 1)
        for text, words in (
            (louder, "configuration reloaded"),
            (smaller, "restart for the rest"),
            (CONFIG + "  unknown: 1\n", "unknown"),
            ("{", "reload refused"),
        ):
            file.write_text(text)
            before = log.stat().st_size
            collector.process.send_signal(signal.SIGHUP)
            _wait_for_words(log, before, words)
        assert _post(collector, bodies.body("after")).code == 200
        collector.wait_for(_count("after"), 1)


def _wait_for_words(log: Path, begin: int, words: str) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if words in log.read_bytes()[begin:].decode():
            return
        time.sleep(0.05)
    pytest.fail(f"{words!r} is not in the log: {log.read_text()[-1000:]}")
