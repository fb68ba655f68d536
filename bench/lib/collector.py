"""A real `auditspan up` for benchmarks: the airline's registry in force, an agent with a key."""

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import yaml
from pydantic import JsonValue

from bench.lib.idle import settled
from bench.lib.processes import family
from bench.lib.results import ROOT
from tests.end_to_end.running import COMMAND, Collector, running, spooled

WHY = ("--requested-by", "ops@example.com", "--ticket", "CHG-1", "--reason", "bench")
_STAGE = re.compile(r'auditspan_stage_cpu_seconds_total\{stage="(\w+)"\} (\S+)')


@dataclass(frozen=True, slots=True)
class Bench:
    """A running collector and how to send to it."""

    collector: Collector
    key: str
    pids: Mapping[str, int]

    @property
    def grpc(self) -> str:
        """Where it takes OTLP/gRPC."""
        return self.collector.addresses["grpc"]

    def stages(self) -> dict[str, float]:
        """CPU seconds of the engine by stage, as the collector counts them itself."""
        text = httpx.get(f"{self.collector.addresses['api']}/metrics", timeout=30).text
        return {name: float(value) for name, value in _STAGE.findall(text)}

    def drained(self, seconds: float = 300.0) -> float:
        """Wait until all is stored and signed, which is when the spool is empty."""
        spool, began = self.collector.data / "spool", time.monotonic()
        while _holds(spool):
            if time.monotonic() - began > seconds:
                raise AssertionError(f"the spool is not empty after {seconds:g} s")
            time.sleep(0.02)
        return time.monotonic() - began

    def settled(self) -> None:
        """Wait until merges have ended: the engine is quiet."""
        settled(self.pids)


@contextmanager
def bench(
    data: Path,
    config: Mapping[str, JsonValue],
    *,
    registry: bool = True,
    policies: bool = True,
    cores: str = "",
) -> Iterator[Bench]:
    """Start one; `config` is laid over the ports that are free. `cores` as `taskset -c` has it."""
    text = yaml.safe_dump(over(yaml.safe_load(spooled()), config))
    command = (*(("taskset", "-c", cores) if cores else ()), *COMMAND)
    with running(data, text, command=command) as found:
        plain = Collector(found.data, found.process, found.addresses)
        key = _key(plain, policies=policies) if registry else ""
        yield Bench(plain, key, family(found.process.pid))


def over(base: Mapping[str, JsonValue], more: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Sections of `more` laid over those of `base`."""
    merged = dict(base)
    for key, value in more.items():
        old = merged.get(key)
        both = isinstance(old, dict) and isinstance(value, dict)
        merged[key] = over(old, value) if both else value  # type: ignore[arg-type]
    return merged


def _key(collector: Collector, *, policies: bool) -> str:
    source = ROOT / "examples" / "airline" / "registry"
    if not policies:
        copy = collector.data.parent / "registry"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("policies", "examples"))
        source = copy
    collector.auditspan("apply", str(source), *WHY)
    return collector.auditspan("keys", "issue", "airline-agent", *WHY).stdout.strip()


def _holds(spool: Path) -> bool:
    """Whether there is anything in the spool; what is just being renamed or removed counts."""
    try:
        return any(
            path.stat().st_size
            for path in spool.iterdir()
            if ".seg" in path.name or path.suffix == ".open"
        )
    except FileNotFoundError:
        return True
