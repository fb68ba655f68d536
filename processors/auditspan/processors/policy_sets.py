"""The policies of every registry version, loaded when they are first asked for."""

from dataclasses import dataclass, field

from auditspan.policy import Calendar, PolicyInvalid, PolicySet
from auditspan.registry.models import Registry

_KEPT = 64
"""Sets that stay loaded; an audit of years asks for few versions at a time."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Policies that were in force and cannot be loaded any more: everything is denied by them."""

    version: str
    reason: str


@dataclass(slots=True)
class PolicySets:
    """One policy set per registry version: the same texts mean other things with other tools."""

    calendar: Calendar = field(default_factory=Calendar)
    """What the time of day is told by."""
    _loaded: dict[str, PolicySet | Unusable | None] = field(default_factory=dict)

    def of(self, registry: Registry) -> PolicySet | Unusable | None:
        """The policies of a version; None if it has none, which is not an empty set."""
        if registry.version not in self._loaded:
            if len(self._loaded) >= _KEPT:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[registry.version] = self._load(registry)
        return self._loaded[registry.version]

    def _load(self, registry: Registry) -> PolicySet | Unusable | None:
        if not registry.policies:
            return None
        try:
            return PolicySet.load(registry.policies, registry.tools, self.calendar)
        except PolicyInvalid as error:
            first = error.problems[0]
            where = f"{first.file}:{first.line}:{first.column}"
            return Unusable(registry.policy_version, f"{where}: {first.message}")
