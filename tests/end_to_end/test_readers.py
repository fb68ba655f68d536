"""ClickHouse clients that we did not write read from a real collector (`readers/`).

Only by `make readers`, which sets `AUDITSPAN_READERS`: they are fetched from their registries.
"""

import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Replay

pytestmark = [
    pytest.mark.readers,
    pytest.mark.timeout(900),
    pytest.mark.skipif("AUDITSPAN_READERS" not in os.environ, reason="only by make readers"),
]
FOLDER = Path(__file__).with_name("readers")
UNKNOWN_IDENTIFIER, READONLY = 47, 164


@dataclass(frozen=True, slots=True)
class Reader:
    """How a client is fetched, and how it is called."""

    folder: str
    fetch: Sequence[Sequence[str]]
    call: Sequence[str]


READERS = (
    Reader(
        "go",
        [["go", "mod", "tidy"], ["go", "build", "-o", "reader", "."]],
        ["./reader"],
    ),
    Reader(
        "java",
        [
            ["mvn", "-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath"],
            ["sh", "-c", 'javac -cp "$(cat classpath)" Main.java'],
        ],
        ["sh", "-c", 'exec java -cp ".:$(cat classpath)" Main "$@"', "java"],
    ),
    Reader(
        "javascript",
        [["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]],
        ["node", "main.mjs"],
    ),
)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.folder)
def test_a_client_reads_what_is_there(reader: Reader, replay: Replay, tmp_path: Path) -> None:
    """Tables, all columns of all tool calls, bound values, and errors by their numbers."""
    said = _said(reader, replay, tmp_path / reader.folder)
    tools = Counter(
        call["function"]["name"]
        for conversation in replay.conversations
        for message in conversation["messages"]
        for call in message.get("tool_calls") or []
    )
    assert (said["rows"], said["tools"]) == (tools.total(), tools)
    assert said["bound"] == {"think": tools["think"]}
    assert {"audit", "audit_chain", "otel_traces", "agents"} <= set(said["tables"])
    assert said["columns"] == said.get("described", said["columns"]) > 200
    assert (said["unknown"], said["write"]) == (UNKNOWN_IDENTIFIER, READONLY)


def _said(reader: Reader, replay: Replay, folder: Path) -> dict[str, Any]:
    shutil.copytree(FOLDER / reader.folder, folder)
    for command in reader.fetch:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not on this machine")
        _run(command, folder)
    address = replay.collector.addresses["query"].removeprefix("http://")
    answer: dict[str, Any] = json.loads(
        _run([*reader.call, address, replay.collector.token], folder)
    )
    return answer


def _run(command: Sequence[str], folder: Path) -> str:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout
