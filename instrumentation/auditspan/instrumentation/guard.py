"""Ask the policies before an act, and hold it to their answer if the mode is `enforce`.

In the process of the agent this is cooperative: it stops an agent that was told to do wrong, not a
program that was written to. A question that cannot be asked is answered by the fail mode.
"""

import time
from collections.abc import Callable
from typing import Literal, NamedTuple

from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.errors import PolicyDenied, SpoolFull
from auditspan.instrumentation.host import warn
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.settings import Settings
from auditspan.semconv import attributes as names

UNAVAILABLE = "guard-unavailable"
UNRECORDABLE = "record-unavailable"
UNRESOLVED = "identity-unresolved"
STALE = "policy-stale"
Source = Literal["folder", "override", "collector"]
"""A folder alone, a folder though there are policies of the collector, or those."""
Outcome = Literal["allow", "deny", "require_approval"]


class Verdict(NamedTuple):
    """What is to happen with an act. A tuple, since it is looked up by with each call."""

    outcome: Outcome
    rules: tuple[str, ...]
    reason: str
    version: str
    """The policies that were asked, "" if none were."""
    blocks: bool
    """Whether the act must not happen."""
    source: Source = "folder"
    """Where the policies were from."""
    stale: bool = False
    """Whether they had come to their end."""
    approval: str = ""
    """The id under which an approval is asked for."""

    def attributes(self, mode: str) -> dict[str, AttributeValue]:
        """What is written on the act's span."""
        monitored = "allow" if self.outcome == "allow" else "monitor"
        found: dict[str, AttributeValue] = {
            names.AUDIT_GUARD_OUTCOME: self.outcome,
            names.AUDIT_GUARD_ENFORCEMENT: "block" if self.blocks else monitored,
            names.AUDIT_GUARD_MODE: mode,
        }
        if self.rules:
            found[names.AUDIT_GUARD_RULE_IDS] = self.rules
        if self.reason:
            found[names.AUDIT_GUARD_REASON] = self.reason
        if self.version:
            found[names.AUDIT_GUARD_POLICY_VERSION] = self.version
        if self.source != "folder":
            found[names.AUDIT_GUARD_POLICY_SOURCE] = self.source
        if self.stale:
            found[names.AUDIT_GUARD_POLICY_STALE] = True
        if self.approval:
            found[names.AUDIT_APPROVAL_ID] = self.approval
            found[names.AUDIT_APPROVAL_STATUS] = "requested"
        return found

    def denial(self, act: Act) -> PolicyDenied:
        """The exception for the host."""
        needed = self.outcome == "require_approval"
        name = act.name or act.operation
        return PolicyDenied(name, self.rules, self.reason, needed, self.approval)


class Guard:
    """The guard of a process. Threads may share it."""

    def __init__(
        self,
        settings: Settings,
        check_record: Callable[[], None],
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """`check_record` raises SpoolFull if what happens now would not be recorded."""
        self._settings = settings
        self._check_record = check_record
        self._now_ns = now_ns
        self._judge: Callable[[Act, Identity], Verdict | None] = lambda act, identity: None
        self._load: Callable[[], object] = lambda: None
        self._approval_id: Callable[[Act, Identity], str] = lambda act, identity: ""
        if settings.guarded:
            # Policies bring Cedar and the models of the registry, which nobody else needs.
            from auditspan.instrumentation.approvals import Approvals
            from auditspan.instrumentation.judge import Judge

            judge = Judge(settings, now_ns)
            self._approval_id = Approvals(settings.hash_key, settings.agent_id).id_of
            self._judge, self._load = judge.judge, judge.load

    def check(self) -> None:
        """Load the policies. Raises PoliciesUnusable if they cannot be asked."""
        self._load()

    def judge(self, act: Act, identity: Identity) -> Verdict | None:
        """What is to happen; None if there is nothing to ask. Raises nothing."""
        try:
            proof = identity.proof
            if self._settings.closed and proof is not None and not proof.statement:
                return denied(UNRESOLVED, f"the user could not be verified: {proof.error}")
            verdict = self._judge(act, identity)
            if self._settings.closed and (verdict is None or act.operation != "execute_tool"):
                # Of a tool call that was judged, it is seen when its intent is written.
                self._check_record()
            if verdict is not None and verdict.outcome == "require_approval":
                return verdict._replace(approval=self._approval_id(act, identity))
            return verdict
        except SpoolFull as error:
            warn("guard", "auditspan: %s", error)
            return denied(UNRECORDABLE, "it could not be recorded")
        except Exception as error:
            warn("guard", "auditspan: the guard failed: %s: %s", type(error).__name__, error)
            return self._unasked()

    def unreadable(self, fault: Exception) -> Verdict | None:
        """What is to happen with a call that an adapter could not read. Raises nothing."""
        warn("adapter", "auditspan: a call cannot be read: %s: %s", type(fault).__name__, fault)
        return self._unasked()

    def _unasked(self) -> Verdict | None:
        """By the fail mode."""
        if self._settings.closed:
            return denied(UNAVAILABLE, "the policies could not be asked")
        return None


def denied(rule: str, reason: str) -> Verdict:
    """A denial that no policy made. What is wrong here is in the log: a model reads the reason."""
    return Verdict("deny", (rule,), reason, "", blocks=True)
