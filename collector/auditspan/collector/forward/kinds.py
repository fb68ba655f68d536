"""Control records about forwarding."""

from typing import Final

FORWARD_DROPPED: Final = "forward.dropped"
"""The queue was full, and requests were dropped; also the name of the finding."""
