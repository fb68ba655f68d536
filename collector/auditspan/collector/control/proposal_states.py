"""What has become of a proposal by now, and whether it can still be decided.

`approved`, `rejected`, `withdrawn`: somebody has decided. `expired`: it waited for too long.
`stale`: what it is based on is not in force any more. Else it is `open`.

A decision that a crash kept from being filed is found all the same: the effect names the proposal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from auditspan.collector.control.errors import ControlConflict
from auditspan.collector.control.handlers import Handler
from auditspan.collector.control.proposals import Decision, Filed
from auditspan.collector.control.records import rfc3339


@dataclass(frozen=True, slots=True)
class ProposalStates:
    """Looks at proposals under what is in force now."""

    handlers: Mapping[str, Handler]
    """The kinds of changes by name."""
    lifetime: timedelta
    """How long a proposal may wait."""
    now_ns: Callable[[], int]
    """The clock."""

    def settled(self, filed: Filed) -> Filed:
        """With the decision that a crash kept from being filed; then its base is past."""
        handler = self.handlers.get(filed.proposal.kind)
        if filed.decision or handler is None or handler.base() == filed.proposal.base:
            return filed
        record = handler.done(filed.hash)
        if record is None or record.approver is None:
            return filed
        decision = Decision(outcome="approved", by=record.approver, at=rfc3339(record.at_ns))
        return Filed(filed.hash, filed.proposal, decision)

    def state(self, filed: Filed) -> str:
        """`open`, `approved`, `rejected`, `withdrawn`, `expired` or `stale`."""
        if filed.decision:
            return filed.decision.outcome
        if self._now() >= self._expires(filed):
            return "expired"
        handler = self.handlers.get(filed.proposal.kind)
        return "open" if handler and handler.base() == filed.proposal.base else "stale"

    def expires_at(self, filed: Filed) -> str:
        """When it expires, RFC 3339."""
        return self._expires(filed).isoformat().replace("+00:00", "Z")

    def age_seconds(self, filed: Filed) -> int:
        """How long ago it was asked for."""
        return int((self._now() - datetime.fromisoformat(filed.proposal.at)).total_seconds())

    def check_open(self, filed: Filed, handler: Handler) -> None:
        """Raises ControlConflict unless it can be approved."""
        check_undecided(filed)
        state = self.state(filed)
        if state == "expired":
            raise ControlConflict(
                f"proposal {_short(filed)} expired at {self.expires_at(filed)}; propose the "
                "change anew"
            )
        if state == "stale":
            raise ControlConflict(
                f"proposal {_short(filed)} is based on version {_cut(filed.proposal.base)}, and "
                f"{_cut(handler.base())} is in force now: propose it "
                "anew, so that the difference that is approved is the one that happens"
            )

    def _expires(self, filed: Filed) -> datetime:
        return datetime.fromisoformat(filed.proposal.at) + self.lifetime

    def _now(self) -> datetime:
        return datetime.fromisoformat(rfc3339(self.now_ns()))


def check_undecided(filed: Filed) -> None:
    """Raises ControlConflict if somebody has decided on it."""
    if filed.decision:
        done = filed.decision
        raise ControlConflict(
            f"proposal {_short(filed)} was {done.outcome} by {done.by.principal} at {done.at}"
        )


def _short(filed: Filed) -> str:
    return filed.hash.removeprefix("sha256:")[:12]


def _cut(version: str) -> str:
    return version.removeprefix("sha256:")[:12] or "none"
