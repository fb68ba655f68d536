"""What keeps the engine from sealing.

SealingError
├── SignerUnavailable   retryable: no answer now; the batch waits, sealed and stored
└── LogStopped          permanent: the log cannot be continued; the message says what to do
"""

from typing import ClassVar


class SealingError(Exception):
    """Root of the errors of this folder."""

    retryable: ClassVar[bool] = False


class SignerUnavailable(SealingError):
    """The signing process gives no answer now."""

    retryable: ClassVar[bool] = True


class LogStopped(SealingError):
    """The log cannot be continued."""
