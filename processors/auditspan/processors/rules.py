"""Rules of `classification.yaml`: a condition on an attribute or column, tried in order.

The first rule that matches a record decides; all records are tried at once.
"""

from collections.abc import Iterator, Sequence
from typing import Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, model_validator

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Mask, mask_of
from auditspan.processors.texts import nonempty, text


class Condition(BaseModel):
    """What a record must have."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    has: str = ""
    """An attribute."""
    column: str = ""
    """A column instead of an attribute."""
    value: str | None = None
    """What it must be; absent is anything but empty."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.has) == bool(self.column):
            raise ValueError("give either `has` or `column`")
        return self


class Rule(Condition):
    """A condition that may be called off."""

    unless: Condition | None = None
    """Does not hold where this does."""


R = TypeVar("R", bound=Rule)


def values(batch: Batch, attributes: Attributes, rule: Condition) -> pa.Array:
    """What a condition looks at, per record."""
    return attributes.text(rule.has) if rule.has else text(batch, rule.column)


def holds(batch: Batch, attributes: Attributes, rule: Condition) -> Mask:
    """Which records meet a rule."""
    if rule.has and not attributes.known(rule.has):
        return np.zeros(len(batch), dtype=np.bool_)
    found = values(batch, attributes, rule)
    mask = nonempty(found) if rule.value is None else mask_of(pc.equal(found, rule.value))
    unless = rule.unless if isinstance(rule, Rule) else None
    return mask & ~holds(batch, attributes, unless) if unless else mask


def matches(
    batch: Batch, attributes: Attributes, rules: Sequence[R], open_places: Mask
) -> Iterator[tuple[R, Mask]]:
    """Each rule with the records it decides: those that no earlier rule did."""
    left = open_places.copy()
    for rule in rules:
        if not left.any():
            return
        mask = left & holds(batch, attributes, rule)
        if mask.any():
            left &= ~mask
            yield rule, mask
