"""Segments of real frames, and what turns them into rows of a real embedded store."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Why
from auditspan.collector.data_dir import SIGNER, DataDir, prepare
from auditspan.collector.engine.config import ProcessorsConfig
from auditspan.collector.engine.messages import Answered, Asked, Message
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.sealing import new_sealing
from auditspan.collector.engine.segments import Segments
from auditspan.collector.engine.signing import Signer
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.collector.signer.config import IntegrityConfig
from auditspan.collector.signer.notary import Notary
from auditspan.collector.signer.protocol import Begin, from_body, to_body
from auditspan.identity.principal import Principal
from auditspan.identity.statement import StatementVerifier
from auditspan.policy import Calendar
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.sequences import SequenceState
from auditspan.registry import History
from auditspan.storage.engine import Engine
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from tests.collector.control.bundles import bundle
from tests.migrated import migrated_store

NOW = 1_795_000_000_000_000_000
PRINCIPAL = Principal(
    id="agent:helper", kind="agent", agent_id="helper", method="api_key", credential="k1",
    tenant="", address="127.0.0.1", expires_at=0,
).to_json()  # fmt: skip


class NearSigner(Signer):
    """Asks a notary in this process, by the same messages."""

    def __init__(self, notary: Notary) -> None:
        super().__init__(self._answer_it, SimpleQueue())
        self.notary = notary

    def _answer_it(self, message: Message) -> None:
        assert isinstance(message, Asked)
        question = from_body(json.loads(json.dumps(message.question)))
        answer = to_body(self.notary.answer(question))  # type: ignore[arg-type]
        self.answers.put(Answered(message.number, json.loads(json.dumps(answer))))


@dataclass
class Workshop:
    """A data folder with a store, and the parts that work on it."""

    data: DataDir
    store: Engine
    now: int = NOW

    def segments(self, *, sealed: bool = True, recover: bool = False) -> Segments:
        """As a newly started engine process has them: nothing is remembered but what is on disk."""
        watch = Stopwatch()
        pipeline = Pipeline(
            ProcessorsConfig(),
            b"k" * 32,
            StatementVerifier({"keys": []}),
            PolicySets(Calendar()),
            os.urandom,
            watch,
        )
        saved = self.data.folder("batches") / "sequences.json"
        state = SequenceState.from_json(saved.read_text()) if saved.exists() else SequenceState()

        def clock() -> int:
            return self.now

        segments = Segments(
            self.data, self.store, self.store, pipeline, History(()), state, watch, clock
        )
        if sealed:
            segments.sealing = new_sealing(
                self.data.folder("batches"),
                (self.store, self.store),
                IntegrityConfig(),
                self.data.instance,
                self.signer(),
                os.urandom,
                watch,
                clock,
            )
            segments.sealing.open(segments.sealing.start.begin(recover=recover))
        return segments

    def signer(self) -> Signer:
        """As newly started."""
        return NearSigner(
            Notary(
                Begin(str(self.data.root / SIGNER), "local/auditspan/default", self.data.instance),
                lambda: self.now // 1_000_000,
            )
        )

    def segment(self, *frames: bytes, number: int = 1) -> Path:
        """A closed segment."""
        path = self.data.folder("spool") / f"abcd1234-1795000000000-{number:08d}.seg"
        path.write_bytes(b"".join(frames))
        return path

    def column(self, sql: str) -> list[object]:
        """The first column of a result."""
        return list(self.store.arrow(sql).column(0).to_pylist())

    def count(self, table: str = "audit_records") -> int:
        """Rows of a table."""
        return int(self.store.raw(f"SELECT count() FROM {table}", "TSV"))


@pytest.fixture
def workshop(tmp_path: Path) -> Iterator[Workshop]:
    """An empty, migrated store in a fresh data folder."""
    data = prepare(tmp_path / "data")
    store = migrated_store(data.folder("store"))
    made = Workshop(data, store)
    yield made
    # The one that it has now: a test may have opened it anew.
    made.store.close()


def spans(
    *numbers: int, first_attribute: str = "", tool: str = "pay", start: int = NOW - 10**9
) -> bytes:
    """A frame of tool calls, numbered as a recorder does."""
    request = ExportTraceServiceRequest()
    found = request.resource_spans.add()
    found.resource.attributes.add(key="service.name").value.string_value = "tests"
    scope = found.scope_spans.add()
    for number in numbers:
        span = scope.spans.add(name="execute_tool")
        span.trace_id, span.span_id = (1).to_bytes(16), number.to_bytes(8)
        span.start_time_unix_nano, span.end_time_unix_nano = start, NOW - 10**8
        for key, text in (
            ("gen_ai.operation.name", "execute_tool"),
            ("gen_ai.tool.name", tool),
            ("gen_ai.tool.call.arguments", json.dumps({"to": "x", "amount": number})),
            ("audit.agent.instance.id", "i1"),
        ):
            span.attributes.add(key=key).value.string_value = text
        span.attributes.add(key="audit.sequence.number").value.int_value = number
        if first_attribute:
            span.attributes.add(key="note").value.string_value = first_attribute
    return envelope(request.SerializeToString())


def envelope(body: bytes) -> bytes:
    """A frame around the bytes of a request."""
    return frame(Envelope(OTLP_TRACES, NOW, f"sha256:{len(body):064x}", PRINCIPAL, request=body))


def control(text: str) -> bytes:
    """A frame of a control record."""
    return frame(Envelope(CONTROL, NOW, "sha256:" + "c" * 64, PRINCIPAL, control=text))


def applied(at_ns: int = NOW - 10**10) -> bytes:
    """A frame that puts the small registry in force."""
    record = ControlRecord(
        kind=REGISTRY_APPLIED,
        at_ns=at_ns,
        why=Why(requested_by="ops@example.com", ticket="CHG-1", reason="first"),
        body=json.loads(bundle().to_json()),
    )
    return control(record.to_json())


def unreadable() -> bytes:
    """A frame with a sound envelope whose request is no protobuf message."""
    return envelope(b"\x0a\xff\xff\xff\xff\x0f")


Frames = Sequence[bytes]
MakeSegment = Callable[..., Path]
