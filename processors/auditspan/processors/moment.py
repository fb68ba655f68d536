"""As of when a record is judged: identity, grants and policy hold as they did at that moment.

It is the action's end, if the record came soon enough after it, or if nothing is missing from its
sender's numbering (an outage, after which a spool is sent late). Otherwise it is the time of
receipt, with the finding `late`: a sender must not choose the day on which it is judged. An end
in the future is `clock.skew` and counts as the time of receipt too.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Mask, mask_of
from auditspan.processors.combine import Coded, combine
from auditspan.processors.principals import Senders
from auditspan.processors.sequences import Progress, SequenceState, judge

Nanoseconds = npt.NDArray[np.int64]

_SECOND = 1_000_000_000
_LAST = np.iinfo(np.int64).max


class MomentConfig(BaseModel):
    """How far the time that a sender states is believed."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    lateness_seconds: int = Field(default=120, ge=0)
    """How long after its end a record may come without further proof."""
    unbroken_seconds: int = Field(default=7 * 86_400, ge=0)
    """How long after, if its sender's numbering has no gap up to it."""
    skew_seconds: int = Field(default=60, ge=0)
    """How far ahead of ours a sender's clock may be."""


def moment(
    batch: Batch, config: MomentConfig, sequences: SequenceState
) -> tuple[Batch, SequenceState]:
    """Set the column `Moment`, and say how far the senders' numbering has come."""
    received = _nanoseconds(batch, "ReceivedAt")
    end, overflows = _end(batch)
    age = np.where(overflows, 0, received - np.minimum(end, received))
    skewed = overflows | (end > received + config.skew_seconds * _SECOND)
    numbering = _numbering(batch, sequences)
    believed = (age <= config.lateness_seconds * _SECOND) | (
        numbering.unbroken & (age <= config.unbroken_seconds * _SECOND)
    )
    judged = np.where(believed & ~skewed, end, received)
    batch = batch.with_columns({"Moment": pa.array(judged).cast(pa.timestamp("ns", tz="UTC"))})
    batch = batch.flag("clock.skew", skewed).flag("late", ~believed & ~skewed)
    return batch.flag("sequence.gap", numbering.gap), numbering.state


def moments(batch: Batch) -> Nanoseconds:
    """The moments in Unix nanoseconds; the time of receipt if the stage was left out."""
    known = batch.table.schema.get_field_index("Moment") >= 0
    return _nanoseconds(batch, "Moment" if known else "ReceivedAt")


def _nanoseconds(batch: Batch, name: str) -> Nanoseconds:
    numbers = batch.column(name).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, dtype=np.int64)


def _end(batch: Batch) -> tuple[Nanoseconds, Mask]:
    """When the actions ended, and where that is beyond what a time can be."""
    # Before 1970 nothing of ours happened, and differences would overflow.
    start = np.maximum(_nanoseconds(batch, "Timestamp"), 0)
    duration = batch.column("Duration").to_numpy(zero_copy_only=False).astype(np.uint64)
    overflows = duration > (_LAST - start).astype(np.uint64)
    fitting = np.where(overflows, np.uint64(0), duration).astype(np.int64)
    return start + fitting, overflows


@dataclass(frozen=True, slots=True)
class _Numbering:
    """What the senders' numbers say."""

    gap: Mask
    unbroken: Mask
    state: SequenceState


def _numbering(batch: Batch, sequences: SequenceState) -> _Numbering:
    gap = np.zeros(len(batch), dtype=np.bool_)
    unbroken = np.zeros(len(batch), dtype=np.bool_)
    attributes = Attributes.of(batch)
    rows, numbers = _numbers(attributes)
    if not len(rows):
        return _Numbering(gap, unbroken, sequences)
    closed = mask_of(pc.equal(attributes.text("audit.sequence.mark"), "close"))[rows]
    received = _nanoseconds(batch, "ReceivedAt")[rows]
    keys, groups = _instances(batch, attributes, rows)
    changes: dict[str, Progress] = {}
    for key, members in zip(keys, groups, strict=True):
        before = sequences.instances.get(key, Progress(0))
        now = int(received[members].max())
        judged = judge(before, numbers[members], closed[members], now)
        gap[rows[members]] = judged.gap
        unbroken[rows[members]] = judged.unbroken
        changes[key] = judged.progress
    return _Numbering(gap, unbroken, sequences.updated(changes))


def _numbers(attributes: Attributes) -> tuple[Nanoseconds, Nanoseconds]:
    """The records that have a number and name their instance, and their numbers."""
    text = attributes.text("audit.sequence.number")
    # At most 18 digits: what is longer is no number of ours and would not fit.
    numbered = mask_of(pc.match_substring_regex(text, r"^[1-9]\d{0,17}$"))
    rows = np.flatnonzero(numbered & attributes.has("audit.agent.instance.id"))
    numbers = text.take(pa.array(rows)).cast(pa.int64()).to_numpy(zero_copy_only=False)
    return rows, np.asarray(numbers, dtype=np.int64)


def _instances(
    batch: Batch, attributes: Attributes, rows: Nanoseconds
) -> tuple[list[str], list[Nanoseconds]]:
    """Key and members of each instance. Part of the key is who sent it, so that nobody can break
    or mend the numbering of another."""
    senders = Senders.of(batch).coded.mapped(lambda principal: principal.id)
    principals = Coded(senders.values, senders.codes[rows])
    instances = Coded.of(attributes.text("audit.agent.instance.id").take(pa.array(rows)))
    distinct = combine(principals, instances)
    order = np.argsort(distinct.codes, kind="stable")
    ends = np.cumsum(np.bincount(distinct.codes, minlength=len(distinct.rows)))[:-1]
    return [f"{principal}\n{name}" for principal, name in distinct.rows], np.split(order, ends)
