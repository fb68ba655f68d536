"""Attributes of one span; what has been encoded once is not encoded again.

Of the attributes of a guarded call nearly all are those of the last call of the same tool, and the
record of its end says again what its intent said. Encoding is most of what a guard costs, so what
calls have alike is kept encoded between them (`Alike`), and what an intent said between the two
(`Said.encode`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from opentelemetry.util.types import AttributeValue

from auditspan.instrumentation.otlp_fields import attributes


@dataclass(frozen=True, slots=True)
class Alike:
    """Attributes that many spans have, and their fields."""

    values: Mapping[str, AttributeValue]
    encoded: bytes | None
    """None if one of them is nested: such spans are for the exporter's encoder."""

    @classmethod
    def of(cls, values: Mapping[str, AttributeValue]) -> "Alike":
        """Encoded now."""
        return cls(MappingProxyType(values), attributes(values))


NOTHING: Final = Alike.of({})


class Said:
    """The attributes of a span that goes on."""

    __slots__ = ("_encoded", "_fixed", "_fresh")

    def __init__(self, alike: Alike, fresh: dict[str, AttributeValue]) -> None:
        """It takes `fresh` over, which names nothing that is in `alike`."""
        self._fixed: tuple[Mapping[str, AttributeValue], ...] = (alike.values,)
        self._encoded = alike.encoded
        self._fresh = fresh

    def set(self, key: str, value: AttributeValue) -> None:
        """Say one; what was said of it before is not said any more."""
        for known in self._fixed:
            if key in known:
                self._fixed, self._encoded, self._fresh = (), b"", self.values()
                break
        self._fresh.pop(key, None)  # the last one that was set stands last
        self._fresh[key] = value

    def values(self) -> dict[str, AttributeValue]:
        """All of them."""
        found: dict[str, AttributeValue] = {}
        for each in (*self._fixed, self._fresh):
            found |= each
        return found

    def encode(self) -> bytes | None:
        """All of them as fields of a span; None if one is nested."""
        fresh = self._fresh
        encoded = attributes(fresh)
        if encoded is None or self._encoded is None:
            return None
        self._fixed, self._encoded, self._fresh = (*self._fixed, fresh), self._encoded + encoded, {}
        return self._encoded
