"""What the store has against what clients were told, and what the logs say of themselves."""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.crash.clients import Ledger
from tests.crash.collector import Collector, Stuck


@dataclass(frozen=True)
class Compared:
    """The verdict on one data folder."""

    acknowledged: int
    """Spans that clients were told are safe."""
    stored: int
    """Spans in the store."""
    lost: tuple[int, ...]
    """Acknowledged, and not there."""
    duplicates: tuple[int, ...]
    """There more than once."""
    torn: tuple[int, ...]
    """First spans of requests of which a part is there."""
    strangers: tuple[int, ...]
    """There, and never sent."""
    log: tuple[str, ...]
    """What is wrong with the log; empty if nothing."""
    verdict: str
    """The first word of `auditspan verify`; empty if it was not asked."""

    @property
    def holds(self) -> bool:
        """Whether all that was promised is so."""
        wrong = (self.lost, self.duplicates, self.torn, self.strangers, self.log)
        return not any(wrong) and self.verdict in ("VALID", "")

    def __str__(self) -> str:
        parts = [f"{self.acknowledged} acknowledged, {self.stored} stored, {self.verdict}"]
        for name in ("lost", "duplicates", "torn", "strangers"):
            found: tuple[int, ...] = getattr(self, name)
            if found:
                parts.append(f"{name}: {len(found)}, as {[f'{n:016x}' for n in found[:5]]}")
        return "; ".join([*parts, *self.log])


def compare(collector: Collector, ledgers: Sequence[Ledger], *, verify: bool) -> Compared:
    """Look into the store of a collector that is stopped, so that nothing comes meanwhile."""
    found = _everything(collector)
    stored = Counter(int(span, 16) for span in found.pop("span", []))
    done = _flat(ledger.acknowledged for ledger in ledgers)
    open_ = _flat(ledger.given_up for ledger in ledgers)
    acknowledged = {span for request in done for span in request}
    sent = acknowledged | {span for request in open_ for span in request}
    verdict, said = _verified(collector) if verify else ("", "")
    return Compared(
        acknowledged=len(acknowledged),
        stored=stored.total(),
        lost=tuple(sorted(acknowledged - stored.keys())),
        duplicates=tuple(sorted(span for span, count in stored.items() if count > 1)),
        torn=tuple(r[0] for r in open_ if 0 < sum(span in stored for span in r) < len(r)),
        strangers=tuple(sorted(stored.keys() - sent)),
        log=(
            *(f"{problem}: {where[:3]}" for problem, where in found.items()),
            *([said] if verify and verdict != "VALID" else []),
        ),
        verdict=verdict,
    )


def stored_spans(collector: Collector) -> dict[int, int]:
    """Span ids in the store of a stopped collector, with how often each is there."""
    return dict(Counter(int(span, 16) for span in _everything(collector).pop("span", [])))


def _flat(lists: Iterable[list[list[int]]]) -> list[list[int]]:
    return [request for requests in lists for request in requests]


def _verified(collector: Collector) -> tuple[str, str]:
    code, said = collector.command("verify")
    return (said.split(maxsplit=1)[0] if said else f"exit code {code}"), said


LOG_PROBLEMS = {
    "two trees of one size were signed": (
        "SELECT LogId, Size FROM audit_checkpoints GROUP BY LogId, Size HAVING uniqExact(Root) > 1"
    ),
    "an index is there twice": (
        "SELECT LogId, LogIndex FROM audit_seals GROUP BY LogId, LogIndex HAVING count() > 1"
    ),
    "entries are missing": (
        "SELECT LogId, max(LogIndex) FROM audit_seals GROUP BY LogId "
        "HAVING count() != max(LogIndex) + 1"
    ),
    "two records at one place": (
        "SELECT LogId, LogIndex FROM audit_records GROUP BY LogId, LogIndex HAVING count() > 1"
    ),
    "records without an entry": (
        "SELECT LogId, LogIndex FROM audit_records WHERE (LogId, LogIndex) NOT IN "
        "(SELECT LogId, LogIndex FROM audit_seals)"
    ),
}
"""Queries that find nothing, whatever was killed."""


def _everything(collector: Collector) -> dict[str, list[str]]:
    """Span ids, and for each problem of the log where it is, in one opening of the store."""
    parts = ["SELECT 'span' AS what, SpanId AS x FROM audit_records WHERE RecordKind = 'action'"]
    for problem, sql in LOG_PROBLEMS.items():
        parts.append(f"SELECT '{problem}', concat(c1, '/', toString(c2)) FROM ({_named(sql)})")
    code, said = collector.command("query", " UNION ALL ".join(parts), "--format", "csv")
    if code:
        raise Stuck(f"the store cannot be read: {said}")
    found: dict[str, list[str]] = {}
    for what, where in list(csv.reader(io.StringIO(said)))[1:]:
        found.setdefault(what, []).append(where)
    return found


def _named(sql: str) -> str:
    """With names for the two columns that say where."""
    columns, _, rest = sql.removeprefix("SELECT ").partition(" FROM ")
    first, _, second = columns.partition(", ")
    return f"SELECT {first} AS c1, {second} AS c2 FROM {rest}"
