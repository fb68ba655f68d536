"""A forked process becomes front, engine, signer or the command line, with a kill in its way.

What the product would get from `exec` is made here: standard streams, environment, signal handlers,
a session of its own, no other descriptors. Then the real entry point runs.
"""

import functools
import json
import os
import runpy
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

from tests.crash import faults, forked_process, poison
from tests.crash.steps import BY_NAME, arm, killer

_EVENTS: Final = 3
"""Where the socket to the nursery lies in a child."""


def live(
    asked: dict[str, Any],
    streams: list[int],
    events: socket.socket,
    charges: list[dict[str, Any]],
    nursery: str,
) -> NoReturn:
    """Be what was asked for, until the end."""
    code = 70
    try:
        _like_new(asked, streams, events)
        told = socket.socket(fileno=_EVENTS)
        faults.arm(asked.get("faults", []), asked["role"])
        poison.arm(asked.get("faults", []), asked["role"])
        for charge in charges:
            tell = functools.partial(_tell, told, asked["family"], charge)
            step = BY_NAME[charge["step"]]
            arm(step, killer(tell, charge["hit"]), charge["part"])
        if asked["role"] == "front":
            forked_process.install(nursery, asked)
        code = _run(_MAINS[asked["role"]], asked["argv"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not `exit`: what the nursery registered for its own end is none of ours.
        os._exit(code)


def _like_new(asked: dict[str, Any], streams: list[int], events: socket.socket) -> None:
    os.setsid()
    # Out of the way first, for one of them may lie where another belongs.
    kept = [os.dup(each) for each in (*streams, events.fileno())]
    high = [os.dup2(each, 100 + at) for at, each in enumerate(kept)]
    for at, each in enumerate(high):
        os.dup2(each, at)
    os.closerange(4, 65_536)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False, buffering=1)
    os.environ.clear()
    os.environ.update(asked["env"])
    os.chdir(asked.get("cwd", "."))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["auditspan", *asked["argv"]]
    # `python -m` put it there for the nursery; collectors run with -P.
    sys.path = [entry for entry in sys.path if entry not in ("", str(Path.cwd()))]


def _tell(told: socket.socket, family: str, charge: dict[str, Any]) -> None:
    told.send(json.dumps({"family": family, "charge": charge}).encode())


def _run(main: Callable[[], int | None], argv: list[str]) -> int:
    try:
        return main() or 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)


def _front() -> int | None:
    from auditspan.cli.main import main

    main()
    return 0


def _engine() -> int:
    from auditspan.collector.engine.__main__ import main

    return main()


def _signer() -> int:
    from auditspan.collector.signer.__main__ import main

    return main()


def _module() -> int:
    """Another module that is to run as `python -m` does; its name is the first argument."""
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__")
    return 0


_MAINS: Final[dict[str, Callable[[], int | None]]] = {
    "front": _front,
    "cli": _front,
    "engine": _engine,
    "signer": _signer,
    "module": _module,
}
