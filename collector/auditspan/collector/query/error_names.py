"""Errors in the words of ClickHouse: `Code: 60. DB::Exception: what. (UNKNOWN_TABLE)`.

Clients read number and name from the text: the JavaScript client has neither of an error that does
not end with its name. https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
"""

from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[int, str]] = {
    36: "BAD_ARGUMENTS",
    46: "UNKNOWN_FUNCTION",
    47: "UNKNOWN_IDENTIFIER",
    50: "UNKNOWN_TYPE",
    60: "UNKNOWN_TABLE",
    62: "SYNTAX_ERROR",
    72: "CANNOT_PARSE_NUMBER",
    73: "UNKNOWN_FORMAT",
    81: "UNKNOWN_DATABASE",
    115: "UNKNOWN_SETTING",
    159: "TIMEOUT_EXCEEDED",
    164: "READONLY",
    167: "TOO_DEEP_AST",
    168: "TOO_BIG_AST",
    194: "REQUIRED_PASSWORD",
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    210: "NETWORK_ERROR",
    394: "QUERY_WAS_CANCELLED",
    452: "SETTING_CONSTRAINT_VIOLATION",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
}
"""Of the numbers that we give ourselves; the engine's own errors come with their names."""


def error_text(code: int, message: str) -> str:
    """The text of an error; one of the engine is left as it is."""
    if message.startswith("Code: "):
        return message
    name = f". ({NAMES[code]})" if code in NAMES else ""
    return f"Code: {code}. DB::Exception: {message.removesuffix('.')}{name}"
