"""Bad requests: each gets the right answer in its own language, and nothing of it is stored."""

import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest

from tests.end_to_end import bodies, proofs
from tests.end_to_end.bodies import JSON, PROTOBUF, Answer
from tests.end_to_end.running import CONFIG, Collector, running

MIB = 1 << 20
BOMB = gzip.compress(bytes(300 * MIB), 1)
GOOD = bodies.body("never stored")


@dataclass(frozen=True)
class House:
    """A collector that knows an agent, and what proves the agent."""

    collector: Collector
    issuer: proofs.Issuer
    key: str
    revoked: str

    def post(self, content: bytes = GOOD, *, method: str = "POST", **headers: str) -> Answer:
        """Over HTTP, as protobuf unless said otherwise."""
        named = {"content_type": PROTOBUF, **headers}
        return bodies.post(self.collector.addresses["http"], content, method=method, **named)

    def call(self, content: bytes = GOOD, bearer: str = "") -> Answer:
        """Over gRPC."""
        metadata = [("authorization", f"Bearer {bearer}")] if bearer else []
        return bodies.call(self.collector.addresses["grpc"], content, metadata=metadata)

    def used_token(self) -> str:
        """A token for one use that was used."""
        token = self.issuer.token()
        answer = self.post(bodies.body("with a token"), authorization=f"Bearer {token}")
        assert answer.code == 200
        return token


def config(jwks: Path, failures: int) -> str:
    """An issuer of tokens for one use, and requests of a MiB at most."""
    return CONFIG.replace('"127.0.0.1:0"}', '"127.0.0.1:0", max_request_mib: 1}', 2).replace(
        "service:",
        f"""    authentication:
      failures_per_minute: {failures}
      issuers:
        - issuer: {proofs.ISSUER}
          audiences: [auditspan]
          clients: [robot]
          jwks_file: {jwks}
          one_time: true
          require_jti: true
service:""",
        1,
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all; that nothing bad is left behind is looked at in the end, too."""
    folder = tmp_path_factory.mktemp("bad")
    issuer = proofs.Issuer.at(folder)
    with running(folder / "data", config(issuer.jwks, 10_000)) as collector:
        proofs.bind_agent(collector, folder / "registry")
        key, revoked = proofs.api_key(collector), proofs.api_key(collector)
        collector.auditspan("keys", "revoke", revoked.split("_")[1], *proofs.BY)
        time.sleep(1.1)  # The registry's bindings are read once a second.
        yield House(collector, issuer, key, revoked)
        rows = collector.rows("SELECT DISTINCT SpanName FROM audit_records")
        assert "never stored" not in {row["SpanName"] for row in rows}


def _json(content: bytes) -> Callable[[House], Answer]:
    return lambda house: house.post(content, content_type=JSON)


def _gzip(content: bytes) -> Callable[[House], Answer]:
    return lambda house: house.post(content, content_encoding="gzip")


def _protobuf(content: bytes) -> Callable[[House], Answer]:
    return lambda house: house.post(content)


MALFORMED = {
    "no protobuf": (_protobuf(b"\xff\xff\xff"), PROTOBUF),
    "protobuf cut short": (_protobuf(GOOD[:-3]), PROTOBUF),
    "a span without id": (_protobuf(GOOD.replace(b"\x12\x08" + (1).to_bytes(8), b"")), PROTOBUF),
    "JSON sent as protobuf": (_protobuf(b'{"resourceSpans": []}'), PROTOBUF),
    "no JSON": (_json(b"{"), JSON),
    "JSON cut short": (_json(b'{"resourceSpans": [{"scopeSpans": ['), JSON),
    "JSON of no request": (_json(b"[]"), JSON),
    "JSON nested deep": (_json(b'{"resourceSpans":' + b"[" * 50_000), JSON),
    "protobuf sent as JSON": (_json(GOOD), JSON),
    "no gzip": (_gzip(GOOD), PROTOBUF),
    "gzip cut short": (_gzip(gzip.compress(GOOD)[:-9]), PROTOBUF),
    "bytes after gzip": (_gzip(gzip.compress(GOOD) + b"x"), PROTOBUF),
}
TOO_LARGE = {
    "protobuf": (_protobuf(bytes(MIB + 1)), PROTOBUF),
    "JSON": (_json(b" " * (MIB + 1)), JSON),
    "gzip bomb": (_gzip(BOMB), PROTOBUF),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_body_that_is_wrong(house: House, case: str) -> None:
    """A permanent refusal that says what is wrong, in the request's content type."""
    send, media_type = MALFORMED[case]
    answer = send(house)
    assert (answer.code, answer.status.code, answer.media_type) == (400, 3, media_type)
    assert set(answer.details) == {"BadRequest", "ErrorInfo"}
    assert answer.details["ErrorInfo"].reason == "MALFORMED"
    assert answer.details["BadRequest"].field_violations[0].description == answer.status.message
    assert len(answer.status.message) > 10
    assert answer.retry_after is None


@pytest.mark.parametrize("case", TOO_LARGE)
def test_a_body_that_is_too_large(house: House, case: str) -> None:
    """413, which no client tries again; `RESOURCE_EXHAUSTED` without `RetryInfo` says the same."""
    send, media_type = TOO_LARGE[case]
    answer = send(house)
    assert (answer.code, answer.status.code, answer.media_type) == (413, 8, media_type)
    assert set(answer.details) == {"ErrorInfo"}
    assert answer.retry_after is None


@pytest.mark.parametrize("headers", [
    {"content_type": "text/plain"},
    {"content_type": ""},
    {"content_type": "application/grpc"},
    {"content_encoding": "br"},
    {"content_encoding": "gzip, gzip"},
    {"content_encoding": "snappy", "content_type": JSON},
])  # fmt: skip
def test_what_the_port_does_not_speak(house: House, headers: dict[str, str]) -> None:
    """415, which no client tries again; a body of unknown type is answered in JSON."""
    answer = house.post(GOOD, **headers)
    assert (answer.code, answer.retry_after) == (415, None)
    spoken = headers.get("content_type", PROTOBUF)
    assert answer.media_type == (spoken if spoken == PROTOBUF else JSON)
    assert "RetryInfo" not in answer.details


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method(house: House, method: str) -> None:
    """405 with what is allowed."""
    answer = house.post(method=method)
    assert (answer.code, answer.status.code, answer.media_type) == (405, 12, PROTOBUF)


@pytest.mark.parametrize("path", ["/v1/metrics", "/v1/logs", "/", "/v1/traces/x", "/v1/traces/"])
def test_another_path(house: House, path: str) -> None:
    """404, not a redirect: a client that follows one may lose its body."""
    url = f"{house.collector.addresses['http']}{path}"
    answer = httpx.post(url, content=GOOD, headers={"content-type": PROTOBUF}, trust_env=False)
    assert answer.status_code == 404
    assert bodies.answer_of(answer).status.code == 12


@pytest.mark.parametrize(
    "content",
    [GOOD[:-3], b"\xff\xff\xff", b'{"resourceSpans": []}'],
    ids=["torn", "no protobuf", "json"],
)
def test_wrong_bodies_over_grpc(house: House, content: bytes) -> None:
    """INVALID_ARGUMENT with the same details as over HTTP."""
    answer = house.call(content)
    assert (answer.code, answer.status.code) == (3, 3)
    assert set(answer.details) == {"BadRequest", "ErrorInfo"}


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_too_large_over_grpc(house: House, compression: grpc.Compression | None) -> None:
    """RESOURCE_EXHAUSTED without `RetryInfo`, which says not to try again; bombs as well."""
    url = house.collector.addresses["grpc"]
    answer = bodies.call(url, bytes(300 * MIB if compression else MIB + 1), compression=compression)
    assert answer.code == 8
    assert "RetryInfo" not in answer.details


def test_another_grpc_method(house: House) -> None:
    """UNIMPLEMENTED."""
    url = house.collector.addresses["grpc"]
    method = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    assert bodies.call(url, b"", method=method).code == 12


PROOFS: dict[str, Callable[[House], str]] = {
    "unknown key": lambda h: f"ask_{'0' * 16}_{'1' * 64}",
    "key with another secret": lambda h: h.key[:-4] + ("aaaa" if h.key[-4:] != "aaaa" else "bbbb"),
    "revoked key": lambda h: h.revoked,
    "no token": lambda h: "abc",
    "expired token": lambda h: h.issuer.token(exp=int(time.time()) - 3600),
    "token of another issuer": lambda h: h.issuer.token(iss="https://other.example"),
    "token for somebody else": lambda h: h.issuer.token(aud="other"),
    "token of another client": lambda h: h.issuer.token(azp="other"),
    "changed token": lambda h: h.issuer.token()[:-8] + "AAAAAAAA",
    "token used before": lambda h: h.used_token(),
}


@pytest.mark.parametrize("case", PROOFS)
def test_a_proof_that_is_wrong(house: House, case: str) -> None:
    """Refused for good over both transports: it never falls back to an anonymous sender."""
    bearer = PROOFS[case](house)
    over_http = house.post(authorization=f"Bearer {bearer}")
    assert (over_http.code, over_http.status.code, over_http.retry_after) == (401, 16, None)
    over_grpc = house.call(bearer=bearer)
    assert (over_grpc.code, over_grpc.status.code) == (16, 16)
    for answer in (over_http, over_grpc):
        assert set(answer.details) == {"ErrorInfo"}
        assert bearer not in str(answer.status)


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer a b", "ask_1"])
def test_an_authorization_that_is_no_bearer_token(house: House, header: str) -> None:
    """Refused, and not taken for none."""
    assert house.post(authorization=header).code == 401


def test_two_authorizations(house: House) -> None:
    """Refused, for nobody knows which one a proxy before us has read."""
    url = house.collector.addresses["http"]
    headers = [("authorization", f"Bearer {house.key}")] * 2 + [("content-type", PROTOBUF)]
    answer = httpx.post(f"{url}/v1/traces", content=GOOD, headers=headers, trust_env=False)
    assert answer.status_code == 401
    both = [("authorization", f"Bearer {house.key}")] * 2
    assert bodies.call(house.collector.addresses["grpc"], GOOD, metadata=both).code == 16


@pytest.mark.parametrize(
    ("content", "media_type"), [(b"", PROTOBUF), (b"{}", JSON), (b'{"resourceSpans":[]}', JSON)]
)
def test_an_empty_request(house: House, content: bytes, media_type: str) -> None:
    """Is in order."""
    answer = house.post(content, content_type=media_type)
    assert (answer.code, answer.media_type) == (200, media_type)
    assert house.call(b"").code == 0


def test_a_good_request_works_after_all_that(house: House) -> None:
    """Over both transports, with key and with token; the agent is verified."""
    assert house.post(bodies.body("good"), authorization=f"Bearer {house.key}").code == 200
    assert house.call(bodies.body("good"), bearer=house.issuer.token()).code == 0
    one = "FROM audit_records WHERE SpanName = 'good'"
    house.collector.wait_for(f"SELECT count() {one}", 2)
    rows = house.collector.rows(f"SELECT AgentId, AgentProvenance {one}")
    assert rows == [{"AgentId": "booking", "AgentProvenance": "verified"}] * 2


def test_the_refusals_are_counted(house: House) -> None:
    """By words of ours."""
    house.post(b"\xff")
    text = httpx.get(f"{house.collector.addresses['api']}/metrics", trust_env=False).text
    assert 'auditspan_requests_refused_total{reason="malformed"}' in text


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    """429 after some failures, with the time to wait; who has proved itself goes on."""
    issuer = proofs.Issuer.at(tmp_path)
    with running(tmp_path / "data", config(issuer.jwks, 3)) as collector:
        proofs.bind_agent(collector, tmp_path / "registry")
        house = House(collector, issuer, proofs.api_key(collector), "")
        assert house.post(bodies.body("before"), authorization=f"Bearer {house.key}").code == 200
        for _ in range(3):
            assert house.post(authorization="Bearer wrong").code == 401
        refused = house.post(authorization="Bearer wrong")
        assert (refused.code, refused.status.code) == (429, 8)
        assert 0 < int(refused.retry_after or 0) <= 60
        assert refused.details["RetryInfo"].retry_delay.seconds <= 60
        over_grpc = house.call(bearer="wrong")
        assert (over_grpc.code, set(over_grpc.details)) == (8, {"ErrorInfo", "RetryInfo"})
        assert house.post(bodies.body("after"), authorization=f"Bearer {house.key}").code == 200
