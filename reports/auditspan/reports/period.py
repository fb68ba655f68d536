"""A period of time, as people write it: `2026-11-25`, RFC 3339, `7d`, `12h`, `last-tuesday`.

All times are UTC. A period holds its start and not its end.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditspan.reports.errors import BadFilter

_RELATIVE = re.compile(r"(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2262, 1, 1, tzinfo=UTC)
"""`DateTime64(9)` ends in April 2262."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` up to and without `until`."""

    since: datetime = EARLIEST
    until: datetime = LATEST

    def parameters(self) -> dict[str, str]:
        """The values of `{since:…}` and `{until:…}` in every query of this folder."""
        return {"since": clickhouse_time(self.since), "until": clickhouse_time(self.until)}


def period(since: str | None, until: str | None, now: datetime) -> Period:
    """Read both ends. Raises `BadFilter` for a time that cannot be read or an empty period."""
    start = moment(since, now) if since else EARLIEST
    end = moment(until, now) if until else LATEST
    if start >= end:
        raise BadFilter(f"since {start.isoformat()} is not before until {end.isoformat()}")
    return Period(start, end)


def moment(text: str, now: datetime) -> datetime:
    """Read one point in time, relative ones counted back from `now`. Raises `BadFilter`.

    What lies before the first or behind the last that a period can have is the first or the last.
    """
    if relative := _RELATIVE.fullmatch(text):
        try:
            return max(EARLIEST, now - timedelta(**{_UNITS[relative[2]]: int(relative[1])}))
        except OverflowError:
            return EARLIEST
    if text.startswith("last-") and text[5:] in _DAYS:
        return _last_weekday(_DAYS.index(text[5:]), now)
    if text in ("today", "yesterday"):
        return _midnight(now) - timedelta(days=text == "yesterday")
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFilter(
            f"time {text!r} cannot be read: expected 2026-11-25, 2026-11-25T08:00:00Z, 7d, 12h, "
            "today, yesterday or last-tuesday"
        ) from error
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    # Compared before it is converted: the first and the last days of all have no other zone.
    return max(EARLIEST, min(aware, LATEST)).astimezone(UTC)


def clickhouse_time(value: datetime) -> str:
    """The text that ClickHouse reads as `DateTime64(9, 'UTC')`."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _midnight(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _last_weekday(day: int, now: datetime) -> datetime:
    back = (now.weekday() - day) % 7 or 7
    return _midnight(now) - timedelta(days=back)
