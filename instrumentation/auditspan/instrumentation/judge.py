"""The guard's policies: asked about an act, and not asked twice about the same.

An answer is kept under all that it can differ by (`depends.py`), and forgotten with the version of
the policies that gave it.
"""

from collections.abc import Callable
from typing import Final

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.depends import Depends, Key, depends
from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.guard import Verdict
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.policies import Loaded, Policies
from auditspan.instrumentation.request import Asker, request
from auditspan.instrumentation.settings import Settings
from auditspan.policy import PolicySet
from auditspan.policy.cache import Cache
from auditspan.policy.operations import OPERATIONS

KEPT: Final = 4096
"""Answers that are kept."""


class Judge:
    """Asks the policies of the registry folder. Threads may share it."""

    def __init__(self, settings: Settings, now_ns: Callable[[], int]) -> None:
        if settings.registry is None:
            raise PoliciesUnusable("no registry: set AUDITSPAN_REGISTRY")
        self._enforces = settings.mode == "enforce"
        self._now_ns = now_ns
        self._policies = Policies(settings.registry)
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
        if answers.loaded is not loaded:
            answers = self._answers = _Answers(loaded)
        at = self._now_ns()
        found = answers.depends(act, loaded.policies)
        key = found.key(act, identity, at)
        kept = answers.kept.get(key) if key is not None else None
        if kept is None:
            kept = self._asked(act, identity, loaded, found, at)
            if key is not None:
                answers.kept.put(key, kept)
        return kept

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
        )


class _Answers:
    """Those of one version of the policies."""

    def __init__(self, loaded: Loaded | None) -> None:
        self.loaded = loaded
        self.kept: Cache[Key, Verdict] = Cache(KEPT)
        self._depends: dict[int, Depends] = {}

    def depends(self, act: Act, policies: PolicySet) -> Depends:
        """What the answer can differ by. Slices are as many as there are names in the registry."""
        assert self.loaded is not None
        tool = act.name if act.operation == "execute_tool" else ""
        slice_ = policies.slice(tool, act.operation)
        found = self._depends.get(id(slice_))
        if found is None:
            found = self._depends[id(slice_)] = depends(slice_, tool, self.loaded.registry)
        return found


def _spoken_of(act: Act) -> bool:
    """Whether the collector judges such an act too: an approval is none, for example."""
    return act.operation in OPERATIONS or (act.operation != "approval" and bool(act.name))
