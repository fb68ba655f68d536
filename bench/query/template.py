"""One batch as the pipeline leaves it: decoded, judged under the airline's registry, and sealed."""

import os
import tempfile
import time
from pathlib import Path

import pyarrow as pa

from auditspan.collector.engine.config import ProcessorsConfig
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.identity.principal import Principal
from auditspan.identity.statement import StatementVerifier
from auditspan.policy import Calendar
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.seal import SALT_BYTES, Place, seal
from auditspan.processors.sequences import SequenceState
from auditspan.registry import Bundle, History, Version
from auditspan.storage.decode import decode
from auditspan.storage.engine import Engine
from auditspan.wire.envelope import OTLP_TRACES, Envelope, frame
from bench.lib.results import ROOT
from bench.lib.spans import Shape, bodies

ROWS = 20_000
_SENDER = Principal(
    id="agent:airline-agent", kind="agent", agent_id="airline-agent", method="api_key",
    credential="k-01", tenant="", address="10.0.0.7", expires_at=0,
)  # fmt: skip


def template(engine: Engine) -> pa.Table:
    """The records of one batch."""
    registry = Bundle.read(ROOT / "examples" / "airline" / "registry").registry()
    pipeline = Pipeline(
        ProcessorsConfig(), b"k" * 32, StatementVerifier({"keys": []}), PolicySets(Calendar()),
        os.urandom, Stopwatch(),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        segment = Path(folder) / "abcd1234-1795000000000-00000001.seg"
        segment.write_bytes(b"".join(map(_frame, bodies(Shape(), ROWS))))
        table = decode(engine, segment)
    done = pipeline.process(table, "b", History((Version(0, registry),)), SequenceState())
    assert not done.rejected
    [records] = done.tables
    salts = os.urandom(SALT_BYTES * records.num_rows)
    return seal(records, Place("local/auditspan/abcd/2026-11", 0, time.time_ns()), salts)


def _frame(body: bytes) -> bytes:
    return frame(
        Envelope(OTLP_TRACES, time.time_ns(), "sha256:" + "0" * 64, _SENDER.to_json(), body)
    )
