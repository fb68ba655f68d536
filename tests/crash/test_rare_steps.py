"""Kills at steps that somebody has to ask for: early expiry, moving, a dead letter tried again."""

import json
import time
from datetime import UTC, datetime, timedelta

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.crash.clients import body, over_http
from tests.crash.collector import Collector
from tests.crash.comparing import stored_spans
from tests.crash.steps import RARE

FIRST = 1 << 48
EXPIRED, KEPT = [FIRST + at for at in range(8)], [FIRST + 100 + at for at in range(4)]
_SHOWN = ((), ("--content",))
SHORTEN = ("retention", "shorten", "--reason", "test", "--ticket", "T-1", "--yes", "--filter")


def test_an_early_expiry_and_a_move_are_finished_whatever_kills_them(collector: Collector) -> None:
    """At each step once: what was to go is gone, nothing else, and it is VALID."""
    cold = collector.folder / "cold"
    collector.config += f"storage: {{{{cold: {{{{path: {cold}, after_days: 1}}}}}}}}\n"
    _sent(collector, EXPIRED)
    until = (datetime.now(UTC) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    code, said = collector.command(*SHORTEN, f"until={until}")
    assert code == 0, said
    steps = [step.name for step in RARE if step.name.startswith(("moving:", "expiring:"))]
    _killed(collector, steps)
    _sent(collector, KEPT)
    assert stored_spans(collector) == dict.fromkeys(KEPT, 1)
    _, said = collector.command("verify", "--format", "json")
    found = json.loads(said)
    assert found["verdict"] == "VALID", said
    assert sum(log["states"].get("expired-early", 0) for log in found["logs"]) >= len(EXPIRED)


def test_a_retry_stores_a_letter_once_whatever_kills_it(collector: Collector) -> None:
    """A record beyond a limit that was raised since; asked for while the collector is stopped."""
    whole = collector.config
    collector.config += "processors: {{limits: {{record_mib: 1}}}}\n"
    collector.start()
    collector.until_ready()
    request = ExportTraceServiceRequest.FromString(body([FIRST, FIRST + 1]))
    large = request.resource_spans[0].scope_spans[0].spans[1]
    large.attributes.add(key="note").value.string_value = "x" * (2 << 20)
    answer = httpx.post(
        f"http://127.0.0.1:{collector.ports['http']}/v1/traces",
        content=request.SerializeToString(),
        headers={"content-type": "application/x-protobuf"},
        trust_env=False,
    )
    assert answer.status_code == 200
    collector.until_drained()
    _, said = collector.command("deadletter", "list", "--format", "json")
    [letter] = json.loads(said)
    assert letter["stage"] == "large"
    code, said = collector.command("deadletter", "retry", letter["id"])
    assert code == 1 and "failed again" in said, said
    shown = [collector.command("deadletter", "show", letter["id"], *more)[1] for more in _SHOWN]
    assert ["xxx" in each for each in shown] == [False, True]
    assert json.loads(shown[0])["spans"][0]["span_id"] == (FIRST + 1).to_bytes(8).hex()
    assert collector.terminate() == 0
    assert stored_spans(collector) == {FIRST: 1}
    collector.config = whole
    code, said = collector.command("deadletter", "retry", "--all", "--reason", "raised")
    assert code == 0, said
    _killed(collector, [step.name for step in RARE if step.name.startswith("retry:")])
    assert stored_spans(collector) == {FIRST: 1, FIRST + 1: 1}
    assert list((collector.data / "dead").iterdir()) == []
    _, said = collector.command("verify")
    assert said.startswith("VALID") and "incomplete" not in said, said


def _sent(collector: Collector, spans: list[int]) -> None:
    collector.start()
    collector.until_ready()
    sender = over_http(collector.ports["http"])
    assert sender.send(spans)
    sender.close()
    collector.until_drained()
    assert collector.terminate() == 0


def _killed(collector: Collector, steps: list[str]) -> None:
    """Engine after engine of one front, each at the next step."""
    at, family = collector.nursery, collector.family
    charges = [{"step": step, "hit": 1, "whole": False, "part": 0.5} for step in steps]
    at.ask("charge", family=family, charges=charges)
    collector.start()
    until = time.monotonic() + 90
    while (fired := _fired(collector)) != steps and time.monotonic() < until:
        time.sleep(0.1)
    assert fired == steps, collector.tail()
    at.ask("charge", family=family, charges=[])
    collector.until_ready()
    collector.until_drained()
    assert collector.terminate() == 0


def _fired(collector: Collector) -> list[str]:
    told = collector.nursery.ask("told", family=collector.family)["fired"]
    return [charge["step"] for charge in told]
