"""What quotes a record that is erased: dead letters, and statements of readers.

That there was one stays known, with who and when. Done again it finds nothing more.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.erasure_values import forms
from auditspan.identity.files import write_atomic
from auditspan.storage.engine import Engine
from auditspan.storage.render import Target

_LETTERS: Final = (
    "SELECT File FROM dead_letters WHERE Reason != 'erased' AND "
    "(arrayExists(v -> position(Reason, v) > 0, {values:Array(String)}) "
    "OR File IN {files:Array(String)})"
)
_OF_REQUESTS: Final = "SELECT File FROM dead_letters WHERE RequestDigest IN {digests:Array(String)}"
_NAMES: Final = "WHERE File IN {names:Array(String)} SETTINGS mutations_sync = 2"


def forget_letters(
    store: Engine, folder: Path, values: Collection[str], digests: Collection[str]
) -> int:
    """Empty dead letters that quote what is erased, and take the hash of their request from others;
    how many quoted it. The mutations name files, no value."""
    quoted = sorted({form for value in values for form in forms(value)})
    stems = _empty(folder, [form.encode() for form in quoted])
    _blank_hashes(folder, digests)
    files = sorted(f"{stem}.data" for stem in stems)
    named = store.arrow(_LETTERS, {"values": quoted, "files": files})["File"].to_pylist()
    _update(store, "Reason = 'erased', RequestDigest = ''", named)
    hashed = store.arrow(_OF_REQUESTS, {"digests": sorted(digests)})["File"].to_pylist()
    _update(store, "RequestDigest = ''", hashed)
    return len(stems)


def forget_reads(store: Engine, rows: Sequence[Mapping[str, JsonValue]]) -> int:
    """Clear the access log's rows of reads whose records are erased; how many."""
    reads = [str(row["TargetId"]) for row in rows if row["Operation"] == "store.read"]
    if reads:
        table = Target.of(store).table("access_log")
        store.command(
            f"ALTER TABLE {table} UPDATE Statement = '', StatementHash = '', Params = map(), "
            "Since = '', Until = '' WHERE ReadId IN {reads:Array(String)} "
            "SETTINGS mutations_sync = 2",
            {"reads": reads},
        )
    return len(reads)


def _empty(folder: Path, needles: Sequence[bytes]) -> set[str]:
    """Both files of a letter go if one of them quotes."""
    quoting = {path.stem for path in folder.glob("*") if _quotes(path, needles)}
    for path in sorted(path for path in folder.glob("*") if path.stem in quoting):
        if path.suffix == ".json":
            about = json.loads(path.read_text())
            write_atomic(path, json.dumps(about | {"reason": "erased"}).encode())
        else:
            write_atomic(path, b"")
    return quoting


def _blank_hashes(folder: Path, digests: Collection[str]) -> None:
    """Of the same length, so that a frame stays one."""
    hashes = [digest.encode() for digest in digests if digest]
    for path in folder.glob("*"):
        if _quotes(path, hashes):
            any_of = re.compile(b"|".join(map(re.escape, hashes)))
            write_atomic(path, any_of.sub(lambda found: b"0" * len(found[0]), path.read_bytes()))


def _quotes(path: Path, needles: Sequence[bytes]) -> bool:
    if not needles or not path.is_file():
        return False
    data = path.read_bytes()
    return any(needle in data for needle in needles)


def _update(store: Engine, to: str, names: Sequence[str]) -> None:
    if names:
        table = Target.of(store).table("dead_letters")
        store.command(f"ALTER TABLE {table} UPDATE {to} {_NAMES}", {"names": list(names)})
