"""CPU time of all a segment goes through, by stage: decode, processors, finish.

    .venv-dev/bin/python -m bench.stages [--write]

One segment of 20,000 spans of 1.2 kB and 17 attributes: three of five are model calls, two of five
tool calls of the demo registry's tools in two dialects (the spans of `bench/processors.py`), with
600 distinct texts of arguments or one for each call; judged under the demo registry. Medians of 7
runs of CPU µs a span. With `--write` the result goes to `bench/results/stages.txt`. Policy stands
apart: the bar of 25 µs is for all the others, with 600 distinct texts.
"""

import os
import statistics
import sys
import tempfile
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from auditspan.collector.engine.config import ProcessorsConfig
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.identity.statement import StatementVerifier
from auditspan.policy import Calendar
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.sequences import SequenceState
from auditspan.registry import Bundle, History, Version
from auditspan.storage.decode import decode
from auditspan.storage.engine import Engine, open_memory
from bench.decode import PER_REQUEST, SPANS, START, frame
from bench.processors import attributes

ROOT = Path(__file__).parents[1]
RUNS, WARM_UP, BAR = 7, 2, 25.0
NUMBERS = {"audit.sequence.number", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}
RESULT = ROOT / "bench" / "results" / "stages.txt"


def demo() -> History:
    """The demo registry, in force since long ago."""
    bundle = Bundle.read(ROOT / "examples" / "demo" / "registry")
    return History((Version(0, bundle.registry()),))


def segment(folder: Path, history: History, distinct: int) -> Path:
    """All spans in one segment."""
    tools = sorted(history.versions[0].registry.tools)
    path = folder / f"abcd1234-1795000000000-{distinct:08d}.seg"
    bodies = (body(first, tools, distinct) for first in range(0, SPANS, PER_REQUEST))
    path.write_bytes(b"".join(frame(each, number) for number, each in enumerate(bodies)))
    return path


def frames(bodies: list[bytes]) -> bytes:
    """A segment of these requests."""
    return b"".join(frame(each, number) for number, each in enumerate(bodies))


def body(first: int, tools: list[str], distinct: int) -> bytes:
    """One request."""
    sent = ExportTraceServiceRequest()
    found = sent.resource_spans.add()
    put(found.resource, {"service.name": "support", "deployment.environment.name": "production"})
    scope = found.scope_spans.add()
    scope.scope.name, scope.scope.version = "agent", "1"
    for row in range(first, first + PER_REQUEST):
        span = scope.spans.add(name=f"span {row % 60}", kind=1)
        span.trace_id, span.span_id = (row // 10 + 1).to_bytes(16), (row + 1).to_bytes(8)
        span.parent_span_id = (row // 10 + 1).to_bytes(8)
        span.start_time_unix_nano = START + row * 1000
        span.end_time_unix_nano = START + row * 2000
        put(span, named(attributes(row, distinct), tools[row % len(tools)]))
    return sent.SerializeToString()


def named(values: dict[str, str], tool: str) -> dict[str, str]:
    """With the name of a tool that is registered."""
    return {
        key: tool if key in ("tool.name", "gen_ai.tool.name") else value
        for key, value in values.items()
    }


def put(target: Span | Resource, values: dict[str, str]) -> None:
    """Attributes, counts as numbers."""
    for key, text in values.items():
        value = target.attributes.add(key=key).value
        if key in NUMBERS:
            value.int_value = int(text)
        else:
            value.string_value = text


def once(engine: Engine, path: Path, pipeline: Pipeline, history: History) -> dict[str, float]:
    """CPU µs a span by stage."""
    with pipeline.watch.stage("decode"):
        table = decode(engine, path)
    done = pipeline.process(table, path.stem, history, SequenceState())
    assert not done.rejected and done.tables[0].num_rows == SPANS
    return {name: taken / SPANS * 1e6 for name, taken in pipeline.watch.take().items()}


def lines(title: str, runs: list[dict[str, float]]) -> list[str]:
    """The medians as a table."""
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    return [
        f"{title}: {SPANS} spans, medians of {len(runs)} runs, CPU µs a span",
        *(f"  {name:<12}{taken:8.2f}" for name, taken in median.items()),
        f"  {'all':<12}{sum(median.values()):8.2f}",
        f"  {'but policy':<12}{without_policy(runs):8.2f}   (bar: {BAR:.0f})",
    ]


def measured(engine: Engine, history: History, distinct: int) -> list[dict[str, float]]:
    """The runs that count."""
    pipeline = Pipeline(
        ProcessorsConfig(),
        b"k" * 32,
        StatementVerifier({"keys": []}),
        PolicySets(Calendar()),
        os.urandom,
        Stopwatch(),
    )
    with tempfile.TemporaryDirectory() as folder:
        path = segment(Path(folder), history, distinct)
        return [once(engine, path, pipeline, history) for _ in range(WARM_UP + RUNS)][WARM_UP:]


def main() -> int:
    """Measure, print, and fail beyond the bar."""
    history, engine = demo(), open_memory()
    common = measured(engine, history, 600)
    worst = measured(engine, history, SPANS)
    engine.close()
    text = [*lines("600 distinct arguments", common), *lines("all arguments distinct", worst)]
    print("\n".join(text))
    if "--write" in sys.argv:
        RESULT.write_text(
            "\n".join(["$ .venv-dev/bin/python -m bench.stages --write", *text]) + "\n"
        )
    return int(without_policy(common) > BAR)


def without_policy(runs: list[dict[str, float]]) -> float:
    """Median of what all but policy take."""
    return statistics.median(sum(run.values()) - run["policy"] for run in runs)


if __name__ == "__main__":
    sys.exit(main())
