"""Why a request is not taken because of its form, or because of what goes on meanwhile.

Refusal
├── Unsupported   415  an encoding that the port does not speak
├── Overloaded    503  retryable: too many bytes are under way
├── DiskLow       503  retryable: the disk has less room than is kept free
├── RateExceeded  429  retryable: this sender is faster than it may be
└── ShareExceeded 429  retryable: this sender fills the spool as far as one may

The refusals because of who sent it are in `refusals.py`.
"""

from auditspan.collector.front.refusals import Refusal


class Unsupported(Refusal):
    """An encoding that the port does not speak."""

    status = 415
    grpc = "INVALID_ARGUMENT"
    code = "unsupported"


class Overloaded(Refusal):
    """Too many bytes are under way."""

    retryable = True
    status = 503
    grpc = "UNAVAILABLE"
    code = "overloaded"


class DiskLow(Refusal):
    """The disk has less room than is kept free."""

    retryable = True
    status = 503
    grpc = "UNAVAILABLE"
    code = "disk_low"


class RateExceeded(Refusal):
    """This sender is faster than it may be."""

    retryable = True
    status = 429
    grpc = "RESOURCE_EXHAUSTED"
    code = "rate_exceeded"


class ShareExceeded(Refusal):
    """This sender fills the spool as far as one may."""

    retryable = True
    status = 429
    grpc = "RESOURCE_EXHAUSTED"
    code = "share_exceeded"
