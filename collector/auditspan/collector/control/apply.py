"""Check a bundle completely before anything changes: texts, policies, examples, difference.

1. The bundle is read strictly, 2. its policies are validated against its tools, 3. its examples are
run, 4. it is compared with the version in force. Only a bundle that passes becomes a record.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from pydantic import JsonValue

from auditspan.collector.control import examples
from auditspan.collector.control.errors import ControlInvalid, ControlRefused
from auditspan.collector.control.examples import Result
from auditspan.collector.control.records import REGISTRY_APPLIED, ControlRecord, Why
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

    def record(self, why: Why, at_ns: int) -> ControlRecord:
        """The record of putting it in force."""
        body: dict[str, JsonValue] = {
            "version": self.registry.version,
            "policy_version": self.registry.policy_version,
            "previous": self.previous,
            "files": dict(self.bundle.files),
            "changes": [_brief(change) for change in self.changes],
        }
        return ControlRecord(kind=REGISTRY_APPLIED, at_ns=at_ns, why=why, body=body)


def plan(bundle: Bundle, current: Bundle | None, calendar: Calendar | None = None) -> Plan:
    """Check a bundle against the one in force. Raises ControlInvalid or ControlRefused."""
    registry, policies = checked(bundle, calendar)
    results = examples.run(registry, policies) if policies else _without_policies(registry)
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
