"""Agents as users start them, in processes of their own, and what arrives."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.instrumentation.agents import command, environment, run, script
from tests.instrumentation.sink import Sink, running_sink
from tests.instrumentation.test_guard import registry

AGENT = """
    from auditspan.instrumentation import agent, identify, tool

    @tool
    def refund(order, amount=1, *, reason="none"):
        return {"refunded": amount}

    with identify(user="alice", session="s-1", purpose="support", ticket="T-1", trigger="user"):
        with agent("helper", id="agent-1", conversation="c-1"):
            print(refund("o-7", 5))
"""


def test_tool_call_is_recorded_with_environment_variables_alone(tmp_path: Path, sink: Sink) -> None:
    """A program that knows only `tool` and `identify` gives whole records."""
    done = run(tmp_path, sink.url, AGENT)
    assert (done.returncode, done.stdout) == (0, "{'refunded': 5}\n"), done.stderr
    assert done.stderr == ""
    call, invocation = sink.one("execute_tool refund"), sink.one("invoke_agent helper")
    instance = call.attributes.pop("audit.agent.instance.id")
    assert call.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "refund",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.arguments": '{"order":"o-7","amount":5,"reason":"none"}',
        "gen_ai.tool.call.result": '{"refunded":5}',
        "audit.outcome": "success",
        "user.id": "alice",
        "session.id": "s-1",
        "audit.purpose": "support",
        "audit.ticket.id": "T-1",
        "audit.trigger.type": "user",
        "gen_ai.agent.id": "agent-1",
        "gen_ai.agent.name": "helper",
        "gen_ai.conversation.id": "c-1",
        "audit.sequence.number": 1,
        "audit.sequence.mark": "start",
    }
    assert (call.parent, call.trace) == (invocation.id, invocation.trace)
    assert call.resource["service.name"] == "test-agent"
    closing = sink.one("auditspan.close")
    assert closing.attributes["audit.sequence.mark"] == "close"
    assert closing.attributes["audit.agent.instance.id"] == instance
    assert [span.attributes["audit.sequence.number"] for span in sink.spans] == [1, 2, 3]


def test_nothing_is_left_behind(tmp_path: Path, sink: Sink) -> None:
    """What the collector has is removed from the disk."""
    run(tmp_path, sink.url, AGENT)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_program_without_anything_to_record_is_silent(tmp_path: Path, sink: Sink) -> None:
    """No spans, no requests, no files, no output."""
    done = run(tmp_path, sink.url, "print('hello')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello\n", "")
    assert sink.requests == []
    assert not (tmp_path / "spool").exists()


def test_it_works_over_grpc(tmp_path: Path) -> None:
    """Protocol and endpoint are the standard variables."""
    with running_sink(with_grpc=True) as sink:
        done = run(tmp_path, sink.grpc_url, AGENT, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
        assert done.returncode == 0, done.stderr
        assert sink.one("execute_tool refund").text("user.id") == "alice"


APPLICATION = """
    from opentelemetry import trace
    from auditspan.instrumentation import identify, tool

    @tool
    def refund():
        with trace.get_tracer("app").start_as_current_span("inside") as span:
            print(span.get_span_context().trace_flags.sampled)

    with identify(user="alice"):
        with trace.get_tracer("app").start_as_current_span("request") as request:
            print(request.get_span_context().trace_flags.sampled)
            with trace.get_tracer("app").start_as_current_span("chat m") as chat:
                chat.set_attribute("gen_ai.operation.name", "chat")
            refund()
"""


def test_the_applications_spans_of_the_agent_are_recorded_too(tmp_path: Path, sink: Sink) -> None:
    """They are stamped, numbered and in one trace with ours."""
    done = run(tmp_path, sink.url, APPLICATION)
    assert done.stdout == "True\nTrue\n", done.stderr
    spans = {span.name: span for span in sink.spans}
    assert set(spans) == {"request", "inside", "chat m", "execute_tool refund", "auditspan.close"}
    assert spans["execute_tool refund"].parent == spans["request"].id
    assert spans["inside"].parent == spans["execute_tool refund"].id
    assert spans["chat m"].text("user.id") == "alice"
    assert len({span.resource["service.instance.id"] for span in sink.spans}) == 1


@pytest.mark.parametrize("sampler", ["always_off", "parentbased_always_off"])
def test_sampling_does_not_reach_the_audit_trail(tmp_path: Path, sink: Sink, sampler: str) -> None:
    """What the application drops stays unsampled for it, and the agent's acts are recorded."""
    done = run(
        tmp_path, sink.url, APPLICATION, OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_EXPORTER="console"
    )
    assert done.stdout == "False\nFalse\n", done.stderr
    spans = {span.name: span for span in sink.spans}
    assert set(spans) == {"chat m", "execute_tool refund", "auditspan.close"}
    assert spans["chat m"].parent == spans["execute_tool refund"].parent != ""
    assert spans["chat m"].trace == spans["execute_tool refund"].trace


def test_nothing_is_sent_twice(tmp_path: Path, sink: Sink) -> None:
    """An OTLP exporter to the same place is left out, other exporters stay."""
    done = run(tmp_path, sink.url, APPLICATION, OTEL_TRACES_EXPORTER="otlp,console")
    ids = [span.id for span in sink.spans]
    assert len(ids) == len(set(ids)) == 5
    assert '"name": "chat m"' in done.stdout


def test_another_instrumentation_that_crashes_changes_nothing(tmp_path: Path, sink: Sink) -> None:
    """Guard and recorder are there, and the instrumentations after it as well."""
    site = tmp_path / "site"
    info = site / "crashing-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: crashing\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[opentelemetry_instrumentor]\na_crash = crashing:Crashing\nlater = crashing:Later\n"
    )
    (site / "crashing.py").write_text(
        "class Crashing:\n    def __init__(self): raise RuntimeError('boom')\n"
        "class Later:\n    def instrument(self, **kwargs): print('later')\n"
    )
    environ = registry(tmp_path) | {"PYTHONPATH": str(site)}
    code = """
        from auditspan.instrumentation import PolicyDenied, tool

        @tool
        def delete_order(order):
            print("ran")

        try:
            delete_order("o-1")
        except PolicyDenied as denied:
            print(denied.rule)
    """
    done = run(tmp_path, sink.url, code, **environ)
    assert done.stdout == "later\nnever-delete\n", done.stderr
    assert "a_crash failed and is left out: RuntimeError: boom" in done.stderr
    assert sink.one("execute_tool delete_order").text("audit.outcome") == "denied"


KILLED = """
    import os, signal, time
    from auditspan.instrumentation import tool

    @tool
    def act(n):
        return n

    for n in range(700):
        act(n)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_nothing_that_had_happened(tmp_path: Path, sink: Sink) -> None:
    """Every span that had ended is on disk, and the next process sends it."""
    done = run(tmp_path, "http://127.0.0.1:9", KILLED)
    assert done.returncode == -signal.SIGKILL
    assert run(tmp_path, sink.url, AGENT).returncode == 0
    killed = sink.named("execute_tool act")
    assert [span.attributes["audit.sequence.number"] for span in killed] == list(range(1, 701))
    assert list((tmp_path / "spool").iterdir()) == []


def test_what_a_killed_process_had_sent_but_not_removed_is_sent_the_same(
    tmp_path: Path, sink: Sink
) -> None:
    """The collector can tell a repetition, because the bytes are those it had."""
    run(tmp_path, "http://127.0.0.1:9", KILLED)
    [segment] = (tmp_path / "spool").glob("*/00000001.seg")
    content = segment.read_bytes()
    run(tmp_path, sink.url, AGENT)
    assert content in sink.requests


FORKING = """
    import multiprocessing, os
    from auditspan.instrumentation import identify, tool

    @tool
    def act(where):
        return os.getpid()

    def child():
        act("child")

    if __name__ == "__main__":
        act("before")
        with identify(user="alice"):
            process = multiprocessing.get_context("METHOD").Process(target=child)
            process.start()
            process.join()
            assert process.exitcode == 0
        act("after")
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_record_as_instances_of_their_own(tmp_path: Path, sink: Sink, method: str) -> None:
    """Numbers and spool are the child's own, and nothing is lost or sent twice."""
    done = run(tmp_path, sink.url, FORKING.replace("METHOD", method))
    assert done.returncode == 0, done.stderr
    calls = {
        span.text("gen_ai.tool.call.arguments"): span for span in sink.named("execute_tool act")
    }
    assert len(calls) == len(sink.named("execute_tool act")) == 3
    parent, child = calls['{"where":"before"}'], calls['{"where":"child"}']
    instance = "audit.agent.instance.id"
    assert child.text(instance) != parent.text(instance)
    assert calls['{"where":"after"}'].text(instance) == parent.text(instance)
    assert child.attributes["audit.sequence.number"] == 1
    assert calls['{"where":"after"}'].attributes["audit.sequence.number"] == 2
    ended = {span.text(instance) for span in sink.named("auditspan.close")}
    assert ended == {child.text(instance), parent.text(instance)}
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_collector_that_is_away_delays_nobody(tmp_path: Path) -> None:
    """The agent runs at its own pace, and what it recorded is kept."""
    began = time.monotonic()
    done = run(tmp_path, "http://127.0.0.1:9", AGENT, AUDITSPAN_EXIT_SECONDS="0")
    assert (done.returncode, done.stdout) == (0, "{'refunded': 5}\n")
    assert time.monotonic() - began < 10
    assert len(list((tmp_path / "spool").glob("*/*.seg"))) == 1
    assert "they stay in" in done.stderr


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, "OTEL_SDK_DISABLED"),
        ({"AUDITSPAN_GUARD_MODE": "enforced"}, "expected observe or enforce"),
        ({"AUDITSPAN_REGISTRY": "/nowhere"}, "/nowhere: is not a folder"),
        ({"AUDITSPAN_SPOOL_DIR": "/dev/null/spool"}, "spool /dev/null/spool"),
    ],
)
def test_an_agent_that_could_not_be_guarded_is_not_started(
    tmp_path: Path, fault: dict[str, str], said: str
) -> None:
    """Exit code 78 and what to do, before anything of the program runs."""
    environ = registry(tmp_path) | fault | {"AUDITSPAN_FAULTS": ""}
    done = run(tmp_path, "http://127.0.0.1:9", AGENT, **environ)
    assert (done.returncode, done.stdout) == (78, "")
    assert said in done.stderr
    assert "AUDITSPAN_FAIL_MODE=open" in done.stderr


def test_a_part_of_ours_that_does_not_load_starts_no_agent(tmp_path: Path) -> None:
    """A broken installation is a fault like others: `opentelemetry-instrument` would go on."""
    code = (
        "import sys\n"
        "sys.modules['auditspan.instrumentation.adapters.coverage'] = None\n"
        "from auditspan.instrumentation.pre_instrument import pre_instrument\n"
        "pre_instrument()\n"
        "print('started')\n"
    )
    demanded = registry(tmp_path) | {"AUDITSPAN_FAULTS": ""}
    for further, code_of_exit in ((demanded, 78), ({"AUDITSPAN_FAULTS": ""}, 0)):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment(tmp_path / "spool", "http://127.0.0.1:9", further),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == code_of_exit, done.stderr
        assert "adapters.coverage" in done.stderr


def test_an_sdk_that_cannot_be_set_up_takes_no_guard_away(tmp_path: Path, sink: Sink) -> None:
    """A fault in the SDK's own configuration is told, and recorder and guard are there."""
    done = run(
        tmp_path, sink.url, AGENT, OTEL_TRACES_EXPORTER="no_such_exporter", AUDITSPAN_FAULTS=""
    )
    assert (done.returncode, done.stdout) == (0, "{'refunded': 5}\n")
    assert "no_such_exporter" in done.stderr
    assert sink.one("execute_tool refund").text("user.id") == "alice"


def test_failing_open_starts_anyway(tmp_path: Path, sink: Sink) -> None:
    """With a warning instead."""
    environ = registry(tmp_path) | {
        "AUDITSPAN_REGISTRY": "/nowhere",
        "AUDITSPAN_FAIL_MODE": "open",
        "AUDITSPAN_FAULTS": "",
    }
    done = run(tmp_path, sink.url, AGENT, **environ)
    assert (done.returncode, done.stdout) == (0, "{'refunded': 5}\n")
    assert "/nowhere: is not a folder" in done.stderr


def test_a_users_token_becomes_a_statement(tmp_path: Path, sink: Sink) -> None:
    """The statement stands on every span of both providers, the token on none and in no file."""
    sink.identity_answer = (200, {"statement": "a.b.c", "expires_at": int(time.time()) + 600})
    code = APPLICATION.replace('user="alice"', 'user_token="eyJ-the-users-token"')
    done = run(
        tmp_path, sink.url, code, OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20agent-key"
    )
    assert done.returncode == 0, done.stderr
    [asked] = sink.identities
    assert (asked["user_token"], asked["authorization"]) == (
        "eyJ-the-users-token",
        "Bearer agent-key",
    )
    spans = [span for span in sink.spans if span.name != "auditspan.close"]
    assert {span.text("audit.identity.statement") for span in spans} == {"a.b.c"}
    assert not [request for request in sink.requests if b"the-users-token" in request]
    assert "the-users-token" not in done.stdout + done.stderr


def test_the_collector_not_knowing_the_user_is_recorded(tmp_path: Path, sink: Sink) -> None:
    """The action happens and says that its user is unresolved, and why."""
    sink.identity_answer = (422, {"error": "refused", "message": "expired", "retryable": False})
    run(tmp_path, sink.url, APPLICATION.replace('user="alice"', 'user_token="t"'))
    call = sink.one("execute_tool refund")
    assert call.text("audit.identity.error") == "refused"
    assert "audit.identity.statement" not in call.attributes


def test_the_spool_of_a_running_process_is_left_alone(tmp_path: Path, sink: Sink) -> None:
    """Two agents over one folder: each sends its own."""
    waiting = script(tmp_path, AGENT + "\n    import sys\n    sys.stdin.read()\n")
    first = subprocess.Popen(
        command(waiting),
        env=environment(
            tmp_path / "spool",
            "http://127.0.0.1:9",
            {"AUDITSPAN_EXIT_SECONDS": "0", "PYTHONUNBUFFERED": "1"},
        ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert first.stdin is not None
    assert first.stdout is not None
    with first:
        first.stdout.readline()
        other = tmp_path / "other"
        other.mkdir()
        subprocess.run(
            command(script(other, AGENT)),
            env=environment(tmp_path / "spool", sink.url),
            check=True,
            capture_output=True,
            timeout=60,
        )
        assert len(sink.named("execute_tool refund")) == 1
        first.stdin.close()
        first.wait(timeout=60)
    [left] = (tmp_path / "spool").iterdir()
    assert list(left.glob("*.seg"))


def test_a_program_without_the_distribution_is_recorded_as_well(tmp_path: Path, sink: Sink) -> None:
    """`tool` and `identify` work in a plain `python agent.py`."""
    done = subprocess.run(
        [sys.executable, str(script(tmp_path, AGENT))],
        env=environment(tmp_path / "spool", sink.url),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sink.one("execute_tool refund").text("user.id") == "alice"


def test_the_base_import_is_light() -> None:
    """Nothing of the collector, of Cedar or of gRPC is imported into an agent that needs none."""
    code = (
        "import sys, auditspan.instrumentation; "
        "heavy = {'pyarrow', 'numpy', 'chdb', 'grpc', 'cedarpy', 'cryptography', 'starlette'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout == "[]\n"
