"""The root command: help, version, and what an error becomes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from auditspan.cli import main as root
from auditspan.cli.exits import Exit, exit_of, message_of
from auditspan.collector.control.errors import ControlInvalid, ControlRefused, ControlUnavailable


def ended(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of a command."""
    monkeypatch.setattr("sys.argv", ["auditspan", *words])
    with pytest.raises(SystemExit) as end:
        root.main()
    return end.value.code if isinstance(end.value.code, int) else 0


def test_help_names_the_commands_and_the_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command module is there, and the exit codes are explained."""
    assert ended(monkeypatch, "--help") == 0
    out = capsys.readouterr().out
    for word in ("apply", "show", "history", "diff", "keys", "tools", "Exit codes"):
        assert word in out


def test_the_version_is_that_of_the_distribution(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`auditspan --version` prints it."""
    assert ended(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("auditspan 0.")


def test_an_unknown_command_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing errors end with 2."""
    assert ended(monkeypatch, "aply") == 2


@pytest.mark.parametrize(
    ("error", "code", "shown"),
    [
        (ControlInvalid("a is\nb"), 2, "auditspan: a is\nb\n"),
        (ControlUnavailable("gone"), 3, "auditspan: gone\n"),
        (ControlRefused("no\x1b[2J"), 1, "auditspan: no\\x1b[2J\n"),
        (FileNotFoundError(2, "No such file", "x.yaml"), 2, "auditspan: x.yaml: no such file\n"),
        (OSError(5, "Input/output error"), 4, "Traceback"),
        (OSError(28, "No space left on device"), 3, "auditspan: no space left on device: "),
        (OSError(27, "File too large"), 3, "auditspan: file too large: "),
        (OSError(28, "No space left on device", "x.tar"), 3, "auditspan: x.tar: no space left"),
        (ZeroDivisionError("ours"), 4, "Traceback"),
    ],
)
def test_an_error_is_a_line_and_a_code(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    code: int,
    shown: str,
) -> None:
    """Only a fault of ours shows a traceback."""
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(root, "app", app)
    assert ended(monkeypatch) == code
    assert capsys.readouterr().err.startswith(shown)


def test_an_interrupt_has_its_own_code() -> None:
    """As shells have it: 128 and the signal's number."""
    assert exit_of(KeyboardInterrupt()) is Exit.INTERRUPTED
    assert message_of(ValueError("x")) == "x"


@pytest.mark.parametrize("words", [["--version"], ["config", "show"]])
def test_an_answer_that_does_not_fit_on_the_disk_is_said(words: list[str]) -> None:
    """Short answers too, which are written when the process ends."""
    if not Path("/dev/full").is_char_device():
        pytest.skip("this system has no /dev/full")
    command = [sys.executable, "-c", "from auditspan.cli.main import main; main()", *words]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 3, ran.stderr
    assert ran.stderr.startswith("auditspan: no space left on device: ")
    assert "Traceback" not in ran.stderr and "Exception" not in ran.stderr


_INTERRUPTED = """
import signal, sys, threading, time
from importlib.metadata import entry_points

class CtrlC:
    def find_spec(self, name, *_):
        if name == {module!r}:
            threading.Thread(target=time.sleep, args=[600]).start()
            signal.raise_signal(signal.SIGINT)

[script] = entry_points(group="console_scripts", name="auditspan")
main = script.load()
sys.meta_path.insert(0, CtrlC())
main()
"""


@pytest.mark.parametrize("module", ["auditspan.cli.main", "auditspan.collector.config"])
def test_ctrl_c_ends_a_command_quietly_and_at_once(module: str) -> None:
    """While its modules are read, before it can catch anything, and later, whoever works for it."""
    command = [sys.executable, "-c", _INTERRUPTED.format(module=module), "config", "show"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (Exit.INTERRUPTED, "", "")


_WRITTEN = """
import sys, types
from auditspan.cli.start import main

def command():
    print("half of an answer")
    raise KeyboardInterrupt

sys.modules["auditspan.cli.main"] = types.SimpleNamespace(main=command)
main()
"""


def test_what_was_written_before_ctrl_c_arrives() -> None:
    """Also where it goes to a pipe or a file, and so waits in a buffer."""
    command = [sys.executable, "-c", _WRITTEN]
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=env)
    assert (ran.returncode, ran.stdout, ran.stderr) == (Exit.INTERRUPTED, "half of an answer\n", "")


_SLOW = ("starlette", "grpc", "sqlglot", "chdb", "cedarpy", "numpy", "auditspan.registry")


@pytest.mark.parametrize(
    ("module", "besides"),
    [
        ("auditspan.cli.main", ("httpx", "pyarrow")),
        ("auditspan.collector.control.client", ("pyarrow",)),
        ("auditspan.collector.access.client", ("pyarrow",)),
        ("auditspan.collector.query.claims", ("httpx", "pydantic")),
        ("auditspan.collector.query.verifying_path", ("httpx", "pydantic")),
    ],
)
def test_a_command_starts_without_what_only_a_collector_needs(
    module: str, besides: tuple[str, ...]
) -> None:
    """A question to a running collector is answered there; importing the rest took a second."""
    script = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert not {*_SLOW, *besides} & set(done.stdout.split())
