"""What a client sends does not write lines of its own into the log."""

import io
import logging

import pytest

from auditspan.collector.log_lines import SafeLines, one_line


@pytest.fixture
def lines() -> tuple[logging.Logger, io.StringIO]:
    """A logger with our formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(SafeLines())
    logger = logging.Logger("auditspan.test")
    logger.addHandler(handler)
    return logger, stream


def test_a_value_stays_on_its_line(lines: tuple[logging.Logger, io.StringIO]) -> None:
    """Line breaks, escapes, and characters that reorder or hide are written out."""
    logger, stream = lines
    logger.warning("span of %s", "x\n2026-01-01 ERROR forged\r\x1b[2J\u202e\u2028\u200b\x00")
    text = stream.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert "x\\n2026-01-01 ERROR forged\\r\\x1b[2J\\u202e\\u2028\\u200b\\x00" in text


def test_a_traceback_has_lines_and_nothing_else(
    lines: tuple[logging.Logger, io.StringIO],
) -> None:
    """Its own line breaks stay; what the error quotes does not steer the screen."""
    logger, stream = lines
    try:
        raise ValueError("bad\x1b[2J")
    except ValueError:
        logger.exception("failed", stack_info=True)
    assert "Traceback" in stream.getvalue() and stream.getvalue().count("\n") > 3
    assert "\x1b" not in stream.getvalue()


def test_letters_of_any_script_stay() -> None:
    """And a lone surrogate can be written to a file."""
    assert one_line("Grüße, 東京") == "Grüße, 東京"
    assert one_line("a\ud800") == "a\\ud800"
