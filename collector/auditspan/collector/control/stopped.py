"""Control records of a stopped collector: each a closed spool segment, read at the next start.

The caller holds the lock of the data folder, so that no collector writes to the spool meanwhile.
"""

import getpass
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from auditspan.collector.control.errors import ControlUnavailable
from auditspan.collector.control.service import Submit
from auditspan.collector.data_dir import DataDir
from auditspan.identity.principal import Principal
from auditspan.wire.envelope import CONTROL, Envelope, frame
from auditspan.wire.errors import WireError
from auditspan.wire.segments import recover
from auditspan.wire.spool import SpoolLimits, SpoolWriter


@contextmanager
def submitting(data: DataDir, now_ns: Callable[[], int] = time.time_ns) -> Iterator[Submit]:
    """Puts control records into the spool of a data folder whose lock the caller holds."""

    async def submit(text: str) -> None:
        body = text.encode()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        envelope = Envelope(CONTROL, now_ns(), digest, operator().to_json(), control=text)
        spool = data.folder("spool")
        try:
            recover(spool)
            writer = SpoolWriter(spool, data.instance, SpoolLimits(), lambda: now_ns() / 1e9)
            writer.append(frame(envelope), 1)
            writer.close()
        except (WireError, OSError) as error:
            raise ControlUnavailable(f"spool {spool}: {error}; nothing changed") from error

    yield submit


def operator() -> Principal:
    """The person at this machine, by the name the system has for them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid-{os.getuid()}"
    return Principal(f"operator:{name}", "anonymous", "", "none", "")
