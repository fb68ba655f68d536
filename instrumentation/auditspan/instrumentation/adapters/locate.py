"""Whether a function exists in an installed library, told without running it.

Each start of a program does this, so what Python keeps compiled of a module is looked at; its
source, which takes fifty times as long, only where that does not say yes.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import CodeType


def problems(module: str, attributes: Iterable[str]) -> Iterator[str]:
    """What of a module is not where it should be; nothing of what only an import can tell."""
    spec = _spec(module)
    if spec is None:
        package = _spec(module.partition(".")[0])
        where = f" ({package.name} is {package.origin})" if package is not None else ""
        yield f"there is no module {module}{where}"
        return
    get_source = getattr(spec.loader, "get_source", None)
    get_code = getattr(spec.loader, "get_code", None)
    code = get_code(module) if get_code is not None else None
    unseen = [each for each in attributes if code is None or not _compiled(code, each.split("."))]
    text = get_source(module) if unseen and get_source is not None else None
    if text is None:  # all there, or a module in C
        return
    body = ast.parse(text).body
    for attribute in unseen:
        if not _has(body, attribute.split("."), inherits=False):
            yield f"{module} has no {attribute}"


def _compiled(code: CodeType, path: list[str]) -> bool:
    """Whether the body of a module or class has a function, or a class with the rest of the path.

    No is not an answer: it may be imported, assigned or inherited.
    """
    name, *rest = path
    bodies = [it for it in code.co_consts if isinstance(it, CodeType) and it.co_name == name]
    return bool(bodies) and (not rest or all(_compiled(body, rest) for body in bodies))


def _has(body: Sequence[ast.stmt], path: list[str], inherits: bool) -> bool:
    node = _named(body, path[0])
    if node is None:
        return inherits
    if len(path) == 1 or not isinstance(node, ast.ClassDef):
        return True
    return _has(node.body, path[1:], bool(node.bases))


def _named(body: Sequence[ast.stmt], name: str) -> ast.stmt | None:
    """What defines a name, also inside `if` and `try`; the last one holds."""
    found = None
    for node in body:
        if _defines(node, name):
            found = node
        elif isinstance(node, ast.If | ast.Try):
            handlers = node.handlers if isinstance(node, ast.Try) else []
            inner = [node.body, *(handler.body for handler in handlers), node.orelse]
            found = next((hit for part in inner if (hit := _named(part, name))), found)
    return found


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name == name
    if isinstance(node, ast.Assign):
        return any(isinstance(to, ast.Name) and to.id == name for to in node.targets)
    if isinstance(node, ast.ImportFrom | ast.Import):
        return any((alias.asname or alias.name) == name for alias in node.names)
    return isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == name


def _spec(module: str) -> ModuleSpec | None:
    """Where a module is, found as an import finds it; its packages are not imported."""
    path: Sequence[str] | None = None
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        spec = _found(".".join(parts[:end]), path)
        if spec is None:
            return None
        path = spec.submodule_search_locations
    return spec


def _found(name: str, path: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        # An import hook of wrapt imports the packages of what it is asked for.
        if not type(finder).__module__.startswith("wrapt"):
            found = finder.find_spec(name, path)
            if found is not None:
                return found
    return None
