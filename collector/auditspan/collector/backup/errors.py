"""What keeps a backup from being made or put back.

BackupError (a CollectorError)
├── BackupInvalid     permanent: a file or folder is no whole backup, or something in it is forged
├── BackupRefused     permanent: it was understood and not done: something is in the way
└── BackupInterrupted retryable: the collector stopped or changed what was being copied
"""

from typing import ClassVar

from auditspan.collector.errors import CollectorError


class BackupError(CollectorError):
    """Root of the errors of this folder."""


class BackupInvalid(BackupError):
    """What is there is no whole backup, or not the one that was meant."""


class BackupRefused(BackupError):
    """It could be done, and is not: something is in the way."""

    refused: ClassVar[bool] = True


class BackupInterrupted(BackupError):
    """The collector stopped or changed what was being copied."""

    retryable: ClassVar[bool] = True
