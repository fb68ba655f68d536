"""The times of a filter of records: as nanoseconds, and whether a new one may have them.

A column of the store holds times up to 2262, and an act whose clock says later has the last of
them there. So a filter with a later time could not mean what it says.
"""

from datetime import UTC, datetime
from typing import Final

from auditspan.collector.control.errors import ControlInvalid

FIRST: Final = -(2**63)
LAST: Final = 2**63 - 1
"""The last nanosecond that a column can hold."""
_LAST_TIME: Final = "2262-04-11T23:47:16.854775807Z"


def nanoseconds(text: str) -> int | None:
    """A time as unix nanoseconds; None of none. Raises ValueError."""
    if not text:
        return None
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    zone = rest[len(digits) :]
    moment = datetime.fromisoformat(head + zone if dot else text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    whole = int(moment.timestamp())
    return whole * 1_000_000_000 + int((digits + "000000000")[:9])


def expect_times(since: str, until: str) -> None:
    """Raise `ControlInvalid` unless the store has times from the one up to the other."""
    first, end = nanoseconds(since), nanoseconds(until)
    for name, text, at in (("since", since, first), ("until", until, end)):
        if at is not None and at > LAST:
            raise ControlInvalid(
                f"filter: {name}={text}: the store has no time after {_LAST_TIME}: name one up to "
                f"that, or leave {name} out"
            )
    # No act is from before 1970.
    if end is not None and end <= max(first or 0, 0):
        raise ControlInvalid(
            f"filter: since={since or '1970-01-01'} is not before until={until}: no act can fit"
        )
