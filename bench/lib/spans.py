"""Requests of spans as agents send them: two thirds tool calls, one third model calls.

The tools, the agent and its rules are those of `examples/airline`. Every span has the attributes
of a recorded call, filled up to a number of attributes and a size. A body is made once; `stamped`
gives a copy that no collector has seen, by new ids of the same length.
"""

import hashlib
import itertools
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

TOOLS = (
    ("get_reservation_details", '{"reservation_id":"%s"}'),
    ("get_user_details", '{"user_id":"user_%s"}'),
    ("search_direct_flight", '{"origin":"JFK","destination":"SEA","date":"2024-05-%.2s"}'),
    ("calculate", '{"expression":"100 + %s"}'),
    ("cancel_reservation", '{"reservation_id":"%s"}'),
    ("think", '{"thought":"%s"}'),
)
_PREFIX, _INSTANCE = b"\x7fASPAN\x7f\x01", b"i-0123456789abcdef"
"""Stand in a made body where `stamped` writes; no other bytes of it are like these."""
_PER_TRACE = 12
_BODY_BYTES = 600_000


@dataclass(frozen=True, slots=True)
class Shape:
    """What the spans of a run look like."""

    size: int = 1200
    """Bytes of a span on the wire, about."""
    attributes: int = 17
    """Attributes of a span, its fewest are 8."""

    @property
    def per_request(self) -> int:
        """Spans of a request: 500 of 1.2 kB, as many bytes of others."""
        return max(1, min(500, _BODY_BYTES // self.size))


def bodies(shape: Shape, spans: int, per_request: int = 0) -> list[bytes]:
    """Made bodies of so many spans in all."""
    rng, each = random.Random(7), per_request or shape.per_request
    return [_body(shape, rng, first, each) for first in range(0, spans, each)]


def stamped(body: bytes, number: int) -> bytes:
    """A copy with ids of its own."""
    fresh = hashlib.sha256(f"{time.time_ns()} {number}".encode()).digest()
    instance = b"i-" + fresh.hex()[:16].encode()
    return body.replace(_PREFIX, fresh[:8]).replace(_INSTANCE, instance)


def endless(made: list[bytes]) -> Iterator[bytes]:
    """Copies of these bodies, for ever."""
    for number, body in enumerate(itertools.cycle(made)):
        yield stamped(body, number)


def _body(shape: Shape, rng: random.Random, first: int, spans: int) -> bytes:
    request = ExportTraceServiceRequest()
    found = request.resource_spans.add()
    for key, value in (
        ("service.name", "airline-agent"),
        ("service.version", "1.4.2"),
        ("deployment.environment.name", "production"),
        ("telemetry.sdk.language", "python"),
    ):
        found.resource.attributes.add(key=key).value.string_value = value
    scope = found.scope_spans.add()
    scope.scope.name, scope.scope.version = "auditspan", "0.1.0"
    for row in range(first, first + spans):
        _add(scope, shape, rng, row, row - first + 1)
    return request.SerializeToString()


def _add(scope: ScopeSpans, shape: Shape, rng: random.Random, row: int, sequence: int) -> None:
    tool_call = row % 3 != 0
    start = time.time_ns() - 10**9 + row * 1000
    span = scope.spans.add(
        # Traces of all batches lie among each other in the order of the store.
        trace_id=hashlib.sha256(b"%d" % (row // _PER_TRACE)).digest()[:8] + _PREFIX,
        span_id=(row + 1).to_bytes(8),
        parent_span_id=(row // _PER_TRACE + 1).to_bytes(8),
        name="execute_tool" if tool_call else "chat gpt-4o",
        kind=Span.SPAN_KIND_INTERNAL if tool_call else Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=start,
        end_time_unix_nano=start + rng.randrange(10**8),
    )
    made = _common(row, sequence, rng) | (_tool(rng) if tool_call else _model(rng))
    for key in _OPTIONAL[: max(0, len(made) + 1 - shape.attributes)]:
        made.pop(key, None)
    for extra in range(shape.attributes - len(made) - 1):
        made[f"app.detail.{extra}"] = f"v{rng.randrange(100)}"
    _put(span, made)
    missing = shape.size - span.ByteSize() - 60
    _put(span, _content(rng, max(missing, 0), tool_call=tool_call))


def _common(row: int, sequence: int, rng: random.Random) -> dict[str, str | int]:
    return {
        "gen_ai.conversation.id": f"conversation-{row // 40:06}",
        "gen_ai.agent.id": "airline-agent",
        "gen_ai.agent.name": "Airline agent",
        "user.id": f"user_{rng.randrange(500)}",
        "audit.agent.instance.id": _INSTANCE.decode(),
        "audit.sequence.number": sequence,
        "session.id": f"session-{row // 40:06}",
        "audit.purpose": "customer service",
    }


def _tool(rng: random.Random) -> dict[str, str | int]:
    name, arguments = rng.choice(TOOLS)
    word = f"{rng.randrange(36**4):06X}" if rng.random() < 0.5 else f"{rng.randrange(300):06X}"
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": f"call_{rng.getrandbits(96):024x}",
        "gen_ai.tool.call.arguments": arguments % word,
    }


def _model(rng: random.Random) -> dict[str, str | int]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": f"chatcmpl-{rng.getrandbits(96):024x}",
        "gen_ai.usage.input_tokens": rng.randrange(5000),
        "gen_ai.usage.output_tokens": rng.randrange(400),
    }


_OPTIONAL = (
    "session.id",
    "audit.purpose",
    "gen_ai.agent.name",
    "gen_ai.tool.type",
    "gen_ai.response.id",
    "gen_ai.tool.call.id",
    "gen_ai.response.model",
    "user.id",
    "gen_ai.agent.id",
)
"""Not in spans of few attributes."""
_WORDS = (
    *("the", "reservation", "was", "changed", "flight", "seat", "passenger", "baggage", "economy"),
    *("business", "cabin", "fee", "refund", "certificate", "payment", "credit", "card", "agent"),
    *("confirmed", "departure", "arrival", "on", "time", "delayed", "customer"),
)


def _content(rng: random.Random, size: int, *, tool_call: bool) -> dict[str, str | int]:
    text = " ".join(rng.choices(_WORDS, k=size // 7 + 1))[:size]
    if tool_call:
        return {"gen_ai.tool.call.result": json.dumps({"status": "ok", "detail": text})}
    message = {"role": "user", "parts": [{"type": "text", "content": text}]}
    return {"gen_ai.input.messages": json.dumps([message])}


def _put(span: Span, values: dict[str, str | int]) -> None:
    for key, value in values.items():
        target = span.attributes.add(key=key).value
        if isinstance(value, int):
            target.int_value = value
        else:
            target.string_value = value
