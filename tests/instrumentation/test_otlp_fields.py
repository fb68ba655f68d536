"""Fields of a message, written and found again."""

from hypothesis import given
from hypothesis import strategies as st

from auditspan.instrumentation.encode import Encoder
from auditspan.instrumentation.otlp_fields import varint, whole_requests
from tests.instrumentation.recorded import spans

TWO = spans("one", "two", key="välue")


@given(st.integers(0, 10_000))
def test_a_torn_end_is_found(cut: int) -> None:
    """Wherever a write was torn, what is kept is the whole requests before it."""
    first, second = (Encoder().encode(span, b"") for span in TWO)
    content = (first + second)[:cut]
    ends = [0, len(first), len(first) + len(second)]
    assert whole_requests(content) == max(end for end in ends if end <= len(content))


@given(st.binary(max_size=64))
def test_rubbish_is_no_request(content: bytes) -> None:
    """Whatever stands in a file, the part that is kept is made of whole fields."""
    kept = whole_requests(content)
    assert 0 <= kept <= len(content)
    assert kept == 0 or content[0] == 0x0A


@given(st.integers(0, 2**63))
def test_varint(number: int) -> None:
    """Numbers are written as protobuf reads them."""
    content, value = varint(number), 0
    for index, byte in enumerate(content):
        value |= (byte & 0x7F) << 7 * index
    assert value == number
    assert all(byte >= 0x80 for byte in content[:-1])
    assert content[-1] < 0x80
