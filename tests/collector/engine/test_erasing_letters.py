"""A dead letter is erased by its id, or because it quotes a subject; that there was one stays."""

import asyncio
from dataclasses import replace

from auditspan.collector import letters
from auditspan.collector.control.erasure_letters import planned, quoting
from auditspan.collector.control.erasure_plan import LETTER, Asked
from auditspan.collector.engine.erasing import Erasing
from auditspan.collector.query.lookups import in_store
from tests.collector.engine.conftest import Workshop, spans, unreadable
from tests.collector.engine.logs import checked
from tests.collector.engine.test_erasing import SECRET, certificate, found, paying, submit
from tests.collector.engine.test_retrying import GAPS, retry


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
    assert certificate(workshop)["dead_letters"] == 2
    after = {letter.id: letter for letter in letters.all_of(segments.dead)}
    for id in (first.id, behind.id):
        gone = after[id]
        assert (gone.reason, gone.salt, gone.retryable) == (letters.ERASED, "", False)
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
