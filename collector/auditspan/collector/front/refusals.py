"""Why a request is not taken because of who sent it, in words for HTTP and gRPC.

Refusal
├── Unauthenticated   401  a credential is missing, wrong, expired or foreign
├── NotAllowed        403  it is known who asks, and they may not
├── TooManyRequests   429  retryable: too many failures from there, or too many requests
└── Unavailable       503  retryable: an issuer's keys cannot be had

Messages hold no secret and no part of a token; they may be sent back and logged.
"""

from typing import ClassVar

from auditspan.collector.errors import CollectorError


class Refusal(CollectorError):
    """A request that is not taken."""

    status: ClassVar[int]
    """HTTP status."""
    grpc: ClassVar[str]
    """Name of the gRPC status code."""
    code: ClassVar[str]
    """A word for machines, and the label of the counter."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds to wait before trying again; 0 if nothing can be said."""


class Unauthenticated(Refusal):
    """Who sent it is not proved."""

    status = 401
    grpc = "UNAUTHENTICATED"
    code = "unauthenticated"


class NotAllowed(Refusal):
    """Who sent it may not do this."""

    status = 403
    grpc = "PERMISSION_DENIED"
    code = "not_allowed"


class TooManyRequests(Refusal):
    """Too much from one place."""

    retryable = True
    status = 429
    grpc = "RESOURCE_EXHAUSTED"
    code = "too_many_requests"


class Unavailable(Refusal):
    """Nothing is wrong with the request; try again."""

    retryable = True
    status = 503
    grpc = "UNAVAILABLE"
    code = "unavailable"
