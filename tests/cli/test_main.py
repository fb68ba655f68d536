"""The root command: help, version, and what an error becomes."""

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
