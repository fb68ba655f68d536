"""Servers that fork their workers: gunicorn and celery, as users start them.

Each worker has a spool and numbers of its own; nothing is lost or told twice, also if one is
killed.
"""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.instrumentation.agents import BIN, environment, run
from tests.instrumentation.sink import Received, Sink

NUMBER, INSTANCE, MARK = (
    "audit.sequence.number",
    "audit.agent.instance.id",
    "audit.sequence.mark",
)
CLOSING = "auditspan.close"

APP = """
    import os, signal, time
    from auditspan.instrumentation import tool

    @tool
    def act(n):
        return os.getpid()

    act(0)

    def app(environ, start_response):
        n = environ["PATH_INFO"].strip("/")
        pid = act(int(n))
        if environ["QUERY_STRING"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(pid).encode()]
"""


@contextmanager
def server(
    folder: Path, url: str, *arguments: str, pass_fds: tuple[int, ...] = ()
) -> Iterator[int]:
    """A server under `opentelemetry-instrument` that ends in order; gives its process id."""
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [str(BIN / "opentelemetry-instrument"), sys.executable, "-m", *arguments],
        cwd=folder,
        env=environment(folder / "spool", url, {"PYTHONPATH": str(folder), "HOME": str(folder)}),
        stdout=log,
        stderr=subprocess.STDOUT,
        pass_fds=pass_fds,
    )
    try:
        yield process.pid
        process.send_signal(signal.SIGTERM)
        code = process.wait(40)
        assert code == 0, (folder / "log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        log.close()


def wait_until(condition: Callable[[], bool], folder: Path) -> None:
    """Wait for another process."""
    end = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < end, (folder / "log").read_text()
        time.sleep(0.05)


def ask(port: int, path: str) -> str:
    """What the server answers; "" if its worker died."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, ConnectionError, OSError):
        return ""


def ship(folder: Path, sink: Sink) -> None:
    """What a killed worker left is sent by another one, or by the next process on the spool."""
    done = run(folder, sink.url, "from auditspan.instrumentation import tool\ntool(lambda: 0)()")
    assert done.returncode == 0, done.stderr


def acts(sink: Sink) -> dict[str, list[Received]]:
    """The calls by what they were called with."""
    found = defaultdict(list)
    for span in sink.named("execute_tool act"):
        found[span.text("gen_ai.tool.call.arguments")].append(span)
    return found


def check_numbers(sink: Sink) -> dict[str, str]:
    """Each process is one instance that misses no number; gives the process of each instance."""
    numbers, processes = defaultdict(list), defaultdict(set)
    for span in sink.spans:
        numbers[span.text(INSTANCE)].append(span.attributes[NUMBER])
        if span.name == "execute_tool act":
            processes[span.text(INSTANCE)].add(span.text("gen_ai.tool.call.result"))
    for found in numbers.values():
        assert sorted(map(int, map(str, found))) == list(range(1, len(found) + 1))
    pids = {instance: found.pop() for instance, found in processes.items() if len(found) == 1}
    assert len(pids) == len(processes) == len(set(pids.values()))
    return pids


@pytest.mark.parametrize(("kind", "preload"), [("sync", True), ("gthread", False)])
def test_workers_of_gunicorn(tmp_path: Path, sink: Sink, kind: str, preload: bool) -> None:
    """Every request is in the records once, also those of a worker that was killed."""
    (tmp_path / "wsgi.py").write_text(textwrap.dedent(APP))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port, descriptor = listening.getsockname()[1], listening.fileno()
        arguments = ["gunicorn", "-w", "2", "-k", kind, "-b", f"fd://{descriptor}", "wsgi:app"]
        arguments += ["--threads", "3"] if kind == "gthread" else []
        arguments += ["--preload"] if preload else []
        with server(tmp_path, sink.url, *arguments, pass_fds=(descriptor,)) as master:
            with ThreadPoolExecutor(4) as pool:
                first = list(pool.map(lambda n: ask(port, f"/{n}"), range(1, 41)))
            assert ask(port, "/41?kill") == ""
            with ThreadPoolExecutor(4) as pool:
                second = list(pool.map(lambda n: ask(port, f"/{n}"), range(42, 62)))
    assert all(first), (tmp_path / "log").read_text()
    assert all(second), (tmp_path / "log").read_text()
    ship(tmp_path, sink)
    found = acts(sink)
    at_import = found.pop('{"n":0}')
    assert {key: len(spans) for key, spans in found.items()} == {
        f'{{"n":{n}}}': 1 for n in range(1, 62)
    }
    pids = check_numbers(sink)
    served = set(first) | set(second)
    assert served <= set(pids.values())
    assert str(master) not in served
    killed = set(pids) - {span.text(INSTANCE) for span in sink.named(CLOSING)}
    assert len(killed) == 1
    if preload:
        assert [span.text("gen_ai.tool.call.result") for span in at_import] == [str(master)]
    else:
        assert len(at_import) == 3  # two workers, and the one that came for the killed one
    assert list((tmp_path / "spool").iterdir()) == []


TASKS = """
    import os, signal
    from celery import Celery
    from auditspan.instrumentation import tool

    app = Celery("tasks", broker="filesystem://")
    app.conf.broker_transport_options = {
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control",
        "store_processed": False,
    }
    app.conf.worker_prefetch_multiplier = 1
    app.conf.broker_connection_retry_on_startup = True

    @tool
    def act(n):
        return os.getpid()

    @app.task
    def work(n, kill=False):
        act(n)
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
"""

SEND = """
    import sys
    from tasks import work

    for n in range(int(sys.argv[1]), int(sys.argv[2])):
        work.delay(n, sys.argv[3] == "kill")
"""


def send(folder: Path, first: int, last: int, kill: bool = False) -> None:
    """Have celery do something."""
    (folder / "send.py").write_text(textwrap.dedent(SEND))
    said = "kill" if kill else "work"
    subprocess.run(
        [sys.executable, "send.py", str(first), str(last), said],
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"},
        check=True,
        timeout=60,
    )


def test_workers_of_celery(tmp_path: Path, sink: Sink) -> None:
    """They end without Python's own exit, and what they did arrives before the server has ended."""
    (tmp_path / "tasks.py").write_text(textwrap.dedent(TASKS))
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    arguments = ("celery", "-A", "tasks", "worker", "-P", "prefork", "-c", "2", "--without-gossip")
    with server(tmp_path, sink.url, *arguments, "--without-mingle") as main:
        send(tmp_path, 1, 21)
        wait_until(lambda: len(acts(sink)) >= 20, tmp_path)
        send(tmp_path, 21, 22, kill=True)
        send(tmp_path, 22, 32)
        wait_until(lambda: not list((tmp_path / "queue").iterdir()), tmp_path)
    assert {f'{{"n":{n}}}' for n in (*range(1, 21), *range(22, 32))} <= set(acts(sink))
    ship(tmp_path, sink)
    found = acts(sink)
    assert {key: len(spans) for key, spans in found.items()} == {
        f'{{"n":{n}}}': 1 for n in range(1, 32)
    }
    pids = check_numbers(sink)
    # Two workers, and the one that came for the killed one if the other left it something to do.
    assert len(pids) in (2, 3)
    assert str(main) not in pids.values()
    ended = [span for span in sink.named(CLOSING) if span.text(INSTANCE) in pids]
    assert len(ended) == len(pids) - 1  # all but the killed one
    assert list((tmp_path / "spool").iterdir()) == []
