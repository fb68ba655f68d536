"""The guard's policies: asked about an act."""

from collections.abc import Callable

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.errors import PoliciesUnusable
from auditspan.instrumentation.guard import Verdict
from auditspan.instrumentation.identity import Identity
from auditspan.instrumentation.policies import Policies
from auditspan.instrumentation.request import Asker, request
from auditspan.instrumentation.settings import Settings
from auditspan.policy.operations import OPERATIONS


class Judge:
    """Asks the policies of the registry folder. Threads may share it."""

    def __init__(self, settings: Settings, now_ns: Callable[[], int]) -> None:
        if settings.registry is None:
            raise PoliciesUnusable("no registry: set AUDITSPAN_REGISTRY")
        self._enforces = settings.mode == "enforce"
        self._now_ns = now_ns
        self._policies = Policies(settings.registry)
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
        asked = request(act, identity, self._asker, loaded.registry, self._now_ns())
        decision = loaded.policies.decide(asked)
        return Verdict(
            outcome=decision.outcome,
            rules=decision.rule_ids,
            reason=decision.reason,
            version=decision.version,
            blocks=self._enforces and decision.outcome != "allow",
        )


def _spoken_of(act: Act) -> bool:
    """Whether the collector judges such an act too: an approval is none, for example."""
    return act.operation in OPERATIONS or (act.operation != "approval" and bool(act.name))
