"""What the environment demands, told without anything of ours that could fail to load."""

import os
from collections.abc import Mapping


def fails_closed() -> bool:
    """Whether a fault denies: what holds when there is no runtime.

    Settings that cannot be read may be the reason, so a word that is none is taken as the stricter.
    """
    mode = os.environ.get("AUDITSPAN_GUARD_MODE", "").strip().lower()
    fail = os.environ.get("AUDITSPAN_FAIL_MODE", "").strip().lower()
    return mode not in ("", "observe") and fail != "open"


def guard_required() -> bool:
    """Whether nothing may run unguarded; a word that is none demands it."""
    return os.environ.get("AUDITSPAN_REQUIRE_GUARD", "").strip().lower() not in ("", "false")


def sdk_disabled(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether OpenTelemetry's SDK is to do nothing, so that nothing would be recorded
    (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/)."""
    return environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
