"""One collector with the airline's registry in force for all questions about the replay."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.replaying import replayed
from tests.end_to_end.running import Collector, running

ROOT = Path(__file__).parents[2]
AIRLINE = ROOT / "tests" / "vectors" / "airline" / "conversations.jsonl.gz"


@dataclass(frozen=True)
class Replay:
    """All 200 airline conversations, replayed through a real agent into a collector."""

    collector: Collector
    conversations: list[dict[str, Any]]
    queryable_after: float
    """Seconds from the agent's end, which follows the last acknowledgement, to the last record."""


@pytest.fixture(scope="session")
def replay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replay]:
    """Replay once for all tests that ask about it."""
    folder = tmp_path_factory.mktemp("replay")
    text = gzip.decompress(AIRLINE.read_bytes()).decode()
    file = folder / "conversations.jsonl"
    file.write_text(text)
    with running(folder / "data") as collector:
        collector.auditspan(
            "apply", str(ROOT / "examples" / "airline" / "registry"),
            "--requested-by", "ops@example.com", "--ticket", "CHG-1", "--reason", "replay",
        )  # fmt: skip
        _replay(collector, file)
        took = collector.wait_for(
            "SELECT count() FROM audit_records WHERE RecordKind = 'action'", 3_818
        )
        yield Replay(collector, [json.loads(line) for line in text.splitlines()], took)


def _replay(collector: Collector, file: Path) -> None:
    key = collector.auditspan(
        "keys", "issue", "airline-agent",
        "--requested-by", "ops@example.com", "--ticket", "CHG-1", "--reason", "replay",
    ).stdout.strip()  # fmt: skip
    headers = f"authorization=Bearer {key}"
    url = collector.addresses["http"]
    done = replayed(url, file, OTEL_EXPORTER_OTLP_HEADERS=headers)
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
