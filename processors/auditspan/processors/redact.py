"""Secrets out of everything that a batch holds: attributes, events, links, texts, derived values.

Each column is looked through as a whole; a record is only touched where something was found.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.batch import Batch, Mask
from auditspan.processors.lists import lengths, mapped_fields, owners
from auditspan.processors.maps import MapView, Positions, replace_items
from auditspan.processors.redactions import Redactions
from auditspan.processors.scrub import REDACTED, put, scrub, suspects, suspects_of_repeated
from auditspan.processors.secrets import Secrets
from auditspan.processors.texts import filled, where

_MAPS = ("SpanAttributes", "ResourceAttributes", "OtlpExtras")
_REPEATED = frozenset({"ResourceAttributes", "OtlpExtras"})
"""Maps that are alike on all records of a sender."""
_LISTS = ("Events", "Links")
_OURS = frozenset(
    {
        "Principal",
        "RequestDigest",
        "TraceId",
        "SpanId",
        "ParentSpanId",
        "SpanKind",
        "StatusCode",
        "ArgumentsHash",
        "ResultHash",
    }
)
"""Text columns in which a sender's text cannot stand."""
_COUNTED = frozenset({"SpanName", "StatusMessage", "TraceState"})
"""Text columns that are no copy of an attribute: what is found in a copy is not counted again."""


def redact(
    batch: Batch, secrets: Secrets, whole: Mapping[str, Mask], whole_entries: Positions
) -> Batch:
    """Take secrets out, count them and flag the records; `whole` texts and entries are left."""
    found = Redactions(len(batch))
    columns: dict[str, pa.Array] = {}
    for name in _MAPS:
        column = batch.column(name)
        kept = whole_entries if name == "SpanAttributes" else np.empty(0, dtype=np.int64)
        rows = np.arange(len(batch), dtype=np.int64)
        view = batch.view(name)
        look = suspects_of_repeated if name in _REPEATED else suspects
        suspected = look(filled(view.items), secrets)
        batch = batch.with_items(name, _map(column, view, secrets, suspected, kept, rows, found))
    for name in _LISTS:
        columns[name] = _list(batch.column(name), name, secrets, found)
    texts = {name: batch.column(name) for name in _texts(batch)}
    told = {name: a for name, a in batch.derived.items() if pa.types.is_string(a.type)}
    opened = _opened([*texts.values(), *told.values()], secrets)
    for name, column in texts.items():
        cleaned = _text(column, next(opened), secrets, name, found if name in _COUNTED else None)
        columns[name] = where(whole[name], column, cleaned) if name in whole else cleaned
    derived = {
        **batch.derived,
        **{name: _text(a, next(opened), secrets, name, None) for name, a in told.items()},
    }
    batch = replace(batch.with_columns(columns), derived=derived)
    batch = batch.with_derived(found.derived())
    return batch.flag("content.secret", found.mask()).flag("content.redacted", found.mask())


def _texts(batch: Batch) -> list[str]:
    return [
        field.name
        for field in batch.table.schema
        if pa.types.is_string(field.type) and field.name not in _OURS
    ]


_Opened = tuple[pa.DictionaryArray, Mask]
"""A text column by its distinct texts, and which of those are worth a closer look."""


def _opened(arrays: Sequence[pa.Array], secrets: Secrets) -> Iterator[_Opened]:
    """Text columns, whose distinct texts are looked through all at once."""
    encoded = [array.dictionary_encode() for array in arrays]
    dictionaries = [each.dictionary for each in encoded]
    suspected = suspects(pa.concat_arrays([pa.array([], pa.string()), *dictionaries]), secrets)
    place = 0
    for each in encoded:
        yield each, suspected[place : place + len(each.dictionary)]
        place += len(each.dictionary)


def _text(
    array: pa.Array, opened: _Opened, secrets: Secrets, name: str, found: Redactions | None
) -> pa.Array:
    """A text column without secrets; the column itself if it has none."""
    encoded, suspected = opened
    if not suspected.any():
        return array
    cleaned = scrub(encoded.dictionary, secrets, suspected)
    if not len(cleaned.places):
        return array
    if found is not None:
        codes = encoded.indices.to_numpy(zero_copy_only=False)
        counts = np.zeros(len(encoded.dictionary), dtype=np.int64)
        counts[cleaned.places] = cleaned.counts
        rows = np.flatnonzero(counts[codes])
        found.add([name], np.zeros(len(rows), dtype=np.int64), rows, counts[codes[rows]])
    return put(encoded.dictionary, cleaned).take(encoded.indices)


def _map(
    column: pa.MapArray,
    view: MapView,
    secrets: Secrets,
    suspected: Mask,
    kept: Positions,
    row_of: Positions,
    found: Redactions,
    prefix: str = "",
) -> pa.MapArray:
    """A map column: values under the name of a credential, and secrets in all others."""
    named = _under_credentials(view, secrets)
    hits = scrub(filled(view.items), secrets, suspected)
    chosen = ~np.isin(hits.places, np.concatenate([named, kept]))
    places = np.concatenate([named, hits.places[chosen]])
    if not len(places):
        return column
    counts = np.concatenate([np.ones(len(named), dtype=np.int64), hits.counts[chosen]])
    values = pa.concat_arrays(
        [pa.repeat(REDACTED, len(named)), hits.values.filter(pa.array(chosen))]
    )
    codes = view.codes[places].astype(np.int64)
    found.add([prefix + key for key in view.keys], codes, row_of[view.rows[places]], counts)
    return replace_items(column, places, values)


def _under_credentials(view: MapView, secrets: Secrets) -> Positions:
    codes = [code for code, key in enumerate(view.keys) if secrets.credential(key)]
    if not codes:
        return np.empty(0, dtype=np.int64)
    entries = np.flatnonzero(np.isin(view.codes, codes))
    lengths = pc.fill_null(pc.binary_length(view.items.take(pa.array(entries))), 0)
    filled_in: Positions = entries[lengths.to_numpy(zero_copy_only=False) > 0]
    return filled_in


def _list(column: pa.ListArray, name: str, secrets: Secrets, found: Redactions) -> pa.ListArray:
    """The attributes and texts of events or links."""
    if not lengths(column).any():
        return column
    row_of, nothing = owners(column), np.empty(0, dtype=np.int64)

    def cleaned(key: str, array: pa.Array) -> pa.Array:
        if pa.types.is_map(array.type):
            view = MapView.of(array)
            suspected = suspects(filled(view.items), secrets)
            return _map(array, view, secrets, suspected, nothing, row_of, found, f"{name}.")
        if pa.types.is_string(array.type) and not key.endswith("Id"):
            [opened] = _opened([array], secrets)
            return _text(array, opened, secrets, f"{name}.{key}", None)
        return array

    return mapped_fields(column, cleaned)
