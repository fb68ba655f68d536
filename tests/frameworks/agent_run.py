"""One run of an agent program: the real framework, a scripted model, a receiver of records."""

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from tests.frameworks.listed import Framework
from tests.frameworks.models.server import scripted
from tests.instrumentation.sink import Received, running_sink

ARGUMENTS = {"booking_id": "b-7"}
REASON = "bookings are never deleted"
CEDAR = f"""
@id("never-delete")
@reason("{REASON}")
forbid (principal, action == Action::"execute_tool", resource == Tool::"delete_booking");

@id("everything-else")
permit (principal, action, resource);
"""
TOOLS = """
name: delete_booking
effect: destructive
---
name: read_booking
effect: read
---
name: break_booking
effect: write
"""
SECONDS = 120


@dataclass(frozen=True)
class Setting:
    """Where and how an agent runs."""

    python: Path
    """Interpreter of the framework's environment."""
    framework: Framework
    variant: str
    folder: Path
    """Empty, for this run."""
    guarded: bool = True
    fail: str = "closed"
    beside: tuple[Path, ...] = ()
    """Folders with further distributions."""

    def within(self, name: str) -> "Setting":
        """The same in a folder below."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        return replace(self, folder=folder)


@dataclass(frozen=True)
class Run:
    """What came of it."""

    code: int
    out: str
    err: str
    ran: tuple[str, ...]
    """Tool bodies that ran."""
    told: tuple[str, ...]
    """What the model received about its calls, as JSON."""
    asked: int
    """Requests to the model."""
    spans: tuple[Received, ...]

    @property
    def records(self) -> list[Received]:
        """Ours of tool calls, without the hop of a call that is recorded already."""
        return [
            span
            for span in self.spans
            if span.scope == "auditspan"
            and span.attributes.get("gen_ai.operation.name") == "execute_tool"
            and not span.attributes.get("audit.call.nested")
        ]

    @property
    def coverage(self) -> list[Received]:
        """What the process said is guarded."""
        return [span for span in self.spans if span.name == "auditspan.coverage"]

    def __str__(self) -> str:
        kept = [(span.name, span.scope, span.attributes) for span in self.spans]
        return (
            f"exit code {self.code}, ran {self.ran}, {self.asked} requests, model told {self.told}"
            f"\nspans: {json.dumps(kept, indent=1)}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"
        )


def run(setting: Setting, tool: str) -> Run:
    """Run the agent while the model asks for a tool."""
    with scripted(tool, ARGUMENTS) as model, running_sink() as sink:
        done = subprocess.run(
            _command(setting),
            env=_environment(setting, model.url, sink.url),
            cwd=setting.folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        trace = setting.folder / "ran"
        return Run(
            code=done.returncode,
            out=done.stdout,
            err=done.stderr,
            ran=tuple(trace.read_text().splitlines()) if trace.exists() else (),
            told=tuple(result.content for result in model.results),
            asked=len(model.turns),
            spans=tuple(sink.spans),
        )


def _command(setting: Setting) -> list[str]:
    program = [str(setting.python), str(setting.framework.program), setting.variant]
    starter = [str(setting.python.parent / "opentelemetry-instrument")]
    return [*(starter if setting.guarded else []), *program]


def _environment(setting: Setting, model_url: str, sink_url: str) -> dict[str, str]:
    """Nothing of the outer environment but what a process needs, and the settings."""
    home = setting.folder / "home"
    home.mkdir()
    return {
        **{key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ},
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join(map(str, setting.beside)),
        "SCRIPTED_MODEL_URL": model_url,
        "BOOKINGS_RAN": str(setting.folder / "ran"),
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink_url,
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
        "AUDITSPAN_SPOOL_DIR": str(setting.folder / "spool"),
        "AUDITSPAN_EXIT_SECONDS": "20",
        "AUDITSPAN_REGISTRY": str(_registry(setting.folder / "registry")),
        "AUDITSPAN_GUARD_MODE": "enforce",
        "AUDITSPAN_FAIL_MODE": setting.fail,
        "AUDITSPAN_REQUIRE_GUARD": "true",
        "AUDITSPAN_FAULTS": "raise",
    }


def _registry(folder: Path) -> Path:
    for name, text in (("tools/t.yaml", TOOLS), ("policies/p.cedar", CEDAR)):
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_text(text)
    return folder
