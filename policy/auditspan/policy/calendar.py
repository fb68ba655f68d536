"""The time of day that policies see: hour, weekday and business hours in one time zone.

The instant itself is not given to policies: it would make every decision a new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MINUTE_NS = 60_000_000_000
"""Two instants in one minute have the same moment: zones and hours change on whole minutes."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What of a time policies can ask for."""

    hour: int
    """0 to 23."""
    weekday: str
    """`monday` to `sunday`."""
    business_hours: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a business works. Guard and collector must use the same one."""

    timezone: str = "UTC"
    """IANA name."""
    opens: time = time(9)
    """First minute of business hours."""
    closes: time = time(17)
    """First minute after them."""
    days: tuple[str, ...] = DAYS[:5]
    """Days with business hours."""
    _zone: tzinfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        unknown = set(self.days) - set(DAYS)
        if unknown:
            raise ValueError(f"days has {sorted(unknown)}, expected some of {', '.join(DAYS)}")
        object.__setattr__(self, "_zone", _zone(self.timezone))

    def moment(self, at_ns: int) -> Moment:
        """What policies see of an instant in unix nanoseconds."""
        local = datetime.fromtimestamp(at_ns // 1_000_000_000, self._zone)
        weekday = DAYS[local.weekday()]
        working = weekday in self.days and self.opens <= local.time() < self.closes
        return Moment(local.hour, weekday, working)

    def values(self, at_ns: int) -> Mapping[str, int | str | bool]:
        """The same by attribute name."""
        moment = self.moment(at_ns)
        return {
            "hour": moment.hour,
            "weekday": moment.weekday,
            "business_hours": moment.business_hours,
        }


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"timezone is {name!r}, expected an IANA name such as Europe/Berlin "
            "(on a system without a time zone database, install the package tzdata)"
        ) from error
