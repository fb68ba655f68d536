"""How serious each record is: `Severity` from 1 to 10, and why.

The rules are data with names (`severity.yaml`); the names of those that held are stored. They are
evaluated once per distinct combination of what they look at.
"""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Self

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.processors.batch import Batch
from auditspan.processors.data import data_file
from auditspan.processors.texts import constant, filled, text
from auditspan.semconv.findings import FINDINGS

REASONS = "audit.severity.reasons"
_FINDING = "finding"
_DERIVED = {"risk_tier": "audit.agent.risk_tier"}
"""Names in rules that are no column but an attribute the collector attached."""


class SeverityRule(BaseModel):
    """What makes a record more or less serious."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str
    """Stored as a reason."""
    when: Mapping[str, tuple[str, ...]] = Field(min_length=1)
    """Columns, `finding` or `risk_tier`, and the values that they may have."""
    add: int = Field(default=0, ge=-9, le=9)
    """Is summed up."""
    at_least: int = Field(default=0, ge=0, le=10)
    """Floor under the sum."""
    at_most: int = Field(default=10, ge=1, le=10)
    """Ceiling over everything."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for finding in self.when.get(_FINDING, ()):
            if finding not in FINDINGS:
                raise ValueError(f"finding {finding} is not one of {', '.join(FINDINGS)}")
        if not self.add and not self.at_least and self.at_most == 10:
            raise ValueError(f"rule {self.name} changes nothing: give add, at_least or at_most")
        return self

    def holds(self, values: Mapping[str, str], findings: frozenset[str]) -> bool:
        """Whether a record with these values is meant."""
        return all(
            not findings.isdisjoint(accepted) if name == _FINDING else values[name] in accepted
            for name, accepted in self.when.items()
        )


class SeverityConfig(BaseModel):
    """The rules of the stage."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rules: tuple[SeverityRule, ...] = Field(
        default_factory=lambda: data_file("severity.yaml")["rules"], validate_default=True
    )
    """All that hold count."""

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What the rules look at besides findings."""
        names = {name for rule in self.rules for name in rule.when if name != _FINDING}
        return tuple(sorted(names))

    @cached_property
    def findings(self) -> tuple[str, ...]:
        """The findings that the rules look at."""
        return tuple(sorted({f for rule in self.rules for f in rule.when.get(_FINDING, ())}))


def severity(batch: Batch, config: SeverityConfig | None = None) -> Batch:
    """Rate every record, and say why."""
    config = config or SeverityConfig()
    distinct = _looked_at(batch, config).distinct(*config.columns, _FINDING)
    rated = [
        rate(config, dict(zip(config.columns, row, strict=False)), _names(config, row[-1]))
        for row in distinct.rows
    ]
    reasons = [json.dumps(names, separators=(",", ":")) if names else None for _, names in rated]
    return batch.with_columns(
        {"Severity": distinct.join([score for score, _ in rated], pa.uint8())}
    ).with_derived({REASONS: distinct.join(reasons, pa.string())})


def rate(
    config: SeverityConfig, values: Mapping[str, str], findings: frozenset[str]
) -> tuple[int, list[str]]:
    """The score of one combination, and the rules that made it."""
    held = [rule for rule in config.rules if rule.holds(values, findings)]
    score = max([1 + sum(rule.add for rule in held), 1, *(rule.at_least for rule in held)])
    return min([score, 10, *(rule.at_most for rule in held)]), [rule.name for rule in held]


def _looked_at(batch: Batch, config: SeverityConfig) -> Batch:
    """A batch of the columns that the rules name, and one with those findings that they name."""
    columns = {name: _values(batch, name) for name in config.columns}
    bits = sum(1 << FINDINGS.index(name) for name in config.findings)
    columns[_FINDING] = pa.array(batch.findings & np.uint64(bits))
    return Batch.of(pa.table(columns))


def _values(batch: Batch, name: str) -> pa.Array:
    if name not in _DERIVED:
        return text(batch, name)
    array = batch.derived.get(_DERIVED[name])
    return constant("", len(batch)) if array is None else filled(array)


def _names(config: SeverityConfig, bits: int) -> frozenset[str]:
    return frozenset(name for name in config.findings if bits >> FINDINGS.index(name) & 1)
