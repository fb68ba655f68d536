"""What an anchor is: somebody who is shown a signed note, keeps it, and says so.

One more anchor is a class with these members and a list in `config.py`; whatever it is, it never
holds up sealing, because only its keeper waits for it (`keeper.py`).
"""

from typing import Protocol

from auditspan.integrity.anchors import Receipt


class Anchor(Protocol):
    """One keeper of notes."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""

    @property
    def cadence(self) -> float:
        """Seconds between two notes."""

    async def prepare(self) -> None:
        """Look whether it can prove anything.

        Raises `AnchorUnusable` with what to do, `AnchorUnavailable` if it cannot be asked now.
        """

    async def anchor(self, note: bytes) -> Receipt:
        """Show it a signed note; its receipt, already checked.

        A note of a size that it has is no error if it is of the same tree. Raises `AnchorRefused`,
        `AnchorUnavailable`, `AnchorUnusable`.
        """

    async def check(self, receipt: Receipt, note: bytes) -> Receipt:
        """The receipt as far as it can be shown now: `external`, or `local` if nobody else vouches.

        Raises `AnchorRefused` if it does not belong to the note or does not hold,
        `AnchorUnavailable`.
        """
