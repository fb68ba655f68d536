"""What a report reads from: anything that answers a parametrised SELECT with Arrow."""

from collections.abc import Mapping
from typing import Any, Protocol

import pyarrow as pa


class Source(Protocol):
    """The reading side of `auditspan.storage`: an embedded engine, a server, or a collector."""

    def arrow(self, sql: str, params: Mapping[str, Any] | None = None) -> pa.Table:
        """Run one SELECT with `{name:Type}` parameters."""
        ...
