"""The decoded table, put together from the flat columns of the decoding statement.

What a scope or its resource says is worked on once per scope and spread over its spans; keys of
the extras and the types are those of `docs/semconv.md`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.entities import entity_texts
from auditspan.storage.items import STRING, Flags, Ints, Items, items
from auditspan.storage.lists import events, links
from auditspan.storage.otlp import KINDS
from auditspan.storage.parts import MapParts, spread
from auditspan.storage.projection import Projection
from auditspan.storage.promote import promote
from auditspan.storage.scalars import LAST_TIME, times, words

Numbers = npt.NDArray[Any]
"""Integers of whatever width the column has."""

SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUS_CODES = ("Unset", "Ok", "Error")

_TYPE_NAMES = pa.array(["empty" if kind == "none" else kind for kind in KINDS], pa.string())
_SERVICE = Projection("ServiceName", "service.name", "String", resource=True)


class Decoding:
    """The columns of one statement's result on their way to the decoded table."""

    def __init__(self, flat: pa.Table, marker: str, projections: Sequence[Projection]) -> None:
        first = _array(flat, "First").to_numpy(zero_copy_only=False).astype(np.bool_)
        self.flat = flat
        self.marker = marker
        self.projections = projections
        self.scope_of_row: Ints = np.cumsum(first) - 1
        self.scopes = flat.filter(pa.array(first)).combine_chunks()
        self.span = self._items(flat, "Span")
        self.resource = self._items(self.scopes, "Resource")
        self.scope = self._items(self.scopes, "Scope")
        self.events = events(flat, marker)
        self.links = links(flat, marker)

    def table(self) -> pa.Table:
        """The decoded table."""
        own = [projection for projection in self.projections if not projection.resource]
        return pa.table(
            {
                **self._times(),
                **{name: _array(self.flat, name) for name in _AS_THEY_ARE},
                "SpanKind": words(self._numbers("Kind"), SPAN_KINDS),
                "StatusCode": words(self._numbers("Code"), STATUS_CODES),
                "ScopeName": self._of_scope(_array(self.scopes, "ScopeName")),
                "ScopeVersion": self._of_scope(_array(self.scopes, "ScopeVersion")),
                "ResourceAttributes": self._of_scope(self.resource.maps()),
                "SpanAttributes": self.span.maps(),
                "AttributeTypes": self._types(),
                "OtlpExtras": self._extras(),
                "Events": self.events.structs(),
                "Links": self.links.structs(),
                "Duplicates": pa.array(self._flags("duplicates")),
                "Undecodable": pa.array(self._flags("undecodable")),
                **promote(self.span, own),
                **self._inherited(),
            }
        )

    def _times(self) -> dict[str, pa.Array]:
        starts, ends = self._numbers("Start"), self._numbers("End")
        return {
            "ReceivedAt": times(self._numbers("ReceivedAt")),
            "Timestamp": times(starts),
            "Duration": pa.array(np.where(ends > starts, ends - starts, np.uint64(0))),
        }

    def _inherited(self) -> dict[str, pa.Array]:
        chosen = [_SERVICE, *(p for p in self.projections if p.resource)]
        columns = promote(self.resource, chosen)
        return {name: self._of_scope(values) for name, values in columns.items()}

    def _types(self) -> pa.Array:
        """The type of each value that is no string."""
        parts = MapParts()
        places = np.flatnonzero(self.span.kinds != STRING)
        keys = self.span.keys.take(pa.array(places))
        parts.add(self.span.owners[places], keys, _type_names(self.span, places))
        for prefix, shared in (("resource/", self.resource), ("scope/", self.scope)):
            self._add_shared_types(parts, prefix, shared)
        for lists in (self.events, self.links):
            places = np.flatnonzero(lists.items.kinds != STRING)
            lists.add_types(parts, places, _type_names(lists.items, places))
        return parts.build(self.flat.num_rows)

    def _add_shared_types(self, parts: MapParts, prefix: str, shared: Items) -> None:
        typed = shared.without(shared.kinds == STRING)
        if len(typed.keys):
            rows, places = spread(typed.offsets, self.scope_of_row)
            keys = _prefixed(prefix, typed.keys).take(pa.array(places))
            parts.add(rows, keys, _type_names(typed, places))

    def _extras(self) -> pa.Array:
        """What the exporter's columns have no place for; only what is not the default."""
        parts = MapParts()
        for name, column in _EXTRA_TEXTS:
            texts = _array(self.scopes, column)
            self._add_of_scope(parts, name, texts, pc.not_equal(texts, ""))
        for name, column in _EXTRA_COUNTS:
            counts = _array(self.scopes, column)
            self._add_of_scope(parts, name, counts, pc.not_equal(counts, 0))
        entities = entity_texts(_array(self.scopes, "ResourceEntities"))
        self._add_of_scope(parts, "resource.entity_refs", entities, pc.not_equal(entities, ""))
        self._add_scope_attributes(parts)
        self._add_text(parts, "trace_state", _array(self.flat, "TraceState"))
        for name, column in _EXTRA_NUMBERS:
            self._add_number(parts, name, self._numbers(column))
        self._add_unusual(parts)
        self.events.add_extras(parts)
        self.links.add_extras(parts)
        return parts.build(self.flat.num_rows)

    def _add_unusual(self, parts: MapParts) -> None:
        """Values that their column could not take as they were."""
        starts, ends = self._numbers("Start"), self._numbers("End")
        kinds, codes = self._numbers("Kind"), self._numbers("Code")
        self._add_number(parts, "start_time_unix_nano", np.where(starts > LAST_TIME, starts, 0))
        self._add_number(parts, "end_time_unix_nano", np.where(ends < starts, ends, 0))
        self._add_number(parts, "kind", np.where((kinds < 0) | (kinds > 5), kinds, 0))
        self._add_number(parts, "status.code", np.where((codes < 0) | (codes > 2), codes, 0))

    def _add_scope_attributes(self, parts: MapParts) -> None:
        if len(self.scope.keys):
            rows, places = spread(self.scope.offsets, self.scope_of_row)
            keys = _prefixed("scope.attributes.", self.scope.keys).take(pa.array(places))
            parts.add(rows, keys, self.scope.values.take(pa.array(places)))

    def _add_of_scope(self, parts: MapParts, name: str, values: pa.Array, said: pa.Array) -> None:
        mask = _true(said)
        if mask.any():
            rows = np.flatnonzero(mask[self.scope_of_row])
            parts.add(rows, name, values.take(pa.array(self.scope_of_row[rows])))

    def _add_text(self, parts: MapParts, name: str, values: pa.Array) -> None:
        rows = np.flatnonzero(_true(pc.not_equal(values, "")))
        parts.add(rows, name, values.take(pa.array(rows)))

    def _add_number(self, parts: MapParts, name: str, numbers: Numbers) -> None:
        rows = np.flatnonzero(numbers)
        parts.add(rows, name, pa.array(numbers[rows]))

    def _flags(self, name: str) -> Flags:
        """Whether a span, its scope or resource, or one of its events or links is flagged."""
        flags: Flags = getattr(self.span, name).copy()
        for shared in (self.resource, self.scope):
            flags |= getattr(shared, name)[self.scope_of_row]
        for lists in (self.events, self.links):
            flags |= lists.flags(getattr(lists.items, name))
        return flags

    def _of_scope(self, values: pa.Array) -> pa.Array:
        return values.take(pa.array(self.scope_of_row))

    def _numbers(self, name: str) -> Numbers:
        numbers: Numbers = _array(self.flat, name).to_numpy(zero_copy_only=False)
        return numbers

    def _items(self, table: pa.Table, name: str) -> Items:
        parts = (_array(table, f"{name}{what}") for what in ("Keys", "Values", "Kinds"))
        keys, values, kinds = parts
        return items(keys, values, kinds, self.marker)


_AS_THEY_ARE = (
    "RequestDigest",
    "Principal",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "TraceState",
    "SpanName",
    "StatusMessage",
)
_EXTRA_TEXTS = (
    ("resource.schema_url", "ResourceSchema"),
    ("scope.schema_url", "ScopeSchema"),
    ("scope.name", "ScopeName"),
    ("scope.version", "ScopeVersion"),
)
_EXTRA_COUNTS = (
    ("resource.dropped_attributes_count", "ResourceDropped"),
    ("scope.dropped_attributes_count", "ScopeDropped"),
)
_EXTRA_NUMBERS = (
    ("flags", "Flags"),
    ("dropped_attributes_count", "Dropped"),
    ("dropped_events_count", "DroppedEvents"),
    ("dropped_links_count", "DroppedLinks"),
)


def _array(table: pa.Table, name: str) -> pa.Array:
    column = table.column(name)
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)


def _true(mask: pa.Array) -> Flags:
    return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _type_names(of: Items, places: Ints) -> pa.Array:
    return _TYPE_NAMES.take(pa.array(of.kinds[places]))


def _prefixed(prefix: str, keys: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.repeat(pa.scalar(prefix), len(keys)), keys, "")
