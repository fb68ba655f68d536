"""What control records mean in rows of the tables beside `audit_records`: one deriver a topic.

A deriver is a function of the frames alone, so that a batch processed again after a crash gives the
same rows. Two derivers never write to one table: a batch goes into a table once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import pyarrow as pa

from auditspan.collector.control import (
    access_tables,
    erasure_tables,
    expiry_tables,
    recertification_tables,
    registry_tables,
    review_tables,
)
from auditspan.collector.control.derive import Frame

Deriver = Callable[[Iterable[Frame], str], Mapping[str, pa.Table]]
"""Rows by table, of the frames of a batch and its id; a table without rows is left out."""

DERIVERS: Final[tuple[Deriver, ...]] = (
    registry_tables.tables,
    access_tables.tables,
    review_tables.tables,
    recertification_tables.tables,
    erasure_tables.tables,
    expiry_tables.tables,
)


def tables(frames: Sequence[Frame], batch_id: str) -> Iterator[tuple[str, pa.Table]]:
    """The rows of all derivers."""
    for derive in DERIVERS:
        yield from derive(frames, batch_id).items()
