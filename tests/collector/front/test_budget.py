"""Bytes of requests in memory."""

import pytest

from auditspan.collector.front.budget import Budget
from auditspan.collector.front.rejections import Overloaded


def test_a_share_grows_and_is_given_back() -> None:
    """After an error, too."""
    budget = Budget(10)
    with budget.hold() as one, budget.hold() as two:
        one.grow(4)
        one.grow(6)
        two.grow(4)
        assert budget.used == 10
        with pytest.raises(Overloaded) as caught:
            two.grow(5)
        assert caught.value.retryable and caught.value.retry_after > 0
        assert budget.used == 10
    assert budget.used == 0


def test_a_failed_request_gives_back_what_it_held() -> None:
    """Whatever was raised."""
    budget = Budget(10)
    with pytest.raises(ZeroDivisionError), budget.hold() as hold:
        hold.grow(7)
        raise ZeroDivisionError
    assert budget.used == 0
