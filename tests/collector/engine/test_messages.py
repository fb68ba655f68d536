"""One line each way, whatever is in it."""

import pytest

from auditspan.collector.engine.messages import (
    BatchFailed,
    BatchStored,
    Message,
    Ready,
    SegmentClosed,
    Start,
    Warned,
    decode,
    encode,
)


@pytest.mark.parametrize(
    "message",
    [
        Start("/d", {"a": [1, None]}, bytes(range(256)), {"keys": []}, "/s"),
        SegmentClosed("a-1-00000001"),
        Ready(3, [["sha256:1", "agent:a", 1_795_000_000_000_000_001]]),
        BatchStored("b", 1, 2, 3, 4, {"decode": 0.5}),
        BatchFailed("b", "two\nlines \u2028 \x00", 2.0),
        Warned("é"),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    """In one line."""
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


@pytest.mark.parametrize("line", [b"", b"{", b"[]\n", b'{"type": "Other"}\n', b'{"type": "Ready"}'])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    """With the error that the reader expects."""
    with pytest.raises(ValueError):
        decode(line)
