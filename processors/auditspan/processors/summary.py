"""One plain sentence per record, derived from its columns and derivable again: `Summary`.

Its words stand in `summary.yaml`. What a sender can write is quoted and cut, and control, ANSI and
bidi characters are neutralised, so that no value can pass for a part of the sentence.
"""

from collections.abc import Mapping
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from auditspan.processors.batch import Batch, mask_of
from auditspan.processors.data import data_file
from auditspan.processors.texts import (
    all_ascii,
    constant,
    filled,
    first_of,
    mapped,
    nonempty,
    printable,
    text,
    where,
)


class Verb(BaseModel):
    """How an act is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    did: str
    """It took place."""
    stopped: str
    """It was denied."""
    object: str = ""
    """Column that tells what was acted with."""


class Part(BaseModel):
    """A piece of the sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    before: str = ""
    """Stands before the value, if there is one."""
    columns: tuple[str, ...] = ()
    """First of these that is not empty."""
    after: str = ""
    """Stands after the value."""
    otherwise: str = Field(default="", alias="else")
    """Stands there without a value."""
    plain: bool = False
    """The value is not quoted, but only letters, digits and `._-/` are kept."""
    length: int = Field(default=60, ge=8)
    """Longest value, in characters."""
    words: Mapping[str, Mapping[str, str]] = {}
    """Instead: a column, and what stands for each of its values."""
    verb: bool = False
    """Instead: verb and object."""
    always: bool = False
    """`before` alone."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(map(bool, (self.columns, self.words, self.verb, self.always))) != 1:
            raise ValueError("give one of columns, words, verb and always")
        return self


class SummaryConfig(BaseModel):
    """The words of the sentence."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    verbs: Mapping[str, Verb] = Field(
        default_factory=lambda: data_file("summary.yaml")["verbs"], validate_default=True
    )
    """By action type; `mcp` is every message of MCP, `other` all the rest."""
    parts: tuple[Part, ...] = Field(
        default_factory=lambda: data_file("summary.yaml")["parts"], validate_default=True
    )
    """In order."""


def summary(batch: Batch, config: SummaryConfig | None = None) -> Batch:
    """Tell every record in a sentence."""
    config = config or SummaryConfig()
    pieces = [_piece(batch, part, config) for part in config.parts]
    return batch.with_columns({"Summary": pc.binary_join_element_wise(*pieces, "")})


def _piece(batch: Batch, part: Part, config: SummaryConfig) -> pa.Array:
    if part.always:
        return constant(part.before, len(batch))
    if part.verb:
        return _verb(batch, config)
    if part.words:
        [(column, words)] = part.words.items()
        return mapped(text(batch, column), lambda value: words.get(value, ""))
    value = first_of([_readable(batch, name) for name in part.columns])
    some = nonempty(value)
    if not some.any():
        return constant(part.otherwise, len(batch))
    shown = _plain(value, part.length) if part.plain else _quoted(value, part.length)
    told = pc.binary_join_element_wise(part.before, shown, part.after, "")
    return where(some, told, constant(part.otherwise, len(batch)))


def _readable(batch: Batch, name: str) -> pa.Array:
    """A column as text; a list with commas."""
    if batch.table.schema.get_field_index(name) >= 0:
        array = batch.column(name)
        if pa.types.is_list(array.type):
            return filled(pc.binary_join(array, ", "))
    return text(batch, name)


def _quoted(value: pa.Array, length: int) -> pa.Array:
    """Safe to read, in quotation marks that it cannot end."""
    encoded = printable(value, length).dictionary_encode()
    marks = '"' if all_ascii(encoded.dictionary) else '["“”„‟″]'
    single = pc.replace_substring_regex(encoded.dictionary, marks, "'")
    return pc.binary_join_element_wise('"', single, '"', "").take(encoded.indices)


def _plain(value: pa.Array, length: int) -> pa.Array:
    """Harmless without quotation marks."""
    encoded = printable(value, length).dictionary_encode()
    # Patterns of classes of Unicode take a millisecond to be read.
    letters = "A-Za-z0-9" if all_ascii(encoded.dictionary) else r"\pL\pN"
    kept = pc.replace_substring_regex(encoded.dictionary, rf"[^{letters}._/-]", "_")
    return kept.take(encoded.indices)


def _verb(batch: Batch, config: SummaryConfig) -> pa.Array:
    kind = mapped(text(batch, "ActionType"), lambda name: _known(name, config.verbs))
    stopped = mask_of(pc.equal(text(batch, "OutcomeStatus"), "denied"))
    did = mapped(kind, lambda name: f" {config.verbs[name].did}")
    verb = where(stopped, mapped(kind, lambda name: f" {config.verbs[name].stopped}"), did)
    objects = mapped(kind, lambda name: config.verbs[name].object)
    told = constant("", len(batch))
    for column in filter(None, pc.unique(objects).to_pylist()):
        values = _readable(batch, column)
        mask = mask_of(pc.equal(objects, column)) & nonempty(values)
        named = pc.binary_join_element_wise(
            " ", _quoted(values, Part.model_fields["length"].default), ""
        )
        told = where(mask, named, told)
    return pc.binary_join_element_wise(verb, told, "")


def _known(action_type: str, verbs: Mapping[str, Verb]) -> str:
    family = action_type.partition(".")[0]
    for name in (action_type, family):
        if name in verbs:
            return name
    return "other"
