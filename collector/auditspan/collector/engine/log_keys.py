"""Carries out what control records ask of the keys of logs, before they are sealed themselves.

Doing it again after a crash does nothing more: the log that is open then has another key, and the
signing process says once what was revoked.
"""

import logging
from collections.abc import Sequence

from auditspan.collector.control.log_key_kinds import LOG_KEY_REVOKED, LOG_KEY_ROTATED
from auditspan.collector.control.records import ControlRecord
from auditspan.collector.engine.errors import LogStopped
from auditspan.collector.engine.sealing import Sealing

LOG = logging.getLogger("auditspan.collector.engine")


def change_keys(sealing: Sealing, records: Sequence[ControlRecord]) -> None:
    """Begin another log where it is asked for, and have the signing process revoke keys.

    Raises what `Sealing.rotate` does.
    """
    revoked = [record for record in records if record.kind == LOG_KEY_REVOKED]
    if any(record.body.get("log") == sealing.log.origin for record in revoked):
        sealing.rotate("key")
    elif any(record.kind == LOG_KEY_ROTATED for record in records):
        sealing.rotate_key()
    for record in revoked:
        _revoke(sealing, record)


def _revoke(sealing: Sealing, record: ControlRecord) -> None:
    good = record.body.get("good_until_size", -1)
    try:
        done = sealing.signer.revoke(
            str(record.body.get("vkey")), good if isinstance(good, int) else -1
        )
    except LogStopped as error:
        # The record stays and is sealed; a key that the signing process does not know, after its
        # folder was lost for example, is no reason to seal nothing any more.
        LOG.error("a key is not revoked: %s", error)
        return
    LOG.warning("the key of log %s counts up to %d entries", done.origin, done.good)
