"""The guards of a process: armed at its start, installed as each framework is imported.

`instrument()` may be called again, and after `uninstrument()`; a guard that cannot be installed is
logged and recorded as such, and with `strict` the import of its framework fails.
"""

import importlib
import operator
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import wrapt

from auditspan.instrumentation.adapters.adapter import Adapter, Target
from auditspan.instrumentation.adapters.again import when_loaded_again
from auditspan.instrumentation.adapters.installed import states
from auditspan.instrumentation.adapters.registry import ADAPTERS, Framework, unguarded
from auditspan.instrumentation.adapters.state import AdapterState
from auditspan.instrumentation.errors import GuardMissing
from auditspan.instrumentation.host import warn

Changed = Callable[[AdapterState], None]


@dataclass(frozen=True, slots=True)
class _Wrapped:
    """A function with a guard, and what stood there before."""

    parent: Any
    name: str
    guard: Any
    original: Any
    inherited: bool

    def undo(self) -> None:
        """Put back what stood there, unless somebody wrapped our wrapper since."""
        if vars(self.parent).get(self.name) is not self.guard:
            return
        if self.inherited:
            delattr(self.parent, self.name)
        else:
            setattr(self.parent, self.name, self.original)


class Guards:
    """All adapters, and what became of them. Threads may import at the same time."""

    def __init__(
        self,
        adapters: tuple[Adapter, ...] = ADAPTERS,
        without: Callable[[], tuple[Framework, ...]] = unguarded,
    ) -> None:
        self._adapters = adapters
        self._without = without
        self._mutex = threading.RLock()
        self._states: dict[str, AdapterState] = {}
        self._wrapped: dict[Target, _Wrapped] = {}
        self._hooked: set[Target] = set()
        self._again: set[Target] = set()
        self._watched: set[Framework] = set()
        self._on = False
        self._strict = False
        self._changed: Changed = lambda state: None

    def instrument(
        self,
        disabled: frozenset[str] = frozenset(),
        strict: bool = False,
        changed: Changed = lambda state: None,
    ) -> tuple[AdapterState, ...]:
        """Arm every adapter that is not disabled; `changed` hears what becomes of each later.

        Of an adapter that misses a function, the others are guarded all the same.
        """
        with self._mutex:
            if self._on:
                return self.states
            self._on, self._strict, self._changed = True, strict, changed
            without = self._without()
            found = states(self._adapters, without, disabled)
            self._states = {state.name: state for state in found}
        # Arming may import, and an import of another thread may wait for our lock.
        for adapter in self._adapters:
            self._arm(adapter)
        for framework in without:
            self._watch(framework)
        return self.states

    def uninstrument(self) -> None:
        """Take every guard away."""
        with self._mutex:
            self._on = False
            for wrapped in self._wrapped.values():
                wrapped.undo()
            self._wrapped.clear()
            self._states.clear()

    @property
    def states(self) -> tuple[AdapterState, ...]:
        """What became of each framework, as of now."""
        return tuple(self._states.values())

    def _arm(self, adapter: Adapter) -> None:
        state = self._states[adapter.name]
        if state.state in ("absent", "disabled"):
            return
        for target in adapter.targets_of(state.version):
            waited_for = target.after or target.module
            if target not in self._hooked:
                self._hooked.add(target)
                wrapt.register_post_import_hook(self._hook(adapter, target), waited_for)
            elif waited_for in sys.modules:
                self._install(adapter, target)

    def _watch(self, framework: Framework) -> None:
        """Say so when a framework is used that has no adapter."""
        if self._states[framework.name].state == "no_adapter" and framework not in self._watched:
            self._watched.add(framework)
            wrapt.register_post_import_hook(lambda module: self._used(framework), framework.module)

    def _used(self, framework: Framework) -> None:
        state = self._states.get(framework.name)
        if self._on and state is not None and state.state == "no_adapter":
            self._lost(replace(state, state="unguarded"), None)

    def _hook(self, adapter: Adapter, target: Target) -> Callable[[ModuleType], None]:
        return lambda module: self._install(adapter, target)

    def _install(self, adapter: Adapter, target: Target) -> None:
        state = self._states.get(adapter.name)
        if not self._on or state is None or target not in adapter.targets_of(state.version):
            return
        try:
            module = importlib.import_module(target.module)
            with self._mutex:
                if target not in self._wrapped:
                    self._wrapped[target] = self._wrap(module, target)
            self._watch_again(adapter, target)
        except Exception as error:
            if state.guarded:  # else it is said already
                self._fail(adapter, target, error)
        else:
            # What is wrong with another function of it stays wrong.
            if state.guarded:
                self._say(replace(state, state="patched"))

    def _watch_again(self, adapter: Adapter, target: Target) -> None:
        """Guard it once more if its module is loaded once more."""
        if target in self._again:
            return
        self._again.add(target)

        def loaded(module: ModuleType) -> None:
            self._wrapped.pop(target, None)
            self._install(adapter, target)

        when_loaded_again(target.module, loaded)

    def _wrap(self, module: ModuleType, target: Target) -> _Wrapped:
        operator.attrgetter(target.attribute)(module)  # wrapt's error differs between versions
        parent, name, original = wrapt.resolve_path(module, target.attribute)
        inherited = name not in vars(parent)
        # An instance that outlives `uninstrument` may hold our wrapper: it does nothing then.
        guard = wrapt.FunctionWrapper(original, target.wrapper, lambda: self._on)
        setattr(parent, name, guard)
        return _Wrapped(parent, name, vars(parent)[name], original, inherited)

    def _fail(self, adapter: Adapter, target: Target, error: Exception) -> None:
        missing = isinstance(error, AttributeError | ImportError)
        problem = f"{target.path}: {type(error).__name__}: {error}"
        state = replace(
            self._states[adapter.name], state="missing" if missing else "failed", problem=problem
        )
        self._lost(state, error)

    def _lost(self, state: AdapterState, error: Exception | None) -> None:
        self._say(state)
        warn(f"guard {state.name}", "auditspan: tool calls are NOT guarded: %s", state.title)
        if self._strict:
            raise GuardMissing([state.title]) from error

    def _say(self, state: AdapterState) -> None:
        former = self._states.get(state.name)
        self._states[state.name] = state
        if former != state:
            self._changed(state)


def lacking(states: Iterable[AdapterState]) -> list[str]:
    """The frameworks whose tool calls pass unguarded, and why."""
    return [state.title for state in states if state.unguarded]


guards = Guards()
"""Of this process."""
