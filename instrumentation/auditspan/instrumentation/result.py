"""What came of a call, where a framework tells failures by a value and not by an exception."""

from typing import Literal, NamedTuple

from auditspan.instrumentation.capture import words


class Result(NamedTuple):
    """What a call gave back."""

    value: object = None
    error: str = ""
    """Kind of failure that the value tells of, as `error.type` says it; "" if it tells of none."""
    message: str = ""
    """Its words."""
    unfinished: Literal["", "pending", "unknown"] = ""
    """It waits for something, or nobody can say what came of it."""

    @classmethod
    def of(cls, error: BaseException) -> "Result":
        """What an exception tells, with its name as OpenTelemetry writes it."""
        kind = type(error)
        name = kind.__qualname__
        if kind.__module__ not in ("builtins", "__main__"):
            name = f"{kind.__module__}.{name}"
        return cls(error=name, message=f"{kind.__name__}: {words(error)}")

    @property
    def outcome(self) -> str:
        """The word for `audit.outcome`."""
        return self.unfinished or ("failure" if self.error else "success")
