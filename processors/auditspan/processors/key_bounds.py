"""Before the first stage: how many different keys the maps of one batch may have.

A key costs in every stage, in the store and in each query that lists keys, so a sender that makes
up names must not decide how many there are. Of each map column the keys stay that the registry or a
dialect knows, then the most frequent ones, of equally frequent ones those that came first. Whatever
stands under another key goes as it is into one value, JSON under `OVERFLOW`, and the record gets
`attribute.overflow`. Nothing is dropped, all is sealed.
"""

import json
from collections import defaultdict
from functools import cache
from typing import Final

import numpy as np
import pyarrow as pa

from auditspan.processors.batch import Batch, Mask
from auditspan.processors.maps import MapView
from auditspan.semconv.columns import ASSERTED_BY
from auditspan.semconv.dialects import load as load_dialects

OVERFLOW: Final = "overflow.attributes"
"""The key of what has no key of its own. A sender's own key of this name goes in there as well."""
FINDING: Final = "attribute.overflow"
_MAPS: Final = ("SpanAttributes", "ResourceAttributes", "AttributeTypes", "OtlpExtras")
_LISTS: Final = ("Events", "Links")
_ATTRIBUTES: Final = "Attributes"


def key_bounds(batch: Batch, most: int) -> Batch:
    """Keep the keys of each map column within a number."""
    over: Mask = np.zeros(len(batch), dtype=np.bool_)
    columns: dict[str, pa.Array] = {}
    for name in _MAPS:
        view = batch.view(name) if len(batch.column(name).keys) > most else None
        found = _bounded(view, most) if view else None
        if found is not None:
            columns[name], moved = found
            over |= moved
    for name in _LISTS:
        lists = batch.column(name)
        elements = lists.flatten()
        attributes = elements.field(_ATTRIBUTES)
        many = len(attributes.keys) > most
        found = _bounded(MapView.of(attributes), most) if many else None
        if found is not None:
            columns[name], moved = _relisted(lists, elements, *found)
            over |= moved
    return batch.with_columns(columns).flag(FINDING, over) if columns else batch


def _bounded(view: MapView, most: int) -> tuple[pa.MapArray, Mask] | None:
    """The column with fewer keys, and which rows had others; None if it is within the number."""
    if len(view.keys) <= most and OVERFLOW not in view.index:
        return None
    # One place is for the key of the others.
    kept = np.zeros(len(view.keys), dtype=np.bool_)
    counts = np.bincount(view.codes, minlength=len(view.keys))
    # What a stage reads must not be crowded out by what somebody makes up.
    counts[[view.index[name] for name in _known() if name in view.index]] += len(view.codes)
    kept[np.argsort(-counts, kind="stable")[: most - 1]] = True
    if OVERFLOW in view.index:
        kept[view.index[OVERFLOW]] = False
    stays = kept[view.codes]
    moved = np.zeros(view.length, dtype=np.bool_)
    moved[view.rows[~stays]] = True
    return _rebuilt(view, stays, moved), moved


@cache
def _known() -> frozenset[str]:
    """Names of attributes that stages look for."""
    sources = [
        source
        for dialect in load_dialects()
        for each in dialect.sources.values()
        for source in each
    ]
    return frozenset({*ASSERTED_BY, *(source.attribute for source in sources if source.attribute)})


def _rebuilt(view: MapView, stays: Mask, moved: Mask) -> pa.MapArray:
    """What stays of each row, then its others as one value."""
    others: dict[int, dict[str, object]] = defaultdict(dict)
    places = np.flatnonzero(~stays)
    values = view.items.take(pa.array(places)).to_pylist()
    for place, value in zip(places.tolist(), values, strict=True):
        others[int(view.rows[place])][view.keys[view.codes[place]]] = value
    rows = np.concatenate([view.rows[stays], np.flatnonzero(moved).astype(np.int32)])
    order = np.argsort(rows, kind="stable")
    texts = [json.dumps(others[row], ensure_ascii=False) for row in sorted(others)]
    keys = pa.array(view.keys).take(pa.array(view.codes[stays]))
    names = pa.concat_arrays([keys, pa.array([OVERFLOW] * len(texts), pa.string())])
    found = pa.concat_arrays([view.items.filter(pa.array(stays)), pa.array(texts, view.items.type)])
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=view.length))])
    taken = pa.array(order)
    return pa.MapArray.from_arrays(
        pa.array(offsets.astype(np.int32)), names.take(taken), found.take(taken)
    )


def _relisted(
    lists: pa.ListArray, elements: pa.StructArray, attributes: pa.MapArray, moved: Mask
) -> tuple[pa.ListArray, Mask]:
    """A list column with other attributes of its elements, and which rows had to change."""
    fields = [field.name for field in elements.type]
    arrays = [attributes if name == _ATTRIBUTES else elements.field(name) for name in fields]
    offsets = lists.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = offsets - offsets[0]
    of_row = np.repeat(np.arange(len(lists)), np.diff(offsets))
    rows = np.zeros(len(lists), dtype=np.bool_)
    rows[of_row[moved]] = True
    made = pa.StructArray.from_arrays(arrays, fields)
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), made), rows
