"""Severity by rules."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from auditspan.processors.batch import Batch
from auditspan.processors.severity import REASONS, SeverityConfig, SeverityRule, severity
from auditspan.semconv.findings import FINDINGS
from tests.processors.samples import spans, with_texts


def rated(batch: Batch, config: SeverityConfig | None = None) -> list[tuple[int, list[str]]]:
    """Score and reasons per record."""
    result = severity(batch, config)
    reasons = [json.loads(text or "[]") for text in result.derived[REASONS].to_pylist()]
    return list(zip(result.column("Severity").to_pylist(), reasons, strict=True))


def record(*findings: str, **columns: str) -> Batch:
    """One record."""
    batch = with_texts(spans({}), **columns)
    for finding in findings:
        batch = batch.flag(finding, np.array([True]))
    return batch


@pytest.mark.parametrize(
    ("batch", "score"),
    [
        (record(Effect="read", OutcomeStatus="success", Environment="production"), 1),
        (record(Effect="", ActionType="model.call"), 1),
        (record(Effect="write", Environment="staging"), 3),
        (record(Effect="write", Environment="production"), 4),
        (record(Effect="destructive", Environment="production"), 6),
        (record(Effect="unknown", ActionType="tool.call"), 3),
        (record(Effect="unknown", ActionType="other"), 1),
        (record(Effect="destructive", OutcomeStatus="denied", PolicyOutcome="deny"), 7),
        (record("policy.violation", Effect="write", PolicyOutcome="deny"), 7),
        (record("policy.violation", Effect="destructive", PolicyOutcome="deny"), 9),
        (record("identity.mismatch", "content.secret", Effect="read"), 8),
        (record("effect.unknown", "late"), 1),
    ],
)
def test_the_rules_that_ship(batch: Batch, score: int) -> None:
    """Reading is harmless, destroying is not, and what nobody allowed is serious."""
    assert rated(batch)[0][0] == score


def test_reasons_are_the_names_of_the_rules_that_held() -> None:
    """In the order of the file; a record without any has none."""
    batch = with_texts(spans({}, {}), Effect=["write", "read"], Environment="production")
    batch = batch.flag("claim.rejected", np.array([True, False]))
    assert rated(batch) == [
        (5, ["effect.write", "environment.production", "claim.rejected"]),
        (1, []),
    ]


def test_the_risk_tier_that_identity_attached_counts() -> None:
    """It has no column; null is no tier."""
    batch = with_texts(spans({}, {}), Effect="write")
    batch = batch.with_derived({"audit.agent.risk_tier": pa.array(["critical", None])})
    assert [score for score, _ in rated(batch)] == [5, 3]


@pytest.mark.parametrize(
    ("rules", "score"),
    [
        ([{"add": 9}, {"add": 9}], 10),
        ([{"add": -5}], 1),
        ([{"add": 2}, {"at_least": 7}], 7),
        ([{"at_least": 7}, {"at_most": 3}], 3),
    ],
)
def test_sum_floor_and_ceiling(rules: list[dict[str, int]], score: int) -> None:
    """Sums start at 1 and stay on the scale; floors lift, ceilings press."""
    named = [{"name": str(n), "when": {"Effect": ["write"]}, **r} for n, r in enumerate(rules)]
    config = SeverityConfig.model_validate({"rules": named})
    assert rated(record(Effect="write"), config)[0][0] == score


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "x", "when": {"finding": ["no.such.finding"]}, "add": 1},
        {"name": "x", "when": {"Effect": ["write"]}},
        {"name": "x", "when": {}, "add": 1},
        {"name": "x", "when": {"Effect": ["write"]}, "add": 1, "typo": 1},
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, object]) -> None:
    """A finding that does not exist, or a rule without effect, is a mistake."""
    with pytest.raises(ValidationError):
        SeverityRule.model_validate(rule)


def test_names_of_rules_are_unique() -> None:
    """A reason points to one rule."""
    names = [rule.name for rule in SeverityConfig().rules]
    assert len(names) == len(set(names))


def test_every_finding_is_weighed_or_known_not_to_matter() -> None:
    """A new finding needs a decision."""
    harmless = {"late", "tool.unregistered", "effect.unknown", "content.redacted"}
    # Of control records, which are rated where they are made.
    of_controls = {"change.self_approved", "change.bootstrap", "recertification.overdue"}
    of_controls |= {"anchor.missed", "forward.dropped"}
    assert set(FINDINGS) == set(SeverityConfig().findings) | harmless | of_controls


def test_an_empty_batch() -> None:
    """No record, no rating."""
    assert rated(Batch.of(record().table.slice(0, 0))) == []
