"""A function of a framework through which its tool calls pass, with the guard around it.

What differs from framework to framework are functions of an adapter: how a call is read, how a
denial is told so that the model sees the reason, how a result tells of a failure, and which
exceptions tell of none. A call that cannot be read is held to the fail mode; a result that cannot
be read is recorded as it is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import Call, begin_described
from auditspan.instrumentation.errors import PolicyDenied
from auditspan.instrumentation.host import report
from auditspan.instrumentation.result import Result

Wrapped = Callable[..., Any]
Arguments = tuple[object, ...]
Named = Mapping[str, object]


def refuse(denied: PolicyDenied, *args: object, **kwargs: object) -> object:
    """Tell a denial by raising it: for frameworks that show the model an exception's words."""
    raise denied


def failure(error: BaseException) -> Result | None:
    """Every exception is a failure."""
    return None


@dataclass(frozen=True, slots=True)
class Chokepoint:
    """Wrappers for `wrapt`, for a plain function and for a coroutine function."""

    framework: str
    """Name of the adapter."""
    describe: Callable[..., Act]
    """Called as the function is, with the object it is bound to first: the act."""
    deny: Callable[..., object] = refuse
    """Called with the denial and then as `describe`: returns or raises what the framework wants."""
    read: Callable[[Any], Result] = Result
    """What the returned value says."""
    raised: Callable[[BaseException], Result | None] = failure
    """What an exception says by which the framework tells something else than a failure."""

    def around(self, wrapped: Wrapped, instance: object, args: Arguments, kwargs: Named) -> object:
        """Guard and record one call of a plain function."""
        try:
            call = self._begin(instance, args, kwargs)
        except PolicyDenied as denied:
            return self.deny(denied, instance, *args, **kwargs)
        try:
            with call.active():
                result = wrapped(*args, **kwargs)
        except BaseException as error:
            self._ended(call, error)
            raise
        call.returned(self._read(result))
        return result

    async def around_async(
        self,
        wrapped: Callable[..., Awaitable[Any]],
        instance: object,
        args: Arguments,
        kwargs: Named,
    ) -> object:
        """Guard and record one call of a coroutine function."""
        try:
            call = self._begin(instance, args, kwargs)
        except PolicyDenied as denied:
            return self.deny(denied, instance, *args, **kwargs)
        try:
            with call.active():
                result = await wrapped(*args, **kwargs)
        except BaseException as error:
            self._ended(call, error)
            raise
        call.returned(self._read(result))
        return result

    def _begin(self, instance: object, args: Arguments, kwargs: Named) -> Call:
        return begin_described(self.framework, lambda: self.describe(instance, *args, **kwargs))

    def _ended(self, call: Call, error: BaseException) -> None:
        try:
            told = self.raised(error)
        except Exception as fault:
            report(f"exception of {self.framework}", fault)
            told = None
        if told is None:
            call.failed(error)
        else:
            call.returned(told)

    def _read(self, result: object) -> Result:
        try:
            return self.read(result)
        except Exception as fault:
            report(f"result of {self.framework}", fault)
            return Result(result)
