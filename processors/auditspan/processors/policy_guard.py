"""A guard's decision, judged again under the policy version that the guard had.

A guard runs in the agent's process, so what it says is a claim. Found is that it says something
else than its policies do, or names policies that never were (`bypass`), and that its policies were
not in force any more (`stale`). Where the record lacks the arguments that the guard looked at,
nothing can be compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.policy.rules import AGENT_DISABLED
from auditspan.policy.slice import UNRECORDED
from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Codes, Mask, mask_of
from auditspan.processors.policy_inputs import Inputs, Source
from auditspan.processors.policy_judge import MOST, Judged, judge
from auditspan.processors.policy_sets import PolicySets
from auditspan.processors.texts import nonempty
from auditspan.registry.history import History

_NEVER = -1


@dataclass(frozen=True, slots=True)
class Guard:
    """What guards said, one value per record."""

    outcome: pa.Array
    version: pa.Array
    enforcement: pa.Array
    decided: Mask
    stale: Mask
    """It said that its policies were past their end."""
    overridden: Mask
    """It had a folder of its own in place of the collector's policies."""

    @property
    def too_old(self) -> Mask:
        """Where it denied because of that, and not because of a policy."""
        return self.stale & mask_of(pc.equal(self.outcome, "deny"))

    @classmethod
    def of(cls, attributes: Attributes) -> Self:
        """Read the guard's attributes."""
        outcome = attributes.text("audit.guard.outcome")
        return cls(
            outcome=outcome,
            version=attributes.text("audit.guard.policy.version"),
            enforcement=attributes.text("audit.guard.enforcement"),
            decided=nonempty(outcome),
            stale=mask_of(pc.equal(attributes.text("audit.guard.policy.stale"), "true")),
            overridden=mask_of(pc.equal(attributes.text("audit.guard.policy.source"), "override")),
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """What judging again showed."""

    bypass: Mask
    stale: Mask


def compared(
    inputs: Inputs,
    history: History,
    sets: PolicySets,
    versions: Codes,
    judged: Judged,
    guard: Guard,
    most: int = MOST,
) -> Compared:
    """Compare what guards decided with what their policies say."""
    nobody = np.zeros(len(versions), dtype=np.bool_)
    evaluated = judged.mask(lambda _: True)
    if not (guard.decided & evaluated).any():
        return Compared(nobody, nobody)
    own, stale = _own_versions(history, versions, Source.of(guard.version))
    other = guard.decided & evaluated & (own != _NEVER) & (own != versions)
    again = judge(inputs, history, sets, own, other, most)
    differs = np.where(other, _differs(again, guard), _differs(judged, guard) | (own == _NEVER))
    differs &= ~guard.too_old
    return Compared(guard.decided & evaluated & differs, guard.decided & evaluated & stale)


def _differs(judged: Judged, guard: Guard) -> Mask:
    """Where the policies say something else than the guard did."""
    outcome = judged.texts(lambda decision: decision.outcome)
    # An order to stop may not have reached the guard; that it acts is `agent.disabled`.
    comparable = judged.mask(
        lambda d: UNRECORDED not in d.errors and AGENT_DISABLED not in d.rule_ids
    )
    return mask_of(pc.not_equal(outcome, guard.outcome)) & comparable


def _own_versions(history: History, versions: Codes, named: Source) -> tuple[Codes, Mask]:
    """The registry version that each guard had, and whether another was in force."""
    policies = [version.registry.policy_version for version in history.versions]
    width = max(1, len(named.values))
    pairs, codes = np.unique((versions + 1) * width + named.codes, return_inverse=True)
    found = []
    for pair in pairs.tolist():
        in_force, name = divmod(pair, width)
        found.append(_own_version(policies, in_force - 1, named.values[name]))
    own = np.asarray([index for index, _ in found], dtype=np.int64)[codes]
    return own, np.asarray([stale for _, stale in found], dtype=np.bool_)[codes]


def _own_version(policies: Sequence[str], in_force: int, named: str) -> tuple[int, bool]:
    """The version in force if it has these policies, else the last before it, else the next."""
    if in_force >= 0 and policies[in_force] == named:
        return in_force, False
    having = [index for index, policy in enumerate(policies) if policy and policy == named]
    before = [index for index in having if index < in_force]
    if before:
        return before[-1], True
    return (having[0], False) if having else (_NEVER, False)
