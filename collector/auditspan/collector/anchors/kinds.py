"""Control records about anchors."""

from typing import Final

ANCHOR_MISSED: Final = "anchor.missed"
"""For twice its cadence an anchor was shown no checkpoint; also the name of the finding."""
ANCHOR_RESUMED: Final = "anchor.resumed"
"""It was shown one again."""
