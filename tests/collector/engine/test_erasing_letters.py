"""A dead letter is erased by its id, or because it quotes a subject; that there was one stays."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from auditspan.collector import letters
from auditspan.collector.backup.erased_again import Certificate, erased_again
from auditspan.collector.control.erasure_letters import planned, quoting
from auditspan.collector.control.erasure_plan import LETTER, Asked
from auditspan.collector.engine import quoting as quoting_module
from auditspan.collector.engine.erasing import Erasing
from auditspan.collector.query.lookups import in_store
from auditspan.identity.files import write_atomic
from tests.collector.engine.conftest import NOW, Workshop, control, spans, unreadable
from tests.collector.engine.logs import checked
from tests.collector.engine.test_erasing import (
    ID,
    SECRET,
    Crash,
    certificate,
    erased_record,
    found,
    paying,
    submit,
)
from tests.collector.engine.test_retrying import GAPS, retry, with_limit


def test_a_letter_is_erased_as_a_whole(workshop: Workshop) -> None:
    """Its bytes, reason and salt, and the hash of its request in other letters and records; no
    other letter loses more, and none of it is tried again."""
    segments = workshop.segments()
    segments.process(workshop.segment(unreadable(), SECRET.encode(), number=1))
    segments.process(workshop.segment(unreadable(), spans(1), number=2))
    first, behind, other = letters.all_of(segments.dead)
    assert [row["id"] for row in quoting(segments.dead, SECRET)] == [behind.id]
    asked = [Asked(id=id, asked=("*",)) for id in (first.id, behind.id)]
    steps = asyncio.run(planned(in_store(workshop.store), segments.dead, asked, ()))
    assert [(step.record_id, step.groups) for step in steps] == [
        (first.id, (LETTER,)), (behind.id, (LETTER,)),
    ]  # fmt: skip
    submit(workshop, [step.entry() for step in steps], 3)
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    assert found(workshop) == []
    paper = certificate(workshop)
    assert (paper["dead_letters"], paper["dead_letter_ids"]) == (2, sorted([first.id, behind.id]))
    after = {letter.id: letter for letter in letters.all_of(segments.dead)}
    for id in (first.id, behind.id):
        gone = after[id]
        assert (gone.reason, gone.salt, gone.retryable) == (letters.ERASED, "", False)
        assert gone.erasure == ID
        assert letters.data_of(segments.dead, gone) == b""
    # It came with the same bytes: the hash goes, and with it the salt that would tell a guess.
    zeros = "0" * len(other.request_digest)
    assert replace(after[other.id], tries=0) == replace(other, request_digest=zeros, salt="")
    rows = workshop.store.arrow("SELECT Reason, RequestDigest FROM dead_letters").to_pylist()
    assert sorted(row["Reason"] == "erased" for row in rows) == [False, True, True]
    assert {row["RequestDigest"] for row in rows} == {""}
    workshop.segments().process(workshop.segment(retry(first.id, other.id), number=4))
    assert workshop.count("dead_letter_ends") == 0
    assert len(workshop.column(GAPS)) == 3
    checked(workshop.store)


@pytest.mark.parametrize("write", [1, 2], ids=["said", "emptied"])
def test_a_letter_that_was_begun_is_finished(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, write: int
) -> None:
    """Of two files one may be without the text by now: what the other one says finds both."""
    segments = workshop.segments()
    segments.process(workshop.segment(paying(1), SECRET.encode(), number=1))
    [letter] = letters.all_of(segments.dead)
    [record] = workshop.column("SELECT RecordId FROM audit_records")
    asked = [Asked(id=str(record), asked=("*",))]
    steps = asyncio.run(planned(in_store(workshop.store), segments.dead, asked, ()))
    submit(workshop, [step.entry() for step in steps], 2)
    written: list[Path] = []

    def dying(path: Path, data: bytes) -> None:
        write_atomic(path, data)
        written.append(path)
        if len(written) == write:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(quoting_module, "write_atomic", dying)
        with pytest.raises(Crash):
            Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    [gone] = letters.all_of(segments.dead)
    assert (gone.reason, gone.salt, gone.erasure) == (letters.ERASED, "", ID)
    assert letters.data_of(segments.dead, gone) == b""
    paper = certificate(workshop)
    assert (paper["dead_letters"], paper["dead_letter_ids"]) == (1, [letter.id])


def test_a_certificate_erases_a_letter_that_a_backup_brought_back(workshop: Workshop) -> None:
    """It has no value, only the id; what is erased already is not asked for again."""
    segments = workshop.segments()
    for number in (1, 2):
        segments.process(workshop.segment(unreadable(), number=number))
    back, other = letters.all_of(segments.dead)
    paper = Certificate(erasure=ID, dead_letters=2, dead_letter_ids=(back.id, "not-there"))
    [again] = erased_again(workshop.data, workshop.store, [paper], "operator", NOW)
    assert (again.records, again.problem, again.letters) == (1, "", 0)
    assert again.record is not None
    segments.process(workshop.segment(control(again.record.to_json()), number=3))
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    assert certificate(workshop)["dead_letter_ids"] == [back.id]
    left = {letter.id: letter.reason for letter in letters.all_of(segments.dead)}
    assert left == {back.id: letters.ERASED, other.id: other.reason}
    [done] = erased_again(workshop.data, workshop.store, [paper], "operator", NOW)
    assert (done.records, done.record) == (0, None)


@pytest.mark.parametrize("before", [False, True], ids=["with the erasure", "behind the erasure"])
def test_a_letter_that_is_to_be_erased_is_not_tried_again(workshop: Workshop, before: bool) -> None:
    """Its content would be a record, while the certificate says that it is gone."""
    letter, erasing = _large(workshop)
    again = with_limit(workshop.segments(), 128)
    first = erasing if before else retry(letter) + erasing
    again.process(workshop.segment(first, number=2))
    again.process(workshop.segment(retry(letter), number=3))
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    assert _holding(workshop) == 0
    paper = certificate(workshop)
    assert (paper["dead_letter_ids"], paper["dead_letters_stored"]) == ([letter], [])


def test_a_letter_that_was_stored_meanwhile_is_not_said_to_be_erased(workshop: Workshop) -> None:
    """Somebody approved while it was on its way: it is a record, which is to be erased."""
    letter, erasing = _large(workshop)
    again = with_limit(workshop.segments(), 128)
    again.process(workshop.segment(retry(letter), number=2))
    again.process(workshop.segment(erasing, number=3))
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    assert _holding(workshop) == 1
    paper = certificate(workshop)
    assert (paper["dead_letter_ids"], paper["dead_letters_stored"]) == ([], [letter])


def _large(workshop: Workshop) -> tuple[str, bytes]:
    """A letter that a raised limit stores, and the frame that erases it."""
    segments = with_limit(workshop.segments(), 1)
    content = SECRET + "x" * (2 << 20)
    segments.process(workshop.segment(spans(1, first_attribute=content), number=1))
    [letter] = letters.all_of(segments.dead)
    asked = [Asked(id=letter.id, asked=("*",))]
    steps = asyncio.run(planned(in_store(workshop.store), segments.dead, asked, ()))
    return letter.id, control(erased_record([step.entry() for step in steps]).to_json())


def _holding(workshop: Workshop) -> int:
    """Records that hold the secret."""
    sql = f"SELECT count() FROM audit_records WHERE toString(SpanAttributes) LIKE '%{SECRET}%'"
    [count] = workshop.column(sql)
    return int(str(count))


def test_a_letter_that_lost_its_hash_is_still_a_frame(workshop: Workshop) -> None:
    """Another record of its request was erased: it can be read again all the same."""
    segments = workshop.segments()
    segments.process(workshop.segment(paying(1), number=1))
    data = paying(1)
    [digest] = workshop.column("SELECT RequestDigest FROM audit_records")
    letter = letters.Letter(
        "b", "frame-0", "decode", "why", request_digest=str(digest), salt=letters.new_salt(),
        size=len(data), retryable=True,
    )  # fmt: skip
    letters.write(segments.dead, letter, data)
    asked = [Asked(id=letter.id, asked=("*",))]
    steps = asyncio.run(planned(in_store(workshop.store), segments.dead, asked, ()))
    assert [step.groups for step in steps] == [(LETTER,), ("request",)]
    submit(workshop, [steps[1].entry()], 2)
    Erasing(workshop.data, workshop.store, sealed=True).tick(asked=True)
    [kept] = letters.all_of(segments.dead)
    assert (kept.salt, kept.request_digest.strip("0")) == ("", "")
    workshop.segments().process(workshop.segment(retry(kept.id), number=3))
    assert workshop.count("dead_letter_ends") == 1
