"""Why a request did not arrive at the other backend.

ForwardError
├── Refused   permanent: the backend will never take it
└── Later     retryable: the backend cannot take it now, or cannot be reached
"""

from typing import ClassVar

from auditspan.collector.errors import CollectorError


class ForwardError(CollectorError):
    """The request is not at the backend."""


class Refused(ForwardError):
    """The backend will never take it."""


class Later(ForwardError):
    """The backend cannot take it now."""

    retryable: ClassVar[bool] = True

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after
        """Seconds that the backend asked to wait; 0 if it said nothing."""
