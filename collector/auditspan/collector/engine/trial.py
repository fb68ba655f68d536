"""A segment is tried in a process of its own before anybody is accused of it.

`python -m auditspan.collector.engine.trial`: one line of JSON on standard input says what to try; a
scratch folder has a store of its own. First `ready` is printed, then what became of it. So three
things are told apart: the segment ends a process or is refused by a sound store (its own fault), it
goes through (somebody killed us, or the store is at fault), or nothing could be tried at all.
"""

import base64
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auditspan.collector import letters
from auditspan.collector.control.versions import Versions
from auditspan.collector.data_dir import DataDir, prepare
from auditspan.collector.engine.config import EngineConfig
from auditspan.collector.engine.messages import Start
from auditspan.collector.engine.pipeline import Pipeline
from auditspan.collector.engine.segments import Segments
from auditspan.collector.engine.stopwatch import Stopwatch
from auditspan.processors.sequences import SequenceState
from auditspan.storage.config import StoreConfig
from auditspan.storage.engine import open_engine
from auditspan.storage.errors import StatementRefused, StorageError
from auditspan.storage.migrations import migrate

LOG = logging.getLogger("auditspan.collector.engine")

SCRATCH: Final = "trial-"
_SECONDS: Final = 300.0
_READY: Final = "ready"
_FINE: Final = "fine"
_REFUSED: Final = "refused: "
_UNKNOWN: Final = "unknown: "


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a trial."""

    guilty: bool
    """Whether the segment is at fault beyond doubt of this trial."""
    says: str


def command() -> list[str]:
    """How the process is started."""
    return [sys.executable, "-P", "-m", "auditspan.collector.engine.trial"]


def tried(start: Start, segment: Path) -> Outcome:
    """Try a segment. Raises `OSError` if there is no room for it."""
    data = DataDir(Path(start.data_dir))
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=data.folder("tmp")))
    try:
        _lay_out(data, scratch, segment)
        asked = {
            "scratch": str(scratch),
            "segment": segment.name,
            "registry": str(data.folder("registry")),
            "config": start.config,
            "hmac_key": base64.b64encode(start.hmac_key).decode(),
            "statement_keys": start.statement_keys,
        }
        return _outcome(json.dumps(asked))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _lay_out(data: DataDir, scratch: Path, segment: Path) -> None:
    """The segment, and the dead letters that it asks for."""
    own, content = prepare(scratch), segment.read_bytes()
    (own.folder("spool") / segment.name).write_bytes(content)
    dead = data.folder(letters.FOLDER)
    for letter in letters.all_of(dead):
        if letter.id.encode() in content:
            for ending in (letters.ABOUT, letters.DATA):
                shutil.copyfile(
                    dead / f"{letter.id}{ending}",
                    own.folder(letters.FOLDER) / f"{letter.id}{ending}",
                )


def _outcome(asked: str) -> Outcome:
    try:
        done = subprocess.run(  # noqa: S603 (our own module)
            command(), input=asked, stdout=subprocess.PIPE, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"no answer in {_SECONDS:.0f} s")
    said = done.stdout.splitlines()
    if not said or said[0] != _READY:
        return Outcome(False, f"it did not begin, and ended with code {done.returncode}")
    last = said[-1]
    if last.startswith(_REFUSED):
        return Outcome(True, last)
    if last == _FINE or last.startswith(_UNKNOWN):
        return Outcome(False, last)
    return Outcome(True, f"the process that tried it ended with code {done.returncode}")


def main() -> int:
    """In the process."""
    # What the libraries print must not get between our words.
    told = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    asked = json.loads(sys.stdin.readline())
    config = EngineConfig.model_validate(asked["config"])
    data = DataDir(Path(asked["scratch"]))
    memory = config.storage.max_memory
    store = open_engine(StoreConfig(path=data.folder("store"), max_memory=memory))
    migrate(store)
    watch = Stopwatch()
    hmac_key = base64.b64decode(asked["hmac_key"])
    segments = Segments(
        data,
        store,
        store,
        Pipeline.of(config, hmac_key, asked["statement_keys"], watch),
        Versions(Path(asked["registry"])).history(),
        SequenceState(),
        watch,
    )
    print(_READY, file=told)
    try:
        segments.process(data.folder("spool") / asked["segment"])
    except StatementRefused as error:
        print(f"{_REFUSED}{_line(error)}", file=told)
    except (StorageError, OSError, MemoryError) as error:
        print(f"{_UNKNOWN}{_line(error)}", file=told)
    else:
        print(_FINE, file=told)
    told.flush()
    # Not by way of destructors, of which one that fails would look like the segment's fault.
    os._exit(0)


def _line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:2_000]


if __name__ == "__main__":
    sys.exit(main())
