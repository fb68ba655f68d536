"""What keeps the signing process from signing.

SignerError
├── KeyUnavailable   retryable: whoever keeps a key does not sign with it now
├── StillRunning     retryable: another signing process works on the folder
└── KeyMismatch      permanent: a key is missing, or not the one that has signed
"""

from typing import ClassVar


class SignerError(Exception):
    """Root of the errors of this folder."""

    retryable: ClassVar[bool] = False


class KeyUnavailable(SignerError):
    """No signature now."""

    retryable: ClassVar[bool] = True


class StillRunning(SignerError):
    """Two at once would forget what the other has signed."""

    retryable: ClassVar[bool] = True


class KeyMismatch(SignerError):
    """Not the key that it should be."""
