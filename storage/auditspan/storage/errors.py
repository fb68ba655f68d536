"""What can go wrong with the store, and whether trying again can help.

StorageError
├── StoreError                 the engine said no
│   ├── StoreUnavailable       retryable: cannot be reached, too busy, timed out, too many parts
│   │   └── StoreFull          retryable: no space left, or over the memory limit
│   ├── StoreLocked            permanent: another process holds the embedded store
│   ├── StatementRefused       permanent: not readable, unknown table, not allowed
│   └── SchemaMismatch         permanent: a migration was edited, or the store is of a newer version
├── SegmentUnreadable          permanent: a spool segment holds no frame that can be decoded
├── BatchFileInvalid           permanent: not a batch file of ours, or a torn one
├── WriteMismatch              retryable: the store holds another number of rows than were written
└── ErasureIncomplete          retryable: something that was to be erased is still there
"""

from typing import ClassVar


class StorageError(Exception):
    """Anything that storage raises."""

    retryable: ClassVar[bool] = False


class StoreError(StorageError):
    """The engine refused or failed."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code
        """The ClickHouse error code, 0 where there is none."""


class StoreUnavailable(StoreError):
    """The store cannot be reached or is too busy."""

    retryable: ClassVar[bool] = True


class StoreFull(StoreUnavailable):
    """No disk or memory is left for the statement."""


class StoreLocked(StoreError):
    """Another process holds the embedded store."""


class StatementRefused(StoreError):
    """The statement itself is at fault."""


class SchemaMismatch(StoreError):
    """The store's schema is not the one this version was written for."""


class SegmentUnreadable(StorageError):
    """A spool segment cannot be decoded."""


class BatchFileInvalid(StorageError):
    """A batch file is torn, or not one of ours."""


class WriteMismatch(StorageError):
    """The count of a batch in the store differs from what was written."""

    retryable: ClassVar[bool] = True


class ErasureIncomplete(StorageError):
    """Something that was to be erased is still in the store's files."""

    retryable: ClassVar[bool] = True


# https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
_FULL = frozenset({241, 243})  # MEMORY_LIMIT_EXCEEDED, NOT_ENOUGH_SPACE
_UNAVAILABLE = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        160,  # TOO_SLOW
        198,  # DNS_ERROR
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        242,  # TABLE_IS_READ_ONLY
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        999,  # KEEPER_EXCEPTION
    }
)
_DISK_WORDS = ("no space left on device", "not enough space")
_NETWORK_WORDS = ("connection refused", "timed out", "connection reset", "connection aborted")


def of_engine(error: Exception, code: int) -> StoreError:
    """Turn an error of the engine or of its transport into one of this tree."""
    text = str(error).strip()
    low = text.lower()
    if code in _FULL or any(word in low for word in _DISK_WORDS):
        return StoreFull(text, code)
    if code in _UNAVAILABLE or (not code and any(word in low for word in _NETWORK_WORDS)):
        return StoreUnavailable(text, code)
    return StatementRefused(text, code)


def code_in(text: str) -> int:
    """The number of ClickHouse that a message names, 0 if it names none."""
    _, _, after = text.partition("Code: ")
    digits = after.partition(".")[0]
    return int(digits) if digits.isdigit() else 0
