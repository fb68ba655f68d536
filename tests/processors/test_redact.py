"""Secrets out of a whole batch."""

import json

import numpy as np
import pyarrow as pa

from auditspan.processors.batch import Batch
from auditspan.processors.redact import redact
from auditspan.processors.secrets import Secrets
from tests.processors.samples import NOW, batch, with_texts

SECRETS = Secrets.standard()
KEY = "AKIA" + "IOSFODNN7EXAMPLE"
NOTHING = np.empty(0, dtype=np.int64)


def redacted(records: Batch) -> Batch:
    """The batch without secrets."""
    return redact(records, SECRETS, {}, NOTHING)


def test_every_place_is_looked_at() -> None:
    """No text of the record holds the secret afterwards, and the record says where it was."""
    event = {"Name": "exception", "Timestamp": NOW, "Attributes": {"exception.message": KEY}}
    link = {"TraceId": "0" * 32, "SpanId": "0" * 16, "Attributes": {"note": KEY}}
    records = batch(
        {
            "SpanName": f"call {KEY}",
            "StatusMessage": KEY,
            "SpanAttributes": {"a": KEY, "http.request.header.authorization": "whatever"},
            "ResourceAttributes": {"r": KEY},
            "OtlpExtras": {"trace_state": KEY},
            "Events": [event, {**event, "Attributes": {}}],
            "Links": [link],
        },
        {"SpanAttributes": {"a": "harmless", "empty.password": ""}},
    )
    records = with_texts(records, TargetId=KEY).with_derived({"d": pa.array([KEY, None])})
    result = redacted(records)
    assert KEY not in str(result.table.to_pylist()) + str(result.derived["d"].to_pylist())
    assert result.derived["audit.content.redaction.count"].to_pylist() == ["8", None]
    [fields, none] = result.derived["audit.content.redaction.fields"].to_pylist()
    assert none is None
    assert json.loads(fields) == [
        "Events.exception.message",
        "Links.note",
        "SpanName",
        "StatusMessage",
        "a",
        "http.request.header.authorization",
        "r",
        "trace_state",
    ]
    assert result.has("content.secret").tolist() == [True, False]
    assert result.has("content.redacted").tolist() == [True, False]


def test_what_stays_is_the_same() -> None:
    """Besides the secret nothing changes: not the other records, nor the other attributes."""
    rows: list[dict[str, object]] = [
        {"SpanAttributes": {"x": "1", "y": "2"}, "Events": []},
        {"SpanAttributes": {"x": f"say {KEY}!", "y": "3"}, "Links": [{"TraceId": "t"}]},
        {"Events": [{"Name": "n", "Timestamp": NOW, "Attributes": {"k": "v"}}] * 2},
    ]
    before, after = batch(*rows), redacted(batch(*rows))
    expected = before.table.to_pylist()
    expected[1]["SpanAttributes"] = [("x", "say [redacted:aws]!"), ("y", "3")]
    assert after.table.to_pylist() == expected
    after.table.validate(full=True)


def test_a_batch_without_secrets_passes_through() -> None:
    """Nothing is counted and nothing flagged."""
    records = batch({"SpanAttributes": {"gen_ai.usage.input_tokens": "12"}})
    result = redacted(records)
    assert result.derived == {}
    assert result.table.equals(records.table)
    assert not result.findings.any()


def test_an_empty_batch() -> None:
    """No record is no reason to fail."""
    assert len(redacted(batch())) == 0


def test_what_is_kept_whole_is_left() -> None:
    """A column's rows and the map entries that are to stay are not looked at."""
    records = with_texts(batch({"SpanAttributes": {"a": KEY, "b": KEY}}), ToolArguments=KEY)
    result = redact(records, SECRETS, {"ToolArguments": np.array([True])}, np.array([1]))
    assert result.column("SpanAttributes").to_pylist() == [[("a", "[redacted:aws]"), ("b", KEY)]]
    assert result.column("ToolArguments").to_pylist() == [KEY]


def test_an_event_that_is_no_map_entry_of_ours_keeps_its_row() -> None:
    """Redactions in events count on the record that holds the event."""
    event = {"Name": "e", "Timestamp": NOW, "Attributes": {"k": KEY}}
    result = redacted(batch({}, {"Events": [event, event]}, {"Events": [event]}))
    assert result.derived["audit.content.redaction.count"].to_pylist() == [None, "2", "1"]
