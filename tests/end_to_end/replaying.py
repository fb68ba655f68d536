"""The airline conversations through a real agent loop, which sends to an OTLP endpoint."""

import os
import subprocess
import sys
from pathlib import Path


def replayed(url: str, file: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Replay a file in a process of its own, with these variables besides, until it has ended."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "AUDITSPAN_"))}
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("opentelemetry-instrument")),
            sys.executable, "-m", "auditspan.instrumentation.replay", str(file),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        env={
            **inherited,
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production",
            "OTEL_SERVICE_NAME": "airline-agent",
            "AUDITSPAN_AGENT_ID": "airline-agent",
            "AUDITSPAN_SPOOL_DIR": str(file.parent / "agent-spool"),
            **variables,
        },
    )  # fmt: skip
