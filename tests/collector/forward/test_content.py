"""What is left of a request when it is passed on."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.forward.content import outgoing, without_statements
from auditspan.collector.forward.errors import Refused

NAMES = ("audit.identity.statement", "audit.agent.statement")


@pytest.mark.parametrize("name", NAMES)
def test_a_statement_goes_wherever_it_is(name: str) -> None:
    """On every kind of owner of attributes, and inside of lists and maps."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    scope = resource.scope_spans.add()
    span = scope.spans.add(name="a")
    owners = (resource.resource, scope.scope, span, span.events.add(), span.links.add())
    for owner in owners:
        owner.attributes.add(key=name).value.string_value = "secret"
        owner.attributes.add(key="kept").value.string_value = "kept"
    deep = span.attributes.add(key="deep").value.array_value.values.add().kvlist_value.values
    deep.add(key=name).value.string_value = "secret"
    deep.add(key="kept").value.int_value = 0
    sent = without_statements(request.SerializeToString())
    assert b"secret" not in sent
    assert sent.count(b"kept") == 2 * len(owners) + 1


def test_a_request_without_statements_keeps_its_bytes() -> None:
    """Unknown fields and odd encodings included; nothing is parsed."""
    assert outgoing(b"\xff not OTLP", 100) == [b"\xff not OTLP"]


@pytest.mark.parametrize("request_", [b"\xff" + NAMES[0].encode(), b"\xff" * 200])
def test_what_cannot_be_read_is_refused(request_: bytes) -> None:
    """It may hold a statement, or is too large and cannot be cut."""
    with pytest.raises(Refused, match="expected OTLP"):
        outgoing(request_, 100)
