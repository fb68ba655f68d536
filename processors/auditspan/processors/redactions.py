"""What was taken out of each record: how often, and from which fields."""

import json
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditspan.processors.batch import Mask

Numbers = npt.NDArray[np.int64]


@dataclass(slots=True)
class Redactions:
    """Collects places while a batch is looked through."""

    length: int
    """Number of records."""
    _fields: list[str] = field(default_factory=list)
    _rows: list[Numbers] = field(default_factory=list)
    _codes: list[Numbers] = field(default_factory=list)
    _counts: list[Numbers] = field(default_factory=list)

    def add(self, fields: list[str], codes: Numbers, rows: Numbers, counts: Numbers) -> None:
        """Note counts at some rows, each in the field that its code names."""
        if not len(rows):
            return
        self._codes.append(codes + len(self._fields))
        self._fields.extend(fields)
        self._rows.append(rows.astype(np.int64))
        self._counts.append(counts)

    def counts(self) -> Numbers:
        """How many secrets each record had."""
        total = np.zeros(self.length, dtype=np.int64)
        for rows, counts in zip(self._rows, self._counts, strict=True):
            np.add.at(total, rows, counts)
        return total

    def derived(self) -> dict[str, pa.Array]:
        """The attributes that say so, null on records without any."""
        if not self._rows:
            return {}
        counts = self.counts()
        return {
            "audit.content.redaction.count": pa.array(counts, mask=counts == 0).cast(pa.string()),
            "audit.content.redaction.fields": self._names(),
        }

    def mask(self) -> Mask:
        """The records that had any."""
        found: Mask = self.counts() > 0
        return found

    def _names(self) -> pa.Array:
        """A JSON list of field names per record; rows without a redaction are never visited."""
        pairs = np.unique(
            np.stack([np.concatenate(self._rows), np.concatenate(self._codes)]), axis=1
        )
        rows, starts = np.unique(pairs[0], return_index=True)
        lists: dict[bytes, int] = {}
        texts: list[str] = []
        chosen = np.zeros(self.length, dtype=np.int64)
        for row, codes in zip(rows.tolist(), np.split(pairs[1], starts[1:]), strict=True):
            key = codes.tobytes()
            if key not in lists:
                lists[key] = len(texts)
                names = sorted({self._fields[code] for code in codes.tolist()})
                texts.append(json.dumps(names, ensure_ascii=False, separators=(",", ":")))
            chosen[row] = lists[key]
        absent = np.ones(self.length, dtype=np.bool_)
        absent[rows] = False
        return pa.array(texts, pa.string()).take(pa.array(chosen, mask=absent))
