"""What quotes a record that is erased: dead letters, and statements of readers.

That there was one stays known, with who and when. Done again it finds nothing more.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.collector import letters
from auditspan.collector.control.erasure_values import forms
from auditspan.identity.files import write_atomic
from auditspan.storage.engine import Engine
from auditspan.storage.render import Target
from auditspan.wire.envelope import frame, parse
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.varint import MAX_BYTES, decode_varint

_LETTERS: Final = (
    "SELECT File FROM dead_letters WHERE Reason != 'erased' AND "
    "(arrayExists(v -> position(Reason, v) > 0, {values:Array(String)}) "
    "OR File IN {files:Array(String)})"
)
_OF_REQUESTS: Final = "SELECT File FROM dead_letters WHERE RequestDigest IN {digests:Array(String)}"
_STORED: Final = (
    "SELECT DISTINCT LetterId FROM dead_letter_ends WHERE LetterId IN {ids:Array(String)}"
)
_NAMES: Final = "WHERE File IN {names:Array(String)} SETTINGS mutations_sync = 2"


def digests_of(folder: Path, ids: Collection[str]) -> set[str]:
    """The hashes of the requests that dead letters came in."""
    found = (letters.read(folder, id) for id in ids)
    return {letter.request_digest for letter in found if letter} - {""}


def stored_since(store: Engine, ids: Collection[str]) -> set[str]:
    """Letters whose content is in records: it was processed again before it could be erased."""
    rows = store.arrow(_STORED, {"ids": sorted(ids)}).to_pylist() if ids else []
    return {str(row["LetterId"]) for row in rows}


def forget_letters(
    store: Engine,
    folder: Path,
    values: Collection[str],
    digests: Collection[str],
    erasure: str,
    ids: Collection[str] = (),
) -> list[str]:
    """Empty dead letters that quote what is erased, or are erased themselves, and take the hash of
    their request from others. Ids of those that this erasure has emptied, now or in a try before.
    The mutations name files, no value."""
    quoted = sorted({form for value in values for form in forms(value)})
    stems = _empty(folder, [form.encode() for form in quoted], erasure, ids)
    _blank_hashes(folder, digests)
    files = sorted(f"{stem}.data" for stem in stems)
    named = store.arrow(_LETTERS, {"values": quoted, "files": files})["File"].to_pylist()
    _update(store, "Reason = 'erased', RequestDigest = ''", named)
    hashed = store.arrow(_OF_REQUESTS, {"digests": sorted(digests)})["File"].to_pylist()
    _update(store, "RequestDigest = ''", hashed)
    return sorted(stems)


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


def _empty(folder: Path, needles: Sequence[bytes], erasure: str, ids: Collection[str]) -> set[str]:
    """Both files of a letter go if one of them quotes; its salt too, so that nobody can guess.

    First it says which erasure empties it: one that dies in between finds it again by that.
    """
    begun = {letter.id for letter in letters.all_of(folder) if letter.erasure == erasure}
    files = sorted(folder.glob("*"), key=lambda path: path.suffix != letters.ABOUT)
    stems = {path.stem for path in files if _quotes(path, needles)} | begun | set(ids)
    for path in (path for path in files if path.stem in stems):
        if path.suffix == letters.ABOUT:
            _change(
                path, reason=letters.ERASED, again="", salt="", retryable=False, erasure=erasure
            )
        else:
            write_atomic(path, b"")
    # A draft that its writer left is none.
    return {stem for stem in stems if not stem.startswith(".")}


def _change(path: Path, **values: JsonValue) -> None:
    about = json.loads(path.read_text())
    write_atomic(path, json.dumps(about | values).encode())


def _blank_hashes(folder: Path, digests: Collection[str]) -> None:
    """Of the same length, so that a frame stays one; without the salt, by which the log's digest
    of it would tell whether a guess at the hash is right."""
    hashes = [digest.encode() for digest in digests if digest]
    for stem in {path.stem for path in folder.glob("*") if _quotes(path, hashes)}:
        data, about = folder / f"{stem}{letters.DATA}", folder / f"{stem}{letters.ABOUT}"
        any_of = re.compile(b"|".join(map(re.escape, hashes)))
        for path in (path for path in (data, about) if _quotes(path, hashes)):
            write_atomic(path, _blanked(path.read_bytes(), any_of))
        if about.is_file():
            _change(about, salt="")


def _blanked(data: bytes, any_of: re.Pattern[bytes]) -> bytes:
    """With zeros in place of what is found; a whole frame has the checksum of what it says then."""

    def blank(text: bytes) -> bytes:
        return any_of.sub(lambda found: b"0" * len(found[0]), text)

    try:
        envelope = parse(data[decode_varint(data[:MAX_BYTES])[1] :])
    except FrameInvalid:
        return blank(data)
    digest, request = blank(envelope.request_digest.encode()).decode(), blank(envelope.request)
    return frame(replace(envelope, request_digest=digest, request=request))


def _quotes(path: Path, needles: Sequence[bytes]) -> bool:
    if not needles or not path.is_file():
        return False
    data = path.read_bytes()
    return any(needle in data for needle in needles)


def _update(store: Engine, to: str, names: Sequence[str]) -> None:
    if names:
        table = Target.of(store).table("dead_letters")
        store.command(f"ALTER TABLE {table} UPDATE {to} {_NAMES}", {"names": list(names)})
