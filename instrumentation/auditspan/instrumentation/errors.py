"""What this folder raises.

InstrumentationError
├── PolicyDenied       a policy (or a guard that cannot ask one) stopped a call; meant for the host
├── SettingsInvalid    an environment variable holds what nobody can mean
├── GuardMissing       tool calls of a framework would pass unguarded, and every one must be guarded
├── PoliciesUnusable   the registry folder cannot be read, or its policies do not load
├── ExchangeRefused    the collector does not accept this user's token
├── ExchangeFailed     the collector could not be asked; retryable
├── ProgramUnreadable  a file is no program of Python
├── SpoolMissing       there is no spool to send from
├── SpoolFull          no room, or no disk, to record a span; retryable
│   └── SpoolGone      somebody deleted the spool of this process while it was in use
└── ConversationsInvalid   a file for replay is not in its format

Only `PolicyDenied` reaches the host by itself.
"""

from collections.abc import Sequence
from typing import ClassVar


class InstrumentationError(Exception):
    """Root of this folder's errors."""

    retryable: ClassVar[bool] = False


class PolicyDenied(InstrumentationError):
    """A call that was not made. The message is fit to be shown to the model that asked for it."""

    def __init__(
        self,
        tool: str,
        rules: Sequence[str],
        reason: str,
        approval: bool = False,
        approval_id: str = "",
    ) -> None:
        self.tool = tool
        """What was to be called."""
        self.rules = tuple(rules)
        """The rules that decided."""
        self.rule = self.rules[0] if self.rules else ""
        """The first of them."""
        self.reason = reason
        """Why, in one sentence."""
        self.approval_needed = approval
        """Whether an approval would make it possible."""
        self.approval_id = approval_id
        """By which it is asked for and recorded, "" if none is needed."""
        verdict = "needs an approval that it does not have" if approval else "was denied"
        asked = f" (approval id {approval_id})" if approval_id else ""
        super().__init__(f"{tool} {verdict} by {', '.join(self.rules)}: {reason}{asked}")


class SettingsInvalid(InstrumentationError):
    """An environment variable cannot be used; the message names it and what is expected."""


class GuardMissing(InstrumentationError, ImportError):
    """A framework cannot be guarded. An ImportError, because its import is what fails."""

    def __init__(self, lacking: Sequence[str]) -> None:
        self.lacking = tuple(lacking)
        """The frameworks, each with the reason."""
        super().__init__(
            f"AUDITSPAN_REQUIRE_GUARD is set, and tool calls would pass unguarded: "
            f"{'; '.join(self.lacking)}. Install a version with an adapter, uninstall what is not "
            "used, or leave it out on purpose with AUDITSPAN_DISABLED_ADAPTERS"
        )


class PoliciesUnusable(InstrumentationError):
    """The policies cannot be asked."""


class ExchangeRefused(InstrumentationError):
    """The token proves nobody, or the sender may not exchange it: asking again does not help."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        """A word such as `refused`."""
        super().__init__(message)


class ExchangeFailed(InstrumentationError):
    """The collector was not reached or is busy."""

    retryable: ClassVar[bool] = True
    code = "unavailable"


class ProgramUnreadable(InstrumentationError):
    """A program that `auditspan doctor` was to read is none."""


class SpoolMissing(InstrumentationError):
    """No agent has left anything in that folder."""


class SpoolFull(InstrumentationError):
    """A span could not be written to disk."""

    retryable: ClassVar[bool] = True


class SpoolGone(SpoolFull):
    """Somebody deleted the spool of this process; there can be another one."""


class ConversationsInvalid(InstrumentationError):
    """A line of the file is not a conversation."""
