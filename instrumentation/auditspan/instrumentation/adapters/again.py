"""Modules that are loaded again, by `importlib.reload` or after they left `sys.modules`.

An import hook of wrapt is called once, and what is loaded again has functions without a guard.
https://docs.python.org/3/reference/import.html#the-meta-path
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

Loaded = Callable[[ModuleType], None]


class _Finder(MetaPathFinder):
    """Finds what the others find, and hears when it is loaded."""

    def __init__(self) -> None:
        self.watched: dict[str, list[Loaded]] = {}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, if it is one that is watched."""
        if name not in self.watched:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        finds = [finder.find_spec for finder in others if hasattr(finder, "find_spec")]
        specs = (find(name, path, target) for find in finds)
        found = next((spec for spec in specs if spec is not None), None)
        if found is not None and hasattr(found.loader, "exec_module"):
            found.loader = _Loader(found.loader, self.watched[name])  # type: ignore[assignment]
        return found


class _Loader:
    """A loader that tells when it is done, and is seen by nobody afterwards."""

    def __init__(self, loader: Any, told: list[Loaded]) -> None:
        self._loader = loader
        self._told = told

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        """Load it."""
        with suppress(AttributeError):
            module.__loader__ = self._loader
            module.__spec__.loader = self._loader  # type: ignore[union-attr]
        self._loader.exec_module(module)
        for loaded in list(self._told):
            loaded(module)


_finder: Final = _Finder()


def when_loaded_again(module: str, loaded: Loaded) -> None:
    """Have `loaded` called each time that a module, which was imported before, is loaded again."""
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    _finder.watched.setdefault(module, []).append(loaded)
