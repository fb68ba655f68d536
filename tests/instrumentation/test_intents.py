"""What an agent was about to do is on disk before it does it, and no kill hides it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from auditspan.instrumentation import PolicyDenied, intents, tool
from auditspan.instrumentation.intents import Intents
from auditspan.instrumentation.runtime import Runtime
from auditspan.instrumentation.spool import Spool
from tests.instrumentation.agents import command, environment, script
from tests.instrumentation.recorded import running, written
from tests.instrumentation.sink import Received, Sink, spans_of
from tests.instrumentation.test_guard import registry

ORDER = "order-17"


def told(folder: Path) -> list[Received]:
    """Open calls, as another process would tell of them."""
    found: list[Received] = []
    spool = Spool(folder, "other", 1 << 20)
    for orphan in spool.orphans():
        found += [
            span for path in sorted(orphan.glob("*.seg")) for span in spans_of(path.read_bytes())
        ]
    spool.close()
    return found


def settle(made: Runtime) -> None:
    """As before a segment goes."""
    outlet = made.durable._outlet
    assert outlet is not None
    outlet.intents.settle()


def test_an_intent_is_there_while_the_tool_runs(tmp_path: Path) -> None:
    """With all that the record says by then; when the call has ended, nothing is left of it."""
    seen: list[bytes] = []

    @tool
    def refund(order: str, amount: int) -> None:
        [path] = (tmp_path / "spool").glob("*/intents")
        seen.append(path.read_bytes())

    with running(tmp_path, **registry(tmp_path)) as made:
        refund(ORDER, 5)
        settle(made)
        [path] = (tmp_path / "spool").glob("*/intents")
        assert path.read_bytes() == b""
    [intent], [record] = spans_of(seen[0]), written(tmp_path)
    assert (intent.id, intent.trace, intent.name) == (record.id, record.trace, record.name)
    assert intent.attributes["gen_ai.tool.call.arguments"] == '{"order":"order-17","amount":5}'
    assert intent.attributes["audit.guard.outcome"] == "allow"
    assert intent.attributes["audit.call.intent"] is True
    assert intent.attributes["audit.outcome"] == "pending"
    assert "audit.sequence.number" not in intent.attributes


@pytest.mark.parametrize("mode", ["observe", "enforce"])
def test_only_calls_that_are_held_to_policies_have_one(tmp_path: Path, mode: str) -> None:
    """None in `observe`, and none of a call that is denied."""
    with running(tmp_path, **registry(tmp_path) | {"AUDITSPAN_GUARD_MODE": mode}) as made:

        @tool
        def refund(order: str, amount: int) -> None:
            assert bool(list((tmp_path / "spool").glob("*/intents"))) == (mode == "enforce")

        refund(ORDER, 5)
        if mode == "enforce":
            with pytest.raises(PolicyDenied):
                tool(name="delete_order")(lambda: None)()
            settle(made)
            [path] = (tmp_path / "spool").glob("*/intents")
            assert path.read_bytes() == b""


AGENT = """
    import os, time
    from auditspan.instrumentation import tool

    @tool
    def refund(order, amount):
        if amount == 2:
            print("inside", flush=True)
            time.sleep(60)

    refund("order-17", 1)
    refund("order-17", 2)
"""


def test_a_killed_agent_hides_nothing(tmp_path: Path, sink: Sink) -> None:
    """SIGKILL while a tool runs: the next process on the spool tells of it, once, as pending."""
    environ = environment(tmp_path / "spool", sink.url, registry(tmp_path))
    agent = subprocess.Popen(
        command(script(tmp_path, AGENT)), env=environ, stdout=subprocess.PIPE, text=True
    )
    assert agent.stdout is not None
    assert agent.stdout.readline() == "inside\n"
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    agent.stdout.close()
    code = "from auditspan.instrumentation import tool\ntool(lambda: None)()\n"
    for _ in range(2):
        done = subprocess.run(
            command(script(tmp_path, code)),
            env=environ | {"AUDITSPAN_GUARD_MODE": "observe"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    refunds = [span for span in sink.spans if span.name == "execute_tool refund"]
    assert [(span.text("audit.outcome"), span.text("audit.call.intent")) for span in refunds] == [
        ("success", ""),
        ("pending", "True"),
    ]
    assert len({span.text("audit.agent.instance.id") for span in refunds}) == 1
    assert len({span.id for span in refunds}) == 2


def test_a_call_that_takes_long_is_told_while_it_runs(tmp_path: Path, sink: Sink) -> None:
    """Once; its end is another record with the same span."""
    environ = registry(tmp_path) | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "AUDITSPAN_PENDING_SECONDS": "0",
    }
    with running(tmp_path, **environ) as made:

        @tool
        def refund(order: str, amount: int) -> None:
            outlet = made.durable._outlet
            assert outlet is not None
            outlet._tell_pending()
            outlet._tell_pending()

        refund(ORDER, 5)
        made.durable.close(10)
    first, second = [span for span in sink.spans if span.name == "execute_tool refund"]
    assert (first.id, first.text("audit.outcome")) == (second.id, "pending")
    assert second.text("audit.outcome") == "success"


def test_an_open_call_without_room_holds_nothing_up(tmp_path: Path) -> None:
    """No fault before sending, which makes room; untold at the end, it is left to others."""
    left: list[Received] = []
    with running(tmp_path, **registry(tmp_path), AUDITSPAN_PENDING_SECONDS="0") as made:

        @tool
        def refund(order: str, amount: int) -> None:
            outlet = made.durable._outlet
            assert outlet is not None
            outlet.spool._max_bytes = 0
            outlet._tend()
            made.durable.close(0)
            left.extend(told(tmp_path / "spool"))

        refund(ORDER, 4)
    assert [span.text("audit.outcome") for span in left] == ["pending"]


def request(n: int) -> bytes:
    """The request of one span."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    made = ExportTraceServiceRequest()
    span = made.resource_spans.add().scope_spans.add().spans.add()
    span.name, span.span_id = f"call {n}", n.to_bytes(8, "big")
    return made.SerializeToString()


def test_what_is_torn_or_ended_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends by their marks or by a record in a segment; a torn write is as if it had not been."""
    folder = tmp_path / "dead"
    folder.mkdir()
    kept = Intents(folder)
    for n in (1, 2, 3, 4):
        kept.open(n, request(n))
    kept.close(2)
    kept.settle()
    kept.forget()
    with (folder / intents.NAME).open("ab") as file:
        file.write(request(5)[:-1])
    (folder / "00000001.open").write_bytes(request(3))
    assert [span.name for span in told(tmp_path)] == ["call 3", "call 1", "call 4"]


def test_a_long_file_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One call that stays open keeps no ended ones on disk."""
    monkeypatch.setattr(intents, "MAX_BYTES", 1000)
    kept = Intents(tmp_path)
    kept.open(1, request(1))
    for n in range(2, 200):
        kept.open(n, request(n))
        kept.close(n)
        kept.settle()
        assert (tmp_path / intents.NAME).stat().st_size < 1100
    kept.forget()
    intents.salvage(tmp_path)
    [path] = tmp_path.glob("*.seg")
    assert [span.name for span in spans_of(path.read_bytes())] == ["call 1"]


def test_what_is_written_in_part_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk tears no intent and no mark; what could not be marked is marked later."""
    kept = Intents(tmp_path)
    for n in (1, 2):
        kept.open(n, request(n))
    kept.close(1)
    write, full = os.write, OSError(28, "No space left on device")

    def torn(descriptor: int, content: bytes) -> int:
        write(descriptor, content[:5])
        raise full

    attempts: list[Callable[[], None]] = [lambda: kept.open(3, request(3)), kept.settle]
    for attempt in attempts:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", torn)
            with pytest.raises(OSError, match="No space left"):
                attempt()
    kept.open(4, request(4))
    kept.settle()
    kept.forget()
    intents.salvage(tmp_path)
    [path] = tmp_path.glob("*.seg")
    assert [span.name for span in spans_of(path.read_bytes())] == ["call 2", "call 4"]


def test_no_room_for_an_intent_is_no_call(tmp_path: Path) -> None:
    """Closed: denied, before the tool runs; open: it runs."""
    ran: list[int] = []

    @tool
    def refund(order: str, amount: int) -> None:
        ran.append(amount)

    for fail in ("closed", "open"):
        folder = tmp_path / fail
        folder.mkdir()
        environ = registry(folder) | {"AUDITSPAN_FAIL_MODE": fail}
        with running(folder, **environ) as made:
            refund(ORDER, 1)
            outlet = made.durable._outlet
            assert outlet is not None
            os.close(outlet.intents._descriptor)
            outlet.intents._descriptor = os.open("/dev/full", os.O_WRONLY)
            try:
                refund(ORDER, 2)
            except PolicyDenied as denied:
                assert denied.rule == "record-unavailable"
    assert ran == [1, 1, 2]


def test_a_fork_leaves_open_calls_to_its_parent(tmp_path: Path, sink: Sink) -> None:
    """The child ends none of them and tells of none."""
    with running(tmp_path, **registry(tmp_path)) as made:

        @tool
        def refund(order: str, amount: int) -> None:
            child = os.fork()
            if child == 0:
                made.durable.forked()
                made.durable.close(0)
                os._exit(0)
            os.waitpid(child, 0)
            time.sleep(0)

        refund(ORDER, 5)
    assert [span.text("audit.outcome") for span in written(tmp_path)] == ["success"]
