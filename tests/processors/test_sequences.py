"""What the numbers of a sender say."""

import random
from collections.abc import Sequence

import numpy as np
import pytest

from auditspan.processors.sequences import (
    MAX_INSTANCES,
    PATIENCE_NS,
    REORDER,
    Progress,
    SequenceState,
    judge,
)

NOW = 1_800_000_000_000_000_000


def judged(
    before: Progress, numbers: Sequence[int], closed: Sequence[int] = ()
) -> tuple[list[int], list[int], Progress]:
    """Numbers flagged as gap, numbers with an unbroken past, and the progress."""
    array = np.asarray(numbers, dtype=np.int64)
    # Time stands still here, so that it gives no number up.
    before = Progress(before.last, before.missing, (NOW,) * len(before.missing))
    result = judge(before, array, np.isin(array, closed), NOW)
    assert len(result.progress.noticed) == len(result.progress.missing)
    assert set(result.progress.noticed) <= {NOW}
    progress = Progress(result.progress.last, result.progress.missing)
    return array[result.gap].tolist(), array[result.unbroken].tolist(), progress


def test_numbers_in_order_are_unbroken() -> None:
    """Over batches."""
    assert judged(Progress(0), [1, 2, 3]) == ([], [1, 2, 3], Progress(3))
    assert judged(Progress(3), [4, 5]) == ([], [4, 5], Progress(5))


def test_the_order_within_a_batch_is_no_matter() -> None:
    """Requests may overtake each other on the way."""
    assert judged(Progress(0), [3, 1, 2]) == ([], [3, 1, 2], Progress(3))


def test_a_missing_number_is_awaited() -> None:
    """What comes after it has a broken past, and it is no gap yet."""
    assert judged(Progress(0), [1, 2, 4, 5]) == ([], [1, 2], Progress(5, (3,)))
    assert judged(Progress(5, (3,)), [6]) == ([], [], Progress(6, (3,)))


def test_an_awaited_number_mends_the_numbering() -> None:
    """Then nothing is missing."""
    assert judged(Progress(5, (3,)), [3, 6]) == ([], [3, 6], Progress(6))


def test_an_overtaken_number_becomes_a_gap() -> None:
    """After REORDER later ones, on the last record of the batch in which it is given up."""
    last = REORDER + 2
    flagged, _, progress = judged(Progress(4, (3,)), [*range(5, last + 1)])
    assert (flagged, progress) == ([], Progress(last, (3,)))
    flagged, _, progress = judged(progress, [last + 1])
    assert (flagged, progress) == ([last + 1], Progress(last + 1))


def test_a_far_jump_is_a_gap_at_once() -> None:
    """On the record after it, with no more than REORDER numbers still awaited."""
    far = 10**17
    flagged, unbroken, progress = judged(Progress(1), [2, far])
    assert (flagged, unbroken) == ([far], [2])
    assert progress.last == far
    assert progress.missing == tuple(range(far - REORDER + 1, far))


def test_waiting_has_an_end() -> None:
    """Each missing number is given up ten minutes after it was noticed."""
    before = Progress(9, (3, 7), (NOW, NOW + 1))
    late = judge(before, np.asarray([10]), np.asarray([False]), NOW + PATIENCE_NS)
    assert not late.gap.any()
    assert late.progress == Progress(10, (3, 7), (NOW, NOW + 1))
    later = judge(before, np.asarray([10]), np.asarray([False]), NOW + PATIENCE_NS + 1)
    assert later.gap.tolist() == [True]
    assert later.progress == Progress(10, (7,), (NOW + 1,))


def test_the_close_marker_ends_the_waiting() -> None:
    """What is missing then is missing for good."""
    assert judged(Progress(5, (3,)), [6], closed=[6]) == ([6], [], Progress(6))
    assert judged(Progress(0), [1, 3], closed=[3]) == ([3], [1], Progress(3))
    assert judged(Progress(2), [3], closed=[3]) == ([], [3], Progress(3))


def test_a_sender_that_was_never_seen_begins_at_one() -> None:
    """One that begins later has a past that is not known."""
    assert judged(Progress(0), [2, 3]) == ([], [], Progress(3, (1,)))


def test_numbers_seen_before_change_nothing() -> None:
    """A repeated span is no gap."""
    assert judged(Progress(5), [3, 3, 5]) == ([], [3, 3, 5], Progress(5))


@pytest.mark.parametrize("seed", range(20))
def test_any_cut_into_batches_finds_the_same_losses(seed: int) -> None:
    """Shuffled within reach, lost or not: at the close, a gap is told if and only if one is."""
    chance = random.Random(seed)
    lost = {chance.randrange(1, 400) for _ in range(chance.choice((0, 0, 1, 5)))}
    numbers = [n for n in range(1, 401) if n not in lost]
    numbers[:-1] = sorted(numbers[:-1], key=lambda n: n + chance.uniform(0, 50))
    progress, flagged = Progress(0), []
    while numbers:
        size = chance.randrange(1, 60)
        batch, numbers = numbers[:size], numbers[size:]
        gaps, _, progress = judged(progress, batch, closed=[400])
        flagged += gaps
    assert bool(flagged) == bool(lost)
    assert progress == Progress(400)


def test_the_state_survives_its_text() -> None:
    """A restart goes on where it was."""
    state = SequenceState({"agent:a\ni": Progress(5, (3,), (NOW,)), "anonymous\nü": Progress(1)})
    assert SequenceState.from_json(state.to_json()) == state


@pytest.mark.parametrize("text", ["", "[]", "1", '{"a": 1}', '{"a": [1]}'])
def test_another_text_is_refused(text: str) -> None:
    """Whoever keeps it must know."""
    with pytest.raises(ValueError, match=r".+"):
        SequenceState.from_json(text)


def test_the_state_does_not_grow() -> None:
    """The instance that was silent longest is forgotten."""
    state = SequenceState({str(n): Progress(n) for n in range(MAX_INSTANCES)})
    state = state.updated({"0": Progress(9), "new": Progress(1)})
    assert len(state.instances) == MAX_INSTANCES
    assert "1" not in state.instances
    assert state.instances["0"] == Progress(9)
    assert state.updated({}) is state
