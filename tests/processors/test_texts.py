"""Texts that are safe to print."""

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from auditspan.processors.summary import _plain, _quoted
from auditspan.processors.texts import UNPRINTABLE, printable

_TEXTS = st.lists(
    st.text(st.sampled_from("a-./ \"'“\x1b\n\x7f\u200b\u202eéπ٣🙂"), max_size=6)
    | st.text(max_size=6)
)


@settings(deadline=None)
@given(_TEXTS)
def test_texts_are_printed_as_if_each_was_looked_at_with_the_whole_pattern(
    texts: list[str],
) -> None:
    """A column without anything unusual takes a short cut, which shows in no text."""
    column = pa.array(texts, pa.string())
    safe = pc.replace_substring_regex(column, UNPRINTABLE, "\ufffd")
    assert printable(column, 60).to_pylist() == safe.to_pylist()
    quoted = pc.replace_substring_regex(safe, '["“”„‟″]', "'")
    assert _quoted(column, 60).to_pylist() == [f'"{text}"' for text in quoted.to_pylist()]
    plain = pc.replace_substring_regex(safe, r"[^\pL\pN._/-]", "_")
    assert _plain(column, 60).to_pylist() == plain.to_pylist()
