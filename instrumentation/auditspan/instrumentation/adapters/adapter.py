"""What an adapter is: names of functions, and what is put around them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], Mapping[str, Any]], Any]
"""As `wrapt` calls it: the function, the object it is bound to, its arguments."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function that is wrapped as soon as its module is imported."""

    module: str
    attribute: str
    """Its name in the module, with dots: `ClientSession.call_tool`."""
    wrapper: Wrapper
    after: str = ""
    """Module whose import it waits for, if its own is imported too early to be touched."""
    versions: str = ""
    """Versions of the distribution that have it (PEP 440), "" for all."""

    @property
    def path(self) -> str:
        """Where it is, as people write it."""
        return f"{self.module}.{self.attribute}"


@dataclass(frozen=True, slots=True)
class Adapter:
    """The guard of one library."""

    name: str
    """As `audit.agent.framework` says it, and as AUDITSPAN_DISABLED_ADAPTERS names it."""
    distribution: str
    """Whose version counts."""
    tested: str
    """Versions that it is tested with (PEP 440); others are guarded too, and it is said."""
    targets: tuple[Target, ...]
    calls_tools: str = ""
    """Versions that call tools (PEP 440), "" for all; in others there is nothing to guard."""

    def targets_of(self, version: str) -> tuple[Target, ...]:
        """What is wrapped in a version of the library."""
        return tuple(target for target in self.targets if within(version, target.versions))


def within(version: str, specifier: str) -> bool:
    """Whether a version is one of those; a pre-release counts as what it precedes."""
    return SpecifierSet(specifier).contains(Version(version), prereleases=True)
