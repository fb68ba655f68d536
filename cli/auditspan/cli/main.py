"""The `auditspan` command: collects the command modules and turns errors into messages and codes.

A command module is a file `…_commands.py` with `register(app)`; adding one is one line in
`_MODULES`. It imports what is heavy inside its functions, so that `--help` stays quick.
"""

import contextlib
import os
import sys
import traceback
from importlib.metadata import version
from typing import Annotated

import typer

from auditspan.cli import (
    access_commands,
    agents_commands,
    anchors_commands,
    backup_commands,
    changes_commands,
    config_commands,
    deadletter_commands,
    doctor_commands,
    erase_commands,
    evidence_commands,
    hold_commands,
    keys_commands,
    log_commands,
    proof_commands,
    query_commands,
    recertify_commands,
    registry_commands,
    replay_commands,
    retention_commands,
    reviews_commands,
    search_commands,
    ship_commands,
    trace_commands,
    up_commands,
    verify_commands,
    whoami_commands,
)
from auditspan.cli.exits import Exit, exit_of, message_of
from auditspan.cli.terminal import err, safe

_MODULES = (
    up_commands,
    config_commands,
    registry_commands,
    changes_commands,
    agents_commands,
    keys_commands,
    whoami_commands,
    replay_commands,
    search_commands,
    trace_commands,
    query_commands,
    access_commands,
    verify_commands,
    proof_commands,
    evidence_commands,
    log_commands,
    anchors_commands,
    backup_commands,
    reviews_commands,
    recertify_commands,
    erase_commands,
    hold_commands,
    retention_commands,
    deadletter_commands,
    doctor_commands,
    ship_commands,
)

app = typer.Typer(
    name="auditspan",
    help="The audit trail for AI agents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auditspan {version('auditspan')}")
        raise typer.Exit


@app.callback(
    epilog="Exit codes: 0 done; 1 something was found or refused; 2 wrong usage or bad input; "
    "3 unavailable, try again; 4 a fault of auditspan."
)
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """The audit trail for AI agents."""


for _module in _MODULES:
    _module.register(app)


def main() -> None:
    """Run the command; every error becomes a line on standard error and an exit code."""
    try:
        try:
            app()
        finally:
            _flush()
    except (Exception, KeyboardInterrupt) as error:
        code = exit_of(error)
        if code is Exit.FAULT:
            traceback.print_exc()
        elif code is not Exit.INTERRUPTED:
            err().print(f"auditspan: {safe(message_of(error), lines=True)}", soft_wrap=True)
        sys.exit(code)


def _flush() -> None:
    """What is in the buffer is written while an error can still be told.

    What cannot be written is given up: the interpreter would try again as it ends, and end with
    120. Raises `OSError`, but for a pipe that nobody reads any more.
    """
    try:
        sys.stdout.flush()
    except OSError as error:
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        if not isinstance(error, BrokenPipeError):
            raise
