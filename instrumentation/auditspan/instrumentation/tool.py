"""`@tool`: a function whose calls are judged before they run, and recorded.

Plain and `async` functions, generators and asynchronous generators. Arguments are recorded under
the names of the function's parameters; what the function returns and raises is passed on unchanged.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, ParamSpec, TypeVar, cast, overload

from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.act import Act
from auditspan.instrumentation.call import Call, begin
from auditspan.instrumentation.capture import json_text
from auditspan.instrumentation.host import contain
from auditspan.instrumentation.result import Result
from auditspan.semconv import attributes as names

P = ParamSpec("P")
R = TypeVar("R")
MAX_ITEMS = 1000
"""Items of a generator that are recorded."""


@dataclass(frozen=True, slots=True)
class _Tool:
    """What is known of a tool before it is called."""

    name: str
    capture: bool | None
    attributes: Mapping[str, AttributeValue]
    signature: inspect.Signature | None
    positional: tuple[str, ...] | None
    """The parameters, if each is given by position or name and none is `self`."""

    def begin(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> Call:
        return begin(
            Act(
                operation="execute_tool",
                name=self.name,
                arguments=self.arguments(args, kwargs),
                capture=self.capture,
                attributes=self.attributes,
                function=self,
            )
        )

    @contain("{}")
    def arguments(self, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
        if self.positional is not None and not kwargs and len(args) == len(self.positional):
            return json_text(dict(zip(self.positional, args, strict=True)))
        return json_text(_bound(self.signature, args, kwargs))


@overload
def tool(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def tool(
    *,
    name: str = "",
    type: str = "function",
    server: str = "",
    capture: bool | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str = "",
    type: str = "function",
    server: str = "",
    capture: bool | None = None,
) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function a tool. Its calls raise PolicyDenied if a policy stops them."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        attributes: dict[str, AttributeValue] = {names.GEN_AI_TOOL_TYPE: type}
        if server:
            attributes[names.AUDIT_TOOL_SERVER] = server
        described = name or getattr(function, "__name__", "tool")
        signature = _signature(function)
        known = _Tool(described, capture, attributes, signature, _positional(signature))
        return _wrapped(function, known)

    return decorate if function is None else decorate(function)


def _wrapped(function: Callable[P, R], known: _Tool) -> Callable[P, R]:
    # An object that is called has its kind from its class.
    routine = inspect.isroutine(function) or isinstance(function, functools.partial)
    called = function if routine else type(function).__call__
    if inspect.isasyncgenfunction(called):
        return cast(Callable[P, R], _async_generator(cast(Any, function), known))
    if inspect.isgeneratorfunction(called):
        return cast(Callable[P, R], _generator(cast(Any, function), known))
    if inspect.iscoroutinefunction(called):
        return cast(Callable[P, R], _coroutine(cast(Any, function), known))
    return _plain(function, known)


def _plain(function: Callable[P, R], known: _Tool) -> Callable[P, R]:
    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        running = known.begin(args, kwargs)
        try:
            with running.active():
                result = function(*args, **kwargs)
        except BaseException as error:
            running.failed(error)
            raise
        if _comes_later(result):
            running.returned(_LATER)
        else:
            running.succeeded(result)
        return result

    return call


_LATER = Result(unfinished="unknown")
_WHOLE = frozenset((dict, list, tuple, str, int, float, bool, bytes, type(None)))
"""What tools return most; to ask others for their abilities takes longer."""


def _comes_later(result: object) -> bool:
    """Whether it has still to be awaited or stepped through: nobody tells us how that ends."""
    if type(result) in _WHOLE:
        return False
    return hasattr(type(result), "__await__") or isinstance(result, Generator | AsyncGenerator)


def _coroutine(function: Callable[..., object], known: _Tool) -> Callable[..., object]:
    @functools.wraps(function)
    async def call(*args: object, **kwargs: object) -> object:
        running = known.begin(args, kwargs)
        try:
            with running.active():
                result: object = await function(*args, **kwargs)  # type: ignore[misc]
        except BaseException as error:
            running.failed(error)
            raise
        running.succeeded(result)
        return result

    return call


def _generator(
    function: Callable[..., Generator[object, object, object]], known: _Tool
) -> Callable[..., Generator[object, object, object]]:
    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> Generator[object, object, object]:
        running = known.begin(args, kwargs)
        items: list[object] = []
        steps = function(*args, **kwargs)
        step = partial(steps.send, None)
        try:
            while True:
                # Current only while the tool works, never while its caller does.
                with running.active():
                    item = step()
                _keep(items, item)
                try:
                    step = partial(steps.send, (yield item))
                except GeneratorExit:
                    raise
                except BaseException as thrown:
                    step = partial(steps.throw, thrown)
        except StopIteration as end:
            running.succeeded(items)
            return end.value
        except GeneratorExit:
            with _cleaned_up(running):
                steps.close()
            running.succeeded(items)
            return None
        except BaseException as error:
            running.failed(error)
            raise

    return call


def _async_generator(
    function: Callable[..., AsyncGenerator[object, object]], known: _Tool
) -> Callable[..., AsyncGenerator[object, object]]:
    @functools.wraps(function)
    async def call(*args: object, **kwargs: object) -> AsyncGenerator[object, object]:
        running = known.begin(args, kwargs)
        items: list[object] = []
        steps = function(*args, **kwargs)
        step = partial(steps.asend, None)
        try:
            while True:
                with running.active():
                    item = await step()
                _keep(items, item)
                try:
                    step = partial(steps.asend, (yield item))
                except GeneratorExit:
                    raise
                except BaseException as thrown:
                    step = partial(steps.athrow, thrown)
        except StopAsyncIteration:
            running.succeeded(items)
        except GeneratorExit:
            with _cleaned_up(running):
                await steps.aclose()
            running.succeeded(items)
        except BaseException as error:
            running.failed(error)
            raise

    return call


@contextmanager
def _cleaned_up(running: Call) -> Iterator[None]:
    """The caller stopped early: what the tool does about it may fail."""
    try:
        with running.active():
            yield
    except BaseException as error:
        running.failed(error)
        raise


def _keep(items: list[object], item: object) -> None:
    if len(items) < MAX_ITEMS:
        items.append(item)


@contain(None)
def _signature(function: Callable[..., object]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:
        return None  # some builtins have none


def _positional(signature: inspect.Signature | None) -> tuple[str, ...] | None:
    """Parameters that are bound by counting; None if there are others."""
    parameters = list(signature.parameters.values()) if signature else []
    plain = all(each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD for each in parameters)
    names = tuple(each.name for each in parameters)
    return names if signature and plain and names[:1] not in (("self",), ("cls",)) else None


def _bound(
    signature: inspect.Signature | None, args: tuple[object, ...], kwargs: Mapping[str, object]
) -> dict[str, object]:
    """Arguments by name of the parameter, with defaults; `self` is none of them."""
    if signature is None:
        return {"args": list(args), **kwargs}
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        # The function will say itself what is wrong.
        return {"args": list(args), **kwargs}
    bound.apply_defaults()
    found: dict[str, object] = {}
    for name, value in bound.arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            found.update(value)
        elif not (name in ("self", "cls") and not found):
            found[name] = value
    return found
