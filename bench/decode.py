"""CPU time of decoding a spool segment of 20,000 spans into the decoded table, per span, median.

    .venv-dev/bin/python bench/decode.py

The spans have 17 attributes and 1.2 kB. `plain` is those spans; `everything` gives each an event
and flags, every tenth a link and a nested value of its own. `one` is what a segment of one span
costs.
"""

import json
import random
import resource
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from auditspan.storage import otlp
from auditspan.storage.decode import decode
from auditspan.storage.engine import open_memory
from auditspan.storage.projection import of_registry
from auditspan.storage.requests import Requests
from auditspan.storage.spans import Decoding

SPANS, PER_REQUEST, RUNS, WARM_UP = 20_000, 500, 9, 4
START = 1_795_000_000_000_000_000
PRINCIPAL = (
    '{"address":"10.0.0.7","agent_id":"booking","credential":"k-01","expires_at":0,'
    '"id":"agent:booking","kind":"agent","method":"api_key","tenant":""}'
)
TOOLS = ("get_reservation_details", "search_direct_flight", "cancel_reservation", "book")


def request(rng: random.Random, number: int, spans: int, everything: bool) -> bytes:
    """One request of many spans."""
    sent = ExportTraceServiceRequest()
    resource_spans = sent.resource_spans.add()
    for key, value in (
        ("service.name", "booking-agent"),
        ("service.version", "1.4.2"),
        ("deployment.environment.name", "production"),
        ("telemetry.sdk.language", "python"),
    ):
        resource_spans.resource.attributes.add(key=key).value.string_value = value
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name, scope_spans.scope.version = "auditspan", "0.1.0"
    for place in range(spans):
        span = scope_spans.spans.add()
        fill(span, rng, START + number * 10**6 + place)
        if everything:
            complete(span, rng, place)
    return sent.SerializeToString()


def fill(span: Span, rng: random.Random, start: int) -> None:
    """A tool call."""
    span.trace_id, span.span_id = rng.randbytes(16), rng.randbytes(8)
    span.parent_span_id, span.name, span.kind = (
        rng.randbytes(8),
        "execute_tool",
        Span.SPAN_KIND_CLIENT,
    )
    span.start_time_unix_nano, span.end_time_unix_nano = start, start + rng.randrange(10**8)
    arguments = {"reservation_id": f"{rng.getrandbits(24):06X}", "note": "x" * 110}
    result = {"status": "ok", "body": "y" * 200, "price": rng.random()}
    values: dict[str, str | int | float] = {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": rng.choice(TOOLS),
        "gen_ai.tool.call.id": f"call_{rng.getrandbits(96):024x}",
        "gen_ai.tool.call.arguments": json.dumps(arguments),
        "gen_ai.tool.call.result": json.dumps(result),
        "gen_ai.agent.id": "booking",
        "gen_ai.agent.name": "Booking agent",
        "gen_ai.conversation.id": f"conv-{rng.randrange(1000)}",
        "user.id": f"user-{rng.randrange(500)}",
        "session.id": f"s-{rng.randrange(500)}",
        "audit.purpose": "change a booking",
        "audit.sequence.number": start % 1000,
        "audit.agent.instance.id": "i-0123456789abcdef",
        "audit.arguments.hash": f"sha256:{rng.getrandbits(256):064x}",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": rng.randrange(5000),
        "gen_ai.provider.name": "openai",
    }
    for key, value in values.items():
        target = span.attributes.add(key=key).value
        if isinstance(value, str):
            target.string_value = value
        elif isinstance(value, int):
            target.int_value = value
        else:
            target.double_value = value


def complete(span: Span, rng: random.Random, place: int) -> None:
    """What only some spans have."""
    span.flags = 0x101
    event = span.events.add(name="gen_ai.choice", time_unix_nano=span.end_time_unix_nano)
    event.attributes.add(key="index").value.int_value = place
    if place % 10 == 0:
        span.links.add(trace_id=rng.randbytes(16), span_id=rng.randbytes(8), flags=0x300)
        texts = [AnyValue(string_value=f"{rng.getrandbits(32):x}") for _ in range(3)]
        span.attributes.add(key="gen_ai.ids").value.array_value.values.extend(texts)


def frame(body: bytes, number: int) -> bytes:
    """A spool frame."""
    message = b"\x08\x01\x10\x01\x19" + (START + number).to_bytes(8, "little")
    message += field(4, b"sha256:" + f"{number:064x}".encode()) + field(5, PRINCIPAL.encode())
    message += b"\x35" + zlib.crc32(body).to_bytes(4, "little") + field(16, body)
    return varint(len(message)) + message


def field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def segment(folder: Path, name: str, spans: int) -> Path:
    """A segment of so many spans."""
    rng, each = random.Random(1), min(spans, PER_REQUEST)
    path = folder / f"{name}.seg"
    bodies = (request(rng, n, each, name == "everything") for n in range(spans // each))
    path.write_bytes(b"".join(frame(body, number) for number, body in enumerate(bodies)))
    return path


def report(name: str, work: Callable[[], object], spans: int) -> None:
    """Print the median and the best."""
    for _ in range(WARM_UP):
        work()
    spent = []
    for _ in range(RUNS):
        start = time.process_time()
        work()
        spent.append((time.process_time() - start) / spans * 1e6)
    print(f"{name:<34}{statistics.median(spent):10.2f}{min(spent):10.2f}")


def main() -> None:
    engine = open_memory()
    print(f"{'CPU µs a span':<34}{'median':>10}{'best':>10}")
    with tempfile.TemporaryDirectory() as folder:
        for name, spans in (("plain", SPANS), ("everything", SPANS), ("one", 1)):
            path = segment(Path(folder), name, spans)
            statement = otlp.spans_statement(path)
            read = engine.arrow(statement)
            print(f"{name}: {path.stat().st_size / spans:.0f} bytes a span")
            report("  decode", partial(decode, engine, path), spans)
            report("    of which the engine", partial(engine.arrow, statement), spans)
            report("    of which the table", partial(table, read), spans)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MB")
    engine.close()


def table(read: pa.Table) -> pa.Table:
    """What is left after the engine."""
    return Decoding(Requests.of(read), of_registry()).table()


if __name__ == "__main__":
    main()
