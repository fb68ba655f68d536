"""Who saw the records of a subject, of an agent, or one record: an answer out of the access log.

Two certainties. `named`: the statement or its parameters name it, or a record, trace or
conversation of it. `possible`: the read could have shown it, as far as its tables, the time and its
filters tell. Filters and windows count only in statements of ours, word for word: what somebody
else's SQL leaves out nobody can say, so it counts as everything. A read that failed, or read no
table, or had no rows showed nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from auditspan.reports.errors import BadFilter
from auditspan.reports.known_reads import Known, known_read
from auditspan.reports.period import Period
from auditspan.reports.source import Source

MOST: Final = 10_000
"""Records of one subject, and reads of one answer, that are looked at."""

Kind = Literal["subject", "agent", "record"]
Certainty = Literal["named", "possible", ""]

COLUMNS: Final = (
    "Certainty", "ReadAt", "Reader", "Interface", "Report", "Content", "Rows", "Repeats", "Address",
    "Method", "Credential", "Client", "Statement", "Params", "Tables", "ReadId",
)  # fmt: skip
"""What an answer shows of a read."""

_CONDITIONS: Final[Mapping[Kind, str]] = {
    "subject": (
        "has(DataSubjectIds, {id:String}) OR UserId = {id:String} OR UserEmail = {id:String}"
        " OR TargetId = {id:String}"
    ),
    "agent": "AgentId = {id:String} OR AgentName = {id:String}",
    "record": "RecordId = {id:String}",
}
_READS: Final = """
SELECT ReadId, ReadAt, Reader, Method, Credential, Address, Interface, Report, Client, Statement,
    Params, Cut, Tables, Content, Since, Until, Repeats, Rows, Duration, Code
FROM access_log
WHERE ReadAt >= {since:DateTime64(9, 'UTC')} AND ReadAt < {until:DateTime64(9, 'UTC')}
    AND ({by:String} = '' OR Reader = {by:String})
ORDER BY ReadAt, ReadId LIMIT {limit:UInt32}
"""
_BEGIN: Final = "SELECT count() AS n, min(ReadAt) AS first FROM access_log"
_OF_RECORDS: Final = frozenset(
    {"audit", "audit_records", "audit_reviewed", "audit_stored", "audit_chain"}
    | {"audit_conversations", "audit_repeats", "audit_duplicates"}
    | {"otel_traces", "otel_traces_trace_id_ts"}
)
_LITERAL: Final = re.compile(r"'((?:[^'\\]|\\.|'')*)'", re.S)
_WORD: Final = re.compile(r"[\w:.@+-]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose records are asked about."""

    kind: Kind
    id: str


@dataclass(frozen=True, slots=True)
class Entity:
    """What is stored of it."""

    wanted: Wanted
    names: frozenset[str]
    """Its id, and the ids of its records, traces and conversations."""
    records: tuple[tuple[datetime, datetime], ...]
    """When each record happened and when it was received."""
    truncated: bool
    """There are more records than are looked at."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The answer."""

    reads: list[dict[str, Any]]
    since: str
    until: str
    looked_at: int
    """Reads of the period, whoever's records they showed."""
    readers: int
    """Different readers among them."""
    refused: int
    """Reads among them that got no answer."""
    log_begins: str
    """The first read that is known at all; empty if there is none."""
    records: int
    """Records of what was asked about."""
    truncated: bool
    """Not all reads or records were looked at."""

    def as_dict(self) -> dict[str, Any]:
        """The population, for `--format json`."""
        return {
            "since": self.since,
            "until": self.until,
            "reads": self.looked_at,
            "readers": self.readers,
            "refused": self.refused,
            "log_begins": self.log_begins,
            "records": self.records,
            "truncated": self.truncated,
        }

    def sentence(self) -> str:
        """One line under the answer."""
        begins = f"begins {self.log_begins}" if self.log_begins else "is empty"
        more = f"; only the first {MOST:,} were looked at, narrow the period" * self.truncated
        return (
            f"of {self.looked_at:,} reads by {self.readers:,} readers from {self.since} to "
            f"{self.until}, {self.refused:,} of them refused or failed; {self.records:,} records "
            f"asked about; the access log {begins}; what was read of the store's files, of "
            f"a server by its own users, or by the collector itself is not in it{more}"
        )


def access(source: Source, wanted: Wanted | None, period: Period, by: str = "") -> Seen:
    """Who saw it in a period, the certain ones first. Without `wanted` all reads."""
    rows = source.arrow(_READS, {**period.parameters(), "by": by, "limit": MOST + 1}).to_pylist()
    entity = entity_of(source, wanted) if wanted else None
    reads, cut = rows[:MOST], len(rows) > MOST
    found = [
        _shown(row, certainty)
        for row in reads
        if (certainty := certainty_of(row, entity)) is not None
    ]
    found.sort(key=lambda row: row["Certainty"] != "named")
    begin = source.arrow(_BEGIN).to_pylist()[0]
    return Seen(
        found,
        f"{period.since:%Y-%m-%dT%H:%M:%SZ}",
        f"{period.until:%Y-%m-%dT%H:%M:%SZ}",
        len(reads),
        len({row["Reader"] for row in reads}),
        sum(row["Code"] != 0 for row in reads),
        f"{begin['first']:%Y-%m-%dT%H:%M:%SZ}" if begin["n"] else "",
        len(entity.records) if entity else 0,
        cut or (entity is not None and entity.truncated),
    )


def entity_of(source: Source, wanted: Wanted) -> Entity:
    """What is stored of it. Raises `BadFilter` for an empty id."""
    if not wanted.id:
        raise BadFilter(f"{wanted.kind}: expected an id, got nothing")
    sql = (
        "SELECT RecordId, TraceId, ConversationId, AgentId, AgentName, Timestamp, ReceivedAt"  # noqa: S608
        " FROM audit"
        f" WHERE RecordKind != 'control' AND ({_CONDITIONS[wanted.kind]})"
        " ORDER BY ReceivedAt LIMIT {limit:UInt32}"
    )
    rows = source.arrow(sql, {"id": wanted.id, "limit": MOST + 1}).to_pylist()
    kept = rows[:MOST]
    # An agent is named by its id and by its name; a record's agent does not name the record.
    own = ("AgentId", "AgentName") if wanted.kind == "agent" else ()
    ids = {row[name] for row in kept for name in ("RecordId", "TraceId", "ConversationId", *own)}
    names = frozenset({wanted.id, *ids} - {""})
    times = tuple((row["Timestamp"], row["ReceivedAt"]) for row in kept)
    return Entity(wanted, names, times, len(rows) > MOST)


def certainty_of(row: Mapping[str, Any], entity: Entity | None) -> Certainty | None:
    """How sure it is that a read showed something of it; None if it did not."""
    if entity is None:
        return ""
    if row["Code"] != 0 or row["Rows"] == 0 or not row["Tables"]:
        return None
    params = dict(row["Params"])
    known = None if row["Cut"] else known_read(row["Statement"], params)
    if known and not known.shows:
        return None
    texts = known.values if known else [*_LITERAL.findall(row["Statement"]), *params.values()]
    if _names(texts, entity):
        return "named"
    return "possible" if _covers(row, known, entity) else None


def _names(texts: Iterable[str], entity: Entity) -> bool:
    """Whether a text names it, as a whole word."""
    whole = re.compile(rf"(?<![\w-]){re.escape(entity.wanted.id)}(?![\w-])")
    for text in texts:
        if text in entity.names or whole.search(text):
            return True
        if not entity.names.isdisjoint(_WORD.findall(text)):
            return True
    return False


def _covers(row: Mapping[str, Any], known: Known | None, entity: Entity) -> bool:
    """Whether it could have been among what was read."""
    tables = {str(table).rpartition(".")[2] for table in row["Tables"]}
    if not tables & _OF_RECORDS:
        return False
    there = [times for times in entity.records if times[1] <= row["ReadAt"]]
    if not there:
        return False
    if known is None or entity.truncated:
        return True
    return not known.names_others(entity.wanted.kind) and _within(row, known, there)


def _within(
    row: Mapping[str, Any], known: Known, there: Sequence[tuple[datetime, datetime]]
) -> bool:
    """Whether one of the records lies in the window of a statement of ours."""
    since, until = known.window(row["Since"], row["Until"])
    return any(since <= at < until for times in there for at in times)


def _shown(row: Mapping[str, Any], certainty: Certainty) -> dict[str, Any]:
    return {"Certainty": certainty, **{name: row[name] for name in COLUMNS[1:]}}
