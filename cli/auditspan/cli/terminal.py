"""Recorded values on a terminal: shown, never obeyed.

Control characters, ANSI sequences, bidirectional overrides (https://www.unicode.org/reports/tr36/)
and invisible characters are written as escapes. An agent that names a tool `\\x1b[2J` gets its name
printed and nothing cleared. Joiners stay where scripts and emoji need them, not beside ASCII, where
they only make two names look like one.
"""

import re
import sys

from rich.console import Console

_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufe00-\ufe0e\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
    "|(?<=[\x20-\x7e])[\u200c\u200d]|[\u200c\u200d](?=[\x20-\x7e]|$)"
)


def safe(text: object, *, lines: bool = False) -> str:
    """The text with everything harmful as an escape; with `lines`, line breaks and tabs stay."""
    kept = "\n\t" if lines else ""

    def escaped(match: re.Match[str]) -> str:
        character = match[0]
        if character in kept:
            return character
        return character.encode("unicode_escape", "surrogatepass").decode()

    return _HARMFUL.sub(escaped, str(text))


def escaped_json(text: str) -> str:
    """JSON that says the same, with everything harmful inside its strings as escapes of JSON."""

    def escaped(match: re.Match[str]) -> str:
        # Outside of strings JSON has line breaks; inside them `json` has escaped these.
        if match[0] == "\n":
            return "\n"
        units = match[0].encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))

    return _HARMFUL.sub(escaped, text)


def out() -> Console:
    """Standard output, which takes no markup from a value."""
    # A pipe has no width: take enough for nothing to be folded away.
    width = None if sys.stdout.isatty() else 240
    return Console(file=sys.stdout, width=width, markup=False, emoji=False, highlight=False)


def err() -> Console:
    """Standard error, which takes no markup from a value."""
    width = None if sys.stderr.isatty() else 240
    return Console(file=sys.stderr, width=width, markup=False, emoji=False, highlight=False)
