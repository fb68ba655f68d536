"""Why a note is not anchored.

AnchorError
├── AnchorUnusable      permanent: this anchor as it is configured could never prove anything
├── AnchorRefused       permanent: what came does not prove this note; the next one may do
└── AnchorUnavailable   retryable: the anchor cannot be reached, or not now
"""

from typing import ClassVar

from auditspan.collector.errors import CollectorError


class AnchorError(CollectorError):
    """The note is not anchored."""


class AnchorUnusable(AnchorError):
    """The anchor could never prove anything."""


class AnchorRefused(AnchorError):
    """What came does not prove the note."""


class AnchorUnavailable(AnchorError):
    """The anchor cannot be reached."""

    retryable: ClassVar[bool] = True
