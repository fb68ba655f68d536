"""How long a record is kept: `RetentionClass`, and the day on which it may go.

A registered tool names its class, other records get one by their kind. The class decides the
partition that a record is stored in; the days of each class follow from the configuration
(`retention_days.py`).
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.batch import Batch, mask_of
from auditspan.processors.catalogue import calls
from auditspan.processors.retention_days import DEFAULT, OTHER, RetentionConfig
from auditspan.processors.texts import constant, first_of, mapped, text, where
from auditspan.registry.history import History

__all__ = ["DEFAULT", "OTHER", "RetentionConfig", "expiry", "kept", "retention"]

_DAY = 86_400_000_000_000


def retention(batch: Batch, history: History, config: RetentionConfig | None = None) -> Batch:
    """Give every record its class and its last day."""
    config = config or RetentionConfig()
    called = calls(batch, history)
    named = called.spread([tool.retention_class if tool else "" for tool in called.tools])
    other = mask_of(pc.equal(text(batch, "ActionType"), "other"))
    by_kind = where(other, constant(OTHER, len(batch)), constant(DEFAULT, len(batch)))
    classes = first_of([named, by_kind])
    return kept(batch.with_columns({"RetentionClass": classes}), config)


def kept(batch: Batch, config: RetentionConfig) -> Batch:
    """Give records that have a class their last day."""
    classes = batch.column("RetentionClass")
    return batch.with_columns({"ExpiresOn": expiry(batch.column("ReceivedAt"), classes, config)})


def expiry(received_at: pa.Array, classes: pa.Array, config: RetentionConfig) -> pa.Array:
    """The first day (UTC) before which a record has been kept for all its days."""
    days = mapped(classes, lambda name: str(config.days_of(name)))
    received = received_at.cast(pa.int64()).to_numpy(zero_copy_only=False)
    kept = days.cast(pa.int64()).to_numpy(zero_copy_only=False)
    last = -(-received // _DAY) + kept
    return pa.array(last.astype(np.int32)).cast(pa.date32())
