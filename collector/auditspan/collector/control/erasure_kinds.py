"""Kinds of changes and of control records about erasures, holds and retention."""

from typing import Final

ERASURE: Final = "erasure"
"""A proposal to erase."""
RECORD_ERASED: Final = "record.erased"
HOLD_RELEASE: Final = "hold.release"
"""A proposal to release a hold."""
HOLD_DEFINED: Final = "hold.defined"
"""What a hold keeps. A record like others: what it says can be erased."""
HOLD_PLACED: Final = "hold.placed"
"""An entry of the log: that a hold is in force, without saying whom it is about."""
HOLD_RELEASED: Final = "hold.released"
SHORTENING: Final = "retention.shorten"
"""A proposal to let records expire before their day."""
EXPIRED_EARLY: Final = "record.expired_early"
RETENTION_CHANGED: Final = "retention.changed"
"""An entry of the log: the days of retention are others than at the last start."""
