"""What a stage refuses. A record is never a reason: bad input is flagged and passes.

ProcessorError
└── ColumnInvalid  a batch lacks a column, or a column has a type that no stage knows
"""

from typing import ClassVar


class ProcessorError(Exception):
    """Root of this folder's errors."""

    retryable: ClassVar[bool] = False


class ColumnInvalid(ProcessorError):
    """A column is missing or of the wrong type: the stages do not fit together."""
