"""Which certificates of the other backend are believed; settled before anything is sent."""

import ssl
from dataclasses import dataclass

from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.forward.config import ForwardConfig


@dataclass(frozen=True, slots=True)
class Trust:
    """The same certificates, for each protocol."""

    context: ssl.SSLContext
    """For HTTP."""
    roots: bytes | None
    """For gRPC, None for those it comes with."""


def trust(config: ForwardConfig) -> Trust:
    """Read `ca_file`. Raises `ConfigInvalid`."""
    file = config.ca_file
    try:
        context = ssl.create_default_context(cafile=str(file) if file else None)
        return Trust(context, file.read_bytes() if file else None)
    except OSError as error:  # An SSLError is one.
        raise ConfigInvalid(
            f"exporters.otlp.ca_file {file}: expected certificates in PEM: {error}"
        ) from error
