"""What can go wrong before a command has anything to show.

CliError
├── NoStore          permanent: there is nothing to read where the options point
├── TokenRefused     permanent: the operator's token is missing, wrong, or would be seen on its way
├── OptionInvalid    permanent: an option's value cannot be read
├── ReplayFailed     permanent: the replay could not run
├── AnswerTorn       retryable: an answer ended before its end
└── CollectorBusy    retryable: the collector that holds the data does not answer now
"""

from typing import ClassVar


class CliError(Exception):
    """Root of the errors of this folder."""

    retryable: ClassVar[bool] = False


class NoStore(CliError):
    """There is nothing to read where the options point."""


class TokenRefused(CliError):
    """The operator's token is missing, wrong, or would be seen on its way."""


class OptionInvalid(CliError):
    """An option's value cannot be read."""


class ReplayFailed(CliError):
    """The replay could not run."""


class AnswerTorn(CliError):
    """An answer ended before its end."""

    retryable: ClassVar[bool] = True


class CollectorBusy(CliError):
    """The collector that holds the data does not answer now."""

    retryable: ClassVar[bool] = True
