"""What is guarded in a process: one record of it, and another one if a guard fails later.

It is written at the start if there are policies to ask, else as soon as a framework is imported: a
program that is no agent leaves no trace.
"""

from collections.abc import Iterable

from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation import recorder
from auditspan.instrumentation.adapters.guards import Guards, guards, lacking
from auditspan.instrumentation.adapters.state import AdapterState
from auditspan.instrumentation.errors import GuardMissing
from auditspan.instrumentation.host import contain, warn
from auditspan.instrumentation.runtime import Runtime
from auditspan.semconv import attributes as names


def instrument(found: Runtime, here: Guards = guards) -> tuple[AdapterState, ...]:
    """Guard every framework in this process, and record which those are.

    Raises GuardMissing if AUDITSPAN_REQUIRE_GUARD is set and one would pass unguarded.
    """
    settings = found.settings
    teller = _Teller(found, here)
    states = here.instrument(settings.disabled_adapters, settings.require_guard, teller.changed)
    _warn_unknown(settings.disabled_adapters, states)
    wrong = lacking(states)
    if settings.guarded or wrong:
        teller.changed()
    if wrong and settings.require_guard:
        raise GuardMissing(wrong)
    if wrong:
        warn("coverage", "auditspan: tool calls are NOT guarded: %s", "; ".join(wrong))
    return states


def _warn_unknown(disabled: frozenset[str], states: Iterable[AdapterState]) -> None:
    unknown = sorted(disabled - {state.name for state in states})
    if unknown:
        warn(
            "disabled",
            "auditspan: AUDITSPAN_DISABLED_ADAPTERS names %s, expected some of %s",
            ", ".join(unknown),
            ", ".join(sorted(state.name for state in states)),
        )


class _Teller:
    """Writes the record once, and again for what is not guarded."""

    def __init__(self, found: Runtime, here: Guards) -> None:
        self._found = found
        self._here = here
        self._told: tuple[AdapterState, ...] | None = None

    @contain(None)
    def changed(self, state: AdapterState | None = None) -> None:
        """Something may be to tell."""
        states = self._here.states
        if self._told is None or (lacking(states) != lacking(self._told)):
            self._told = states
            recorder.record_coverage(self._found.provider, _described(self._found, states))


def _described(found: Runtime, states: tuple[AdapterState, ...]) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        names.AUDIT_GUARD_MODE: found.settings.mode,
        names.AUDIT_GUARD_FAIL_MODE: found.settings.fail,
    }
    disabled = [state.title for state in states if state.state == "disabled"]
    for name, listed in (
        (names.AUDIT_COVERAGE_GUARDED_FRAMEWORKS, [s.title for s in states if s.guarded]),
        (names.AUDIT_COVERAGE_UNGUARDED_FRAMEWORKS, lacking(states)),
        (names.AUDIT_COVERAGE_DISABLED_FRAMEWORKS, disabled),
    ):
        if listed:
            attributes[name] = listed
    return attributes
