"""What runs before any instrumentation, while nothing of others can be in the way.

If the agent is to be held to policies (`AUDITSPAN_GUARD_MODE=enforce`) and fails closed, and cannot
be recorded or judged, the process ends here with exit code 78: `opentelemetry-instrument` would
swallow an exception and start the agent without a guard. So it does if AUDITSPAN_REQUIRE_GUARD is
set and tool calls of an installed framework would pass unguarded.

What could fail to load is imported inside, because a module that does not load is passed over too.
"""

import os
import sys
from typing import Final, NoReturn

from auditspan.instrumentation.demands import fails_closed, guard_required, sdk_disabled
from auditspan.instrumentation.errors import GuardMissing, InstrumentationError, SettingsInvalid
from auditspan.instrumentation.host import report, warn

EX_CONFIG: Final = 78
"""sysexits.h: a fault of the configuration."""


def pre_instrument() -> None:
    """Set up recorder and guard, or refuse to start."""
    closed = fails_closed()
    try:
        _set_up(closed)
    except Exception as error:
        if closed or guard_required():
            _refuse(error)
        report("start", error)


def _set_up(closed: bool) -> None:
    from auditspan.instrumentation.adapters.coverage import instrument
    from auditspan.instrumentation.install import install
    from auditspan.instrumentation.runtime import runtime

    found = runtime()
    if sdk_disabled():
        disabled = SettingsInvalid("OTEL_SDK_DISABLED is true, so nothing would be recorded")
        if closed:
            raise disabled
        warn("start", "auditspan: %s", disabled)
        return
    install()
    instrument(found)
    if closed:
        found.durable.check()
        found.guard.check()
    elif found.settings.guarded:
        found.guard.check()


def _refuse(error: Exception) -> NoReturn:
    kind = "" if isinstance(error, InstrumentationError) else f"{type(error).__name__}: "
    way_out = (
        ""
        if isinstance(error, GuardMissing)
        else "Correct this, or let it run unguarded with AUDITSPAN_FAIL_MODE=open.\n"
    )
    sys.stderr.write(
        f"auditspan: the agent is not started, because it could not be guarded: {kind}{error}\n"
        f"{way_out}"
    )
    sys.stderr.flush()
    # An exception would be swallowed, SystemExit a fatal error with a trace.
    os._exit(EX_CONFIG)
