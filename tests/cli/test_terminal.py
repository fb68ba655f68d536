"""Recorded values cannot steer the terminal."""

import sys
import unicodedata

import pytest

from auditspan.cli.terminal import safe

KEPT_FORMAT = {0x200C, 0x200D}
"""Joiners that scripts and emoji need; they neither move the cursor nor reorder text."""


def test_every_control_and_reordering_character_becomes_an_escape() -> None:
    """Nothing of the categories control, surrogate, line or paragraph separator passes, and no
    character that embeds, overrides or isolates a direction."""
    bidi = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        steers = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        if steers or unicodedata.bidirectional(character) in bidi:
            shown = safe(character)
            assert shown.isascii(), hex(code)
            assert shown.isprintable(), hex(code)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[2J\x1b]0;x\x07", "\\x1b[2J\\x1b]0;x\\x07"),
        ("a\u202eb", "a\\u202eb"),
        ("\x9b31m", "\\x9b31m"),
        ("one\ntwo\r", "one\\ntwo\\r"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("Grüße, 東京 👩\u200d🚀", "Grüße, 東京 👩\u200d🚀"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("re\u200dfund", "re\\u200dfund"),
        ("refund\u200c", "refund\\u200c"),
        ("re\u3164fund\u2800", "re\\u3164fund\\u2800"),
        ("x\ufe01\U000e0100", "x\\ufe01\\U000e0100"),
        ("[red]x", "[red]x"),
        (None, "None"),
    ],
)
def test_values_are_shown_as_escapes_or_as_they_are(value: object, shown: str) -> None:
    """Harmful characters are written out; letters of any script stay."""
    assert safe(value) == shown


def test_line_breaks_stay_only_if_asked_for() -> None:
    """A text of several lines keeps them, and nothing else."""
    assert safe("a\n\tb\r\x1b", lines=True) == "a\n\tb\\r\\x1b"
