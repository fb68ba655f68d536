"""Clears batches that wait for another backend of requests whose content was erased.

A request is overwritten in its place by a frame of the same length that holds nothing: offsets
stay, so the queue goes on where it was, and a sender that has the file open finds nothing either.
All of a request goes; its other spans are in the store, but the other backend never gets them.
"""

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from auditspan.wire.envelope import CONTROL, OTLP_TRACES, Envelope, frame
from auditspan.wire.errors import FrameInvalid
from auditspan.wire.segments import CLOSED, read_frames


def clear(folder: Path, requests: Mapping[str, Collection[str]]) -> int:
    """Overwrite requests, by their digests, in batches, by their ids; how many there were.

    Raises `OSError`.
    """
    return sum(_clear(folder / f"{batch}{CLOSED}", wanted) for batch, wanted in requests.items())


def _clear(path: Path, digests: Collection[str]) -> int:
    try:
        blanks = _blanks(path, digests)
        if not blanks:
            return 0
        with path.open("r+b") as file:
            for offset, blank in blanks:
                file.seek(offset)
                file.write(blank)
            file.flush()
            os.fsync(file.fileno())
    except FileNotFoundError:
        return 0  # Passed on, or dropped.
    return len(blanks)


def _blanks(path: Path, digests: Collection[str]) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    try:
        for offset, envelope in read_frames(path):
            if envelope.kind == OTLP_TRACES and envelope.request_digest in digests:
                found.append((offset, frame(_blank(envelope))))
    except FrameInvalid:
        pass  # The rest is not passed on either.
    return found


def _blank(envelope: Envelope) -> Envelope:
    """Of the same length: request and control have fields of the same width."""
    return Envelope(
        CONTROL,
        envelope.received_at,
        envelope.request_digest,
        envelope.principal,
        control="0" * len(envelope.request),
    )
