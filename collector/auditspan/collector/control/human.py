"""What people are asked for, wired: reviews, recertification, and the check of what is overdue."""

from dataclasses import dataclass
from pathlib import Path

from auditspan.collector.control.campaigns import Campaigns
from auditspan.collector.control.journal import Journal
from auditspan.collector.control.overdue import Alarm, OverdueCheck
from auditspan.collector.control.recertification_listing import Listing
from auditspan.collector.control.recertify import Recertification
from auditspan.collector.control.reviews import Reviews
from auditspan.collector.query.lookups import Lookup
from auditspan.identity.api_keys import ApiKeys


@dataclass(frozen=True, slots=True)
class Human:
    """The parts."""

    reviews: Reviews
    recertification: Recertification
    listing: Listing
    overdue: OverdueCheck

    @classmethod
    def of(cls, journal: Journal, api_keys: ApiKeys, lookup: Lookup, spool: Path) -> "Human":
        """Those of a data folder; they share the journal of its other controls."""
        campaigns = Campaigns(journal.versions.folder / "recertification")
        alarm = Alarm()
        return cls(
            Reviews(journal, api_keys, lookup),
            Recertification(journal, campaigns, alarm.ring),
            Listing(journal, campaigns, lookup),
            OverdueCheck(journal, campaigns, lookup, spool, alarm.wait),
        )
