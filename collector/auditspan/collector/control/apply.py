"""Check a bundle completely before anything changes: texts, policies, examples, difference.

1. The bundle is read strictly, 2. its policies are validated against its tools, 3. it leaves
somebody who can decide on the next change, 4. its examples are run, 5. it is compared with the
version in force. Only a bundle that passes can be proposed; at approval it is checked again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import JsonValue

from auditspan.collector.control import examples
from auditspan.collector.control.disabled import undisabled
from auditspan.collector.control.errors import ControlInvalid, ControlRefused
from auditspan.collector.control.examples import Result
from auditspan.collector.control.two_persons import leaves_somebody
from auditspan.policy import Calendar, PolicyInvalid, PolicySet
from auditspan.registry import Bundle, BundleInvalid, Registry
from auditspan.registry.diff import Change, compare


@dataclass(frozen=True, slots=True)
class Plan:
    """A bundle that passed every check, and what it would change."""

    bundle: Bundle
    """What shall be in force."""
    registry: Registry
    """What it says."""
    previous: str
    """Version in force so far, "" if none."""
    changes: tuple[Change, ...]
    """The difference to it."""
    results: tuple[Result, ...]
    """What the examples gave."""

    @property
    def is_new(self) -> bool:
        """Whether applying it would change anything, if only a comment."""
        return self.registry.version != self.previous

    def body(self) -> dict[str, JsonValue]:
        """The body of the record of putting it in force."""
        return {
            "version": self.registry.version,
            "policy_version": self.registry.policy_version,
            "previous": self.previous,
            "files": dict(self.bundle.files),
            "changes": [_brief(change) for change in self.changes],
        }

    def told(self) -> dict[str, JsonValue]:
        """What it would do, for people."""
        registry = self.registry
        return {
            "version": registry.version,
            "policy_version": registry.policy_version,
            "previous": self.previous,
            "changes": [change.to_dict() for change in self.changes],
            "examples": [result.to_dict() for result in self.results],
            "counts": {
                "agents": len(registry.agents),
                "tools": len(registry.tools),
                "grants": len(registry.grants),
                "policies": len(registry.policies),
            },
        }


def plan(bundle: Bundle, current: Bundle | None, calendar: Calendar | None = None) -> Plan:
    """Check a bundle against the one in force. Raises ControlInvalid or ControlRefused."""
    registry, policies = checked(bundle, calendar)
    leaves_somebody(registry)
    # What is disabled by order says nothing about the policies, so it must not hold up a change.
    judged = undisabled(bundle).registry()
    results = examples.run(judged, policies) if policies else _without_policies(judged)
    failed = [result for result in results if not result.passed]
    if failed:
        raise ControlRefused(
            f"{len(failed)} of {len(results)} examples got another decision than expected; "
            "correct the policies or the examples",
            [result.to_dict() for result in results],
        )
    before = current.registry() if current else None
    changes = compare(before, registry)
    return Plan(bundle, registry, current.version if current else "", changes, results)


def checked(bundle: Bundle, calendar: Calendar | None = None) -> tuple[Registry, PolicySet | None]:
    """What a bundle says and its policies, both valid. Raises ControlInvalid."""
    try:
        registry = bundle.registry()
        if not registry.policies:
            return registry, None
        return registry, PolicySet.load(registry.policies, registry.tools, calendar)
    except (BundleInvalid, PolicyInvalid) as error:
        details = [_plain(asdict(problem)) for problem in error.problems]
        raise ControlInvalid(str(error), details) from error


def _without_policies(registry: Registry) -> tuple[Result, ...]:
    """Without a policy nothing is decided, so no example can be right."""
    return tuple(
        Result(e.name, e.expect.outcome, "not_evaluated", "there is no policy", False)
        for e in registry.examples
    )


def _brief(change: Change) -> JsonValue:
    """A change without what the files say anyway: old values and texts are kept, new ones not
    repeated."""
    fields = change.to_dict()
    if change.change == "added":
        fields["after"] = None
    return fields


def _plain(fields: Mapping[str, object]) -> Mapping[str, JsonValue]:
    value: Mapping[str, JsonValue] = json.loads(json.dumps(fields))
    return value
