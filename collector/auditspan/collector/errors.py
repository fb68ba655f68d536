"""What keeps the collector from starting or going on.

CollectorError
├── ConfigInvalid      permanent: a key, a value or a combination of them is wrong
├── DataDirInvalid     permanent: the data folder is not what it must be (owner, mode, content)
├── AlreadyRunning     permanent: another process holds the data folder
├── KeysThere          permanent: keys that would be made are there already
├── LogRefused         permanent: a log cannot be continued; the message says what to do
├── SignerFailed       retryable: the signing process ended or does not answer
│   └── SignerRefused  permanent: it cannot begin with the keys that it finds
└── EngineFailed       retryable: the engine process ended; it is started again
"""

from typing import ClassVar


class CollectorError(Exception):
    """Root of the errors of this folder."""

    retryable: ClassVar[bool] = False


class ConfigInvalid(CollectorError):
    """A key, a value or a combination of them is wrong."""


class DataDirInvalid(CollectorError):
    """The data folder is not what it must be."""


class AlreadyRunning(CollectorError):
    """Another process holds the data folder."""


class EngineFailed(CollectorError):
    """The engine process ended."""

    retryable: ClassVar[bool] = True


class LogRefused(CollectorError):
    """A log cannot be continued, because what it signed is not all there."""


class SignerFailed(CollectorError):
    """The signing process ended or does not answer."""

    retryable: ClassVar[bool] = True


class SignerRefused(SignerFailed):
    """The signing process cannot begin: a key is missing, damaged, locked, or another one."""

    retryable: ClassVar[bool] = False


class KeysThere(CollectorError):
    """Keys that would be made are there already."""

    refused: ClassVar[bool] = True
    """The command ends with code 1: it was understood and refused."""
