"""Variables as values of their kind; what is none of that kind is refused with what is expected."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from auditspan.instrumentation.errors import SettingsInvalid

W = TypeVar("W", bound=str)


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of a process. Reading one raises SettingsInvalid."""

    values: Mapping[str, str]

    def text(self, *keys: str) -> str:
        """The first that is set and not empty."""
        return next((text for key in keys if (text := self.values.get(key, "").strip())), "")

    def otlp(self, name: str) -> str:
        """A standard one: that of traces alone goes before that of all."""
        return self.text(f"OTEL_EXPORTER_OTLP_TRACES_{name}", f"OTEL_EXPORTER_OTLP_{name}")

    def word(self, key: str, known: tuple[W, ...], otherwise: str) -> W:
        """One of the words that are known."""
        text = self.text(key).lower() or otherwise
        found = next((word for word in known if word == text), None)
        if found is None:
            raise SettingsInvalid(f"{key} is {text!r}, expected {' or '.join(known)}")
        return found

    def whole(self, key: str, otherwise: int) -> int:
        """A number of bytes above 0."""
        text = self.text(key) or str(otherwise)
        if not (text.isascii() and text.isdigit() and int(text) > 0):
            raise SettingsInvalid(f"{key} is {text!r}, expected a number of bytes above 0")
        return int(text)

    def seconds(self, key: str, otherwise: float) -> float:
        """Seconds up to an hour."""
        text = self.text(key) or str(otherwise)
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not 0 <= value <= 3600:
            raise SettingsInvalid(f"{key} is {text!r}, expected seconds from 0 to 3600")
        return value

    def words(self, key: str) -> frozenset[str]:
        """What stands between commas."""
        return frozenset(word.strip().lower() for word in self.text(key).split(",") if word.strip())

    def truth(self, key: str) -> bool:
        """Whether it is `true`; it may be `false`, or not set."""
        known: tuple[Literal["true", "false"], ...] = ("true", "false")
        return self.word(key, known, "false") == "true"

    def path(self, key: str) -> Path | None:
        """An absolute path, None if it is not set."""
        text = self.text(key)
        return Path(text).expanduser().absolute() if text else None
