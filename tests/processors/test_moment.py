"""As of when a record is judged."""

from typing import Any

import pytest

from auditspan.identity.principal import agent_principal
from auditspan.processors.batch import Batch
from auditspan.processors.moment import MomentConfig, moment, moments
from auditspan.processors.sequences import Progress, SequenceState
from tests.processors.samples import NOW, batch

SECOND = 10**9
EMPTY = SequenceState()
A = agent_principal("a", "api_key", "k", "10.0.0.1", 0).to_json()
A_ELSEWHERE = agent_principal("a", "api_key", "k", "10.0.0.2", 0).to_json()
B = agent_principal("b", "api_key", "k", "10.0.0.1", 0).to_json()


def span(ago: float = 1, number: int | str | None = None, **more: Any) -> dict[str, Any]:
    """A span that ended so many seconds before it was received."""
    attributes = dict(more.pop("attributes", {}))
    if number is not None:
        attributes |= {"audit.sequence.number": str(number), "audit.agent.instance.id": "i"}
    row = {
        "Principal": A,
        "Timestamp": NOW - int(ago * SECOND) - SECOND,
        "Duration": SECOND,
        "SpanAttributes": attributes,
    }
    return {**row, **more}


def judged(*rows: dict[str, Any], state: SequenceState = EMPTY) -> Batch:
    """The batch after the stage."""
    return moment(batch(*rows), MomentConfig(), state)[0]


def ago(result: Batch) -> list[float]:
    """Seconds from each moment to the time of receipt."""
    return [(NOW - at) / SECOND for at in moments(result).tolist()]


def test_a_prompt_record_is_judged_at_the_actions_end() -> None:
    """Start plus duration, up to two minutes after it."""
    result = judged(span(1), span(120), span(0), span(-30))
    assert ago(result) == [1, 120, 0, -30]
    assert not result.findings.any()


def test_a_late_record_is_judged_when_it_came() -> None:
    """And says so."""
    result = judged(span(120.1), span(1))
    assert ago(result) == [0, 1]
    assert result.has("late").tolist() == [True, False]


def test_an_end_in_the_future_is_skew() -> None:
    """Beyond a minute; it is judged when it came."""
    result = judged(span(-60), span(-60.1))
    assert ago(result) == [-60, 0]
    assert result.has("clock.skew").tolist() == [False, True]
    assert not result.has("late").any()


@pytest.mark.parametrize(
    ("start", "duration"),
    [(NOW, 2**64 - 1), (2**63 - 1, 1), (2**63 - 1, 0), (2**63 - 5, 2**64 - 1)],
)
def test_impossible_times_are_skew(start: int, duration: int) -> None:
    """No number overflows into the past."""
    result = judged(span(Timestamp=start, Duration=duration))
    assert ago(result) == [0]
    assert result.has("clock.skew").tolist() == [True]


@pytest.mark.parametrize("start", [0, -(2**63), -1])
def test_times_long_past_are_late(start: int) -> None:
    """A span without times is one of them."""
    result = judged(span(Timestamp=start, Duration=0))
    assert ago(result) == [0]
    assert result.has("late").tolist() == [True]


def test_an_outage_is_believed_if_nothing_is_missing() -> None:
    """A spool that is sent hours later is judged as of then."""
    result = judged(span(7200, 1), span(7100, 2), span(1, 3))
    assert ago(result) == [7200, 7100, 1]
    assert not result.findings.any()


def test_behind_a_gap_nothing_old_is_believed() -> None:
    """What came before the gap is; what is prompt needs no numbering."""
    result = judged(span(7200, 1), span(7100, 3), span(1, 4))
    assert ago(result) == [7200, 0, 1]
    assert result.has("late").tolist() == [False, True, False]


def test_an_outage_has_an_end() -> None:
    """After a week numbers prove nothing."""
    result = judged(span(7 * 86_400, 1), span(7 * 86_400 + 1, 2))
    assert result.has("late").tolist() == [False, True]


def test_the_numbering_goes_over_batches() -> None:
    """What the state says of the instance counts, and the state is carried on."""
    first, state = moment(batch(span(7200, 1), span(7200, 2)), MomentConfig(), EMPTY)
    assert state == SequenceState({"agent:a\ni": Progress(2)})
    second, state = moment(batch(span(7200, 3), span(7200, 5)), MomentConfig(), state)
    assert second.has("late").tolist() == [False, True]
    assert state == SequenceState({"agent:a\ni": Progress(5, (4,), (NOW,))})
    assert not first.has("late").any()


def test_the_same_state_gives_the_same_answer() -> None:
    """A batch that is processed again after a crash is judged alike."""
    state = SequenceState({"agent:a\ni": Progress(7)})
    rows = batch(span(7200, 8), span(7200, 10), span(1, 11))
    once, twice = (moment(rows, MomentConfig(), state) for _ in range(2))
    assert moments(once[0]).tolist() == moments(twice[0]).tolist()
    assert once[0].findings.tolist() == twice[0].findings.tolist()
    assert once[1] == twice[1]


def test_a_gap_is_found_at_the_close() -> None:
    """The marker tells that nothing more will come."""
    closing = span(1, 4, attributes={"audit.sequence.mark": "close"})
    result = judged(span(1, 1), span(1, 2), closing)
    assert result.has("sequence.gap").tolist() == [False, False, True]
    whole = judged(span(1, 1), span(1, 2), span(1, 3), closing)
    assert not whole.has("sequence.gap").any()


def test_a_gap_is_found_when_it_has_lasted() -> None:
    """Ten minutes by our clock, whatever the sender's says."""
    _, state = moment(batch(span(1, 1), span(1, 3)), MomentConfig(), EMPTY)
    later = NOW + 601 * SECOND
    soon, _ = moment(batch(span(1, 4)), MomentConfig(), state)
    late, state = moment(
        batch(span(ReceivedAt=later, Timestamp=later, number=4)), MomentConfig(), state
    )
    assert not soon.has("sequence.gap").any()
    assert late.has("sequence.gap").tolist() == [True]
    assert state == SequenceState({"agent:a\ni": Progress(4)})


def test_an_instance_belongs_to_its_sender() -> None:
    """Nobody can mend or break the numbering of another; an address is not a sender."""
    result = judged(span(7200, 1), span(7200, 2, Principal=B), span(7200, 2, Principal=A_ELSEWHERE))
    assert result.has("late").tolist() == [False, True, False]


def test_the_instance_may_stand_on_the_resource() -> None:
    """Which is where a process says it once."""
    row = span(7200, attributes={"audit.sequence.number": "1"})
    result = judged({**row, "ResourceAttributes": {"audit.agent.instance.id": "i"}}, row)
    assert result.has("late").tolist() == [False, True]


@pytest.mark.parametrize("number", ["0", "-1", "", "x", "1.5", "1" * 19, "９", "+1", " 1"])
def test_what_is_no_number_counts_for_nothing(number: str) -> None:
    """Bad input is normal input."""
    rows = batch(span(7200, number))
    result, state = moment(rows, MomentConfig(), EMPTY)
    assert result.has("late").tolist() == [True]
    assert state is EMPTY


def test_an_empty_batch_passes() -> None:
    """With the state as it was."""
    rows = batch(span())
    empty = Batch.of(rows.table.slice(0, 0))
    result, state = moment(empty, MomentConfig(), EMPTY)
    assert len(result) == 0
    assert state is EMPTY


def test_without_the_stage_the_time_of_receipt_counts() -> None:
    """Which is the safe one."""
    assert moments(batch(span(50))).tolist() == [NOW]


def test_the_tolerances_can_be_set() -> None:
    """In seconds."""
    config = MomentConfig(lateness_seconds=10, unbroken_seconds=20, skew_seconds=0)
    rows = batch(span(11), span(11, 1), span(21, 2), span(-1))
    result, _ = moment(rows, config, EMPTY)
    assert result.has("late").tolist() == [True, False, True, False]
    assert result.has("clock.skew").tolist() == [False, False, False, True]
