"""SQL of a record's content digest, from the integrity groups of the registry
(docs/integrity-format.md).

The text is one flat statement over three levels: canonical values of columns, then the texts of the
core and of each group, then digests. Each level names its results, because the engine would write
an alias out at every place where it is used.
"""

from collections.abc import Sequence
from functools import lru_cache

from auditspan.semconv.column import Column
from auditspan.semconv.columns import BY_NAME, GROUPS
from auditspan.storage.sealing.values import TEXT, framed, netstring, plain, value

_CORE = GROUPS[0].name
_ERASABLE = tuple(sorted(group.name for group in GROUPS[1:]))


@lru_cache(maxsize=256)
def content_statement(
    source: str, *, columns: str, erased: bool = False, filled: frozenset[str] | None = None
) -> str:
    """`columns` and `Content` (32 bytes) of each row of `source`, a table or a table function.

    With `erased` it is for records of which a group was erased: the salts and commitments that are
    left, in `GroupSalts` and `Redacted`, take the place of those computed. With `filled` it is for
    rows in which all other columns are the default.
    """
    members = {group: _members(group, filled) for group in (_CORE, *_ERASABLE)}
    groups = [name for name in _ERASABLE if members[name] or erased]
    inner = [
        f"{value(c.name, c.type)} AS {_named(c)}"
        for c in (column for group in members.values() for column in group)
        if plain(c.type) != TEXT
    ]
    texts = [
        f"SHA256(concat('auditspan/core/v1\\n', {_salt(_CORE, erased=erased)}, "
        f"{_text(members[_CORE])})) AS core_digest_",
        *(f"{_text(members[name])} AS g_{name}" for name in groups),
    ]
    fields = "".join(f", {_field(name, erased=erased)}" for name in groups)
    return f"""
SELECT {columns},
    SHA256(concat('auditspan/record/v1\\n', core_digest_,
        SHA256(concat('auditspan/fields/v1\\n'{fields})))) AS Content
FROM
(
    SELECT *, {", ".join(texts)}
    FROM (SELECT {", ".join(["*", *inner])} FROM {source})
)"""  # noqa: S608 (names of ours)


def structure(columns: Sequence[Column]) -> str:
    """Columns as a table function takes them."""
    return ", ".join(f"`{column.name}` {plain(column.type)}" for column in columns)


def _members(group: str, filled: frozenset[str] | None) -> list[Column]:
    """The columns of a group, ascending by name."""
    columns = next(sorted(found.columns) for found in GROUPS if found.name == group)
    return [BY_NAME[name] for name in columns if filled is None or name in filled]


def _named(column: Column) -> str:
    return f"`{column.name}`" if plain(column.type) == TEXT else f"v_{column.name}"


def _text(members: Sequence[Column]) -> str:
    """What a digest covers of a group: name and value of each column that is not the default."""
    return f"concat('', {', '.join(map(_member, members))})" if members else "''"


def _member(column: Column) -> str:
    named = _named(column)
    return f"if({named} = '', '', concat({netstring(column.name)}, {framed(named)}))"


def _field(group: str, *, erased: bool) -> str:
    name = netstring(group)
    digest = (
        f"SHA256(concat('auditspan/field/v1\\n', {_salt(group, erased=erased)}, {name}, g_{group}))"
    )
    made = f"if(g_{group} = '', '', concat({name}, {digest}))"
    if not erased:
        return made
    kept = f"Redacted['{group}']"
    return f"if(mapContains(Redacted, '{group}'), concat({name}, {kept}), {made})"


def _salt(group: str, *, erased: bool) -> str:
    salt = f"substring(SHA256(concat('auditspan/salt/v1\\n', RecordSalt, '{group}')), 1, 16)"
    if not erased:
        return salt
    return f"if(mapContains(GroupSalts, '{group}'), concat(GroupSalts['{group}'], ''), {salt})"
