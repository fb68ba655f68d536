"""Fourth stage: what the policies in force say about each record, and whether a guard said so too.

A record is judged as of its `Moment`, under the registry version of that time. Judged are the
operations of `auditspan.policy.operations` and whatever names a tool; approvals, handshakes and
foreign spans are `not_evaluated`, as is everything while no policy is in force. An answer that
comes after the fact blocks nothing: its enforcement is `monitor`, and a deny is `policy.violation`
unless the action was stopped. A guard's decision stays beside ours and is judged again under the
version that the guard had.
"""

import json
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from auditspan.policy import Decision
from auditspan.policy.operations import OPERATIONS
from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Codes, Mask, mask_of
from auditspan.processors.policy_guard import Guard, compared
from auditspan.processors.policy_inputs import Inputs, moments
from auditspan.processors.policy_judge import MOST, Judged, judge
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.texts import constant, nonempty, null_unless, text, where
from auditspan.registry.history import History
from auditspan.registry.models import Registry

NOT_EVALUATED = "not_evaluated"
ANY = "*"


class PolicyConfig(BaseModel):
    """What the stage expects of guards."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    enforced_agents: tuple[str, ...] = ()
    """Agents whose tool calls a guard must have decided; `*` is every agent. A tool call of theirs
    without a guard's decision is the finding `policy.unguarded`."""
    max_inputs: int = Field(default=MOST, ge=1)
    """Different questions that the records of one batch may ask of the policies; records beyond are
    `not_evaluated` with the finding `policy.too_many`. The default is the size of a batch."""


def policy(
    batch: Batch, history: History, sets: PolicySets, config: PolicyConfig | None = None
) -> Batch:
    """Judge the records. Columns, derived values and findings: see the module."""
    inputs = Inputs(batch)
    attributes = Attributes.of(batch)
    applied = np.asarray(history.applied, dtype=np.int64)
    versions = np.searchsorted(applied, moments(batch), side="right").astype(np.int64) - 1
    config = config or PolicyConfig()
    judged = judge(inputs, history, sets, versions, _asked(inputs), config.max_inputs)
    guard = Guard.of(attributes)
    again = compared(inputs, history, sets, versions, judged, guard, config.max_inputs)
    batch = _attached(batch, judged, guard, _registered(inputs, history, versions, _REVIEWED))
    approved = _approved(attributes) | _registered(inputs, history, versions, _CONSENTED)
    batch = _findings(batch, judged, approved)
    batch = batch.flag("policy.bypass", again.bypass)
    batch = batch.flag("policy.stale", again.stale | guard.stale)
    batch = batch.flag("policy.override", guard.overridden)
    # Another library's span of a call that the guard decided is no call of its own.
    within = attributes.has("audit.call.span.id")
    unguarded = _expected(inputs, config) & ~guard.decided & ~within
    batch = batch.flag("policy.too_many", judged.beyond)
    batch = batch.flag("guard.missing", attributes.has("audit.coverage.unguarded_frameworks"))
    return batch.flag("policy.unguarded", unguarded)


def _asked(inputs: Inputs) -> Mask:
    """Which records policies speak about."""
    known = _among(inputs, "Operation", lambda name: name in OPERATIONS)
    called = _among(inputs, "ToolName", bool)
    return known | (called & _among(inputs, "ActionType", lambda name: name != "approval"))


def _attached(batch: Batch, judged: Judged, guard: Guard, reviewed: Mask) -> Batch:
    size = len(batch)
    evaluated = judged.mask(lambda _: True)
    monitor = where(evaluated, constant("monitor", size), constant("", size))
    point = where(guard.decided, constant("guard", size), constant("collector", size))
    review = reviewed | judged.mask(lambda decision: decision.review_required)
    return batch.with_columns(
        {
            "PolicyOutcome": judged.texts(lambda d: d.outcome, NOT_EVALUATED),
            "PolicyRuleIds": judged.lists(lambda d: d.rule_ids),
            "PolicyVersion": judged.texts(lambda d: d.version),
            "PolicyReason": judged.texts(lambda d: d.reason),
            "Enforcement": where(nonempty(guard.enforcement), guard.enforcement, monitor),
        }
    ).with_derived(
        {
            "audit.policy.decision_point": null_unless(evaluated | guard.decided, point),
            "audit.policy.violations": _listed(
                judged, lambda d: d.rule_ids if d.outcome == "deny" else ()
            ),
            "audit.policy.obligations": _listed(judged, lambda d: d.obligations),
            "audit.review.required": null_unless(review, constant("true", size)),
        }
    )


def _findings(batch: Batch, judged: Judged, approved: Mask) -> Batch:
    status = text(batch, "OutcomeStatus")
    stopped = mask_of(pc.equal(status, "denied"))
    waiting = mask_of(pc.equal(status, "pending"))
    asks = judged.mask(lambda decision: decision.outcome == "require_approval")
    return (
        batch.flag("policy.violation", judged.mask(lambda d: d.outcome == "deny") & ~stopped)
        .flag("policy.evaluation_error", judged.mask(lambda d: bool(d.errors)))
        .flag("approval.missing", asks & ~stopped & ~waiting & ~approved)
    )


def _approved(attributes: Attributes) -> Mask:
    """Which records name somebody who approved them: a claim, and kept as one."""
    status = attributes.text("audit.approval.status")
    return mask_of(pc.equal(status, "approved")) & attributes.has("audit.approval.approver.id")


def _expected(inputs: Inputs, config: PolicyConfig) -> Mask:
    """Which records a guard should have decided."""
    agents = frozenset(config.enforced_agents)
    guarded = _among(inputs, "AgentId", lambda id_: ANY in agents or id_ in agents)
    return guarded & _among(inputs, "ActionType", lambda name: name == "tool.call")


def _tool_reviewed(registry: Registry, name: str) -> bool:
    tool = registry.tools.get(name)
    return tool is not None and tool.review_required


def _grant_approved(registry: Registry, id_: str) -> bool:
    return any(grant.id == id_ and grant.approvals for grant in registry.grants)


Test = tuple[str, Callable[[Registry, str], bool]]
_REVIEWED: Test = ("ToolName", _tool_reviewed)
_CONSENTED: Test = ("GrantId", _grant_approved)


def _registered(inputs: Inputs, history: History, versions: Codes, test: Test) -> Mask:
    """What the registry in force says about a name, once per version and name."""
    column, holds = test
    source = inputs.source(column)
    width = max(1, len(source.values))
    pairs, codes = np.unique((versions + 1) * width + source.codes, return_inverse=True)
    said = []
    for pair in pairs.tolist():
        version, name = divmod(pair, width)
        registry = history.versions[version - 1].registry if version else None
        said.append(registry is not None and holds(registry, source.values[name]))
    return np.asarray(said, dtype=np.bool_)[codes]


def _among(inputs: Inputs, column: str, test: Callable[[str], bool]) -> Mask:
    """A condition on the values of a column, once per distinct value."""
    source = inputs.source(column)
    return np.asarray([test(value) for value in source.values], dtype=np.bool_)[source.codes]


def _listed(judged: Judged, get: Callable[[Decision], tuple[str, ...]]) -> pa.Array:
    """A list as JSON text, null where it is empty."""

    def spelled(decision: Decision) -> str:
        items = get(decision)
        return json.dumps(items, separators=(",", ":"), ensure_ascii=False) if items else ""

    texts = judged.texts(spelled)
    return null_unless(nonempty(texts), texts)
