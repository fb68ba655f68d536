"""What came of an act: `OutcomeStatus` and `ErrorType`.

`denied` is only what was blocked; a failure that the span shows goes before a success that it
claims.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch
from auditspan.processors.data import data_file
from auditspan.processors.events import Events
from auditspan.processors.rules import Rule, matches
from auditspan.processors.texts import constant, first_of, where

UNKNOWN = "unknown"
UNNAMED_ERROR = "_OTHER"
"""What OpenTelemetry calls an error without a type."""


class OutcomeRule(Rule):
    """A condition and the outcome that it shows."""

    outcome: str
    """success, failure, denied, partial, pending."""


class OutcomeConfig(BaseModel):
    """Rules for outcomes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    outcomes: tuple[OutcomeRule, ...]
    """First match."""

    @classmethod
    def standard(cls) -> "OutcomeConfig":
        """The rules that ship."""
        return cls.model_validate({"outcomes": data_file("classification.yaml")["outcomes"]})


def outcomes(batch: Batch, attributes: Attributes, config: OutcomeConfig) -> pa.Array:
    """The outcome per record, `unknown` where nothing tells."""
    result = constant(UNKNOWN, len(batch))
    everything = np.ones(len(batch), dtype=np.bool_)
    for rule, mask in matches(batch, attributes, config.outcomes, everything):
        result = where(mask, constant(rule.outcome, len(batch)), result)
    return result


def error_types(batch: Batch, attributes: Attributes) -> pa.Array:
    """`error.type`, else the exception that an event of the span tells, else `_OTHER` on error."""
    failed = pc.equal(batch.column("StatusCode"), "Error")
    unnamed = pc.if_else(failed, UNNAMED_ERROR, "")
    exceptions = Events.of(batch).text("", "exception.type")
    return first_of([attributes.text("error.type"), exceptions, unnamed])
