"""How long it is waited before what failed is tried again."""

from typing import Final

_RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0)


def backoff(attempt: int) -> float:
    """Seconds after the first failure (0), the second, and so on: longer each time, to an end."""
    return _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]
