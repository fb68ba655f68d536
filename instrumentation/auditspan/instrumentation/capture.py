"""Values of the host as JSON text that can stand on a span.

What JSON has no word for becomes text; nothing here calls code of the host that could fail without
being caught, and a text is cut where it gets too long (what is cut is no JSON any more, so nobody
takes it for the whole).
"""

import base64
import dataclasses
import json
import math
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date, datetime, time
from decimal import Decimal
from enum import Enum
from itertools import islice
from pathlib import PurePath
from typing import Any
from uuid import UUID

from pydantic import BaseModel

MAX_DEPTH = 32
MAX_ITEMS = 200_000
"""Of a value whose parts stand in it again and again, as the aliases of YAML do: they multiply."""
MAX_WORDS = 64 * 1024
"""Bytes of what an exception or a framework says of a failure."""
CUT = "…"
_LONGEST_NUMBER = 2000
"""Bits of a number that Python writes in decimals whatever it is told to refuse."""
_NESTED = (dict, list, tuple)
_Nested = dict[Any, Any] | list[Any] | tuple[Any, ...]
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def _kept_encoder() -> Callable[[object, int], Iterable[str]] | None:
    """What `_encode` makes anew for each value, where the interpreter is one that lets us keep it.

    It looks for no values that hold themselves: `_ends` does. None elsewhere.
    """
    make: Any = vars(json.encoder).get("c_make_encoder")
    text = json.encoder.encode_basestring
    try:
        kept: Callable[[object, int], Iterable[str]]
        kept = make(None, _refuse, text, None, ":", ",", False, False, False)
    except TypeError:
        return None
    return kept


def _refuse(value: object) -> object:
    raise TypeError(type(value).__name__)


_parts = _kept_encoder()


def json_text(value: object) -> str:
    """The JSON of any value."""
    try:
        if not _ends(value):
            value = plain(value)
        text = _encode(value) if _parts is None else "".join(_parts(value, 0))
    except Exception:
        # What JSON has no word for, or a mapping of the host that does not tell what is in it.
        text = _encode(plain(value))
    return sendable(text)


def words(error: BaseException) -> str:
    """What an exception says, if it can."""
    try:
        return short(str(error))
    except Exception:
        return f"<{type(error).__name__}>"


def short(text: str) -> str:
    """Words about a call: an error that holds a whole answer must not make a record too large."""
    return cut(sendable(text), MAX_WORDS)


def sendable(text: str) -> str:
    """A text as it can be sent: a lone surrogate, as in a name of a file, is no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` bytes."""
    if len(text) * 4 <= limit or len(encoded := text.encode()) <= limit:
        return text
    return encoded[: max(0, limit - len(CUT.encode()))].decode("utf-8", "ignore") + CUT


def _ends(value: object) -> bool:
    """Whether it can be written as it is: a part that stands in it twice is written twice."""
    waiting = _nested(value) if isinstance(value, _NESTED) else []
    if not waiting:
        return True
    seen = {id(value)}
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            return _written_out(value) <= MAX_ITEMS
        seen.add(id(found))
        waiting += _nested(found)
    return True


def _written_out(value: object) -> int:
    """How many items there are to be written, or more than MAX_ITEMS."""
    count, waiting = 0, _nested([value])
    while waiting and count <= MAX_ITEMS:
        found = waiting.pop()
        count += len(found)
        waiting += _nested(found)
    return count


def _nested(found: _Nested) -> list[_Nested]:
    items = found.values() if isinstance(found, dict) else found
    return [item for item in items if isinstance(item, _NESTED) and item]


def plain(value: object) -> object:
    """A value made of what JSON knows."""
    return _Plain().of(value, 0)


class _Plain:
    """One value on its way to JSON."""

    def __init__(self) -> None:
        self._left = MAX_ITEMS

    def of(self, value: object, depth: int) -> object:
        """A part of it."""
        self._left -= 1
        if self._left < 0:
            return CUT
        if value is None or isinstance(value, bool | int | str):
            return _scalar(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth >= MAX_DEPTH:
            return CUT
        try:
            return self._composed(value, depth + 1)
        except Exception:
            # A property or a `__repr__` of the host.
            return f"<{type(value).__name__}>"

    def _composed(self, value: object, depth: int) -> object:
        if isinstance(value, Mapping):
            items = islice(value.items(), self._bound())
            return {self._key(key): self.of(item, depth) for key, item in items}
        if isinstance(value, list | tuple | Set):
            return [self.of(item, depth) for item in islice(value, self._bound())]
        if isinstance(value, BaseModel):
            # What pydantic has to say of the host's model is not for us to make it say.
            return self.of(value.model_dump(mode="json", warnings=False), depth)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value)]
            return {name: self.of(getattr(value, name), depth) for name in names}
        if isinstance(value, bytes | bytearray):
            return base64.b64encode(value).decode("ascii")
        if isinstance(value, Enum):
            return self.of(value.value, depth)
        if isinstance(value, datetime | date | time):
            return value.isoformat()
        if isinstance(value, Decimal | UUID | PurePath):
            return str(value)
        return repr(value)

    def _bound(self) -> int:
        """How many items are begun: one more than there is room for, so that the cut is seen."""
        return max(self._left, 0) + 1

    def _key(self, key: object) -> str:
        return key if isinstance(key, str) else str(self.of(key, MAX_DEPTH - 1))


def _scalar(value: object) -> object:
    """Enumerations that are numbers or texts as what they stand for."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return hex(value)
    return value
