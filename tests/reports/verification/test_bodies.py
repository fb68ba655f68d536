"""What entries of a log say about records."""

import json
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from auditspan.integrity.control_entry import Kind
from auditspan.reports.verification.bodies import Said
from auditspan.reports.verification.window import Window

_RANGES = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(-3, 30), st.integers(-3, 30)), max_size=12
)


@settings(deadline=None)
@given(st.lists(_RANGES, max_size=4))
def test_ranges_of_early_expiry(entries: list[list[tuple[str, int, int]]]) -> None:
    """Whatever their order, and whether they overlap: what is in one of them, and nothing else."""
    said = Said()
    for ranges in entries:
        parts = [{"log": log, "start": start, "end": end} for log, start, end in ranges]
        said.take(Kind.EARLY_EXPIRY, json.dumps({"expired": parts}))
    whole = [each for ranges in entries for each in ranges]
    for log in "abc":
        for index in range(35):
            expected = any(log == name and start <= index < end for name, start, end in whole)
            assert said.expired_early(log, index) == expected, (log, index, whole)


def test_bodies_that_say_nothing() -> None:
    """No JSON, or not of that shape."""
    said = Said()
    for body in ("", "[]", "{", '{"expired": 7}', '{"expired": [7, {}, {"log": "a"}]}'):
        said.take(Kind.EARLY_EXPIRY, body)
        said.take(Kind.ERASE, body)
    assert not said.expired_early("a", 0)
    assert said.erased("a", 0) == set()


def test_dead_letters_are_open_until_they_are_stored_or_expire() -> None:
    """Of a window; a closing without a gap, and what is no letter, change nothing."""
    said = Said()
    for id, received, expires in (
        ("a", "2026-11-01T10:00:00Z", "2027-12-01"),
        ("b", "2026-11-02T10:00:00Z", "2026-11-20"),
        ("c", "2026-11-03T10:00:00Z", "2027-12-01"),
        ("d", "no time", "no day"),
    ):
        body = {"control": "deadletter", "id": id, "received_at": received, "expires_on": expires}
        said.take(Kind.GAP, json.dumps(body))
    for id in ("c", "c", "z"):
        said.take(Kind.GAP, json.dumps({"control": "deadletter.retried", "id": id}))
    said.take(Kind.GAP, json.dumps({"control": "log.gap"}))
    said.take(Kind.GAP, "{")
    late = Window(datetime(2026, 11, 2, tzinfo=UTC))
    for day, everything, of_late in ((19, 3, 2), (20, 2, 1)):
        now = datetime(2026, 11, day, 23, tzinfo=UTC).timestamp()
        assert said.dead.open(Window(), now) == everything
        assert said.dead.open(late, now) == of_late
    assert (said.dead.sealed(Window()), said.dead.sealed(late)) == (4, 3)
    assert said.gaps() == 5
