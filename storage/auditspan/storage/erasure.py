"""Erase groups of records so that their entries in the log still fit (docs/integrity-format.md).

One mutation per set of groups, which names ids of records, groups and columns, and no value of a
person: its text stays in the engine's files. For each record it computes from the row itself the
commitments of what goes and the salts of what stays, and blanks the columns and the record's salt.
Run again on a record that it was done to, it changes nothing.

Values also lie in parts that a mutation has replaced (`old_parts.py`) and in batch files
(`erased_batch.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from auditspan.semconv.columns import BY_NAME, GROUPS
from auditspan.storage.engine import Engine
from auditspan.storage.errors import ErasureIncomplete
from auditspan.storage.render import Target
from auditspan.storage.sealing.digests import content_statement
from auditspan.storage.sealing.values import framed, netstring, value

TABLE = "audit_records"
_IDS = "RecordId IN {ids:Array(String)}"
_SALTS = "Map(LowCardinality(String), FixedString(16))"
_COMMITMENTS = "Map(LowCardinality(String), FixedString(32))"
_NO_SALT = "toFixedString('', 16)"
_MEMBERS: Mapping[str, tuple[str, ...]] = {
    group.name: tuple(sorted(group.columns)) for group in GROUPS
}
ERASABLE: frozenset[str] = frozenset(group.name for group in GROUPS if group.erasable)
"""Groups that can be erased."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What is left of a record."""

    record_id: str
    log_id: str
    """"" of a record from before sealing."""
    log_index: int
    commitments: Mapping[str, bytes]
    """Of every group that was erased, now or before."""
    fits: bool
    """Whether what is left gives the content that was sealed."""


def columns_of(groups: Iterable[str]) -> list[str]:
    """The columns of groups, in their order."""
    wanted = set(groups)
    return [name for group in GROUPS if group.name in wanted for name in group.columns]


def erase(engine: Engine, groups: Sequence[str], record_ids: Sequence[str]) -> None:
    """Erase groups of records, and wait until it is done.

    Raises `ErasureIncomplete` if something is still there.
    """
    groups, ids = _checked(groups), list(record_ids)
    blanks = [f"`{name}` = {_blank(name)}" for name in columns_of(groups)]
    table = Target.of(engine).table(TABLE)
    engine.command(
        f"ALTER TABLE {table} UPDATE {', '.join(blanks)}, "
        f"GroupSalts = {_salts(groups)}, Redacted = {_commitments(groups)}, "
        f"RecordSalt = {_NO_SALT} WHERE {_IDS} SETTINGS mutations_sync = 2",
        {"ids": ids},
    )
    left = remaining(engine, groups, ids)
    if left:
        raise ErasureIncomplete(
            f"erasure of {', '.join(groups)}: {len(left)} of {len(ids)} records still hold "
            f"something, the first is {left[0]}; it is tried again"
        )


def remaining(engine: Engine, groups: Sequence[str], record_ids: Sequence[str]) -> list[str]:
    """Records of which something of these groups, or their salt, is still there."""
    there = " OR ".join(f"`{name}` != {_blank(name)}" for name in columns_of(_checked(groups)))
    sql = (
        f"SELECT RecordId FROM {Target.of(engine).table(TABLE)} WHERE {_IDS} "  # noqa: S608 (ours)
        f"AND ({there} OR RecordSalt != {_NO_SALT}) ORDER BY RecordId"
    )
    return [str(id) for id in engine.arrow(sql, {"ids": list(record_ids)})["RecordId"].to_pylist()]


def erased(engine: Engine, record_ids: Sequence[str]) -> list[Erased]:
    """What is left of records of which something was erased, and whether it fits the log."""
    table = Target.of(engine).table(TABLE)
    source = f"(SELECT * FROM {table} WHERE {_IDS} AND notEmpty(GroupSalts))"  # noqa: S608 (ours)
    columns = "`RecordId`, `LogId`, `LogIndex`, `Redacted`"
    sql = (
        "SELECT r.RecordId AS RecordId, r.LogId AS LogId, r.LogIndex AS LogIndex, "  # noqa: S608
        "mapKeys(r.Redacted) AS Groups, arrayMap(c -> hex(c), mapValues(r.Redacted)) AS Hashes, "
        "s.Content = r.Content AS Fits "
        f"FROM ({content_statement(source, columns=columns, erased=True)}) AS r "
        "LEFT JOIN (SELECT LogId, LogIndex, Content FROM audit_seals WHERE (LogId, LogIndex) IN "
        f"(SELECT LogId, LogIndex FROM {table} WHERE {_IDS})) AS s "
        "ON s.LogId = r.LogId AND s.LogIndex = r.LogIndex ORDER BY LogId, LogIndex"
    )
    return [
        Erased(
            row["RecordId"],
            row["LogId"],
            row["LogIndex"],
            dict(zip(row["Groups"], map(bytes.fromhex, row["Hashes"]), strict=True)),
            bool(row["Fits"]),
        )
        for row in engine.arrow(sql, {"ids": list(record_ids)}).to_pylist()
    ]


def _checked(groups: Sequence[str]) -> list[str]:
    unknown = sorted(set(groups) - ERASABLE)
    if unknown or not groups:
        raise ValueError(f"groups: expected some of {sorted(ERASABLE)}, got {unknown or groups}")
    return sorted(set(groups))


def _blank(column: str) -> str:
    return f"defaultValueOfTypeName('{BY_NAME[column].type.replace(chr(39), chr(92) + chr(39))}')"


def _salts(groups: Sequence[str]) -> str:
    """Salts of the core and of the groups that stay."""
    kept = [name for name in _MEMBERS if name not in groups]
    made = ", ".join(f"('{name}', {_derived(name)})" for name in kept)
    gone = ", ".join(f"'{name}'" for name in groups)
    first = f"CAST([{made}], '{_SALTS}')"
    again = f"mapFilter((k, v) -> k NOT IN ({gone}), GroupSalts)"
    return f"if(RecordSalt = {_NO_SALT} OR LogId = '', {again}, {first})"


def _commitments(groups: Sequence[str]) -> str:
    """Commitments of all that was erased: of what is gone already they stay as they are."""
    pairs = ", ".join(f"('{name}', {_commitment(name)})" for name in groups)
    fresh = f"arrayFilter(p -> p.2 != '', [{pairs}])"
    return f"mapUpdate(Redacted, CAST({fresh}, '{_COMMITMENTS}'))"


def _commitment(group: str) -> str:
    text = f"concat('', {', '.join(_member(name) for name in _MEMBERS[group])})"
    salt = (
        f"if(mapContains(GroupSalts, '{group}'), concat(GroupSalts['{group}'], ''), "
        f"{_derived(group)})"
    )
    made = f"SHA256(concat('auditspan/field/v1\\n', {salt}, {netstring(group)}, {text}))"
    done = f"LogId = '' OR mapContains(Redacted, '{group}') OR {text} = ''"
    return f"if({done}, '', concat({made}, ''))"


def _derived(name: str) -> str:
    return f"substring(SHA256(concat('auditspan/salt/v1\\n', RecordSalt, '{name}')), 1, 16)"


def _member(name: str) -> str:
    canonical = value(name, BY_NAME[name].type)
    made = ", ".join([netstring(name), *framed(canonical)])
    return f"if({canonical} = '', '', concat({made}))"
