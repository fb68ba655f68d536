"""Families of indexed attributes folded into one JSON list.

`llm.input_messages.0.message.role`, `….0.message.content`, `….1.message.role` become
`[{"message.role":…,"message.content":…},{"message.role":…}]`: an object per index, the rest of the
name as key, in the order of the indexes. Texts are escaped once per distinct value and joined per
record in Arrow.
"""

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.maps import MapView
from auditspan.processors.texts import filled, mapped

_INDEXED = re.compile(r"(\d{1,6})(?:\.(.*))?", re.DOTALL)


def fold(view: MapView, prefix: str) -> pa.Array:
    """One JSON list per record of all that begins with a prefix; null where there is nothing."""
    numbers, fields = _family(view.keys, prefix)
    entries = np.flatnonzero(np.asarray(numbers)[view.codes] >= 0)
    if not len(entries):
        return pa.nulls(view.length, pa.string())
    rows, codes = view.rows[entries].astype(np.int64), view.codes[entries]
    number = np.asarray(numbers, dtype=np.int64)[codes]
    order = np.lexsort((np.arange(len(entries)), number, rows))
    rows, codes, number, entries = rows[order], codes[order], number[order], entries[order]
    new_row = np.diff(rows, prepend=-1) != 0
    new_object = new_row | (np.diff(number, prepend=-1) != 0)
    opening = np.where(new_row, 0, np.where(new_object, 1, 2))
    pieces = pc.binary_join_element_wise(
        pa.array(["[{", "},{", ","]).take(pa.array(opening)),
        pa.array(fields, pa.string()).take(pa.array(codes)),
        mapped(filled(view.items.take(pa.array(entries))), _quoted),
        pa.array(["", "}]"]).take(pa.array(np.append(new_row[1:], True).astype(np.int64))),
        "",
    )
    return _joined(pieces, rows, new_row, view.length)


def _family(keys: list[str], prefix: str) -> tuple[list[int], list[str]]:
    """For each key its index, -1 if it is none of the family, and its field as JSON."""
    numbers, fields = [], []
    for key in keys:
        match = _INDEXED.fullmatch(key[len(prefix) :]) if key.startswith(prefix) else None
        numbers.append(int(match[1]) if match else -1)
        fields.append(_quoted((match[2] or "") if match else "") + ":")
    return numbers, fields


def _joined(pieces: pa.Array, rows: np.ndarray, new_row: np.ndarray, length: int) -> pa.Array:
    starts = np.append(np.flatnonzero(new_row), len(rows)).astype(np.int32)
    lists = pc.binary_join(pa.ListArray.from_arrays(pa.array(starts), pieces), "")
    source = np.full(length, -1, dtype=np.int64)
    source[rows[new_row]] = np.arange(len(lists))
    return lists.take(pa.array(source, mask=source < 0))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
