"""Headers of ours for the other backend, from a file: tokens belong in no configuration."""

import re
from pathlib import Path
from typing import Final

from auditspan.collector.forward.errors import Later
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import read_private

# What both protocols take; a name that ends in `-bin` would need bytes in gRPC.
_NAME: Final = re.compile(r"(?!grpc-)[0-9a-z_.-]+(?<!-bin)")
_VALUE: Final = re.compile(r"[\x20-\x7e]*")
_OURS: Final = frozenset(
    {
        *("connection", "content-encoding", "content-length", "content-type", "host", "te"),
        *("transfer-encoding", "user-agent"),
    }
)
"""These say how a request is sent, and the sender says so itself."""


def read_headers(path: Path | None) -> list[tuple[str, str]]:
    """`name: value` lines, names in lower case. Raises `Later` while the file is not usable."""
    if path is None:
        return []
    try:
        lines = read_private(path).decode("ascii").splitlines()
    except (OSError, UnicodeDecodeError, SecretFileInvalid) as error:
        raise Later(f"headers_file {path}: {error}", 10.0) from error
    return [_header(path, n, line) for n, line in enumerate(lines, 1) if _counts(line)]


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _header(path: Path, number: int, line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    name, value = name.strip().lower(), value.strip()
    if not colon or not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name in _OURS:
        # The line may hold a token: its number must do.
        raise Later(
            f"headers_file {path}: line {number}: expected `name: value` in printable ASCII, and a "
            "name that is not the protocol's own",
            10.0,
        )
    return name, value
