"""Where a dialect says something: an attribute, the span's name, or an attribute of an event."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.arguments import NotJson, read
from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Mask, mask_of
from auditspan.processors.events import Events
from auditspan.processors.texts import constant, filled, mapped, storable, where
from auditspan.semconv.dialects import Condition, Source


class Spans:
    """A batch opened for look-ups in other people's words."""

    def __init__(self, batch: Batch, attributes: Attributes) -> None:
        self._batch = batch
        self._attributes = attributes
        self._events: Events | None = None

    def __len__(self) -> int:
        return len(self._batch)

    @property
    def attributes(self) -> Attributes:
        """Span and resource attributes."""
        return self._attributes

    def meets(self, condition: Condition) -> Mask:
        """Which spans meet everything that a condition names."""
        mask = np.ones(len(self), dtype=np.bool_)
        if condition.scope:
            mask &= mask_of(pc.starts_with(self._batch.column("ScopeName"), condition.scope))
        if condition.attribute:
            mask &= self._has(condition.attribute, condition.values)
        if condition.family:
            mask &= self._has_family(condition.family)
        return mask

    def may_say(self, source: Source) -> bool:
        """Whether a source can say anything: an attribute that no span has cannot."""
        if source.span_name or source.event:
            return True
        return source.attribute in self._attributes.span.index

    def read(self, source: Source) -> pa.Array:
        """What a source says per span, "" where it says nothing."""
        if source.when is not None:
            mask = self.meets(source.when)
            if not mask.any():
                return constant("", len(self))
            return where(mask, self._said(source), constant("", len(self)))
        return self._said(source)

    def _said(self, source: Source) -> pa.Array:
        if source.span_name:
            values = _extracted(self._batch.column("SpanName"), source.span_name)
        elif source.event:
            self._events = self._events or Events.of(self._batch)
            values = self._events.text(source.event, source.attribute)
        else:
            values = filled(self._attributes.span.value(source.attribute))
        if source.inside:
            values = mapped(values, lambda text: inner(text, source.inside))
        if source.values:
            values = mapped(
                values, lambda text: source.values.get(text, source.values.get("*", text))
            )
        return values

    def _has(self, attribute: str, values: tuple[str, ...]) -> Mask:
        view = self._attributes.span
        if attribute not in view.index:
            return np.zeros(len(self), dtype=np.bool_)
        if not values:
            return view.has(attribute)
        return mask_of(pc.is_in(view.value(attribute), pa.array(values, pa.string())))

    def _has_family(self, prefix: str) -> Mask:
        view = self._attributes.span
        mask = np.zeros(len(self), dtype=np.bool_)
        for key in view.keys:
            if key.startswith(prefix):
                mask |= view.has(key)
        return mask


def inner(text: str, key: str) -> str:
    """The value of a key of a JSON object as JSON; the text itself if there is none."""
    value = read(text)
    if isinstance(value, NotJson) or not isinstance(value, dict) or key not in value:
        return text
    return storable(json.dumps(value[key], ensure_ascii=False, separators=(",", ":")))


def _extracted(names: pa.Array, pattern: str) -> pa.Array:
    """The group `value` of a pattern in each name, "" where it does not match."""
    encoded = filled(names).dictionary_encode()
    found = pc.extract_regex(encoded.dictionary, pattern)
    return filled(found.field("value")).take(encoded.indices)
