"""Whether logs are still the ones that others keep, and how far these keep them: 4 of `run.py`.

What is wrong is collected, and does not keep the other anchors from being looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditspan.integrity.errors import ProofInvalid
from auditspan.reports.verification.anchors import AnchorReceipt, receipts_of
from auditspan.reports.verification.asking import Ask
from auditspan.reports.verification.inputs import Inputs
from auditspan.reports.verification.report import Problem, Weight
from auditspan.reports.verification.root_notes import countersigned
from auditspan.reports.verification.stored_tree import StoredTree
from auditspan.reports.verification.trust import Trust


@dataclass(slots=True)
class AnchoredLogs:
    """The logs as far as others keep them."""

    ask: Ask
    trees: Mapping[str, StoredTree]
    problems: list[Problem]
    receipts: list[AnchorReceipt] = field(default_factory=list)
    """Anchors that fit."""
    sizes: dict[str, int] = field(default_factory=dict)
    """How far others keep them."""

    @classmethod
    def checked(
        cls, ask: Ask, given: Inputs, trust: Trust, trees: Mapping[str, StoredTree]
    ) -> "AnchoredLogs":
        """By all anchors that are given."""
        receipts, problems = receipts_of(given.anchors, trust)
        logs = cls(ask, trees, problems)
        for receipt in (*receipts, *given.receipts):
            if logs._fits(receipt):
                logs.receipts.append(receipt)
                known = max(receipt.size, logs.sizes.get(receipt.origin, 0))
                logs.sizes[receipt.origin] = known
        for origin in trust.roots:
            logs._covered(origin, logs.sizes.get(origin, 0))
        return logs

    def _fits(self, receipt: AnchorReceipt) -> bool:
        """Whether the log is still the one that was anchored."""
        tree = self.trees.get(receipt.origin)
        size = tree.size if tree else 0
        if tree is None or receipt.size > size:
            says = f"{receipt.size} entries were anchored, and {size} are here: its end was cut off"
            self._problem("anchor.truncated", says, receipt.origin, size)
            return False
        try:
            same = tree.root(receipt.size) == receipt.root
        except ProofInvalid:
            same = False
        if not same:
            says = f"another tree of {receipt.size} entries was anchored: the log was made anew"
            self._problem("anchor.conflict", says, receipt.origin)
        return same

    def _covered(self, root: str, size: int) -> None:
        """How far logs are anchored by a root log that has their checkpoints."""
        for _, at, _ in countersigned(self.ask, root, size, self.problems):
            self.sizes[at.origin] = max(at.size, self.sizes.get(at.origin, 0))

    def _problem(self, kind: str, says: str, log: str, index: int | None = None) -> None:
        self.problems.append(Problem(kind, Weight.INVALID, says, log, index))
