"""Where policies come from that the collector signs, and whose they must be."""

from dataclasses import dataclass
from pathlib import Path

from auditspan.instrumentation import environment_variables as names
from auditspan.instrumentation.environment import Environment
from auditspan.instrumentation.errors import SettingsInvalid
from auditspan.instrumentation.transport import Transport


@dataclass(frozen=True, slots=True)
class PolicySource:
    """Policies that the collector signs for this agent."""

    url: str
    """Where they are fetched."""
    keys: Path
    """File with the public keys that may have signed them: the collector's `statement.jwks.json`.
    """
    deployment: str
    """Whose they must be: domain and deployment of the collector's configuration."""
    folder: Path
    """Keeps the last ones and their number, beside the spool."""


def policy_source_of(
    env: Environment, transport: Transport, agent_id: str, spool: Path
) -> PolicySource | None:
    """What the environment says, None if nothing. Raises SettingsInvalid."""
    text = env.text(names.AUDITSPAN_POLICIES)
    if not text:
        return None
    own = transport.identities.removesuffix("/v1/identities")
    url = (own and f"{own}/v1/policies") if text == "collector" else text
    if not url.startswith(("http://", "https://")):
        raise SettingsInvalid(
            f"{names.AUDITSPAN_POLICIES} is {text!r}, expected `collector` with an OTLP endpoint "
            "that tells the collector's HTTP port, or a URL such as "
            "https://collector:4318/v1/policies"
        )
    keys = env.path(names.AUDITSPAN_POLICIES_KEYS)
    if keys is None or not agent_id:
        missing = names.AUDITSPAN_POLICIES_KEYS if keys is None else names.AUDITSPAN_AGENT_ID
        raise SettingsInvalid(f"{names.AUDITSPAN_POLICIES} is set, and {missing} is not: set both")
    deployment = env.text(names.AUDITSPAN_POLICIES_DEPLOYMENT) or "local/auditspan/default"
    return PolicySource(url, keys, deployment, spool.with_name(f"{spool.name}-policies"))
