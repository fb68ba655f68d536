"""Our distribution: what `opentelemetry-instrument` starts with.

It sets the defaults that make an agent audited, and keeps the crash of one instrumentation from
preventing the next ones (`opentelemetry-instrument` itself stops at the first).
"""

import os
from importlib.metadata import EntryPoint
from typing import Final

from opentelemetry.environment_variables import OTEL_TRACES_EXPORTER
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]

from auditspan.instrumentation.host import warn

HOOK: Final = "OTEL_INSTRUMENTATION_GENAI_COMPLETION_HOOK"
_OTLP: Final = frozenset({"otlp", "otlp_proto_grpc", "otlp_proto_http"})


class Distro(BaseDistro):  # type: ignore[misc]
    """auditspan's."""

    def _configure(self, **kwargs: object) -> None:
        os.environ.setdefault(HOOK, "auditspan")
        exporters = _exporters(os.environ)
        if exporters is not None:
            os.environ[OTEL_TRACES_EXPORTER] = exporters

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: object) -> None:
        """Instrument one library; a fault of its instrumentation stays there."""
        try:
            super().load_instrumentor(entry_point, **kwargs)
        except ImportError:
            raise  # told apart by the caller, who goes on
        except Exception as error:
            warn(
                f"instrumentor {entry_point.name}",
                "auditspan: the instrumentation %s failed and is left out: %s: %s",
                entry_point.name,
                type(error).__name__,
                error,
            )


def _exporters(environ: "os._Environ[str]") -> str | None:
    """The exporters without OTLP, if the spool sends to the same place: nothing is sent twice."""
    given = environ.get(OTEL_TRACES_EXPORTER)
    own = environ.get("AUDITSPAN_ENDPOINT")
    elsewhere = own and own != environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if given is None or elsewhere:
        return None
    others = [name for name in given.split(",") if name.strip() not in _OTLP]
    return ",".join(others) or "none"
