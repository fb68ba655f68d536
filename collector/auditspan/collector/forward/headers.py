"""Headers of ours for the other backend, from a file: tokens belong in no configuration."""

import re
from pathlib import Path
from typing import Final

from auditspan.collector.forward.errors import Later
from auditspan.identity.errors import SecretFileInvalid
from auditspan.identity.files import read_private

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


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
    if not colon or not _NAME.fullmatch(name.strip()):
        # The line may hold a token: its number must do.
        raise Later(f"headers_file {path}: line {number}: expected `name: value`", 10.0)
    return name.strip().lower(), value.strip()
