"""OTLP requests in JSON: the same messages as in protobuf; what is wrong is said with its path."""

import json
import re
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.wire.errors import RequestInvalid
from auditspan.wire.otlp import parse, serialise
from auditspan.wire.otlp_json import parse_json, to_json

FOLDER = Path(__file__).parents[1] / "vectors/otlp"
VECTORS = json.loads((FOLDER / "json.json").read_text())
PROTOBUF = [v for v in json.loads((FOLDER / "protobuf.json").read_text()) if v["valid"]]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "spans" in v], ids=lambda v: v["name"])
def test_valid_requests_are_read_as_expected(vector: dict[str, str | int]) -> None:
    """Into the bytes that protobuf would have."""
    parsed = parse_json(str(vector["body"]).encode())
    assert parsed.spans == vector["spans"]
    assert serialise(parsed.request).hex() == vector["serialised"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if "says" in v], ids=lambda v: v["name"])
def test_invalid_requests_are_refused(vector: dict[str, str]) -> None:
    """With the way to what is wrong."""
    with pytest.raises(RequestInvalid, match=re.escape(vector["says"])) as caught:
        parse_json(vector["body"].encode())
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("body", [b"\xff", b'{"x":"\xed\xa0\x80"}', b"\xef\xbb\xbf{}"])
def test_other_encodings_are_refused(body: bytes) -> None:
    """JSON is UTF-8 without a byte order mark (RFC 8259 §8.1)."""
    with pytest.raises(RequestInvalid, match="UTF-8"):
        parse_json(body)


@pytest.mark.parametrize("vector", PROTOBUF, ids=lambda v: v["name"])
def test_json_of_a_request_is_read_as_the_same_request(vector: dict[str, str]) -> None:
    """Both encodings hold the same."""
    request = parse(bytes.fromhex(vector["body"])).request
    assert parse_json(to_json(request)).request == request


values = st.recursive(
    st.fixed_dictionaries({"stringValue": st.text()})
    | st.fixed_dictionaries({"intValue": st.integers(-(2**63), 2**63 - 1)})
    | st.fixed_dictionaries({"doubleValue": st.floats(allow_nan=False, allow_infinity=False)})
    | st.fixed_dictionaries({"boolValue": st.booleans()}),
    lambda inner: st.fixed_dictionaries(
        {"arrayValue": st.fixed_dictionaries({"values": st.lists(inner, max_size=4)})}
    ),
    max_leaves=10,
)


@given(st.lists(values, max_size=3))
def test_it_agrees_with_the_json_of_the_protobuf_library(found: list[object]) -> None:
    """In everything but ids, enums and how integers are written."""
    attributes = [{"key": "k", "value": value} for value in found]
    body = {"resourceSpans": [{"resource": {"attributes": attributes}}]}
    request = parse_json(json.dumps(body).encode()).request
    assert MessageToDict(request) == json.loads(to_json(request))
    assert ExportTraceServiceRequest.FromString(serialise(request)) == request
