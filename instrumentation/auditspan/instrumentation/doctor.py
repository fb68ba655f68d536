"""What an agent would be recorded and guarded with in this environment, without running it."""

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_DISTRO

from auditspan.instrumentation.adapters.installed import states
from auditspan.instrumentation.adapters.program import distributions_of, normal
from auditspan.instrumentation.adapters.registry import ADAPTERS, unguarded
from auditspan.instrumentation.adapters.state import AdapterState
from auditspan.instrumentation.demands import sdk_disabled
from auditspan.instrumentation.errors import InstrumentationError, SettingsInvalid
from auditspan.instrumentation.guard import Guard
from auditspan.instrumentation.settings import Settings, settings

Mark = Literal["ok", "warning", "fault"]
_CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    mark: Mark
    text: str


@dataclass(frozen=True, slots=True)
class FrameworkFound:
    """A framework that is installed here."""

    state: AdapterState
    used_through: str
    """Module by which the program uses it; "" if it does not, or if no program was given."""

    @property
    def mark(self) -> Mark:
        """A framework that is used and would not be guarded is a fault."""
        lacking = self.state.unguarded or self.state.state == "no_adapter"
        if lacking:
            return "fault" if self.used_through else "warning"
        return "warning" if self.state.problem or self.state.state == "disabled" else "ok"


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was looked at."""

    checks: tuple[Check, ...]
    frameworks: tuple[FrameworkFound, ...]

    @property
    def healthy(self) -> bool:
        """Whether nothing is a fault."""
        marks = [check.mark for check in self.checks] + [found.mark for found in self.frameworks]
        return "fault" not in marks


def examine(program: Path | None = None, environ: Mapping[str, str] | None = None) -> Report:
    """Look at this environment, for a program if one is given. Raises ProgramUnreadable."""
    env = os.environ if environ is None else environ
    used = distributions_of(program) if program is not None else {}
    try:
        found = settings(env)
    except SettingsInvalid as error:
        disabled: frozenset[str] = frozenset()
        checks = [Check("settings", "fault", str(error))]
    else:
        disabled = found.disabled_adapters
        checks = [check(found, env) for check in _CHECKS]
    return Report(
        tuple(checks),
        tuple(
            FrameworkFound(state, used.get(normal(state.distribution), ""))
            for state in states(ADAPTERS, unguarded(), disabled)
            if state.state != "absent"
        ),
    )


def _sdk(found: Settings, env: Mapping[str, str]) -> Check:
    if sdk_disabled(env):
        return Check("OpenTelemetry", "fault", "OTEL_SDK_DISABLED is true: nothing is recorded")
    distributions = sorted(point.name for point in entry_points(group="opentelemetry_distro"))
    chosen = env.get(OTEL_PYTHON_DISTRO, "")
    if len(distributions) > 1 and chosen != "auditspan":
        text = f"several distributions are installed ({', '.join(distributions)}): set"
        return Check(
            "OpenTelemetry",
            "warning",
            f"{text} OTEL_PYTHON_DISTRO and OTEL_PYTHON_CONFIGURATOR to auditspan",
        )
    return Check("OpenTelemetry", "ok", "opentelemetry-instrument starts with auditspan")


def _agent(found: Settings, env: Mapping[str, str]) -> Check:
    if not found.agent_id:
        return Check("agent", "warning", "AUDITSPAN_AGENT_ID is not set: records name no agent")
    return Check("agent", "ok", found.agent_id)


def _guard(found: Settings, env: Mapping[str, str]) -> Check:
    how = f"{found.mode}, fail {found.fail}"
    if not found.guarded:
        mark: Mark = "fault" if found.mode == "enforce" else "warning"
        return Check("policies", mark, f"{how}; none: set AUDITSPAN_REGISTRY or AUDITSPAN_POLICIES")
    try:
        Guard(found, lambda: None).check()
    except InstrumentationError as error:
        return Check("policies", "fault", str(error))
    return Check("policies", "ok", f"{how}; they load")


def _spool(found: Settings, env: Mapping[str, str]) -> Check:
    folder = next(path for path in (found.spool, *found.spool.parents) if path.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        text = f"{folder} is no folder that can be written to: nothing can be recorded"
        return Check("spool", "fault", text)
    return Check("spool", "ok", str(found.spool))


def _collector(found: Settings, env: Mapping[str, str]) -> Check:
    endpoint = found.transport.endpoint
    parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), _CONNECT_SECONDS).close()
    except OSError as error:
        text = f"{endpoint} does not answer ({error}): records wait in the spool"
        return Check("collector", "warning", text)
    return Check("collector", "ok", f"{endpoint} answers")


_CHECKS: tuple[Callable[[Settings, Mapping[str, str]], Check], ...] = (
    _sdk,
    _agent,
    _guard,
    _spool,
    _collector,
)
