"""Other people's words for what we name: which dialect a span speaks, and what it says.

The dialects are data (`auditspan.semconv.dialects`). The first that recognises a span is its
dialect; all spans are looked at together. A dialect's values stand behind our own names: they
count only where a span does not say it in our words.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from auditspan.processors.attributes import Attributes
from auditspan.processors.batch import Batch, Mask
from auditspan.processors.folds import fold
from auditspan.processors.sources import Spans
from auditspan.processors.texts import constant, filled, first_of, nonempty, where
from auditspan.semconv.dialects import Dialect


def translate(
    batch: Batch, attributes: Attributes, dialects: Sequence[Dialect]
) -> tuple[Attributes, pa.Array]:
    """The attributes with what the dialects say, and the dialect of each span, "" for none."""
    spans = Spans(batch, attributes)
    spoken = constant("", len(batch))
    said: dict[str, pa.Array] = {}
    undecided = np.ones(len(batch), dtype=np.bool_)
    for dialect in dialects:
        mask = undecided & _speaks(spans, dialect)
        if not mask.any():
            continue
        undecided &= ~mask
        spoken = where(mask, constant(dialect.name, len(batch)), spoken)
        for name, values in _says(spans, dialect).items():
            before = said.get(name)
            said[name] = where(mask, values, constant("", len(batch)) if before is None else before)
    kept = {name: values for name, values in said.items() if nonempty(values).any()}
    return attributes.with_mapped(kept), spoken


def _speaks(spans: Spans, dialect: Dialect) -> Mask:
    """Which spans meet one of the dialect's marks."""
    mask = np.zeros(len(spans), dtype=np.bool_)
    for condition in dialect.detect:
        mask |= spans.meets(condition)
    return mask


def _says(spans: Spans, dialect: Dialect) -> dict[str, pa.Array]:
    """Our names with the first source that says something, and the folded families."""
    said = {
        name: first_of([spans.read(source) for source in heard])
        for name, sources in dialect.sources.items()
        if (heard := [source for source in sources if spans.may_say(source)])
    }
    for prefix, name in dialect.folds.items():
        folded = filled(fold(spans.attributes.span, prefix))
        said[name] = first_of([said[name], folded]) if name in said else folded
    return said
