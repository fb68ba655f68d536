"""The decoded table, put together from the requests of a segment.

What a scope or a resource says is worked on once and spread over its spans; keys of the extras and
the types are those of `docs/semconv.md`.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.storage.entities import entity_texts
from auditspan.storage.items import Items
from auditspan.storage.lists import events, links
from auditspan.storage.otlp import KINDS
from auditspan.storage.parts import MapParts, spread
from auditspan.storage.projection import Projection
from auditspan.storage.promote import promote
from auditspan.storage.requests import Level, Requests
from auditspan.storage.scalars import LAST_TIME, Flags, Integers, Ints, hexes, times, words
from auditspan.storage.texts import STRING

SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUS_CODES = ("Unset", "Ok", "Error")

_TYPE_NAMES = pa.array(["empty" if kind == "none" else kind for kind in KINDS], pa.string())
_SERVICE = Projection("ServiceName", "service.name", "String", resource=True)


class Decoding:
    """The requests of a segment on their way to the decoded table."""

    def __init__(self, requests: Requests, projections: Sequence[Projection]) -> None:
        self.spans = requests.spans
        self.scopes = requests.scopes
        self.resources = requests.resources
        self.frames = requests.frames
        self.projections = projections
        self.scope_of_row = requests.scope_of_span
        self.resource_of_row = requests.resource_of_span
        self.frame_of_row = requests.frame_of_span
        self.span = self.spans.items()
        self.resource = self.resources.items("resource.attributes")
        self.scope = self.scopes.items("scope.attributes")
        self.events = events(self.spans)
        self.links = links(self.spans)

    def table(self) -> pa.Table:
        """The decoded table."""
        own = [projection for projection in self.projections if not projection.resource]
        return pa.table(
            {
                **self._times(),
                **self._texts(),
                "SpanKind": words(self.spans.numbers("kind"), SPAN_KINDS),
                "StatusCode": words(self.spans.numbers("status.code"), STATUS_CODES),
                "ScopeName": _spread(self.scopes.texts("scope.name"), self.scope_of_row),
                "ScopeVersion": _spread(self.scopes.texts("scope.version"), self.scope_of_row),
                "ResourceAttributes": _spread(self.resource.maps(), self.resource_of_row),
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
        starts, ends = self._start_and_end()
        received = times(self.frames.numbers("received_at"))
        return {
            "ReceivedAt": _spread(received, self.frame_of_row),
            "Timestamp": times(starts),
            "Duration": pa.array(np.where(ends > starts, ends - starts, np.uint64(0))),
        }

    def _start_and_end(self) -> tuple[Integers, Integers]:
        spans = self.spans
        return spans.numbers("start_time_unix_nano"), spans.numbers("end_time_unix_nano")

    def _texts(self) -> dict[str, pa.Array]:
        spans, frames = self.spans, self.frames
        return {
            "RequestDigest": _spread(frames.texts("request_digest"), self.frame_of_row),
            "Principal": _spread(frames.texts("principal"), self.frame_of_row),
            "TraceId": hexes(spans.field("trace_id")),
            "SpanId": hexes(spans.field("span_id")),
            "ParentSpanId": hexes(spans.field("parent_span_id")),
            "TraceState": spans.texts("trace_state"),
            "SpanName": spans.texts("name"),
            "StatusMessage": spans.texts("status.message"),
        }

    def _inherited(self) -> dict[str, pa.Array]:
        chosen = [_SERVICE, *(p for p in self.projections if p.resource)]
        columns = promote(self.resource, chosen)
        return {name: _spread(values, self.resource_of_row) for name, values in columns.items()}

    def _types(self) -> pa.Array:
        """The type of each value that is no string."""
        parts = MapParts()
        places = np.flatnonzero(self.span.kinds != STRING)
        keys = self.span.keys.take(pa.array(places))
        parts.add(self.span.owners[places], keys, _type_names(self.span, places))
        _add_shared_types(parts, "resource/", self.resource, self.resource_of_row)
        _add_shared_types(parts, "scope/", self.scope, self.scope_of_row)
        for lists in (self.events, self.links):
            places = np.flatnonzero(lists.items.kinds != STRING)
            lists.add_types(parts, places, _type_names(lists.items, places))
        return parts.build(len(self.spans))

    def _extras(self) -> pa.Array:
        """What the exporter's columns have no place for; only what is not the default."""
        parts = MapParts()
        for name, level, path, rows in self._shared_extras():
            if path.endswith("_count"):
                counts = level.field(path)
                _add_shared(parts, name, counts, pc.not_equal(counts, 0), rows)
            else:
                texts = level.texts(path)
                _add_shared(parts, name, texts, pc.not_equal(texts, ""), rows)
        entities = entity_texts(self.resources.field("resource.entity_refs"))
        said, rows = pc.not_equal(entities, ""), self.resource_of_row
        _add_shared(parts, "resource.entity_refs", entities, said, rows)
        self._add_scope_attributes(parts)
        states = self.spans.texts("trace_state")
        rows = np.flatnonzero(_true(pc.not_equal(states, "")))
        parts.add(rows, "trace_state", states.take(pa.array(rows)))
        for name in _EXTRA_NUMBERS:
            _add_number(parts, name, self.spans.numbers(name))
        self._add_unusual(parts)
        self.events.add_extras(parts)
        self.links.add_extras(parts)
        return parts.build(len(self.spans))

    def _shared_extras(self) -> list[tuple[str, Level, str, Ints]]:
        """Name of the extra, where it stands, and who has it."""
        resource, scope = self.resource_of_row, self.scope_of_row
        count = "dropped_attributes_count"
        return [
            ("resource.schema_url", self.resources, "schema_url", resource),
            ("scope.schema_url", self.scopes, "schema_url", scope),
            ("scope.name", self.scopes, "scope.name", scope),
            ("scope.version", self.scopes, "scope.version", scope),
            *(
                (f"{what}.{count}", level, f"{what}.{count}", rows)
                for what, level, rows in (
                    ("resource", self.resources, resource),
                    ("scope", self.scopes, scope),
                )
            ),
        ]

    def _add_unusual(self, parts: MapParts) -> None:
        """Values that their column could not take as they were."""
        starts, ends = self._start_and_end()
        kinds, codes = self.spans.numbers("kind"), self.spans.numbers("status.code")
        _add_number(parts, "start_time_unix_nano", np.where(starts > LAST_TIME, starts, 0))
        _add_number(parts, "end_time_unix_nano", np.where(ends < starts, ends, 0))
        _add_number(parts, "kind", np.where((kinds < 0) | (kinds > 5), kinds, 0))
        _add_number(parts, "status.code", np.where((codes < 0) | (codes > 2), codes, 0))

    def _add_scope_attributes(self, parts: MapParts) -> None:
        if len(self.scope.codes):
            rows, places = spread(self.scope.offsets, self.scope_of_row)
            keys = _prefixed("scope.attributes.", self.scope.keys).take(pa.array(places))
            parts.add(rows, keys, self.scope.values.take(pa.array(places)))

    def _flags(self, name: str) -> Flags:
        """Whether a span, its scope or resource, or one of its events or links is flagged."""
        flags: Flags = getattr(self.span, name).copy()
        flags |= getattr(self.resource, name)[self.resource_of_row]
        flags |= getattr(self.scope, name)[self.scope_of_row]
        for lists in (self.events, self.links):
            flags |= lists.flags(getattr(lists.items, name))
        return flags


_EXTRA_NUMBERS = (
    "flags",
    "dropped_attributes_count",
    "dropped_events_count",
    "dropped_links_count",
)


def _spread(values: pa.Array, rows: Ints) -> pa.Array:
    """What several spans share, for each of them."""
    return values.take(pa.array(rows))


def _add_shared(parts: MapParts, name: str, values: pa.Array, said: pa.Array, rows: Ints) -> None:
    mask = _true(said)
    if mask.any():
        own = np.flatnonzero(mask[rows])
        parts.add(own, name, values.take(pa.array(rows[own])))


def _add_shared_types(parts: MapParts, prefix: str, shared: Items, owner_of_row: Ints) -> None:
    typed = shared.without(shared.kinds == STRING)
    if len(typed.codes):
        rows, places = spread(typed.offsets, owner_of_row)
        keys = _prefixed(prefix, typed.keys).take(pa.array(places))
        parts.add(rows, keys, _type_names(typed, places))


def _add_number(parts: MapParts, name: str, numbers: Integers) -> None:
    rows = np.flatnonzero(numbers)
    parts.add(rows, name, pa.array(numbers[rows]))


def _true(mask: pa.Array) -> Flags:
    return np.asarray(mask.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _type_names(of: Items, places: Ints) -> pa.Array:
    return _TYPE_NAMES.take(pa.array(of.kinds[places]))


def _prefixed(prefix: str, keys: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise(pa.repeat(pa.scalar(prefix), len(keys)), keys, "")
