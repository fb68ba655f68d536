"""From bytes to an acknowledgement, with a real exchange of users' tokens."""

import asyncio
import logging
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.front.admission import Encoding
from auditspan.collector.front.decompress import BodyTooLarge
from auditspan.collector.front.receiver_config import SpoolConfig
from auditspan.collector.front.refusals import Unauthenticated
from auditspan.collector.front.rejections import RateExceeded
from auditspan.collector.front.shares import Shares
from auditspan.identity.credentials import Credentials
from auditspan.identity.principal import Principal, anonymous_principal
from auditspan.identity.statement import StatementVerifier
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope
from auditspan.wire.errors import RequestInvalid, SpoolFull
from auditspan.wire.otlp_json import to_json
from auditspan.wire.segments import closed_segments
from auditspan.wire.spool import SpoolLimits
from auditspan.wire.varint import encode_varint
from tests.collector.front.house import AGENT, NOW, SIGNER, House, request, token
from tests.collector.front.spools import Spool


@pytest.fixture
def house(tmp_path: Path) -> House:
    """An empty one."""
    return House(tmp_path)


def stored_attributes(envelope: Envelope) -> dict[str, str]:
    """Of the first span."""
    parsed = ExportTraceServiceRequest.FromString(envelope.request)
    span = parsed.resource_spans[0].scope_spans[0].spans[0]
    return {pair.key: pair.value.string_value for pair in span.attributes}


def test_a_request_becomes_a_frame(house: House) -> None:
    """With who sent it, when it came, and the digest of what was sent."""
    body = request().SerializeToString()
    (envelope,) = house.sent(body)
    assert envelope.kind == OTLP_TRACES
    assert envelope.request == body
    assert envelope.principal == AGENT.to_json()
    assert envelope.received_at == int(NOW * 1e9)
    assert envelope.request_digest.startswith("sha256:")


def test_the_digest_is_that_of_the_received_bytes(house: House) -> None:
    """The same request in another encoding is another one."""
    made = request()

    async def use() -> None:
        await house.admission.admit(made.SerializeToString(), "protobuf", AGENT)
        await house.admission.admit(to_json(made), "json", AGENT)

    one, two = house.run(use)
    assert one.request == two.request
    assert one.request_digest != two.request_digest


def test_a_repetition_is_acknowledged_and_not_stored(house: House) -> None:
    """From another sender it is another request."""
    body = request().SerializeToString()
    assert len(house.sent(body, body)) == 1
    metrics = house.metrics.registry
    assert metrics.get_sample_value("auditspan_requests_repeated_total") == 1
    assert metrics.get_sample_value("auditspan_spans_accepted_total") == 1


def test_two_senders_may_send_the_same(house: House) -> None:
    """A repetition is one of the same principal."""
    body = request().SerializeToString()

    async def use() -> None:
        await house.admission.admit(body, "protobuf", AGENT)
        await house.admission.admit(body, "protobuf", anonymous_principal("127.0.0.1"))

    assert len(house.run(use)) == 2


def test_a_sender_beyond_its_rate_stops_nobody_else(house: House) -> None:
    """What it sent already is acknowledged again, and nothing of the refused one is kept."""
    config = SpoolConfig(principal_mib_per_second=1e-5, min_free_mib=0)
    shares = Shares(house.spool.folder, config, clock=lambda: 0.0)
    house.admission = replace(house.admission, shares=shares)
    first, second = (request(name * 200).SerializeToString() for name in "ab")

    async def use() -> None:
        await house.admission.admit(first, "protobuf", AGENT)
        with pytest.raises(RateExceeded):
            await house.admission.admit(second, "protobuf", AGENT)
        await house.admission.admit(first, "protobuf", AGENT)
        await house.admission.admit(second, "protobuf", anonymous_principal("127.0.0.1"))

    kept = [Principal.from_json(envelope.principal).kind for envelope in house.run(use)]
    assert kept == ["agent", anonymous_principal("127.0.0.1").kind]


def test_repetitions_are_known_after_a_restart(house: House) -> None:
    """Also when the segment is stored and gone."""
    body = request().SerializeToString()
    house.sent(body)
    for path in closed_segments(house.spool.folder):
        path.unlink()
    house.spool = Spool(house.spool.folder)
    house.admission = house.restarted()
    assert house.sent(body) == []


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_what_is_no_request_leaves_nothing(house: House, size: int) -> None:
    """Small ones and those that are parsed elsewhere; a good one after it is taken."""
    bad = request().SerializeToString() + b"\x0a" + b"\xff" * (size + 3)

    async def use() -> None:
        for _ in range(2):
            with pytest.raises(RequestInvalid):
                await house.admission.admit(bad, "protobuf", AGENT)
        await house.admission.admit(request().SerializeToString(), "protobuf", AGENT)

    assert len(house.run(use)) == 1


def test_an_empty_request_leaves_nothing(house: House) -> None:
    """Nor do resources without spans."""
    empty = ExportTraceServiceRequest()
    empty.resource_spans.add().scope_spans.add()
    assert house.sent(b"", empty.SerializeToString()) == []


def test_a_full_spool_is_told_and_the_repetition_is_new(tmp_path: Path) -> None:
    """What was refused is not taken for stored."""
    house = House(tmp_path, SpoolLimits(seconds=3600.0, total_bytes=100))

    async def use() -> None:
        for _ in range(2):
            with pytest.raises(SpoolFull):
                await house.admission.admit(request().SerializeToString(), "protobuf", AGENT)

    assert house.run(use) == []


def test_a_user_token_becomes_a_statement(house: House) -> None:
    """Bound to the principal that sent the span; the token is gone."""
    (envelope,) = house.sent(request(audit__identity__token=token()).SerializeToString())
    attributes = stored_attributes(envelope)
    assert set(attributes) == {"audit.identity.statement"}
    verifier = StatementVerifier({"keys": [SIGNER.jwk]})
    statement = verifier.verify(attributes["audit.identity.statement"], AGENT.id, NOW)
    assert statement.subject == "alice"


@pytest.mark.parametrize(
    ("value", "principal", "reason"),
    [
        pytest.param(token(exp=int(NOW) - 600), AGENT, "refused", id="expired"),
        pytest.param(token(iss="https://else.example"), AGENT, "refused", id="foreign"),
        pytest.param("no token at all", AGENT, "refused", id="nonsense"),
        pytest.param(token(), anonymous_principal("127.0.0.1"), "not_allowed", id="anonymous"),
    ],
)
def test_a_token_that_proves_nobody_is_told_on_the_span(
    house: House, value: str, principal: Principal, reason: str
) -> None:
    """The action is recorded all the same, with the reason, without the token."""
    body = request(audit__identity__token=value).SerializeToString()
    (envelope,) = house.sent(body, principal=principal)
    assert stored_attributes(envelope) == {"audit.identity.error": reason}


def test_many_tokens_cost_no_more_than_some(house: House) -> None:
    """Beyond them the user is not resolved, and that is told."""
    made = request(audit__identity__token=token(jti="0"))
    for number in range(1, 80):
        made.MergeFrom(request(audit__identity__token=token(jti=f"{number}")))
    (envelope,) = house.sent(made.SerializeToString())
    parsed = ExportTraceServiceRequest.FromString(envelope.request)
    keys = [r.scope_spans[0].spans[0].attributes[0].key for r in parsed.resource_spans]
    assert keys.count("audit.identity.statement") == 64
    assert keys.count("audit.identity.error") == 16


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("padding", [0, 400_000])
def test_a_token_is_nowhere_afterwards(
    house: House, encoding: Any, padding: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Not on disk, not in the log, wherever in the request it was."""
    caplog.set_level(logging.DEBUG)
    user = token()
    made = request(
        f"call {user}",
        audit__identity__token=f"Bearer {user}",
        note="x" * padding,
        http__request__header=f"Authorization: Bearer {user}",
    )
    resource = made.resource_spans[0].resource
    resource.attributes.add(key="deep").value.array_value.values.add().string_value = user
    made.resource_spans[0].scope_spans[0].spans[0].status.message = f"refused: {user}"
    body = made.SerializeToString() if encoding == "protobuf" else to_json(made)

    async def use() -> None:
        await house.admission.admit(body, encoding, AGENT)

    house.run(use)
    signature = user.rpartition(".")[2]
    for path in house.spool.folder.iterdir():
        assert signature.encode() not in path.read_bytes(), path.name
    assert signature not in caplog.text
    assert "raw credentials taken out of a request of agent:booking" in caplog.text
    assert house.metrics.registry.get_sample_value("auditspan_tokens_scrubbed_total") == 5


def test_an_unusable_token_attribute_is_removed(house: House) -> None:
    """A number is no token, and nothing of ours may look as if it were."""
    made = request()
    span = made.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.add(key="audit.identity.token").value.int_value = 7
    (envelope,) = house.sent(made.SerializeToString())
    assert stored_attributes(envelope) == {}


def test_unknown_fields_do_not_reach_the_spool(house: House) -> None:
    """Two parsers could read them differently."""
    body = request().SerializeToString()
    (envelope,) = house.sent(body + bytes.fromhex("c23e05") + b"spoof")
    assert envelope.request == body


def test_a_control_record_is_a_frame_of_its_kind(house: House) -> None:
    """Never taken for a repetition: the operator may do the same thing twice."""

    async def use() -> None:
        for _ in range(2):
            await house.admission.submit_control('{"kind":"x"}', AGENT.to_json())

    one, two = house.run(use)
    assert (one.kind, one.control) == (CONTROL, '{"kind":"x"}') == (two.kind, two.control)


def test_who_proves_nothing_is_refused(house: House) -> None:
    """Before a body is read."""

    async def use() -> None:
        with pytest.raises(Unauthenticated):
            await house.admission.authenticate(Credentials(None, None, "10.0.0.1"))

    house.run(use)


def test_requests_at_once_are_all_stored(house: House) -> None:
    """A large one does not hold the small ones up for long, and each is there once."""
    bodies = [request(f"{n}").SerializeToString() for n in range(50)]
    large = request("large", note="x" * 3_000_000).SerializeToString()

    async def use() -> None:
        await asyncio.gather(
            *(house.admission.admit(body, "protobuf", AGENT) for body in [large, *bodies, *bodies])
        )

    assert len(house.run(use)) == 51


def _below(size: int, spans: int, number: int = 0) -> bytes:
    """Spans below a resource of this size."""
    made = ExportTraceServiceRequest()
    under = made.resource_spans.add()
    under.resource.attributes.add(key="blob").value.string_value = "x" * size
    found = under.scope_spans.add().spans
    for at in range(spans):
        found.add(trace_id=bytes([number]) * 16, span_id=at.to_bytes(8), name="span")
    return made.SerializeToString()


def test_a_resource_counts_once_for_each_span_below_it(house: House) -> None:
    """A megabyte on the wire would be a hundred in the engine, and hold up everybody."""
    with pytest.raises(BodyTooLarge, match=r"100 spans have 10.* bytes of resource"):
        house.sent(_below(1 << 20, 100))
    assert house.stored() == []


def test_a_large_resource_of_few_spans_is_taken(house: House) -> None:
    """Each record has it, as the sender wants."""
    assert len(house.sent(_below(1 << 20, 10))) == 1


def test_events_are_bounded_as_spans_are(house: House) -> None:
    """An empty one is two bytes on the wire, and hundreds in the engine."""
    with pytest.raises(BodyTooLarge, match="1000001 events and links"):
        house.sent(_of_parts(600_000, 400_001))
    assert house.stored() == []


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
def test_spans_without_end_are_refused_before_they_are_parsed(
    house: House, encoding: Encoding
) -> None:
    """An empty one is two bytes on the wire, and 170 once it is parsed."""
    body = b"\x12\x00" * 600_000
    for tag in (b"\x12", b"\x0a"):
        body = tag + encode_varint(len(body)) + body
    if encoding == "json":
        spans = b",".join([b"{}"] * 2_000_000)
        body = b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + spans + b"]}]}]}"

    async def use() -> None:
        with pytest.raises(BodyTooLarge, match="at most 500000 spans, in JSON 2000000 objects"):
            await house.admission.admit(body, encoding, AGENT)

    tracemalloc.start()
    try:
        house.run(use)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert house.stored() == []


def test_as_many_events_as_may_be_are_taken(house: House) -> None:
    """Whatever they are on."""
    assert len(house.sent(_of_parts(600_000, 400_000))) == 1


def _of_parts(events: int, links: int) -> bytes:
    """A request of one span: span, scope and resource are the fields 2, 2 and 1."""
    span = request().resource_spans[0].scope_spans[0].spans[0].SerializeToString()
    span += b"\x5a\x00" * events + b"\x6a\x00" * links
    for tag in (b"\x12", b"\x12", b"\x0a"):
        span = tag + encode_varint(len(span)) + span
    return span


def test_a_batch_is_as_large_as_its_records_become(tmp_path: Path) -> None:
    """Requests whose spans have large resources are not many of one batch."""
    house = House(tmp_path, SpoolLimits(spans=1000, seconds=3600.0))
    assert len(house.sent(*(_below(100 << 10, 10, number) for number in range(5)))) == 5
    assert [len(batch) for batch in house.spool.batches()] == [2, 2, 1]
