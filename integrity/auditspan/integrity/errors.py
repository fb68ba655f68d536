"""What integrity code raises.

    IntegrityError
    ├── ValueInvalid       a value of a record has no canonical form
    ├── ProofInvalid       a Merkle proof does not show what it should, or has no possible form
    ├── NoteInvalid        bytes are no signed note, checkpoint or proof file, or carry no signature
    │                      that verifies
    ├── PolicyInvalid      a trust policy cannot be read, or a checkpoint does not meet it
    ├── KeyInvalid         a key cannot be read: damaged, of another kind, or a wrong passphrase
    ├── LogConflict        what would make a second tree of one size, or a log out of order
    └── PackageInvalid     parts of an evidence package that do not fit together

All are permanent: the same bytes give the same answer. Messages hold no content of a record.
"""

from typing import ClassVar


class IntegrityError(Exception):
    """The root of everything this folder raises."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""


class ValueInvalid(IntegrityError):
    """A value has no canonical form."""


class ProofInvalid(IntegrityError):
    """A proof proves nothing."""


class NoteInvalid(IntegrityError):
    """Bytes that should be a signed note are none, or nobody known signed them."""


class PolicyInvalid(IntegrityError):
    """A trust policy is malformed, or not met."""


class KeyInvalid(IntegrityError):
    """A key is unreadable."""


class LogConflict(IntegrityError):
    """The log already says something else."""


class PackageInvalid(IntegrityError):
    """An evidence package cannot be made of these parts."""
