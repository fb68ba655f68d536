"""Which libraries a program uses, told from its source, without running it.

Followed are the modules that lie beside it; what is imported by a computed name is not seen.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from auditspan.instrumentation.errors import ProgramUnreadable

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def distributions_of(program: Path) -> Mapping[str, str]:
    """Each distribution that the program uses, and the module by which it comes in.

    Raises ProgramUnreadable.
    """
    owners = packages_distributions()
    found: dict[str, str] = {}
    for module in sorted(_imported(program)):
        for owner in owners.get(module.partition(".")[0], ()):
            _add(normal(owner), module, found)
    return found


def normal(distribution: str) -> str:
    """Its name as PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _add(distribution: str, module: str, found: dict[str, str]) -> None:
    """A distribution, and what it requires whatever extras are asked for."""
    waiting = [distribution]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = module
            waiting += _required(name)


def _required(distribution: str) -> Iterator[str]:
    try:
        wanted = requires(distribution) or []
    except PackageNotFoundError:
        return
    for line in wanted:
        name = _NAME.match(line)
        if name and "extra ==" not in line:
            yield normal(name[0])


def _imported(program: Path) -> set[str]:
    modules: set[str] = set()
    waiting, seen = [program], {program}
    while waiting:
        names = set(_imports(waiting.pop()))
        modules |= names
        beside = [path for name in names for path in _beside(program.parent, name)]
        waiting += [path for path in beside if path not in seen]
        seen |= set(beside)
    return modules


def _beside(folder: Path, module: str) -> Iterable[Path]:
    """The files of a module of the program's own."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        path = folder.joinpath(*parts[:end])
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if file.is_file():
                yield file


def _imports(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError) as error:
        raise ProgramUnreadable(f"{path}: cannot be read as a program: {error}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # A relative import is one of the program's own modules.
            base = node.module or ""
            yield base
            yield from (f"{base}.{alias.name}".lstrip(".") for alias in node.names)
