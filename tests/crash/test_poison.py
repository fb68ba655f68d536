"""One span that ends every process that looks at it: real engines, real trials, and a retry."""

import json

from tests.crash import poison
from tests.crash.clients import over_http
from tests.crash.collector import Collector
from tests.crash.comparing import stored_spans

FIRST = 1 << 48
SPANS = tuple(range(FIRST, FIRST + 12))
CULPRIT = SPANS[7]


def test_one_span_ends_engines_until_it_is_put_aside(collector: Collector) -> None:
    """Engines end, then trials do; all other spans of its batch and its request are stored, and the
    population is incomplete until it is processed again, which happens once."""
    collector.faults = [poison.fault(CULPRIT)]
    # All in one batch: the culprit in a request of four.
    collector.config = collector.config.replace("batch_seconds: 0.7", "batch_seconds: 2")
    collector.start()
    collector.until_ready()
    sender = over_http(collector.ports["http"])
    for spans in (SPANS[:4], SPANS[4:8], SPANS[8:]):
        assert sender.send(spans)
    collector.until_drained(120)
    sender.close()
    code, text = collector.command("deadletter", "list", "--format", "json")
    [letter] = json.loads(text)
    assert (code, letter["stage"], letter["tries"]) == (0, "process", 0)
    assert "code -9" in letter["reason"]
    assert collector.terminate() == 0
    assert stored_spans(collector) == dict.fromkeys({*SPANS} - {CULPRIT}, 1)
    _, said = collector.command("verify")
    assert said.startswith("VALID") and "population incomplete" in said, said
    # With the cause gone it is asked for, and once more.
    collector.faults = []
    collector.start()
    collector.until_ready()
    code, said = collector.command("deadletter", "retry", letter["id"])
    assert code == 0 and "stored" in said, said
    code, said = collector.command("deadletter", "retry", letter["id"])
    assert code == 1 and "is stored" in said, said
    assert collector.terminate() == 0
    assert stored_spans(collector) == dict.fromkeys(SPANS, 1)
    _, said = collector.command("verify")
    assert said.startswith("VALID") and "incomplete" not in said, said
