"""Runs what a user of auditspan runs: the collector, the command line, the agents."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tokens import AUDIENCE, CLIENT, ISSUER, private

HERE = Path(__file__).parent
REGISTRY = HERE / "registry"
_BIN = Path(sys.executable).parent
WHY = ("--requested-by", "dana.fields@lumen.example", "--ticket", "SEC-100", "--reason", "demo")
_CONFIG = """\
# Written by the demo. Free ports of this machine; docs/configuration.md has every key.
receivers:
  otlp:
    grpc: {{endpoint: "127.0.0.1:0"}}
    http: {{endpoint: "127.0.0.1:0"}}
    authentication:
      # Senders on this machine without a key are heard, but nobody believes who they say they are.
      anonymous_loopback: true
    identities:
      issuers:
        - issuer: {issuer}
          audiences: [{audience}]
          clients: [{client}]
          jwks_file: {jwks}
service:
  api: {{endpoint: "127.0.0.1:0"}}
  query: {{endpoint: "127.0.0.1:0"}}
  integrity:
    anchors:
      # A folder outside of the data; a real one is another machine's.
      files: [{{name: notes, folder: {notes}, cadence_seconds: 1}}]
  log_level: warning
"""


class Failed(Exception):
    """A part of the demo did not do what it must."""


@dataclass(frozen=True)
class Agent:
    """How one agent is run."""

    id: str
    module: str
    user: str
    variables: Mapping[str, str]
    registered: bool = True
    program: tuple[str, ...] = ()
    """What is run instead of a module."""


@dataclass(frozen=True)
class Collector:
    """A running collector, and the folder that everything of the demo lies in."""

    work: Path
    addresses: Mapping[str, str]

    @property
    def data(self) -> Path:
        """Its data folder."""
        return self.work / "data"

    def command(self, *arguments: str) -> str:
        """Run `auditspan …`; what it wrote. Raises Failed."""
        return _run([str(_BIN / "auditspan"), *arguments, "--data", str(self.data)], "auditspan")

    def apply(self) -> None:
        """Put the demo's registry in force."""
        self.command("apply", str(REGISTRY), *WHY)

    def key(self, agent: Agent) -> str:
        """A new API key of an agent; it also lies in a file that only its owner may read."""
        key = self.command("keys", "issue", agent.id, *WHY, "--expires-in", "1h").strip()
        private(self.work / f"{agent.id}.key", key)
        return key

    def run(self, agent: Agent, model: str, token: Path) -> str:
        """Run an agent to its end under `opentelemetry-instrument`; its words. Raises Failed."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "AUDITSPAN_"))}
        resource = {
            "deployment.environment.name": "production",
            "service.version": "2026.3",
            "service.instance.id": f"{agent.id}-1",
            "cloud.region": "eu-north-1",
        }
        environment = {
            **clean,
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.addresses["http"],
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_RESOURCE_ATTRIBUTES": ",".join(f"{k}={v}" for k, v in resource.items()),
            "OTEL_SERVICE_NAME": agent.id,
            "AUDITSPAN_AGENT_ID": agent.id,
            "AUDITSPAN_SPOOL_DIR": str(self.work / f"{agent.id}.spool"),
            "OPENAI_BASE_URL": model,
            "OPENAI_API_KEY": "scripted",
            "LUMEN_USER_TOKEN_FILE": str(token),
            "LUMEN_HANDOVER_FILE": str(self.work / "handover.json"),
            **agent.variables,
        }
        if agent.registered:
            environment["OTEL_EXPORTER_OTLP_HEADERS"] = f"authorization=Bearer {self.key(agent)}"
        program = agent.program or ("-m", agent.module)
        instrument = [str(_BIN / "opentelemetry-instrument"), sys.executable, *program]
        folder = Path(program[0]).parent if agent.program else HERE
        return _run(instrument, agent.id, environment, folder)


@contextmanager
def collector(work: Path, jwks: Path) -> Iterator[Collector]:
    """Start `auditspan up` on free ports, and stop it at the end. Raises Failed."""
    config = work / "collector.yaml"
    notes = work / "notes"
    notes.mkdir()
    paths = {"jwks": json.dumps(str(jwks)), "notes": json.dumps(str(notes))}
    config.write_text(_CONFIG.format(issuer=ISSUER, audience=AUDIENCE, client=CLIENT, **paths))
    log = work / "collector.log"
    command = [str(_BIN / "auditspan"), "up", "--config", str(config), "--data", str(work / "data")]
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, cwd=work)  # noqa: S603
    try:
        yield Collector(work, _addresses(work / "data" / "front.json", process, log))
        process.send_signal(signal.SIGTERM)
        if process.wait(30) != 0:
            raise Failed(f"the collector ended with exit code {process.returncode}:\n{_tail(log)}")
    except BaseException as error:
        if isinstance(error, Failed) and str(log) not in str(error):
            raise Failed(f"{error}\nthe collector's log, {log}:\n{_tail(log)}") from error
        raise
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_for(done: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Ask until it is so. Raises Failed."""
    until = time.monotonic() + seconds
    while not done():
        if time.monotonic() > until:
            raise Failed(f"{what}: not so after {seconds:.0f} s")
        time.sleep(0.1)


def _addresses(file: Path, process: "subprocess.Popen[bytes]", log: Path) -> dict[str, str]:
    found: dict[str, str] = {}

    def ready() -> bool:
        if process.poll() is not None:
            raise Failed(f"the collector ended at once:\n{_tail(log)}")
        try:
            found.update(json.loads(file.read_text()))
            with urllib.request.urlopen(f"{found['api']}/readyz", timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (FileNotFoundError, ValueError, urllib.error.URLError):
            return False

    wait_for(ready, "the collector is ready", 40.0)
    return found


def _run(
    command: list[str],
    who: str,
    environment: Mapping[str, str] | None = None,
    folder: Path = HERE,
) -> str:
    done = subprocess.run(  # noqa: S603
        command,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        env=environment,
        check=False,
    )
    if done.returncode != 0:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
        raise Failed(f"{who} ended with exit code {done.returncode}:\n{words}")
    return done.stdout


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) or "(empty)"
