"""What the environment says, all of it checked: ours stands in `AUDITSPAN_…`.

`transport.py` reads how the collector is reached, `policy_source.py` where policies come from.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from auditspan.instrumentation import environment_variables as names
from auditspan.instrumentation.environment import Environment
from auditspan.instrumentation.errors import SettingsInvalid
from auditspan.instrumentation.policy_source import PolicySource, policy_source_of
from auditspan.instrumentation.transport import Transport, transport_of

Mode = Literal["observe", "enforce"]
FailMode = Literal["open", "closed"]
Content = Literal["arguments", "results", "calls", "messages"]
CONTENTS: tuple[Content, ...] = ("arguments", "results", "calls", "messages")
_DEFAULT_CAPTURE = "arguments,results,calls"
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment sets, checked."""

    transport: Transport
    agent_id: str
    """Identifier of the agent in the registry."""
    agent_name: str
    """What people call it."""
    environment: str
    """`deployment.environment.name` of the resource."""
    spool: Path
    """Folder that keeps spans until the collector has them."""
    spool_max_bytes: int
    """Most that the folder may hold."""
    fsync: bool
    """Whether each span is forced to disk: it survives a power cut then, not only a kill."""
    registry: Path | None
    """Folder with tools and policies; it goes before those of the collector, and records say so."""
    policies: PolicySource | None
    """Where the collector's policies come from; without these and a folder nothing is guarded."""
    mode: Mode
    """`observe` writes down what the policies say, `enforce` holds calls to it."""
    fail: FailMode
    """What holds when no decision or no record can be made: `open` goes on, `closed` denies."""
    disabled_adapters: frozenset[str]
    """Frameworks whose tool calls are left unguarded on purpose."""
    require_guard: bool
    """Whether nothing may start while tool calls of an installed framework would pass unguarded."""
    capture: frozenset[Content]
    """Content that is put on spans."""
    capture_max_bytes: int
    """Longest text of one value."""
    hash_key: Path | None
    """File with the key of argument and result hashes; without it the collector computes them."""
    pending_seconds: float
    """After how long a call that has not ended is recorded as pending."""
    exit_seconds: float
    """How long the end of the process may wait for the collector."""

    @property
    def guarded(self) -> bool:
        """Whether there are policies to ask."""
        return self.registry is not None or self.policies is not None

    @property
    def closed(self) -> bool:
        """Whether a fault denies."""
        return self.mode == "enforce" and self.fail == "closed"


def settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the environment. Raises SettingsInvalid."""
    env = Environment(os.environ if environ is None else environ)
    mode: Mode = env.word(names.AUDITSPAN_GUARD_MODE, ("observe", "enforce"), "observe")
    resource = _pairs(env.text("OTEL_RESOURCE_ATTRIBUTES"))
    transport = transport_of(env)
    agent_id = env.text(names.AUDITSPAN_AGENT_ID) or resource.get("gen_ai.agent.id", "")
    spool = env.path(names.AUDITSPAN_SPOOL_DIR) or _state_folder(env) / "auditspan" / "spool"
    return Settings(
        transport=transport,
        agent_id=agent_id,
        agent_name=env.text(names.AUDITSPAN_AGENT_NAME) or resource.get("gen_ai.agent.name", ""),
        environment=resource.get("deployment.environment.name", ""),
        spool=spool,
        spool_max_bytes=env.whole(names.AUDITSPAN_SPOOL_MAX_BYTES, 256 * _MIB),
        fsync=env.truth(names.AUDITSPAN_SPOOL_FSYNC),
        registry=env.path(names.AUDITSPAN_REGISTRY),
        policies=policy_source_of(env, transport, agent_id, spool),
        mode=mode,
        fail=env.word(
            names.AUDITSPAN_FAIL_MODE, ("open", "closed"), "closed" if mode == "enforce" else "open"
        ),
        disabled_adapters=env.words(names.AUDITSPAN_DISABLED_ADAPTERS),
        require_guard=env.truth(names.AUDITSPAN_REQUIRE_GUARD),
        capture=_capture(env),
        capture_max_bytes=env.whole(names.AUDITSPAN_CAPTURE_MAX_BYTES, 128 * 1024),
        hash_key=env.path(names.AUDITSPAN_HASH_KEY_FILE),
        pending_seconds=env.seconds(names.AUDITSPAN_PENDING_SECONDS, 900.0),
        exit_seconds=env.seconds(names.AUDITSPAN_EXIT_SECONDS, 5.0),
    )


def _capture(env: Environment) -> frozenset[Content]:
    text = env.text(names.AUDITSPAN_CAPTURE).lower() or _DEFAULT_CAPTURE
    words = {word.strip() for word in text.split(",")}
    if words == {"none"}:
        return frozenset()
    if unknown := sorted(words - set(CONTENTS)):
        raise SettingsInvalid(
            f"{names.AUDITSPAN_CAPTURE} has {unknown[0]!r}, expected none or some of "
            f"{', '.join(CONTENTS)}"
        )
    return frozenset(content for content in CONTENTS if content in words)


def _state_folder(env: Environment) -> Path:
    return env.path("XDG_STATE_HOME") or Path("~/.local/state").expanduser()


def _pairs(text: str) -> dict[str, str]:
    """`OTEL_RESOURCE_ATTRIBUTES`, as far as we look at it."""
    pairs = (pair.partition("=") for pair in text.split(","))
    return {key.strip(): value.strip() for key, _, value in pairs}
