"""Real spans through the whole pipeline, with content in every place that a sender has for it: a
reader's views show none, an investigator's show what is kept."""

import json
import re
from itertools import count

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Why
from auditspan.processors.capture import ContentNames
from auditspan.semconv.columns import ASSERTED_BY
from auditspan.semconv.readers import ATTRIBUTES
from tests.collector.control.bundles import bundle
from tests.collector.engine.conftest import NOW, Workshop, control, envelope

_PLANTED = re.compile(r"planted\d{5}word")
_NUMBERS = count(1)
_CUT = frozenset({"audit.target.id", "audit.target.path"})
"""Shown to readers without what is asked of an address."""


def planted() -> str:
    """A word that stands nowhere else."""
    return f"planted{next(_NUMBERS):05d}word"


def names() -> list[str]:
    """Attributes that hold content: registered ones, those of other dialects, unknown ones."""
    registered = [name for name in ASSERTED_BY if not name.endswith((".*", "<key>"))]
    known = ContentNames.standard()
    dialects = [name + ("0" if name.endswith(".") else "") for name in known.messages]
    content = {*registered, *dialects, *known.arguments, *known.results, "note", "prompt"}
    return sorted(content - set(ATTRIBUTES) - _CUT)


def attribute(key: str, text: str) -> KeyValue:
    """One attribute."""
    made = KeyValue(key=key)
    made.value.string_value = text
    return made


def spans() -> bytes:
    """A tool call, a call of a model and a span of other software, full of content."""
    request = ExportTraceServiceRequest()
    found = request.resource_spans.add()
    found.resource.attributes.add(key="service.name").value.string_value = "tests"
    found.resource.attributes.append(attribute("deployment.note", planted()))
    scope = found.scope_spans.add()
    scope.scope.attributes.append(attribute("note", planted()))
    for number, operation in enumerate(("execute_tool", "chat", "")):
        span = scope.spans.add(name="work", trace_state=f"v={planted()}")
        span.trace_id, span.span_id = (1).to_bytes(16), (number + 1).to_bytes(8)
        span.start_time_unix_nano, span.end_time_unix_nano = NOW - 10**9, NOW - 10**8
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = f"failed: {planted()}"
        if operation:
            span.attributes.append(attribute("gen_ai.operation.name", operation))
            span.attributes.append(attribute("gen_ai.tool.name", "pay"))
        span.attributes.append(attribute("audit.target.type", "url"))
        for name in _CUT:
            span.attributes.append(attribute(name, f"https://h/p?q={planted()}"))
        span.attributes.extend(attribute(name, planted()) for name in names())
        for event, key in ((planted(), "user.id"), ("gen_ai.user.message", "content")):
            made = span.events.add(name=event, time_unix_nano=NOW)
            made.attributes.append(attribute(key, planted()))
        link = span.links.add(trace_id=b"t" * 16, span_id=b"s" * 8, trace_state=f"v={planted()}")
        link.attributes.append(attribute("user.id", planted()))
    return envelope(request.SerializeToString())


def seen(workshop: Workshop, database: str) -> set[str]:
    """What was planted and stands in any view of a database."""
    sql = f"SELECT name FROM system.tables WHERE database = '{database}'"
    tables = [f"{database}.{name}" for name in workshop.column(sql)]
    assert len(tables) > 20
    return {word for table in tables for word in _words(workshop, table)}


def _words(workshop: Workshop, table: str) -> list[str]:
    rows = workshop.store.raw(f"SELECT * FROM {table}", "JSONEachRow")
    return _PLANTED.findall(rows.decode("latin-1"))  # salts are no text


def test_no_content_of_real_records_reaches_a_reader(workshop: Workshop) -> None:
    """Whatever name it came under; and an investigator sees what the store keeps of it."""
    record = ControlRecord(
        kind=REGISTRY_APPLIED,
        at_ns=NOW - 10**10,
        why=Why(requested_by="ops@example.com", ticket="CHG-1", reason="first"),
        body={**json.loads(bundle().to_json()), "note": planted()},
    )
    stored = workshop.segments().process(workshop.segment(control(record.to_json()), spans()))
    assert (stored.records, stored.dead_letters) == (4, 0)
    kept = set(_words(workshop, "audit_records"))
    assert len(kept) > 200
    assert seen(workshop, "auditspan_reader") == set()
    assert seen(workshop, "auditspan_investigator") >= kept
