"""Counting per sender."""

import pytest

from auditspan.collector.front.limits import Recent, WindowLimit, is_loopback, network


class Clock:
    """A clock that stands still until it is set."""

    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_sender_over_the_limit_waits_for_the_rest_of_the_window() -> None:
    """And then begins anew."""
    clock = Clock()
    limit = WindowLimit(2, 60, clock=clock)
    limit.add("a")
    assert limit.wait("a") == 0
    clock.at += 10
    limit.add("a")
    assert limit.wait("a") == 50
    assert limit.wait("b") == 0
    clock.at += 50
    assert limit.wait("a") == 0
    limit.add("a")
    assert limit.wait("a") == 0


def test_the_table_does_not_grow() -> None:
    """The sender that was silent longest is forgotten."""
    limit = WindowLimit(1, capacity=2, clock=Clock())
    for sender in ("a", "b", "a", "c"):
        limit.add(sender)
    assert [limit.wait(sender) > 0 for sender in ("a", "b", "c")] == [True, False, True]


def test_recent_entries_are_remembered() -> None:
    """Up to a number."""
    recent = Recent(2)
    for entry in (b"a", b"b", b"a", b"c"):
        recent.add(entry)
    assert [entry in recent for entry in (b"a", b"b", b"c")] == [True, False, True]
    recent.discard(b"a")
    recent.discard(b"never there")
    assert b"a" not in recent


@pytest.mark.parametrize(
    ("address", "sender"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix", "unix"),
        ("", ""),
    ],
)
def test_a_sender_is_what_one_can_easily_hold(address: str, sender: str) -> None:
    """One IPv6 customer has 2^64 addresses."""
    assert network(address) == sender


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::2", False),
        ("::", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_loopback_is_told_by_address(address: str, here: bool) -> None:
    """Never by name."""
    assert is_loopback(address) is here
