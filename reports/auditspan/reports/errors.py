"""What can go wrong when a question is asked.

ReportError
├── UnknownQuestion     permanent: no question of that name
├── MissingParameter    permanent: the question needs a value that was not given
├── BadFilter           permanent: a filter has no such name, or its value cannot be read
└── NothingFound        permanent: no record matches, which is an answer and not a fault
"""

from typing import ClassVar


class ReportError(Exception):
    """Root of the errors of this folder."""

    retryable: ClassVar[bool] = False


class UnknownQuestion(ReportError):
    """No question of that name."""


class MissingParameter(ReportError):
    """The question needs a value that was not given."""


class BadFilter(ReportError):
    """A filter has no such name, or its value cannot be read."""


class NothingFound(ReportError):
    """No record matches."""
