"""OTLP requests made by hand, and senders of them over HTTP and gRPC."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PROTOBUF = "application/x-protobuf"
JSON = "application/json"
_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def request(name: str, spans: int = 1, **attributes: str) -> ExportTraceServiceRequest:
    """A request with spans of this name; its trace id is a new one."""
    made = ExportTraceServiceRequest()
    scope = made.resource_spans.add().scope_spans.add()
    trace = secrets.token_bytes(16)
    for number in range(1, spans + 1):
        span = scope.spans.add(
            trace_id=trace,
            span_id=number.to_bytes(8),
            name=name,
            start_time_unix_nano=1_760_000_000_000_000_000,
            end_time_unix_nano=1_760_000_001_000_000_000,
        )
        for key, value in attributes.items():
            span.attributes.add(key=key).value.string_value = value
    return made


def body(name: str, spans: int = 1, **attributes: str) -> bytes:
    """The same in protobuf."""
    return request(name, spans, **attributes).SerializeToString()


@dataclass(frozen=True)
class Answer:
    """What came back, the same for both transports."""

    code: int
    """HTTP status, or number of the gRPC status."""
    status: Status = field(repr=False)
    details: dict[str, Any]
    """Details by the last word of their type."""
    retry_after: str | None
    media_type: str


def post(url: str, content: bytes, *, method: str = "POST", **headers: str) -> Answer:
    """Send a body over HTTP as it is; underscores in names of headers are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = httpx.request(
        method, f"{url}/v1/traces", content=content, headers=named, timeout=30, trust_env=False
    )
    return answer_of(answer)


def answer_of(answer: httpx.Response) -> Answer:
    """Read the `google.rpc.Status` of an HTTP answer; that of a success is empty."""
    from google.protobuf.json_format import Parse

    media_type = answer.headers["content-type"]
    status = Status()
    if answer.status_code != 200:
        if media_type == JSON:
            Parse(answer.content, status)
        else:
            status.ParseFromString(answer.content)
    retry = answer.headers.get("retry-after")
    return Answer(answer.status_code, status, _details(status), retry, media_type)


def call(
    url: str,
    content: bytes,
    *,
    method: str = _METHOD,
    compression: grpc.Compression | None = None,
    metadata: Sequence[tuple[str, str]] = (),
    credentials: grpc.ChannelCredentials | None = None,
) -> Answer:
    """Send a body over gRPC as it is."""
    target = url.partition("//")[2]
    options = [("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]
    channel = (
        grpc.secure_channel(target, credentials, options)
        if credentials
        else grpc.insecure_channel(target, options)
    )
    with channel:
        try:
            channel.unary_unary(method)(
                content, timeout=30, metadata=metadata, compression=compression
            )
        except grpc.RpcError as error:
            return _failed(error)
    return Answer(0, Status(), {}, None, "")


def _failed(error: Any) -> Answer:
    trailing = {item.key: item.value for item in error.trailing_metadata() or ()}
    status = Status.FromString(trailing.get("grpc-status-details-bin", b""))
    return Answer(error.code().value[0], status, _details(status), None, error.details())


def _details(status: Status) -> dict[str, Any]:
    from google.rpc import error_details_pb2

    found = {}
    for detail in status.details:
        name = detail.type_url.rpartition(".")[2]
        message = getattr(error_details_pb2, name)()
        assert detail.Unpack(message)
        found[name] = message
    return found
