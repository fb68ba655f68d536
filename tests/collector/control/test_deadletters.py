"""Dead letters as an operator sees them: what is shown to whom, and what may be asked."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from auditspan.collector import letters
from auditspan.collector.control.deadletters import DeadLetters
from auditspan.collector.control.errors import ControlConflict, ControlForbidden, NotFound
from auditspan.collector.control.fields import Fields
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.letter_contents import contents
from auditspan.collector.control.records import Why
from auditspan.collector.control.sentences import sentence
from auditspan.collector.control.versions import Versions
from auditspan.collector.letters import Letter
from auditspan.collector.query.lookups import Lookup, Params, Rows
from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from tests.collector.control.callers import ALICE, ALONE, OLGA, Spool

NOW = 1_795_000_000_000_000_000
SECRET = "anna@example.com"
GONE = (("b0-x", 1, "2027-01-01"), ("b0-y", 0, "2026-11-18"), ("b0-z", 0, "2026-11-19"),
        ("other-x", 1, "2027-01-01"))  # fmt: skip
"""In the store; the last one is of another collector."""


def request() -> ExportTraceServiceRequest:
    """One span with a value of each kind."""
    made = ExportTraceServiceRequest()
    found = made.resource_spans.add()
    found.resource.attributes.add(key="service.name").value.string_value = "shop"
    span = found.scope_spans.add().spans.add(name="execute_tool", span_id=b"12345678")
    span.status.message = SECRET
    span.attributes.add(key="who").value.string_value = SECRET
    span.attributes.add(key="n").value.int_value = 7
    span.attributes.add(key="none")
    span.attributes.add(key="raw").value.bytes_value = b"\x01"
    many = span.attributes.add(key="many").value.array_value
    many.values.add().string_value = SECRET
    span.attributes.add(key="deep").value.kvlist_value.values.add(
        key="inner"
    ).value.bool_value = True
    event = span.events.add(name="e")
    event.attributes.add(key="said").value.string_value = SECRET
    return made


def traces(body: bytes) -> bytes:
    """The frame of a request."""
    return frame(Envelope(OTLP_TRACES, NOW, "sha256:ab", "{}", request=body))


@pytest.fixture
def spool() -> Spool:
    """What was asked for."""
    return Spool()


@pytest.fixture
def dead(tmp_path: Path, spool: Spool) -> DeadLetters:
    """A folder with one letter that can be read again and one that cannot; a third one is done."""
    data = traces(request().SerializeToString())
    letter = Letter(
        "b1", "frame-0", "decode", f"quotes {SECRET}", NOW, "sha256:ab", "agent:a", NOW, len(data),
        "default", 20_000, letters.new_salt(), retryable=True,
    )  # fmt: skip
    folder = tmp_path / "dead"
    folder.mkdir()
    letters.write(folder, letter, data)
    torn = replace(letter, batch_id="b2", retryable=False)
    letters.write(folder, torn, b"\xff\xff")

    async def ask(name: str, params: Params) -> Rows:
        assert name == "dead_letters"
        rows: Rows = [
            {"id": id, "received_at_ns": NOW, "stage": "large", "ended": ended, "expires_on": day}
            for id, ended, day in GONE
        ]
        return [row for row in rows if params["id"] in ("", row["id"])]

    (tmp_path / "instance").write_text("b0\n")
    registry = tmp_path / "registry"
    registry.mkdir()
    journal = Journal(Versions(registry), spool.submit, lambda: NOW)
    return DeadLetters(journal, folder, Lookup(ask))


def test_letters_are_listed(dead: DeadLetters) -> None:
    """A reason that quotes its sender is for who may read content; those that are done with all."""
    rows = asyncio.run(dead.listed(OLGA))
    assert [(row["id"], row["state"], row["reason"]) for row in rows] == [
        ("b1-frame-0", "open", "cannot be decoded"),
        ("b2-frame-0", "open, cannot be read again", "cannot be decoded"),
    ]
    assert SECRET not in json.dumps(rows)
    assert rows[0] | {"request_digest": "sha256:ab", "principal": "agent:a"} == rows[0]
    assert rows[0]["expires_on"] == "2024-10-04"
    assert SECRET in str(asyncio.run(dead.listed(ALONE))[0]["reason"])
    every = asyncio.run(dead.listed(OLGA, all=True))
    assert [(row["id"], row["state"]) for row in every[:-2]] == [
        ("b0-x", "is stored"),
        ("b0-y", "has expired"),
        ("b0-z", "is not here: its files are gone"),
    ]


def test_a_letter_is_shown_without_values(dead: DeadLetters, spool: Spool) -> None:
    """Names, ids, kinds and sizes."""
    shown = asyncio.run(dead.show("b1-frame-0", OLGA))
    assert SECRET not in json.dumps(shown)
    span = _span(shown)
    assert (span["name"], span["span_id"]) == ("execute_tool", b"12345678".hex())
    attributes = span["attributes"]
    assert isinstance(attributes, dict)
    assert list(attributes) == ["who", "n", "none", "raw", "many", "deep"]
    assert str(attributes["who"]).startswith("<string, ")
    assert spool.records == []


def _span(shown: Fields) -> Fields:
    spans = shown["spans"]
    assert isinstance(spans, list) and len(spans) == 1
    assert isinstance(spans[0], dict)
    return spans[0]


def test_values_are_recorded_before_they_are_shown(dead: DeadLetters, spool: Spool) -> None:
    """And for an operator who may not read content they are refused."""
    with pytest.raises(ControlForbidden):
        asyncio.run(dead.show("b1-frame-0", OLGA, content=True))
    assert spool.records == []
    shown = asyncio.run(dead.show("b1-frame-0", ALONE, content=True))
    span = _span(shown)
    assert span["attributes"] == {
        "who": SECRET, "n": 7, "none": None, "raw": "01", "many": [SECRET], "deep": {"inner": True},
    }  # fmt: skip
    assert span["status"] == SECRET
    assert "content shown" in sentence(spool.records[-1])


def test_what_cannot_be_decoded_is_told(dead: DeadLetters) -> None:
    """A part that can is shown; a torn frame has a size; a control record has a text."""
    whole = request().SerializeToString()
    part = contents(traces(whole + b"\x0a\xff\x01x"), content=True)
    assert (part["decoded"], part["spans_in_all"], part["undecoded_bytes"]) == ("in part", 1, 4)
    torn = contents(b"\xff\xff", content=False)
    assert str(torn["decoded"]).startswith("nothing") and torn["undecoded_bytes"] == 2
    assert "undecoded_hex" not in torn
    said = frame(Envelope(CONTROL, NOW, "d", "{}", control=SECRET))
    assert contents(said, content=True)["control"] == SECRET
    assert SECRET not in json.dumps(contents(said, content=False))
    assert str(contents(b"", content=True)["decoded"]).startswith("nothing")


def test_a_retry_is_recorded(dead: DeadLetters, spool: Spool) -> None:
    """Who asked and why; the engine does the rest."""
    asyncio.run(dead.retry("b1-frame-0", Why(reason="upgraded", ticket="T-1"), OLGA))
    record = spool.records[-1]
    assert (record.kind, record.body) == ("deadletter.retry", {"id": "b1-frame-0"})
    assert record.requester is not None and record.requester.principal == "person:olga"
    assert 'dead letter "b1-frame-0" to be processed again' in sentence(record)


def test_what_cannot_be_retried(dead: DeadLetters, spool: Spool) -> None:
    """No frame, erased, done before, never there; and nobody but an operator."""
    erased = letters.read(dead.folder, "b1-frame-0")
    assert erased is not None
    letters.write_about(dead.folder, replace(erased, reason=letters.ERASED))
    for id, words in (("b2-frame-0", "no frame"), ("b1-frame-0", "erased"), ("b0-x", "is stored")):
        with pytest.raises(ControlConflict, match=words):
            asyncio.run(dead.retry(id, Why(), OLGA))
    for id in ("nothing", "../b1-frame-0", ""):
        with pytest.raises(NotFound):
            asyncio.run(dead.retry(id, Why(), OLGA))
    for asked in (dead.retry("b1-frame-0", Why(), ALICE), dead.listed(ALICE)):
        with pytest.raises(ControlForbidden):
            asyncio.run(asked)
    assert spool.records == []
