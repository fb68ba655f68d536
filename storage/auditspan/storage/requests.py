"""The requests of a segment as the engine reads them, opened level by level.

A level is all messages of one kind, one after the other; nothing is copied to open one. Texts come
as bytes, which protobuf wants to be UTF-8: they are checked where they become text.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from auditspan.storage.items import Items, items, offsets_of
from auditspan.storage.scalars import Integers, Ints, utf8


@dataclass(frozen=True, slots=True)
class Level:
    """All messages of one kind."""

    messages: pa.StructArray
    """One after the other."""
    offsets: Ints
    """Message n of the level above holds those from `offsets[n]` up to `offsets[n + 1]`."""

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def owners(self) -> Ints:
        """For each message which one of the level above holds it."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def below(self, name: str) -> "Level":
        """The messages of a repeated field."""
        lists = self.field(name)
        return Level(lists.flatten(), offsets_of(lists))

    def field(self, path: str) -> pa.Array:
        """A field, or one of a message inside, by its path with dots."""
        found: pa.Array = self.messages
        for name in path.split("."):
            found = found.field(name)
        return found

    def texts(self, path: str) -> pa.Array:
        """A field as text. Raises `SegmentUnreadable`."""
        return utf8(self.field(path))

    def numbers(self, path: str) -> Integers:
        """A field as numbers."""
        numbers: Integers = self.field(path).to_numpy(zero_copy_only=False)
        return numbers

    def items(self, path: str = "attributes") -> Items:
        """A field of attributes. Raises `SegmentUnreadable`."""
        return items(self.field(path))


@dataclass(frozen=True, slots=True)
class Requests:
    """All that a segment holds of spans."""

    frames: Level
    """One message a request: what the collector knows of it, and the request."""
    resources: Level
    scopes: Level
    spans: Level

    @classmethod
    def of(cls, read: pa.Table) -> "Requests":
        """Open what the statement of `otlp.spans_statement` gave."""
        columns = [_array(column) for column in read.columns]
        message = pa.StructArray.from_arrays(columns, read.column_names)
        frames = Level(message, np.array([0, len(message)], dtype=np.int64))
        resources = frames.below("request.resource_spans")
        scopes = resources.below("scope_spans")
        return cls(frames, resources, scopes, scopes.below("spans"))

    @property
    def scope_of_span(self) -> Ints:
        """For each span its scope."""
        return self.spans.owners

    @property
    def resource_of_span(self) -> Ints:
        """For each span its resource."""
        return self.scopes.owners[self.scope_of_span]

    @property
    def frame_of_span(self) -> Ints:
        """For each span its request."""
        return self.resources.owners[self.resource_of_span]


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
