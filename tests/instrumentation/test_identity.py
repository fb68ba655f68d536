"""On whose behalf: what is in force where, and what is written."""

import asyncio
import threading
from pathlib import Path

import pytest
from opentelemetry import baggage, propagate

from auditspan.instrumentation import identify, tool
from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import begin
from auditspan.instrumentation.identity import NOBODY, Identity, current
from tests.instrumentation.recorded import running, written
from tests.instrumentation.sink import Sink


@tool
def work() -> None:
    """Something to record."""


def test_the_inner_block_adds_to_the_outer(tmp_path: Path) -> None:
    """What the inner one leaves out holds as outside; afterwards the outer one holds again."""
    with running(tmp_path):
        with identify(user="alice", purpose="support", ticket="T-1"):
            with identify(purpose="billing", task="t-9"):
                work()
            work()
        work()
    inner, outer, none = written(tmp_path)
    assert [inner.text(n) for n in ("user.id", "audit.purpose", "audit.ticket.id")] == [
        "alice",
        "billing",
        "T-1",
    ]
    assert (inner.text("audit.task.id"), outer.text("audit.task.id")) == ("t-9", "")
    assert outer.text("audit.purpose") == "support"
    assert none.text("user.id") == ""
    assert current() is NOBODY


def test_another_user_takes_nothing_of_the_proved_one(tmp_path: Path, sink: Sink) -> None:
    """A claim inside a proof is not under the proof, and a failed proof is not the outer user."""
    sink.identity_answer = (200, {"statement": "a.b.c", "expires_at": 2**40})
    with running(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url):
        with identify(user_token="alice-token"):
            work()
            with identify(user="bob"):
                work()
            sink.identity_answer = (422, {"error": "refused", "retryable": False})
            with identify(user_token="bad-token"):
                work()
        spool = written(tmp_path)
    proved, claimed, refused = spool
    assert proved.text("audit.identity.statement") == "a.b.c"
    assert (claimed.text("audit.identity.statement"), claimed.text("user.id")) == ("", "bob")
    assert refused.text("audit.identity.statement") == ""
    assert refused.text("audit.identity.error") == "refused"


def test_what_a_framework_knows_goes_behind_what_was_said(tmp_path: Path, sink: Sink) -> None:
    """Its user is not written beside the proof of another one; the rest is, if nobody said it."""
    sink.identity_answer = (200, {"statement": "a.b.c", "expires_at": 2**40})
    known = Identity(user="bob", conversation="c-2", agent_name="desk")
    with running(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=sink.url):
        with identify(user_token="alice-token", conversation="c-1"):
            begin(Act("execute_tool", "look", known=known)).succeeded()
        begin(Act("execute_tool", "look", known=known)).succeeded()
    keys = ("user.id", "gen_ai.conversation.id", "gen_ai.agent.name", "audit.identity.statement")
    wanted = [span for span in written(tmp_path) + sink.spans if span.name == "execute_tool look"]
    assert [[span.text(key) for key in keys] for span in wanted] == [
        ["", "c-1", "desk", "a.b.c"],
        ["bob", "c-2", "desk", ""],
    ]


def test_async_blocks_do_not_mix(tmp_path: Path) -> None:
    """Two tasks at once keep their own users."""

    async def serve(user: str) -> None:
        async with identify(user=user):
            await asyncio.sleep(0.01)
            work()

    async def both() -> None:
        await asyncio.gather(serve("alice"), serve("bob"))

    with running(tmp_path):
        asyncio.run(both())
    assert sorted(span.text("user.id") for span in written(tmp_path)) == ["alice", "bob"]


def test_nothing_goes_into_baggage_or_headers() -> None:
    """What is sent to strangers knows nothing of it."""
    carrier: dict[str, str] = {}
    with identify(user="alice", purpose="support", session="s"):
        propagate.inject(carrier)
        assert baggage.get_all() == {}
    assert "alice" not in str(carrier)


def test_a_fault_of_ours_does_not_reach_the_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collector that answers rubbish, and settings that cannot be read, stop nobody."""
    monkeypatch.setenv("AUDITSPAN_CAPTURE", "nonsense")
    with identify(user_token="t", user="alice"):
        assert current().user == "alice"


def test_threads_of_the_threading_instrumentation_know_it(tmp_path: Path) -> None:
    """The identity is a value of the OpenTelemetry context, which that carries along."""
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    ThreadingInstrumentor().instrument()
    try:
        with running(tmp_path), identify(user="alice"):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
    finally:
        ThreadingInstrumentor().uninstrument()
    [span] = written(tmp_path)
    assert span.text("user.id") == "alice"
