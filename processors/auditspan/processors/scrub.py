"""Take secrets out of text columns.

1. One RE2 pattern over the whole column finds the few texts worth a closer look.
2. Among those, once per distinct text: JSON is walked and the values of credential names are
   replaced, at any depth and inside JSON that is itself a string; then secret shapes anywhere.

What is left of JSON is JSON. A text without a secret is not touched.
"""

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import JsonValue

from auditspan.processors.arguments import NotJson, read_strictly
from auditspan.processors.batch import Mask, mask_of
from auditspan.processors.secrets import Secrets
from auditspan.processors.texts import storable

Counts = npt.NDArray[np.int64]
REDACTED = "[redacted]"
_NESTED = 4
"""JSON in a string in JSON: this deep, and what is deeper is looked at as a text."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Texts of which some are changed."""

    places: npt.NDArray[np.int64]
    """Where a text changed, ascending."""
    values: pa.Array
    """The new texts at those places."""
    counts: Counts
    """How many secrets each of them had."""


def suspects(texts: pa.Array, secrets: Secrets) -> Mask:
    """Which texts are worth a closer look. The pattern is long: ask for many texts at once."""
    if not len(texts):
        return np.zeros(0, dtype=np.bool_)
    return mask_of(pc.match_substring_regex(texts, secrets.hint))


def suspects_of_repeated(texts: pa.Array, secrets: Secrets) -> Mask:
    """The same for texts of which most stand there many times: each is looked at once.

    Where most are distinct it costs twice as much as `suspects`.
    """
    encoded = texts.dictionary_encode()
    suspected: Mask = suspects(encoded.dictionary, secrets)[encoded.indices.to_numpy()]
    return suspected


def scrub(texts: pa.Array, secrets: Secrets, suspected: Mask | None = None) -> Scrubbed:
    """Find the texts that hold secrets, and what they become; `suspected` if that is known."""
    hits = np.flatnonzero(suspects(texts, secrets) if suspected is None else suspected)
    if not len(hits):
        return _unchanged()
    encoded = texts.take(pa.array(hits)).dictionary_encode()
    before = encoded.dictionary
    after, counts = _clean(before, secrets)
    changed = counts > 0
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    kept = changed[codes]
    return Scrubbed(hits[kept], after.take(pa.array(codes[kept])), counts[codes[kept]])


def scrub_text(text: str, secrets: Secrets) -> str:
    """The same for one text."""
    found = scrub(pa.array([text]), secrets)
    return str(found.values[0].as_py()) if len(found.places) else text


def put(texts: pa.Array, found: Scrubbed) -> pa.Array:
    """The column with the changed texts in their places."""
    if not len(found.places):
        return texts
    source = np.arange(len(texts), dtype=np.int64)
    source[found.places] = len(texts) + np.arange(len(found.places))
    return pa.concat_arrays([texts, found.values]).take(pa.array(source))


def _unchanged() -> Scrubbed:
    nothing = np.empty(0, dtype=np.int64)
    return Scrubbed(nothing, pa.array([], pa.string()), nothing)


def _clean(texts: pa.Array, secrets: Secrets) -> tuple[pa.Array, Counts]:
    """Both passes over distinct texts."""
    walked = [_walk_text(text, secrets, _NESTED) for text in texts.to_pylist()]
    counts = np.array([count for _, count in walked], dtype=np.int64)
    texts = pa.array([text for text, _ in walked], pa.string())
    # A header's value often is a bearer token: shapes before names keep the more telling word.
    for shape in secrets.shapes:
        texts = _replaced(texts, shape.pattern, shape.replacement, counts)
    prose = np.array([isinstance(read_strictly(text), NotJson) for text in texts.to_pylist()])
    if prose.any():
        part = texts.filter(pa.array(prose))
        own = counts[prose]
        named = _replaced(part, secrets.assigned, rf"\1{REDACTED}", own)
        counts[prose] = own
        texts = pc.replace_with_mask(texts, pa.array(prose), named)
    return texts, counts


def _replaced(texts: pa.Array, pattern: str, replacement: str, counts: Counts) -> pa.Array:
    """Replace a pattern, and add to `counts` how often it stood there."""
    found = pc.count_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    if not found.any():
        return texts
    counts += found
    return pc.replace_substring_regex(texts, pattern, replacement)


def _walk_text(text: str, secrets: Secrets, depth: int) -> tuple[str, int]:
    """A JSON text without the values of credential names; any other text as it is."""
    if depth == 0 or text[:1] not in ("{", "["):
        return text, 0
    value = read_strictly(text)
    if isinstance(value, NotJson):
        return text, 0
    try:
        cleaned, count = _walk(value, secrets, depth)
        if not count and "\\u00" not in text:
            return text, 0
        # Without escapes, so that no shape can hide behind them.
        spelled = json.dumps(cleaned, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        return json.dumps(REDACTED), 1
    return storable(spelled), count


def _walk(value: JsonValue, secrets: Secrets, depth: int) -> tuple[JsonValue, int]:
    if isinstance(value, dict):
        return _walk_object(value, secrets, depth)
    if isinstance(value, list):
        walked = [_walk(item, secrets, depth) for item in value]
        return [item for item, _ in walked], sum(count for _, count in walked)
    if isinstance(value, str):
        return _walk_text(value, secrets, depth - 1)
    return value, 0


def _walk_object(
    value: dict[str, JsonValue], secrets: Secrets, depth: int
) -> tuple[JsonValue, int]:
    result: dict[str, JsonValue] = {}
    total = 0
    for key, inner in value.items():
        if inner not in (None, "", [], {}) and secrets.credential(key):
            result[key], count = REDACTED, 1
        else:
            result[key], count = _walk(inner, secrets, depth)
        total += count
    return result, total
