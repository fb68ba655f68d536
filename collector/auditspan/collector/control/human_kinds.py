"""Kinds of control records about what people are asked for."""

from typing import Final

RECORD_REVIEWED: Final = "record.reviewed"
RECERTIFICATION_STARTED: Final = "recertification.started"
ACCESS_RECERTIFIED: Final = "access.recertified"
RECERTIFICATION_OVERDUE: Final = "recertification.overdue"
