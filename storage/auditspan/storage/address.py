"""Addresses of a ClickHouse interface: `http://host:8123`, `https://host:8443`."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

_EXPECTED: Final = "expected http://host:port or https://host:port"


def address(url: str) -> SplitResult:
    """The parts of an address. Raises `ValueError`, which does not repeat a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{_EXPECTED}: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{_EXPECTED}, with no user or password in it")
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError(f"{_EXPECTED}, found {url!r}")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"{_EXPECTED} and nothing behind it, found {url!r}")
    return parts
