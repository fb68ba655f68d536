"""What is to be anchored: the newest note of the root log, which holds the checkpoints of all logs.

Where no key of a root log is known, it is the newest note of each log. A note that our own keys
have not signed goes nowhere: a locked bucket would keep it for years.
"""

from pathlib import Path
from typing import Final

from auditspan.collector.anchors.errors import AnchorRefused
from auditspan.integrity.errors import IntegrityError
from auditspan.integrity.note import Verifier, open_note

_ROOT: Final = "root"


def newest_notes(checkpoints: Path, public: Path) -> list[bytes]:
    """The notes. Raises `AnchorRefused` if one is damaged, `OSError`."""
    has_root = (public / f"{_ROOT}.vkey").exists()
    paths = checkpoints.glob(f"{_ROOT}.note" if has_root else "*.note")
    return [_opened(path, public) for path in sorted(paths)]


def _opened(path: Path, public: Path) -> bytes:
    try:
        keys = [Verifier.parse(key.read_text().strip()) for key in sorted(public.glob("*.vkey"))]
        note = path.read_bytes()
        open_note(note, keys)
    except IntegrityError as error:
        raise AnchorRefused(f"checkpoint {path}: {error}; the next one replaces it") from error
    return note
