"""Why a request is not taken because of its form, or because of what goes on meanwhile.

Refusal
├── Unsupported   415  an encoding that the port does not speak
└── Overloaded    503  retryable: too many bytes are under way

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
