"""Values of the host as JSON text that can stand on a span.

What JSON has no word for becomes text; nothing here calls code of the host that could fail without
being caught, and a text is cut where it gets too long (what is cut is no JSON any more, so nobody
takes it for the whole).
"""

import base64
import dataclasses
import json
import math
from collections.abc import Mapping, Set
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from pydantic import BaseModel

MAX_DEPTH = 32
CUT = "…"
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def json_text(value: object) -> str:
    """The JSON of any value."""
    try:
        text = _encode(value)
    except (TypeError, ValueError, RecursionError):
        text = _encode(plain(value))
    # A lone surrogate cannot be sent.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` bytes."""
    if len(text) * 4 <= limit or len(encoded := text.encode()) <= limit:
        return text
    return encoded[: max(0, limit - len(CUT.encode()))].decode("utf-8", "ignore") + CUT


def plain(value: object, depth: int = 0) -> object:
    """A value made of what JSON knows."""
    if value is None or isinstance(value, bool | int | str):
        return _scalar(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth >= MAX_DEPTH:
        return CUT
    try:
        return _composed(value, depth + 1)
    except Exception:
        # A property or a `__repr__` of the host.
        return f"<{type(value).__name__}>"


def _scalar(value: object) -> object:
    """Enumerations that are numbers or texts as what they stand for."""
    return value.value if isinstance(value, Enum) else value


def _composed(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        return {_key(key): plain(item, depth) for key, item in value.items()}
    if isinstance(value, list | tuple | Set):
        return [plain(item, depth) for item in value]
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"), depth)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name), depth) for name in names}
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, Enum):
        return plain(value.value, depth)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID | PurePath):
        return str(value)
    return repr(value)


def _key(key: object) -> str:
    return key if isinstance(key, str) else str(plain(key, MAX_DEPTH - 1))
