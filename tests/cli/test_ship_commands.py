"""`auditspan ship`, as a user runs it on a folder that agents left."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.instrumentation.agents import BIN, command, environment, script
from tests.instrumentation.sink import Sink, running_sink

AGENT = """
    import os, signal, time
    from auditspan.instrumentation import tool

    @tool
    def refund(order):
        return "done"

    for n in range(3):
        refund(n)
    print("recorded", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver on free ports."""
    with running_sink() as found:
        yield found


def start(folder: Path) -> "subprocess.Popen[str]":
    """An agent that has recorded three calls and can reach nobody."""
    environ = environment(folder / "spool", "http://127.0.0.1:9", {})
    process = subprocess.Popen(
        command(script(folder, AGENT)), env=environ, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "recorded\n"
    return process


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def ship(url: str, spool: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it with nothing in the environment but this."""
    return subprocess.run(
        [sys.executable, str(BIN / "auditspan"), "ship", "--spool", str(spool), *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_the_dead_left_is_sent_and_what_lives_stays(tmp_path: Path, sink: Sink) -> None:
    """Once; a second time there is nothing to do."""
    folders = [tmp_path / "dead", tmp_path / "living"]
    for folder in folders:
        folder.mkdir()
        (folder / "spool").symlink_to(tmp_path / "spool")
    (tmp_path / "spool").mkdir()
    dead, living = (start(folder) for folder in folders)
    kill(dead)
    try:
        found = json.loads(ship(sink.url, tmp_path / "spool", "--format", "json").stdout)
        assert (found["segments"], found["waiting"], found["problem"]) == (1, 0, "")
        assert found["living"] > 0
        assert [span.name for span in sink.spans] == ["execute_tool refund"] * 3
        again = ship(sink.url, tmp_path / "spool")
        assert (again.returncode, again.stdout.splitlines()[0]) == (0, "0 segments sent, 0 bytes")
        assert "belong to processes that live" in again.stdout
    finally:
        kill(living)
    assert len(sink.requests) == 1


def test_what_has_to_wait_is_told(tmp_path: Path) -> None:
    """Exit code 3 while nobody listens, 1 if it is refused for good; nothing is lost."""
    kill(start(tmp_path))
    nobody = ship("http://127.0.0.1:9", tmp_path / "spool", "--seconds", "1")
    assert nobody.returncode == 3
    assert "bytes wait: Connection refused" in nobody.stdout
    with running_sink() as sink:
        sink.answers.append((400, {}))
        refused = ship(sink.url, tmp_path / "spool")
    assert refused.returncode == 1
    [kept] = (tmp_path / "spool").glob("*/*.bad")
    assert str(kept) in refused.stdout


@pytest.mark.parametrize("kind", ["missing", "file"])
def test_there_must_be_a_spool(tmp_path: Path, kind: str) -> None:
    """A slip in a path is no success."""
    path = tmp_path / "spool"
    if kind == "file":
        path.write_text("")
    done = ship("http://127.0.0.1:9", path)
    assert (done.returncode, "there is no spool" in done.stderr) == (2, True)
