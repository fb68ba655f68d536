"""What two sources tell of one act is counted once; two acts stay two."""

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pytest

from auditspan.reports.chain import chain
from auditspan.storage.engine import Engine
from auditspan.storage.reader import Reader
from auditspan.storage.writer import write

BatchOf = Callable[..., pa.Table]


@dataclass(frozen=True)
class Seen:
    """A span of a call, as a source tells it."""

    scope: str
    span: str
    tool: str = "look"
    action: str = "tool.call"
    kind: str = "Internal"
    parent: str = ""
    call: str = ""
    guarded_in: str = ""
    nested: bool = False
    response: str = ""
    dialect: str = ""
    trace: str = "t1"

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """Those that are given."""
        found = {
            "gen_ai.tool.call.id": self.call,
            "audit.call.span.id": self.guarded_in,
            "audit.call.nested": "true" if self.nested else "",
            "gen_ai.response.id": self.response,
        }
        return [(name, value) for name, value in found.items() if value]


GUARD = Seen("auditspan", "a", call="c1")
SDK = Seen("com.anthropic.sdk.python", "b", parent="a", guarded_in="a")
OFFICIAL = Seen("opentelemetry.util.genai.handler", "c", call="c1", dialect="genai")
HOP = Seen("auditspan", "d", kind="Client", parent="a", guarded_in="a", nested=True)
SDK_CLIENT = Seen("mcp-python-sdk", "e", kind="Client", parent="d", guarded_in="d")
SDK_SERVER = Seen("mcp-python-sdk", "f", kind="Server", parent="e", action="mcp.tools.call")
SERVER = Seen("auditspan", "g", kind="Server", parent="e", action="mcp.tools.call")
AGAIN = Seen("auditspan", "h", call="c1")
OTHER = Seen("auditspan", "i", call="c2")
ELSEWHERE = Seen("other", "j", call="c1", trace="t2")
INSIDE = Seen("other", "k", tool="fetch", parent="a", guarded_in="a")
NATIVE = Seen("com.anthropic.sdk.python", "m", "", "model.call", response="r1", dialect="genai")
GENAI = Seen("opentelemetry.util.genai.handler", "n", "", "model.call", response="r1")
SILENT = Seen("com.anthropic.sdk.python", "o", "", "model.call")
SILENT_TOO = Seen("opentelemetry.util.genai.handler", "p", "", "model.call")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([GUARD, SDK, OFFICIAL], {"b": "a", "c": "a"}),
        ([SDK, OFFICIAL], {}),
        ([OFFICIAL, Seen("native", "x", call="c1")], {"x": "c"}),
        ([GUARD, HOP, SDK_CLIENT, SDK_SERVER, SERVER], dict(zip("defg", "adee", strict=True))),
        ([SERVER, SDK_SERVER], {"f": "g"}),
        ([SERVER], {}),
        ([GUARD, AGAIN, OTHER, ELSEWHERE, INSIDE], {}),
        ([NATIVE, GENAI], {"m": "n"}),
        ([SILENT, SILENT_TOO], {}),
    ],
)
def test_one_act_counts_once(
    migrated: Engine, batch: BatchOf, seen: list[Seen], expected: dict[str, str]
) -> None:
    """Whatever the order in which its records came; what nothing ties together counts apart."""
    for order, number in ((seen, 1), (seen[::-1], 2)):
        rows = batch(
            len(order),
            f"i-1-{number}",
            TraceId=[f"{number}{each.trace}" for each in order],
            SpanId=[each.span for each in order],
            ParentSpanId=[each.parent for each in order],
            SpanKind=[each.kind for each in order],
            ToolName=[each.tool for each in order],
            ActionType=[each.action for each in order],
            Dialect=[each.dialect for each in order],
            SpanAttributes=[each.attributes for each in order],
            OtlpExtras=[[("scope.name", each.scope)] for each in order],
        )
        write(migrated, rows, f"i-1-{number}")
        sql = (
            "SELECT r.SpanId, f.SpanId FROM audit_duplicates AS d "
            "JOIN audit_records AS r ON r.RecordId = d.RecordId "
            "JOIN audit_records AS f ON f.RecordId = d.CountsAs "
            f"WHERE startsWith(r.TraceId, '{number}') ORDER BY r.SpanId"
        )
        lines = migrated.raw(sql).decode().split("\n")[:-1]
        assert dict(line.split("\t") for line in lines) == expected
        assert _told_by_chains(Reader(migrated), order, number) == expected


def _told_by_chains(reader: Reader, seen: list[Seen], number: int) -> dict[str, str]:
    """What the decision chains of the traces say of the same."""
    traces = sorted({f"{number}{each.trace}" for each in seen})
    steps = [step for trace in traces for _, step in chain(reader, trace=trace).walk()]
    spans = {step.record["RecordId"]: step.record["SpanId"] for step in steps}
    return {
        step.record["SpanId"]: spans[step.record["CountsAs"]]
        for step in steps
        if step.record["CountsAs"]
    }
