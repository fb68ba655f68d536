"""The rows of a batch file as the store has them after an erasure.

A batch that is brought into the store again (`writer.py`) must neither bring back what was erased
nor count as another batch than the one that is there.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from auditspan.semconv.columns import GROUPS
from auditspan.storage.engine import Engine
from auditspan.storage.render import Target

_WIDTHS = {"GroupSalts": 16, "Redacted": 32}


def left_of(engine: Engine, record_ids: Sequence[str]) -> pa.Table:
    """`RecordId`, `GroupSalts` and `Redacted` of stored records."""
    sql = (
        "SELECT RecordId, GroupSalts, Redacted "  # noqa: S608 (names of ours)
        f"FROM {Target.of(engine).table('audit_records')} WHERE RecordId IN {{ids:Array(String)}}"
    )
    return engine.arrow(sql, {"ids": list(record_ids)})


def blanked(table: pa.Table, groups: Mapping[str, Sequence[str]], left: pa.Table) -> pa.Table:
    """A batch without what was erased: groups by record id; `left` is that of `left_of`."""
    ids = [str(record_id) for record_id in table["RecordId"].to_pylist()]
    for group in GROUPS:
        gone = [group.name in groups.get(record_id, ()) for record_id in ids]
        for name in group.columns:
            table = _blank(table, name, gone)
    table = _blank(table, "RecordSalt", [record_id in groups for record_id in ids])
    kept = {row["RecordId"]: row for row in left.to_pylist()}
    for name, width in _WIDTHS.items():
        before = table[name].to_pylist() if name in table.column_names else [[]] * len(ids)
        if name in table.column_names:
            table = table.drop_columns([name])
        values = [
            kept[record_id][name] if record_id in kept else old
            for record_id, old in zip(ids, before, strict=True)
        ]
        column = pa.array(values, pa.map_(pa.string(), pa.binary(width)))
        table = table.append_column(name, column)
    return table


def _blank(table: pa.Table, name: str, gone: Sequence[bool]) -> pa.Table:
    if not any(gone):
        return table
    kind, at = table.schema.field(name).type, table.column_names.index(name)
    empty = _default(kind)
    values = [
        empty if out else value for out, value in zip(gone, table[name].to_pylist(), strict=True)
    ]
    return table.set_column(at, name, pa.array(values, kind))


def _default(kind: pa.DataType) -> object:
    if pa.types.is_map(kind) or pa.types.is_list(kind):
        return []
    return bytes(kind.byte_width) if pa.types.is_fixed_size_binary(kind) else ""
