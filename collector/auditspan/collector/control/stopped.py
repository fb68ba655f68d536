"""Control records of a stopped collector: each a closed spool segment, read at the next start.

The caller holds the lock of the data folder. A segment is written beside, synced, and then renamed,
so that a crash leaves a whole segment or none. The frame is that of `wire`: a varint length and an
`Envelope` of kind 2.
"""

import getpass
import hashlib
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.service import Submit
from auditspan.collector.data_dir import DataDir
from auditspan.identity.files import write_atomic
from auditspan.identity.principal import Principal

_CONTROL = 2
_RECEIVED_AT, _DIGEST, _PRINCIPAL, _CRC, _TEXT = 3, 4, 5, 6, 17


@contextmanager
def submitting(data: DataDir, now_ns: Callable[[], int] = time.time_ns) -> Iterator[Submit]:
    """Puts control records into the spool of a data folder whose lock the caller holds."""

    async def submit(text: str) -> None:
        at_ns = now_ns()
        path = _segment(data, at_ns // 1_000_000)
        try:
            write_atomic(path, frame(text, at_ns, operator().to_json()))
        except OSError as error:
            raise ControlUnavailable(
                f"spool {path.parent}: {error.strerror}; nothing changed"
            ) from error

    yield submit


def operator() -> Principal:
    """The person at this machine, by the name the system has for them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid-{os.getuid()}"
    return Principal(f"operator:{name}", "anonymous", "", "none", "")


def frame(text: str, at_ns: int, principal: str) -> bytes:
    """One frame with a control record."""
    body = text.encode()
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    message = b"".join(
        (
            b"\x08\x01\x10" + bytes([_CONTROL]),
            _key(_RECEIVED_AT, 1) + at_ns.to_bytes(8, "little"),
            _text(_DIGEST, digest.encode()),
            _text(_PRINCIPAL, principal.encode()),
            _key(_CRC, 5) + zlib.crc32(body).to_bytes(4, "little"),
            _text(_TEXT, body),
        )
    )
    return _varint(len(message)) + message


def _segment(data: DataDir, milliseconds: int) -> Path:
    """A name after every other of this instance, so that the order of creation stays."""
    spool = data.folder("spool")
    newest = max((path.stem for path in spool.glob(f"{data.instance}-*")), default="")
    name = f"{data.instance}-{milliseconds}-{0:08d}"
    if name <= newest:
        _, start, counter = newest.split("-")
        name = f"{data.instance}-{start}-{int(counter) + 1:08d}"
    return spool / f"{name}.seg"


def _text(field: int, value: bytes) -> bytes:
    return _key(field, 2) + _varint(len(value)) + value


def _key(field: int, type: int) -> bytes:
    return _varint(field << 3 | type)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
