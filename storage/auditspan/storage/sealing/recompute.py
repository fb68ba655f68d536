"""What verification asks of a store: fixed questions by name, never SQL from outside.

Everything is computed by the engine from the stored columns (docs/integrity-format.md): digests of
records, roots of 256 leaves each. Only what differs comes out, and what trees are made of. Nothing
is taken from a column that says what could be computed.
"""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa

from auditspan.semconv.columns import BY_NAME, GROUPS, PHYSICAL
from auditspan.storage.engine import Engine, Settings
from auditspan.storage.sealing.digests import content_statement
from auditspan.storage.sealing.entries import source_of
from auditspan.storage.sealing.recompute_rows import ROWS
from auditspan.storage.values import Params

TILE: Final = 256
"""Leaves of a tile: the width of https://c2sp.org/tlog-tiles."""

_SETTINGS: Final[Settings] = {
    "max_execution_time": 300,
    "max_memory_usage": 700_000_000,
    "max_threads": 2,
    # The embedded engine is given less than 1 GB, and would use one thread for want of more.
    "max_threads_min_free_memory_per_thread": 0,
    # What was tampered with may be no UTF-8.
    "output_format_arrow_string_as_string": 0,
    "output_format_arrow_compression_method": "none",
    # A server's profile may have others: records without a seal would not be found, or the rest of
    # an answer left out.
    "join_use_nulls": 0,
    "read_overflow_mode": "throw",
    "result_overflow_mode": "throw",
    "timeout_overflow_mode": "throw",
    # Last, since nothing can be set after it.
    "readonly": 1,
}
_RANGE: Final = "LogId = {log:String} AND LogIndex >= {first:UInt64} AND LogIndex < {end:UInt64}"
_ENTRY: Final = (
    "toFixedString(concat(char(Version), char(Kind), "
    "reverse(reinterpretAsFixedString(ExpiresOn)), Content), 38)"
)
_TABLES: Final = "'audit_records', 'audit_seals', 'audit_log_entries', 'audit_checkpoints'"
_PHYSICAL: Final = ", ".join(f"'{column.name}'" for column in PHYSICAL)


def _tiles() -> str:
    """Roots of tiles; that of one with other than 256 rows means nothing."""
    leaves = "arrayMap(e -> SHA256(concat(unhex('00'), e.2)), arraySort(groupArray((LogIndex, E))))"
    inner = (
        "SELECT intDiv(LogIndex, 256) AS Tile, count() AS Rows, uniqExact(LogIndex) AS Indices, "  # noqa: S608
        # Hashes that do not pair up would be an error.
        f"arrayResize({leaves}, 256) AS h "
        f"FROM (SELECT LogIndex, {_ENTRY} AS E FROM audit_seals WHERE {_RANGE}) GROUP BY Tile"
    )
    for _ in range(8):
        # A subquery each: an alias would be written out wherever it is used.
        side = "arrayFilter((x, i) -> i % 2 = {}, h, arrayEnumerate(h))"
        pairs = f"arrayMap((l, r) -> SHA256(concat(unhex('01'), l, r)), {side}, {side})"
        inner = f"SELECT Tile, Rows, Indices, {pairs.format(1, 0)} AS h FROM ({inner})"  # noqa: S608
    return f"SELECT Tile, Rows, Indices, h[1] AS Root FROM ({inner}) ORDER BY Tile"  # noqa: S608


def _altered(*, erased: bool) -> str:
    """Records whose columns do not give what their seal holds, and those without a seal."""
    columns = "`LogIndex`, `RecordId`, `ExpiresOn`"
    content = content_statement(source_of(erased=erased), columns=columns, erased=erased)
    return (
        "SELECT r.LogIndex AS LogIndex, r.RecordId AS RecordId, s.Version != 0 AS Sealed, "  # noqa: S608
        "s.Kind AS Kind, s.Content = r.Content AS SameContent "
        f"FROM ({content}) AS r LEFT JOIN "
        "(SELECT LogIndex, Version, Kind, ExpiresOn, Content "
        f"FROM audit_seals WHERE {_RANGE}) AS s "
        "ON r.LogIndex = s.LogIndex "
        "WHERE s.Version != 1 OR s.Kind != 0 OR s.Content != r.Content "
        "OR s.ExpiresOn != toUInt32(toInt32(r.ExpiresOn)) ORDER BY LogIndex"
    )


def _redacted() -> str:
    """Records of which something was erased: what is gone, and what should be."""
    there = ", ".join(
        f"if({_has_value(group.columns)}, ['{group.name}'], [])"
        for group in GROUPS
        if group.erasable
    )
    return (
        "SELECT LogIndex, RecordId, mapKeys(Redacted) AS Groups, mapKeys(GroupSalts) AS Salts, "  # noqa: S608
        f"RecordSalt != toFixedString('', 16) AS HasSalt, arrayConcat({there}) AS Present "
        f"FROM audit_records WHERE {_RANGE} AND (notEmpty(GroupSalts) OR notEmpty(Redacted)) "
        "ORDER BY LogIndex"
    )


def _has_value(columns: tuple[str, ...]) -> str:
    tests = [
        f"`{name}` != 0" if "Int" in BY_NAME[name].type else f"notEmpty(`{name}`)"
        for name in columns
    ]
    return " OR ".join(tests)


STATEMENTS: Final[Mapping[str, str]] = {
    "shape": (
        "SELECT name AS Table, engine AS Engine, '' AS Column FROM system.tables "  # noqa: S608
        f"WHERE database = currentDatabase() AND name IN ({_TABLES}) "
        "AND NOT endsWith(engine, 'MergeTree') AND engine != 'Distributed' "
        "UNION ALL SELECT table, default_kind, name FROM system.columns "
        f"WHERE database = currentDatabase() AND table IN ({_TABLES}) AND default_kind != '' "
        f"AND (table != 'audit_records' OR name IN ({_PHYSICAL}))"
    ),
    "logs": (
        "SELECT LogId, count() AS Entries, max(LogIndex) + 1 AS End FROM audit_seals "
        "GROUP BY LogId ORDER BY LogId"
    ),
    "places": (
        "SELECT LogId, count() AS Records, max(LogIndex) + 1 AS End, "
        "min(RecordId) AS RecordId FROM audit_records GROUP BY LogId ORDER BY LogId"
    ),
    "records_behind": (
        "SELECT LogIndex, RecordId FROM audit_records WHERE LogId = {log:String} "
        "AND LogIndex >= {first:UInt64} ORDER BY LogIndex LIMIT {limit:UInt32}"
    ),
    "tiles": _tiles(),
    "entries": (
        f"SELECT LogIndex, {_ENTRY} AS Entry FROM audit_seals WHERE {_RANGE} "  # noqa: S608
        "ORDER BY LogIndex"
    ),
    "entries_of_tiles": (
        f"SELECT LogIndex, {_ENTRY} AS Entry FROM audit_seals WHERE {_RANGE} "  # noqa: S608
        "AND intDiv(LogIndex, 256) IN "
        "arrayMap(x -> toUInt64(x), {tiles:Array(String)}) ORDER BY LogIndex"
    ),
    "altered": _altered(erased=False),
    "altered_erased": _altered(erased=True),
    "redacted": _redacted(),
    "counts": (
        "SELECT count() AS Records, uniqExact(LogIndex) AS Indices, "  # noqa: S608
        "countIf(notEmpty(GroupSalts) OR notEmpty(Redacted)) AS Erased, "
        "countIf(Held = 0 AND ExpiresOn != toDate32(0) AND toInt32(ExpiresOn) <= {today:Int32}) "
        "AS Overdue, "
        f"(SELECT countIf(Kind = 0) FROM audit_seals WHERE {_RANGE}) AS Sealed "
        f"FROM audit_records WHERE {_RANGE}"
    ),
    "duplicates": (
        "SELECT LogIndex, groupArraySorted(10)(RecordId) AS RecordIds FROM audit_records "  # noqa: S608
        f"WHERE {_RANGE} GROUP BY LogIndex HAVING count() > 1 ORDER BY LogIndex"
    ),
    "absent": (
        f"SELECT LogIndex, ExpiresOn FROM audit_seals WHERE {_RANGE} AND Kind = 0 "  # noqa: S608
        f"AND LogIndex NOT IN (SELECT LogIndex FROM audit_records WHERE {_RANGE}) "
        "ORDER BY LogIndex"
    ),
    "times": (
        "SELECT toUnixTimestamp64Nano(SealedAt) AS At, min(LogIndex) AS First, "  # noqa: S608
        f"max(LogIndex) AS Last FROM audit_records WHERE {_RANGE} GROUP BY SealedAt "
        "ORDER BY SealedAt, First"
    ),
    "bodies": (
        "SELECT s.LogIndex AS LogIndex, s.Kind AS Kind, b.Bodies AS Bodies, b.Body AS Body, "  # noqa: S608
        "b.Bodies = 1 AND b.Kind = s.Kind AND s.Version = 1 AND s.ExpiresOn = 0 AND "
        "SHA256(concat('auditspan/control/v1\\n', b.Body)) = s.Content AS Same "
        f"FROM (SELECT * FROM audit_seals WHERE {_RANGE} AND Kind != 0) AS s LEFT JOIN "
        "(SELECT LogIndex, count() AS Bodies, any(Kind) AS Kind, any(Body) AS Body "
        f"FROM audit_log_entries WHERE {_RANGE} GROUP BY LogIndex) AS b ON s.LogIndex = b.LogIndex "
        "WHERE s.Kind != 16 OR NOT Same ORDER BY LogIndex"
    ),
    "stray_bodies": (
        "SELECT LogId, LogIndex FROM audit_log_entries WHERE (LogId, LogIndex) NOT IN "
        "(SELECT LogId, LogIndex FROM audit_seals WHERE Kind != 0) "
        "ORDER BY LogId, LogIndex LIMIT 1000"
    ),
    # The same tree may be signed often; a log that is idle is signed every minute.
    "notes": (
        "SELECT Note, LogId, Size, Root FROM audit_checkpoints "
        "WHERE {log:String} = '' OR LogId = {log:String} ORDER BY LogId, Size, SignedAt "
        "LIMIT {limit:UInt64} OFFSET {first:UInt64}"
    ),
    "root_notes": (
        f"SELECT LogIndex, Body FROM audit_log_entries WHERE {_RANGE} AND Kind = 16 "  # noqa: S608
        "ORDER BY LogIndex"
    ),
    "population": (
        "SELECT (SELECT count() FROM dead_letters WHERE ReceivedAt >= {since:DateTime64(9, 'UTC')} "
        "AND ReceivedAt < {until:DateTime64(9, 'UTC')}) AS DeadLetters, count() AS Records, "
        "countIf(has(Findings, 'sequence.gap')) AS SequenceGaps, countIf(LogId = '') AS Unsealed "
        "FROM audit_records WHERE ReceivedAt >= {since:DateTime64(9, 'UTC')} "
        "AND ReceivedAt < {until:DateTime64(9, 'UTC')}"
    ),
    "record": (
        "SELECT LogId, LogIndex, RecordId FROM audit_records WHERE RecordId = {record:String} "
        "ORDER BY LogId, LogIndex LIMIT 2"
    ),
    **ROWS,
}
"""The questions by name. Parameters `log`, `first` and `end` mean a range of a log."""


_LONG: Final = frozenset({"altered", "altered_erased"})
"""Questions that take longest. Two parts of a log at once, with a thread each, are answered a
fifth sooner than one after the other with two."""


def answered(engine: Engine, name: str, params: Params, *, side_by_side: bool = False) -> bytes:
    """The answer to a question, a stream of Arrow. Raises `StoreError`, and KeyError for none.

    `side_by_side` says that parts of a log are asked for two at once.
    """
    threads = 1 if side_by_side and name in _LONG else _SETTINGS["max_threads"]
    with engine.session({**_SETTINGS, "max_threads": threads}) as session:
        return session.raw(STATEMENTS[name], "ArrowStream", params)


def answer(engine: Engine, name: str, params: Params, *, side_by_side: bool = False) -> pa.Table:
    """The answer to a question, as `answered` gives it."""
    body = answered(engine, name, params, side_by_side=side_by_side)
    return pa.ipc.open_stream(body).read_all()
