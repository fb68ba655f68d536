"""Lines of the log: one event a line, whatever a client has put into a value of it.

Control characters, line breaks, ANSI sequences and characters that reorder or hide text are written
as escapes, so that nobody writes lines of their own into the log or steers the terminal that shows
it. Tracebacks keep their line breaks.
"""

import logging
import unicodedata
from typing import Final

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})


class SafeLines(logging.Formatter):
    """Formats records as text that only says what it says."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line."""
        return one_line(super().formatMessage(record))

    def formatException(self, ei: object) -> str:
        """A traceback, whose last line says what a client may have sent."""
        return _lines(super().formatException(ei))  # type: ignore[arg-type]

    def formatStack(self, stack_info: str) -> str:
        """A stack."""
        return _lines(super().formatStack(stack_info))


def configure(level: str) -> None:
    """Log to standard error from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(SafeLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def one_line(text: str) -> str:
    """The text on one line, with everything hidden as an escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _lines(text: str) -> str:
    return "\n".join(map(one_line, text.split("\n")))


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()
