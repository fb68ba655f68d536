"""How much of a call's content is kept: none, its hash, redacted, or all.

A registered tool says so itself, the configuration for all others and for the messages of models.
It holds for our columns and for the raw attributes that they were filled from.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from auditspan.processors.batch import Batch, Mask, mask_of
from auditspan.processors.catalogue import Calls
from auditspan.processors.data import data_file
from auditspan.processors.events import Events
from auditspan.processors.lists import mapped_field
from auditspan.processors.maps import MapView, Positions, replace_items
from auditspan.processors.texts import constant, first_of, text, where
from auditspan.registry.models import CaptureMode, Tool

REMOVED = "[removed]"


class EventNames(BaseModel):
    """Attributes of events that hold content: name of the event, then the attribute."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    arguments: tuple[tuple[str, str], ...]
    """Arguments, on records of tool calls."""
    results: tuple[tuple[str, str], ...]
    """Results, on records of tool calls."""
    messages: tuple[tuple[str, str], ...]
    """Messages, everywhere else."""


class ContentNames(BaseModel):
    """Attributes that hold content."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    arguments: tuple[str, ...]
    """Arguments, on records of tool calls."""
    results: tuple[str, ...]
    """Results, on records of tool calls."""
    messages: tuple[str, ...]
    """Messages of models; a name that ends in `.` stands for all below it."""
    events: EventNames
    """The same in events."""

    @classmethod
    def standard(cls) -> "ContentNames":
        """Those of the conventions and dialects, from `content.yaml`."""
        return cls.model_validate(data_file("content.yaml"))


@dataclass(frozen=True, slots=True)
class Content:
    """Where content of one kind stands, and how it is to be kept."""

    entries: Positions
    """Entries of `SpanAttributes`."""
    gone: Mask
    """For each of them: is removed."""
    whole: Mask
    """For each of them: is kept with all it holds."""


def tool_content(
    batch: Batch, view: MapView, names: Sequence[str], modes: Sequence[CaptureMode], calls: Calls
) -> Content:
    """Content of tool calls, by a mode per distinct tool."""
    called = mask_of(pc.equal(text(batch, "Operation"), "execute_tool"))
    entries = _entries(view, names)
    entries = entries[called[view.rows[entries]]]
    rows = view.rows[entries]
    gone = calls.mask([mode in ("none", "hash") for mode in modes])[rows]
    return Content(entries, gone, calls.mask([mode == "full" for mode in modes])[rows])


def message_content(
    view: MapView, names: Sequence[str], mode: CaptureMode, taken: Positions
) -> Content:
    """Content of model calls; entries that belong to a tool call are left to it."""
    entries = np.setdiff1d(_entries(view, names), taken)
    shape = len(entries)
    return Content(
        entries, np.full(shape, mode in ("none", "hash")), np.full(shape, mode == "full")
    )


def modes(
    calls: Calls, of: Callable[[Tool], CaptureMode], default: CaptureMode
) -> list[CaptureMode]:
    """The mode per distinct tool."""
    return [of(tool) if tool else default for tool in calls.tools]


def captured(
    batch: Batch,
    name: str,
    hash_name: str,
    modes: Sequence[CaptureMode],
    calls: Calls,
    hashes: pa.Array,
) -> dict[str, pa.Array]:
    """A content column and its hash column, by mode."""
    empty = constant("", len(batch))
    gone = calls.mask([mode in ("none", "hash") for mode in modes])
    forgotten = calls.mask([mode == "none" for mode in modes])
    # A hash that the sender computed stands where it sent no content.
    known = first_of([where(forgotten, empty, hashes), text(batch, hash_name)])
    return {name: where(gone, empty, text(batch, name)), hash_name: known}


def without_event_content(
    batch: Batch, names: EventNames, gone: Mapping[str, Mask], messages: CaptureMode
) -> pa.ListArray:
    """The events without the content that is not kept; `gone` says so per kind and record."""
    column = batch.column("Events")
    events = Events.of(batch)
    view = events.attributes
    if view is None:
        return column
    called = mask_of(pc.equal(text(batch, "Operation"), "execute_tool"))[events.rows]
    drop = {
        "arguments": called & gone["arguments"][events.rows],
        "results": called & gone["results"][events.rows],
        "messages": ~called & (messages in ("none", "hash")),
    }
    places = np.zeros(len(view.items), dtype=np.bool_)
    for kind, dropped in drop.items():
        for event, attribute in getattr(names, kind):
            entries = view.entries(attribute)
            meant = dropped & mask_of(pc.equal(events.names, event))
            places[entries[meant[view.rows[entries]]]] = True
    entries = np.flatnonzero(places)
    if not len(entries):
        return column
    return mapped_field(
        column, "Attributes", lambda array: replace_items(array, entries, removed(len(entries)))
    )


def removed(count: int) -> pa.Array:
    """What stands where content was."""
    return pa.repeat(REMOVED, count)


def _entries(view: MapView, names: Sequence[str]) -> Positions:
    families = tuple(name for name in names if name.endswith("."))
    wanted = [
        code
        for code, key in enumerate(view.keys)
        if key in names or (families and key.startswith(families))
    ]
    return np.flatnonzero(np.isin(view.codes, wanted)) if wanted else np.empty(0, dtype=np.int64)
