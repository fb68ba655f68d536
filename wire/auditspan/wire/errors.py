"""What wire code raises.

    WireError
    ├── RequestInvalid   a request is no OTLP request: the sender must not repeat it
    ├── FrameInvalid     bytes of a spool segment are no whole frame of ours
    ├── SpoolFull        the spool has no room: try again later
    ├── SpoolFailed      the disk did not keep what was written: send it again
    └── SpoolBusy        another process writes to this spool

Messages never hold the content of an attribute.
"""

from typing import ClassVar


class WireError(Exception):
    """The root of everything this folder raises."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""


class RequestInvalid(WireError):
    """The bytes are no OTLP export request, or one that breaks the protocol."""


class FrameInvalid(WireError):
    """The bytes are no frame: torn, changed, or of a version that this program does not know."""


class SpoolFull(WireError):
    """The frame was not written, because the spool or the disk has no room for it."""

    retryable: ClassVar[bool] = True


class SpoolFailed(WireError):
    """The disk refused to keep what was written since the last sync: none of it is acknowledged."""

    retryable: ClassVar[bool] = True


class SpoolBusy(WireError):
    """Another process holds the lock of the spool folder."""
