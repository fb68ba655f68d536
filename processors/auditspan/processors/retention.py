"""How long a record is kept: `RetentionClass`, and the day on which it may go.

A registered tool names its class, other records get one by their kind. The class decides the
partition that a record is stored in; the days of each class stand in the configuration.
"""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from auditspan.processors.batch import Batch, mask_of
from auditspan.processors.catalogue import calls
from auditspan.processors.texts import constant, first_of, mapped, text, where
from auditspan.registry.history import History

DEFAULT = "default"
OTHER = "other"
_DAY = 86_400_000_000_000

Days = Annotated[int, Field(ge=1, le=36_500)]


class RetentionConfig(BaseModel):
    """Days per class."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    days: Days = 400
    """Of every class that is not listed; twelve months and some to spare."""
    classes: Mapping[str, Days] = {OTHER: 30}
    """By class; `other` is what is no act of an agent, such as a request of the web framework."""


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
    days = mapped(classes, lambda name: str(config.classes.get(name, config.days)))
    received = received_at.cast(pa.int64()).to_numpy(zero_copy_only=False)
    kept = days.cast(pa.int64()).to_numpy(zero_copy_only=False)
    last = -(-received // _DAY) + kept
    return pa.array(last.astype(np.int32)).cast(pa.date32())
