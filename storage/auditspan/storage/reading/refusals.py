"""Refusals with the codes that ClickHouse clients know.

https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
"""

import difflib
from collections.abc import Collection
from typing import Final

from auditspan.storage.errors import StatementRefused

UNKNOWN_FUNCTION: Final = 46
UNKNOWN_COLUMN: Final = 47
UNKNOWN_TYPE: Final = 50
UNKNOWN_TABLE: Final = 60
SYNTAX_ERROR: Final = 62
NOT_A_NUMBER: Final = 72
UNKNOWN_FORMAT: Final = 73
UNKNOWN_DATABASE: Final = 81
UNKNOWN_SETTING: Final = 115
READONLY: Final = 164
TOO_DEEP: Final = 167
TOO_BIG: Final = 168
SETTING_OUT_OF_BOUNDS: Final = 452
ACCESS_DENIED: Final = 497


def refused(why: str, code: int = READONLY) -> StatementRefused:
    """A refusal of a statement."""
    return StatementRefused(f"statement: {why}", code)


def unknown(kind: str, name: str, known: Collection[str], code: int) -> StatementRefused:
    """A refusal of a name, with the one that may have been meant."""
    near = difflib.get_close_matches(name, known, 1, 0.75)
    hint = f"; did you mean {near[0]}?" if near else ""
    return refused(f"there is no {kind} {name[:80]!r} for readers{hint}", code)
