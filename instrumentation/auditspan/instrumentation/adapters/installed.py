"""What is installed here, and whether its adapter would find what it looks for."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

from auditspan.instrumentation.adapters.adapter import Adapter, within
from auditspan.instrumentation.adapters.locate import problems
from auditspan.instrumentation.adapters.registry import Framework
from auditspan.instrumentation.adapters.state import AdapterState


def states(
    adapters: Iterable[Adapter], without: Iterable[Framework], disabled: frozenset[str]
) -> list[AdapterState]:
    """Of every framework that is known, none of them imported yet."""
    found = [state_of(adapter, disabled) for adapter in adapters]
    return found + [state_without(framework, disabled) for framework in without]


def state_of(adapter: Adapter, disabled: frozenset[str]) -> AdapterState:
    """Of an adapter whose framework is not imported yet."""
    found = version_of(adapter.distribution)
    if not found or not within(found, adapter.calls_tools):
        return AdapterState(adapter.name, adapter.distribution, found, "absent")
    if adapter.name in disabled:
        return AdapterState(adapter.name, adapter.distribution, found, "disabled")
    missing = "; ".join(_missing(adapter, found))
    if missing:
        return AdapterState(adapter.name, adapter.distribution, found, "missing", missing)
    return AdapterState(
        adapter.name, adapter.distribution, found, "armed", untested(adapter, found)
    )


def state_without(framework: Framework, disabled: frozenset[str]) -> AdapterState:
    """Of a framework that has no adapter."""
    found = version_of(framework.distribution)
    if not found:
        return AdapterState(framework.name, framework.distribution, "", "absent")
    if framework.name in disabled:
        return AdapterState(framework.name, framework.distribution, found, "disabled")
    why = "there is no adapter for it"
    return AdapterState(framework.name, framework.distribution, found, "no_adapter", why)


def untested(adapter: Adapter, found: str) -> str:
    """Says so if a version is not among those that the adapter is tested with."""
    tested = within(found, adapter.tested)
    return "" if tested else f"not tested with this version, but with {adapter.tested}"


def version_of(distribution: str) -> str:
    """The installed version, "" without one."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _missing(adapter: Adapter, found: str) -> Iterable[str]:
    targets = adapter.targets_of(found)
    if not targets:
        yield f"the adapter knows no way into {adapter.distribution} {found}"
    # Each module is read once, however many functions of it are looked for.
    for module in dict.fromkeys(target.module for target in targets):
        yield from problems(module, [t.attribute for t in targets if t.module == module])
