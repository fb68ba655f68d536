"""Why a control did not happen.

ControlError (a CollectorError)
├── ControlInvalid      permanent: the request or the bundle says something wrong
├── ControlRefused      permanent: it is well formed, and its own examples speak against it
├── ControlDenied       permanent: the credential is missing or proves nobody
├── ControlForbidden    permanent: it is known who asks, and they may not
├── ControlConflict     permanent: it was decided already, or something else changed meanwhile
├── NotFound            permanent: there is no such agent, tool, key, version or proposal
└── ControlUnavailable  retryable: no collector answers, or its spool takes nothing now
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import JsonValue

from auditspan.collector.errors import CollectorError


class ControlError(CollectorError):
    """Root of the errors of controls."""

    code: ClassVar[str] = "control_error"
    """The word in the API's answer."""
    status: ClassVar[int] = 500
    """The API's HTTP status."""

    def __init__(self, message: str, details: Sequence[Mapping[str, JsonValue]] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class ControlInvalid(ControlError):
    """The request or the bundle says something wrong."""

    code = "invalid"
    status = 400


class ControlRefused(ControlError):
    """The change is well formed and its own examples speak against it."""

    code = "refused"
    status = 422
    refused: ClassVar[bool] = True
    """The command ends with code 1: done, and something was found."""


class ControlDenied(ControlError):
    """The credential is missing or proves nobody."""

    code = "unauthenticated"
    status = 401


class ControlForbidden(ControlError):
    """It is known who asks, and they may not do this."""

    code = "not_allowed"
    status = 403
    refused: ClassVar[bool] = True
    """The command ends with code 1: it was understood and refused."""


class ControlConflict(ControlError):
    """It was decided already, or something else changed meanwhile."""

    code = "conflict"
    status = 409
    refused: ClassVar[bool] = True
    """The command ends with code 1: it was understood and refused."""


class NotFound(ControlError):
    """There is no such thing."""

    code = "not_found"
    status = 404


class ControlUnavailable(ControlError):
    """Nothing answers, or nothing can be written now."""

    code = "unavailable"
    status = 503
    retryable = True


ERRORS: Mapping[str, type[ControlError]] = {
    error.code: error
    for error in (
        ControlInvalid,
        ControlRefused,
        ControlDenied,
        ControlForbidden,
        ControlConflict,
        NotFound,
        ControlUnavailable,
    )
}
"""By the word in the API's answer."""
