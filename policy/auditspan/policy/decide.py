"""A decision: Cedar's answer, with what auditspan makes of it.

Precedence, the first that applies:

1. the agent is disabled: deny, rule `agent-disabled`, whatever the policies say;
2. a policy that applies could not be evaluated: deny, rule `evaluation-error` (Cedar would skip a
   `forbid` that fails, and allow);
3. a `forbid` matches: deny;
4. nothing permits: deny, rule `default-deny`;
5. a matching policy is annotated `@outcome("require_approval")`: require_approval;
6. allow.

A review is demanded by the tool, by a matching `@outcome("review")` and by `@review("true")` on a
policy that decides.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cedarpy import _internal as cedar

from auditspan.policy.facts import Values, cedar_entities, cedar_request
from auditspan.policy.rules import AGENT_DISABLED, DEFAULT_DENY, EVALUATION_ERROR, Rule
from auditspan.policy.slice import Handle, Slice

Outcome = Literal["allow", "deny", "require_approval"]

_POLICY = re.compile(r"`policy(\d+)`")
_MAX_ERROR = 300


@dataclass(frozen=True, slots=True)
class Decision:
    """What the policies say about a request."""

    outcome: Outcome
    rule_ids: tuple[str, ...]
    """`@id`s of the policies that decided, sorted; or `default-deny`, `evaluation-error`,
    `agent-disabled`."""
    reason: str
    """One sentence for people."""
    errors: tuple[str, ...]
    """Why policies could not be evaluated; not empty exactly with `evaluation-error`."""
    review_required: bool
    """A person has to look at the action."""
    version: str
    """The policies that were asked: `sha256:…`."""
    obligations: tuple[str, ...] = ()
    """Duties that the deciding policies name."""


def evaluate(slice_: Slice, operation: str, values: Values, arguments: str) -> Decision:
    """Ask Cedar. The version is left empty."""
    request = cedar_request(operation, values, arguments)
    entities = cedar_entities(operation, values)
    policies = slice_.handle.policies
    [text] = cedar.is_authorized_batch([request], policies, entities, None, False)
    answer = json.loads(text)
    diagnostics = answer["diagnostics"]
    errors = [_error(slice_.handle, error) for error in diagnostics["errors"]]
    if answer["decision"] == "NoDecision" and not errors:
        errors.append("cedar gave no decision")
    if errors:
        return failed(errors, slice_.review_required)
    matched = [_rule(slice_.handle, policy) for policy in diagnostics["reason"]]
    return _decided(answer["decision"] == "Allow", matched, slice_.review_required)


def failed(errors: Sequence[str], review_required: bool) -> Decision:
    """The decision when a policy could not be evaluated."""
    reason = "denied because a policy could not be evaluated: " + errors[0]
    return Decision("deny", (EVALUATION_ERROR,), reason, tuple(errors), review_required, "")


def stopped(review_required: bool) -> Decision:
    """The decision on whatever a disabled agent does."""
    reason = "the agent is disabled in the registry"
    return Decision("deny", (AGENT_DISABLED,), reason, (), review_required, "")


def _decided(allowed: bool, matched: Sequence[Rule], review: bool) -> Decision:
    if matched and not allowed:
        return _decision("deny", matched, "forbidden by", review)
    if all(rule.is_duty for rule in matched):
        return Decision("deny", (DEFAULT_DENY,), "no policy permits this", (), review, "")
    reviews = [rule for rule in matched if rule.kind == "forbid_review"]
    approvals = [rule for rule in matched if rule.kind.endswith("_approval")]
    review = review or bool(reviews) or any(rule.review for rule in matched)
    if approvals:
        return _decision("require_approval", [*approvals, *reviews], "approval asked by", review)
    return _decision("allow", matched, "permitted by", review)


def _decision(outcome: Outcome, rules: Sequence[Rule], verb: str, review: bool) -> Decision:
    deciding = sorted(rules, key=lambda rule: rule.id)
    ids = tuple(rule.id for rule in deciding)
    return Decision(
        outcome,
        ids,
        "; ".join(_unique(rule.reason for rule in deciding)) or f"{verb} {', '.join(ids)}",
        (),
        review or any(rule.review for rule in deciding),
        "",
        _unique(rule.obligation for rule in deciding),
    )


def _unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _rule(handle: Handle, policy: str) -> Rule:
    return handle.rules[int(policy.removeprefix("policy"))]


def _error(handle: Handle, message: str) -> str:
    """An error with our rule id in place of Cedar's number."""
    named = _POLICY.sub(lambda match: handle.rules[int(match[1])].id, message)
    return named.removeprefix("error while evaluating policy ")[:_MAX_ERROR]
