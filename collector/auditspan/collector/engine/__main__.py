"""Entry of the engine process: read `Start`, let the kernel confine us, then load the rest.

The order matters: Landlock binds the thread that asks and those it starts later, so nothing that
starts threads (the engine, Arrow, NumPy) may be imported before.
"""

import logging
import os
import signal
import sys
import tempfile
from pathlib import Path

from auditspan.collector import log_lines
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.landlock import confine, system_paths
from auditspan.collector.engine.messages import Start, decode
from auditspan.storage import memory
from auditspan.storage.cold_volume import claim
from auditspan.storage.errors import StoreError


def main() -> int:
    """Run until front closes our standard input."""
    log_lines.configure("info")
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    os.umask(0o077)
    # Front decides when we end; a signal to the whole group must not cut a batch short.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # What the libraries print must not get between our messages.
    stdout = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    start = decode(sys.stdin.buffer.readline())
    if not isinstance(start, Start):
        raise ValueError(f"expected Start first, got {type(start).__name__}")
    warning = _confine(start)
    memory.keep_for_engine()
    from auditspan.collector.engine.process import run

    return run(start, sys.stdin.buffer, stdout, warning)


def _confine(start: Start) -> str:
    data = DataDir(Path(start.data_dir))
    storage = start.config["storage"]
    writable = [*data.engine_writes(), Path("/dev/null")]
    readable = [*system_paths(), *data.engine_reads()]
    if storage.get("path"):
        writable += [Path(storage["path"]), *_cold(Path(storage["path"]), storage.get("cold"))]
    readable += [Path(storage[key]) for key in ("password_file", "ca_file") if storage.get(key)]
    scratch = str(data.folder("tmp"))
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    # The engine keeps a cache of format schemas in its working directory.
    os.chdir(scratch)
    return confine(
        writable, readable, network=bool(storage.get("url")), hidden=data.folder("secrets")
    ).missing


def _cold(store: Path, asked: dict[str, str] | None) -> list[Path]:
    """The folder of old records, made now: later nothing can be made beside the data folder."""
    try:
        path = claim(store, Path(asked["path"]) if asked else None)
    except StoreError:
        return []  # Told when the store is opened.
    return [path] if path else []


if __name__ == "__main__":
    sys.exit(main())
