"""The guard's policies: asked about an act, and not asked twice about the same.

An answer is kept under all that it can differ by (`depends.py`), and forgotten with the version of
the policies that gave it.
"""

from collections.abc import Callable
from typing import Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.depends import Depends, Key, depends
from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.fetched_policies import FetchedPolicies
from auditspan.instrumentation.guard import STALE, Verdict
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.policies import Loaded, Policies
from auditspan.instrumentation.request import Asker, request
from auditspan.instrumentation.settings import Settings
from auditspan.policy import PolicySet
from auditspan.policy.cache import Cache
from auditspan.policy.operations import OPERATIONS
from auditspan.registry.models import Registry

KEPT: Final = 4096
"""Answers that are kept."""


class Judge:
    """Asks the policies of the registry folder. Threads may share it."""

    def __init__(self, settings: Settings, now_ns: Callable[[], int]) -> None:
        self._policies = policies_of(settings)
        self._closed = settings.closed
        self._enforces = settings.mode == "enforce"
        self._now_ns = now_ns
        self._answers = _Answers(None)
        transport = settings.transport
        self._asker = Asker(
            agent_id=settings.agent_id,
            agent_name=settings.agent_name,
            environment=settings.environment,
            credential=bool(transport.client_certificate)
            or any(key.lower() == "authorization" for key, _ in transport.headers),
        )

    def load(self) -> None:
        """Load the policies now. Raises PoliciesUnusable."""
        self._policies.loaded()

    def judge(self, act: Act, identity: Identity) -> Verdict | None:
        """What the policies say, None if there are none or if they do not speak of this."""
        loaded = self._policies.loaded()
        if loaded.policies is None or not _spoken_of(act):
            return None
        answers = self._answers
        if answers.registry is not loaded.registry:
            answers = self._answers = _Answers(loaded.registry)
        at = self._now_ns()
        stale = loaded.expires_ns is not None and at >= loaded.expires_ns
        if stale and self._closed:
            return _too_old(loaded.policies.version)
        found = answers.depends(act, loaded.policies)
        key = found.key(act, identity, at)
        kept = answers.kept.get(key) if key is not None else None
        if kept is None:
            kept = self._asked(act, identity, loaded, found, at)
            if key is not None:
                answers.kept.put(key, kept)
        return kept._replace(stale=True) if stale else kept

    def _asked(
        self, act: Act, identity: Identity, loaded: Loaded, found: Depends, at: int
    ) -> Verdict:
        assert loaded.policies is not None
        # What no policy looks at is not even read.
        arguments = act.argument_values() if found.arguments else {}
        asked = request(act, identity, self._asker, loaded.registry, at, arguments)
        decision = loaded.policies.decide(asked)
        return Verdict(
            outcome=decision.outcome,
            rules=decision.rule_ids,
            reason=decision.reason,
            version=decision.version,
            blocks=self._enforces and decision.outcome != "allow",
            source=loaded.source,
        )


class _Answers:
    """Those of one version of the policies."""

    def __init__(self, registry: Registry | None) -> None:
        self.registry = registry
        self.kept: Cache[Key, Verdict] = Cache(KEPT)
        self._depends: dict[int, Depends] = {}

    def depends(self, act: Act, policies: PolicySet) -> Depends:
        """What the answer can differ by. Slices are as many as there are names in the registry."""
        assert self.registry is not None
        tool = act.name if act.operation == "execute_tool" else ""
        slice_ = policies.slice(tool, act.operation)
        found = self._depends.get(id(slice_))
        if found is None:
            found = self._depends[id(slice_)] = depends(slice_, tool, self.registry)
        return found


def policies_of(settings: Settings) -> Policies | FetchedPolicies:
    """Where the policies come from. Raises PoliciesUnusable if nothing says so."""
    if settings.registry is not None:
        return Policies(settings.registry, source="override" if settings.policies else "folder")
    if settings.policies is None:
        raise PoliciesUnusable("no policies: set AUDITSPAN_REGISTRY or AUDITSPAN_POLICIES")
    return FetchedPolicies(settings.policies, settings.transport, settings.agent_id)


def _too_old(version: str) -> Verdict:
    """The denial of a guard that fails closed: newer policies may be held back from it."""
    reason = "the policies are out of date and the collector could not be reached for newer ones"
    return Verdict("deny", (STALE,), reason, version, blocks=True, source="collector", stale=True)


def _spoken_of(act: Act) -> bool:
    """Whether the collector judges such an act too: an approval is none, for example."""
    return act.operation in OPERATIONS or (act.operation != "approval" and bool(act.name))
