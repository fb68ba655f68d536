"""What identity code raises.

    IdentityError
    ├── CredentialRefused        what was presented does not prove anybody
    │   ├── ApiKeyRefused
    │   ├── TokenRefused
    │   │   ├── TokenExpired
    │   │   ├── TokenReplayed
    │   │   └── TokenKeyUnknown  the key set in hand lacks the key: fetch it and try once more
    │   └── CertificateRefused
    ├── StatementRefused         not ours, changed, or of another principal
    │   └── StatementOutOfTime   genuine, but not in its lifetime
    ├── PoliciesRefused          signed policies: not ours, changed, or of another agent
    ├── KeysUnavailable          a key set could not be had: try again later
    ├── ReplayTableFull          more one-time tokens than are remembered: try again later
    ├── KeySetInvalid            a key set is no key set
    ├── SecretFileInvalid        a file of ours is unsafe or broken
    ├── ApiKeyUnknown            there is no key of this id
    └── NotPermitted             it is known who asks, and no role of theirs allows it

Messages never hold a secret, a token or a part of one.
"""

from typing import ClassVar


class IdentityError(Exception):
    """The root of everything this folder raises."""

    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody changing anything."""


class CredentialRefused(IdentityError):
    """A credential was presented and proves nobody."""


class ApiKeyRefused(CredentialRefused):
    """The API key is unknown, wrong, revoked or expired."""


class TokenRefused(CredentialRefused):
    """The token is malformed, foreign, or breaks a rule."""


class TokenExpired(TokenRefused):
    """The token was good and is past its lifetime."""


class TokenReplayed(TokenRefused):
    """A one-time token was presented a second time."""


class TokenKeyUnknown(TokenRefused):
    """No key of the issuer has the token's key id."""


class CertificateRefused(CredentialRefused):
    """The client certificate names no workload of a trusted domain."""


class StatementRefused(IdentityError):
    """The statement was not signed by us, was changed, or belongs to another principal."""


class StatementOutOfTime(StatementRefused):
    """The statement is genuine and not in its lifetime."""


class PoliciesRefused(IdentityError):
    """Signed policies were not signed by us, were changed, or are for somebody else."""


class KeysUnavailable(IdentityError):
    """A key set could not be fetched, and there is no earlier one."""

    retryable: ClassVar[bool] = True


class ReplayTableFull(IdentityError):
    """A one-time token could not be remembered, so it must not be accepted."""

    retryable: ClassVar[bool] = True


class KeySetInvalid(IdentityError):
    """A key set is not a JSON Web Key set, or holds no key that may be used."""


class SecretFileInvalid(IdentityError):
    """A file with secrets is readable by others, or is not what we wrote."""


class ApiKeyUnknown(IdentityError):
    """There is no API key of this id."""


class NotPermitted(IdentityError):
    """Who asks is proved, and may not do this."""
