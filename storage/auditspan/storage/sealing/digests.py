"""SQL of a record's content digest, from the integrity groups of the registry
(docs/integrity-format.md).

The text is one flat statement over three levels: canonical values of columns, then the texts of
groups that may be empty, then digests. Each level names its results, because the engine would write
an alias out at every place where it is used. What else a digest covers is put together once: a text
that is a part of another one is copied again.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from auditspan.semconv.column import Column
from auditspan.semconv.columns import BY_NAME, GROUPS
from auditspan.storage.sealing.filled_columns import Filling
from auditspan.storage.sealing.values import TEXT, framed, netstring, plain, value

_CORE = GROUPS[0].name
_ERASABLE = tuple(sorted(group.name for group in GROUPS[1:]))
_Member = tuple[Column, Filling]


@lru_cache(maxsize=256)
def content_statement(
    source: str,
    *,
    columns: str,
    erased: bool = False,
    filled: frozenset[tuple[str, Filling]] | None = None,
) -> str:
    """`columns` and `Content` (32 bytes) of each row of `source`, a table or a table function.

    With `erased` it is for records of which a group was erased: the salts and commitments that are
    left, in `GroupSalts` and `Redacted`, take the place of those computed. With `filled` it is for
    rows in which all other columns are the default.
    """
    known = None if filled is None else dict(filled)
    members = {group: _members(group, known) for group in (_CORE, *_ERASABLE)}
    groups = [name for name in _ERASABLE if members[name] or erased]
    inner = [
        f"{value(c.name, c.type, always=filling.always, ordered=filling.ordered)} AS {_named(c)}"
        for c, filling in (member for group in members.values() for member in group)
        if plain(c.type) != TEXT
    ]
    core = ["'auditspan/core/v1\\n'", _salt(_CORE, erased=erased), *_texts(members[_CORE])]
    fields = ["'auditspan/fields/v1\\n'"]
    for name in groups:
        fields += _field(name, members[name], erased=erased)
    texts = [f"{_joined(_texts(members[n]))} AS g_{n}" for n in groups if not _is_sure(members[n])]
    return f"""
SELECT {columns},
    SHA256(concat('auditspan/record/v1\\n', {_digest(core)}, {_digest(fields)})) AS Content
FROM
(
    SELECT {", ".join(["*", *texts])}
    FROM (SELECT {", ".join(["*", *inner])} FROM {source})
)"""  # noqa: S608 (names of ours)


def structure(columns: Sequence[Column]) -> str:
    """Columns as a table function takes them."""
    return ", ".join(f"`{column.name}` {plain(column.type)}" for column in columns)


def _members(group: str, filled: dict[str, Filling] | None) -> list[_Member]:
    """The columns of a group, ascending by name."""
    columns = next(sorted(found.columns) for found in GROUPS if found.name == group)
    if filled is None:
        return [(BY_NAME[name], Filling()) for name in columns]
    return [(BY_NAME[name], filled[name]) for name in columns if name in filled]


def _named(column: Column) -> str:
    return f"`{column.name}`" if plain(column.type) == TEXT else f"v_{column.name}"


def _texts(members: Sequence[_Member]) -> list[str]:
    """What a digest covers of a group: name and value of each column that is not the default."""
    return [part for member in members for part in _text(*member)]


def _text(column: Column, filling: Filling) -> list[str]:
    name, named = netstring(column.name), _named(column)
    if filling.length:
        return [name, f"'{filling.length}:'", named, "','"]
    if filling.always:
        return [name, *framed(named)]
    return [f"if({named} = '', '', {_joined([name, *framed(named)])})"]


def _field(group: str, members: Sequence[_Member], *, erased: bool) -> list[str]:
    """Name and commitment of a group, nothing of one that is empty."""
    name, sure = netstring(group), _is_sure(members)
    texts = _texts(members) if sure else [f"g_{group}"]
    covered = ["'auditspan/field/v1\\n'", _salt(group, erased=erased), name, *texts]
    made = [name, _digest(covered)]
    if not sure:
        made = [f"if(g_{group} = '', '', {_joined(made)})"]
    if not erased:
        return made
    kept = f"concat({name}, Redacted['{group}'])"
    return [f"if(mapContains(Redacted, '{group}'), {kept}, {made[0]})"]


def _is_sure(members: Sequence[_Member]) -> bool:
    """Whether the group is empty in no row."""
    return any(filling.always for _, filling in members)


def _digest(parts: Iterable[str]) -> str:
    return f"SHA256({_joined(parts)})"


def _joined(parts: Iterable[str]) -> str:
    # With an empty text at the end, for one argument alone is not taken.
    texts = [*_merged(parts), "''"]
    return f"concat({', '.join(texts)})"


def _merged(parts: Iterable[str]) -> list[str]:
    """Literals that stand side by side become one."""
    merged: list[str] = []
    for part in parts:
        if merged and merged[-1].startswith("'") and part.startswith("'"):
            merged[-1] = merged[-1][:-1] + part[1:]
        else:
            merged.append(part)
    return merged


def _salt(group: str, *, erased: bool) -> str:
    salt = f"substring(SHA256(concat('auditspan/salt/v1\\n', RecordSalt, '{group}')), 1, 16)"
    if not erased:
        return salt
    return f"if(mapContains(GroupSalts, '{group}'), concat(GroupSalts['{group}'], ''), {salt})"
