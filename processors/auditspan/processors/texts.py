"""Text columns: empty instead of null, once per distinct value, and safe to print."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditspan.processors.batch import Batch, Mask, mask_of

# C0, C1, soft hyphen, bidi marks, zero width, line and paragraph separators, tags: what moves a
# cursor, reorders a line or hides in it.
UNPRINTABLE = (
    r"[\x00-\x1f\x7f-\x9f\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{2028}-\x{202e}"
    r"\x{2060}-\x{206f}\x{feff}\x{fff9}-\x{fffb}\x{e0000}-\x{e007f}]"
)


def constant(value: str, length: int) -> pa.Array:
    """The same text on every row."""
    return pa.repeat(pa.scalar(value, pa.string()), length)


def filled(array: pa.Array) -> pa.Array:
    """Text with "" where there is none."""
    text = array if array.type == pa.string() else array.cast(pa.string())
    return text if text.null_count == 0 else pc.fill_null(text, "")


def nonempty(array: pa.Array) -> Mask:
    """Which rows have a text."""
    return mask_of(pc.not_equal(array, ""))


def text(batch: Batch, name: str) -> pa.Array:
    """A text column, all "" if the batch has none of that name."""
    if batch.table.schema.get_field_index(name) < 0:
        return constant("", len(batch))
    return filled(batch.column(name))


def first_of(arrays: Sequence[pa.Array]) -> pa.Array:
    """Per row the first text that is not empty."""
    result = filled(arrays[0])
    for array in arrays[1:]:
        empty = pc.equal(result, "")
        if not mask_of(empty).any():
            break
        result = pc.if_else(empty, filled(array), result)
    return result


def mapped(array: pa.Array, function: Callable[[str], str]) -> pa.Array:
    """A function applied once per distinct text."""
    encoded = filled(array).dictionary_encode()
    values = [function(value) for value in encoded.dictionary.to_pylist()]
    return pa.array(values, pa.string()).take(encoded.indices)


def replaced(array: pa.Array, values: Mapping[str, str]) -> pa.Array:
    """Known texts by others, the rest as it is."""
    return mapped(array, lambda value: values.get(value, value)) if values else array


def printable(array: pa.Array, length: int) -> pa.Array:
    """Texts cut to a length, with nothing in them that a terminal or a reader could trip over."""
    encoded = filled(array).dictionary_encode()
    values = encoded.dictionary
    long = pc.greater(pc.utf8_length(values), length)
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(values, 0, length - 1), "…", "")
    values = pc.if_else(long, cut, values)
    # The long pattern takes a millisecond to be read, and next to no text needs it.
    if mask_of(pc.match_substring_regex(values, "[^ -~]")).any():
        values = pc.replace_substring_regex(values, UNPRINTABLE, "\ufffd")
    return values.take(encoded.indices)


def all_ascii(array: pa.Array) -> bool:
    """Whether no text has any other character."""
    return bool(mask_of(pc.string_is_ascii(array)).all())


def storable(value: str) -> str:
    """A text without lone surrogates, which JSON can spell and UTF-8 cannot."""
    return value.encode("utf-8", "replace").decode() if not value.isascii() else value


def where(mask: Mask, yes: pa.Array, no: pa.Array) -> pa.Array:
    """Per row from one of two arrays."""
    if mask.all():
        return yes
    return pc.if_else(pa.array(mask), yes, no) if mask.any() else no


def null_unless(mask: Mask, array: pa.Array) -> pa.Array:
    """The array with null outside of the mask."""
    return pc.if_else(pa.array(np.asarray(mask)), array, pa.scalar(None, array.type))
