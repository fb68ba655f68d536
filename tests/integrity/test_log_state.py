"""A log never has two trees of one size, whatever order things are done in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from auditspan.integrity.checkpoint import Checkpoint
from auditspan.integrity.errors import LogConflict
from auditspan.integrity.log_state import LogState, read_state, recovered
from tests.integrity import naive

ORIGIN = "audit.example/log"


def entries(count: int, seed: int = 0) -> bytes:
    """Some entries."""
    return b"".join(naive.entry(0, seed, naive.h(bytes([seed, n]))) for n in range(count))


def cut(data: bytes) -> list[bytes]:
    """Entries one by one."""
    return [data[at : at + 38] for at in range(0, len(data), 38)]


def signing(state: LogState, before: LogState, added: bytes) -> LogState:
    """The state with its tree signed."""
    leaves = [naive.h(b"\0", entry) for entry in cut(added)]
    return state.signing(state.checkpoint(), before.tree.grown(leaves).consistency)


class Machine(RuleBasedStateMachine):
    """A log that is appended to, signed, written to disk and recovered, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = LogState(ORIGIN)
        self.all = b""
        self.last = self.state
        self.since = b""
        self.signed: dict[int, bytes] = {}

    @rule(count=st.integers(0, 5), seed=st.integers(0, 255), later=st.integers(0, 3))
    def append(self, count: int, seed: int, later: int) -> None:
        added = entries(count, seed)
        self.state = self.state.appended(added, self.state.sealed_at + later)
        self.all, self.since = self.all + added, self.since + added

    @rule()
    def sign(self) -> None:
        self.state = signing(self.state, self.last, self.since)
        self.last, self.since = self.state, b""
        signed = self.state.signed
        assert signed is not None
        assert self.signed.setdefault(signed.size, signed.root) == signed.root

    @rule(seed=st.integers(0, 255))
    def sign_another_tree(self, seed: int) -> None:
        if not any(self.signed):
            return
        other = LogState(ORIGIN, signed=self.state.signed).appended(
            entries(max(self.signed) + 2, seed), 9
        )
        with pytest.raises(LogConflict):
            other.signing(other.checkpoint(), ())

    @rule()
    def restart(self) -> None:
        assert read_state(self.state.to_json()) == self.state

    @rule()
    def recover(self) -> None:
        made = recovered(ORIGIN, self.all, self.state.sealed_at, self.state.signed)
        assert made == self.state

    @invariant()
    def tree_is_that_of_all_entries(self) -> None:
        assert self.state.checkpoint().root == naive.mth(cut(self.all))


TestMachine = Machine.TestCase


def test_time_does_not_go_back() -> None:
    """An entry is not sealed before the one in front of it."""
    state = LogState(ORIGIN).appended(entries(1), 100)
    assert state.appended(entries(1), 100).sealed_at == 100
    with pytest.raises(LogConflict, match="sealed at 99"):
        state.appended(entries(1), 99)


def test_only_whole_entries() -> None:
    """38 bytes each."""
    with pytest.raises(LogConflict, match="no entries"):
        LogState(ORIGIN).appended(b"x" * 39, 1)


def test_only_its_own_checkpoint() -> None:
    """Another size, root or log is not signed."""
    state = LogState(ORIGIN).appended(entries(3), 1)
    own = state.checkpoint()
    for other in (
        Checkpoint("elsewhere", own.size, own.root),
        Checkpoint(ORIGIN, 2, own.root),
        Checkpoint(ORIGIN, 3, b"x" * 32),
    ):
        with pytest.raises(LogConflict):
            state.signing(other, ())


def test_a_store_behind_what_was_signed_is_refused() -> None:
    """A restored backup, another log, or entries that somebody changed."""
    everything = entries(5)
    before = LogState(ORIGIN)
    state = signing(before.appended(everything, 1), before, everything)
    signed = state.signed
    for kept, problem in (
        (everything[: 38 * 4], "5 entries were signed, 4 are here"),
        (entries(5, 1), "another tree"),
        (entries(6, 1), "another tree"),
    ):
        with pytest.raises(LogConflict, match=problem):
            recovered(ORIGIN, kept, 1, signed)
    with pytest.raises(LogConflict):
        recovered("elsewhere", everything, 1, signed)
    assert recovered(ORIGIN, everything + entries(1), 1, signed).tree.size == 6


@given(st.text(max_size=40))
def test_other_states_are_refused(text: str) -> None:
    """Damaged files have one error."""
    with pytest.raises(LogConflict):
        read_state(text)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"version": 1', '"version": 2'), ('"size": 3', '"size": 4'), ('"roots"', '"rots"')],
)
def test_states_that_do_not_fit_are_refused(old: str, new: str) -> None:
    """Another version, another size than its subtrees, something missing."""
    text = LogState(ORIGIN).appended(entries(3), 1).to_json()
    assert old in text
    with pytest.raises(LogConflict):
        read_state(text.replace(old, new, 1))
