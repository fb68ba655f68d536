"""Takes hashes of requests whose content is erased from the list of what was received lately.

That list (`front/recent_log.py`) knows a retransmission for a quarter of an hour, and is not
written anew while nothing comes. A hash is overwritten in its place by as many zeros, so a process
that appends meanwhile finds nothing moved; one that runs still knows the request in its memory.
"""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Final

_NAMES: Final = (".recent", ".recent.old")


def forget(spool: Path, digests: Collection[str]) -> int:
    """Overwrite digests; how many places that were. Raises `OSError`."""
    wanted = [digest.encode() for digest in digests if digest]
    return sum(_blank(spool / name, wanted) for name in _NAMES)


def _blank(path: Path, digests: Collection[bytes]) -> int:
    try:
        data = path.read_bytes()
        places = [(at, digest) for digest in digests for at in _found(data, digest)]
        if places:
            with path.open("r+b") as file:
                for at, digest in places:
                    file.seek(at)
                    file.write(b"0" * len(digest))
                file.flush()
                os.fsync(file.fileno())
    except FileNotFoundError:
        return 0
    return len(places)


def _found(data: bytes, digest: bytes) -> list[int]:
    found, at = [], data.find(digest)
    while at >= 0:
        found.append(at)
        at = data.find(digest, at + len(digest))
    return found
