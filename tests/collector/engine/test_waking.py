"""The word to end is said once, and holds for everybody who waits afterwards."""

from auditspan.collector.engine.waking import Wake


def test_whoever_waits_after_the_word_to_end_is_told_too() -> None:
    """One that was heard between two batches ends the tries of the next one, which front cannot
    have signed any more."""
    wake = Wake()
    wake.put(going_on=True)
    assert wake.woken(0.01)
    wake.put(going_on=False)
    assert not wake.woken(0.01)
    assert not wake.pause(0.01)
    wake.put(going_on=True)
    assert not wake.woken(0.01)


def test_a_pause_ends_with_the_word_to_end_alone() -> None:
    """Others only say that it is worth a look."""
    wake = Wake()
    wake.closed("b-1")
    assert wake.pause(0.01)
    wake.put(going_on=False)
    assert not wake.pause(10.0)
