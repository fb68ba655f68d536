"""Keys of logs are changed by control records, once, whatever dies in between."""

import json
from collections.abc import Sequence

import pytest

from auditspan.collector.control.log_keys import key_id
from auditspan.collector.engine import log_keys
from auditspan.collector.engine.log_keys import change_keys
from auditspan.collector.engine.segments import Segments
from auditspan.collector.signer.protocol import Head
from auditspan.integrity.control_entry import Kind
from auditspan.storage.sealing.seals import read_bodies
from tests.collector.engine.conftest import NOW, Workshop, control, spans

ROOT = "local/auditspan/default/root"


class Crash(BaseException):
    """The process dies here."""


def dies(*_: object) -> None:
    """Nothing more is done."""
    raise Crash


def heads(workshop: Workshop) -> Sequence[Head]:
    """What the signing process knows after a start."""
    return workshop.signer().heads().logs


def revoking(head: Head, good: int | None = None) -> bytes:
    """The frame that asks for it."""
    body = {"id": key_id(head.vkey), "log": head.origin, "vkey": head.vkey}
    given = {} if good is None else {"good_until_size": good}
    record = {"kind": "log.key_revoked", "at_ns": NOW, "why": {"requested_by": "ops"}}
    return control(json.dumps({**record, "body": {**body, **given}}))


def said_of_root(segments: Segments) -> list[dict[str, object]]:
    """What the root log in the store says of revoked keys."""
    assert segments.sealing is not None
    segments.sealing.notes.flush()
    bodies, first = [], 0
    while found := read_bodies(segments.store, ROOT, first, first + 100):
        bodies += [json.loads(body.text) for body in found if body.kind == Kind.KEY_REVOKE]
        first += 100
    return bodies


@pytest.mark.parametrize("crash", [False, True])
def test_the_key_of_the_open_log_is_revoked(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    """That log is closed before; the record is in the next one. A crash makes no third log."""
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1)))
    [head] = heads(workshop)
    segment = workshop.segment(spans(2), revoking(head), number=2)
    if crash:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(log_keys, "_revoke", dies)
            segments.process(segment)
        segments = workshop.segments()
    segments.process(segment)
    first, second = heads(workshop)
    assert [(head.state, head.good) for head in (first, second)] == [
        ("closed", first.size),
        ("open", -1),
    ]
    assert second.origin.endswith("2026-11.2")
    said = {"good_until_size": first.size, "origin": first.origin, "vkey": first.vkey}
    assert said_of_root(segments) == [said]
    kinds = [body.kind for body in read_bodies(workshop.store, second.origin, 0, 9)]
    assert kinds == [Kind.LOG_OPEN, Kind.KEY_REVOKE]


def test_the_key_of_a_closed_log_is_revoked(workshop: Workshop) -> None:
    """Up to a size; the open log goes on."""
    segments = workshop.segments()
    segments.process(workshop.segment(spans(1)))
    assert segments.sealing is not None
    segments.sealing.rotate("key")
    first, _ = heads(workshop)
    segments.process(workshop.segment(revoking(first, 2), number=2))
    assert [head.good for head in heads(workshop)] == [2, -1]
    [said] = said_of_root(segments)
    assert (said["vkey"], said["good_until_size"]) == (first.vkey, 2)


def test_a_key_that_nobody_knows_holds_nothing_up(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    """The record is sealed all the same."""
    segments = workshop.segments()
    unknown = Head("local/auditspan/default/x/2026-01", 0, "", "", "x+00000000+AAAA", "")
    assert segments.process(workshop.segment(revoking(unknown), spans(1))).records == 2
    assert "a key is not revoked: no log has the key" in caplog.text
    assert said_of_root(segments) == []


def test_other_records_change_no_key(workshop: Workshop) -> None:
    """Nothing is asked of the signing process."""
    segments = workshop.segments()
    assert segments.sealing is not None
    change_keys(segments.sealing, [])
    assert len(heads(workshop)) == 1
