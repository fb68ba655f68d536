"""What a client says of itself; nobody proves it."""

from dataclasses import dataclass
from typing import Literal

Interface = Literal["endpoint", "cli", "report"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a client says of itself."""

    interface: Interface = "endpoint"
    """The CLI names itself, and a report; whoever says nothing came by the endpoint."""
    report: str = ""
    """Which report, with its parameters."""
    client: str = ""
    """The program, as its User-Agent says."""
