"""Which registered tool a record called: the catalogue in force when the record was received.

Identity judges later as of the action's end; what a tool is changes rarely enough for that.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditspan.processors.batch import Batch, Codes
from auditspan.processors.texts import text
from auditspan.registry.history import History
from auditspan.registry.models import Tool


@dataclass(frozen=True, slots=True)
class Calls:
    """The distinct tools of a batch, and which of them each record called."""

    names: list[str]
    """The name called; "" is no call."""
    tools: list[Tool | None]
    """The registered tool of that name, None if there is none."""
    codes: Codes
    """For each record the index into both."""

    def spread(self, values: list[str]) -> pa.Array:
        """One text per distinct tool, for each record."""
        return pa.array(values, pa.string()).take(pa.array(self.codes))

    def mask(self, values: list[bool]) -> npt.NDArray[np.bool_]:
        """One condition per distinct tool, for each record."""
        return np.asarray(values, dtype=np.bool_)[self.codes]


def calls(batch: Batch, history: History) -> Calls:
    """Look up the tool of every record, once per version and name."""
    versions = versions_at(batch, history)
    encoded = text(batch, "ToolName").dictionary_encode()
    names = encoded.dictionary.to_pylist()
    own = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    pairs, codes = np.unique(versions * max(1, len(names)) + own, return_inverse=True)
    found: list[tuple[str, Tool | None]] = []
    for pair in pairs.tolist():
        version, name = divmod(pair, max(1, len(names)))
        tools = history.versions[version].registry.tools if version >= 0 else {}
        found.append((names[name], tools.get(names[name])))
    return Calls([name for name, _ in found], [tool for _, tool in found], codes)


def versions_at(batch: Batch, history: History) -> Codes:
    """For each record the index of the registry in force when it was received, -1 before any."""
    applied = np.asarray(history.applied, dtype=np.int64)
    received = batch.column("ReceivedAt").cast(pa.int64()).to_numpy(zero_copy_only=False)
    found: Codes = np.searchsorted(applied, received, side="right").astype(np.int64) - 1
    return found
