"""First stage: what a sender may not assert is moved aside.

The registry says for every attribute who may assert it (`asserted_by`). One that only a gateway or
the collector may assert is renamed to `claimed.<name>`, so that later stages and readers cannot
take it for ours; the record gets `claim.rejected`. A key that came as `claimed.…` gets the prefix
once more, so that ours are told apart from a sender's. What decoding found of attributes becomes a
finding here as well.
"""

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from auditspan.processors.batch import Batch, Mask, mask_of
from auditspan.processors.maps import rename_keys
from auditspan.semconv.columns import ASSERTED_BY

PREFIX = "claimed."
_MAPS = ("SpanAttributes", "ResourceAttributes")
_DECODED = {"attribute.duplicate": "Duplicates", "attribute.undecodable": "Undecodable"}
# `x.<key>` and `x.*` stand for all that begins with `x.`.
_TEMPLATE = re.compile(r"(?<=\.)(?:<.*>|\*)$")
_REPEAT = re.compile(r"#\d+$")
_TYPE_OF = re.compile(r"^(resource/)?(?!scope/|event/|link/)(.*)$", re.DOTALL)


class ClaimsConfig(BaseModel):
    """Who may assert what."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    senders: frozenset[str] = frozenset({"client", "guard"})
    """Words of `asserted_by` that a sender of spans may be."""
    also: tuple[str, ...] = ()
    """More attributes that no sender may assert; `x.*` is all that begins with `x.`."""


def claims(batch: Batch, config: ClaimsConfig | None = None) -> Batch:
    """Rename what the sender may not say, and flag the records that said it."""
    for finding, column in _DECODED.items():
        found = mask_of(batch.column(column))
        if found.any():
            batch = batch.flag(finding, found)
    reserved = Reserved.of(config or ClaimsConfig())
    rejected: Mask = np.zeros(len(batch), dtype=np.bool_)
    columns: dict[str, pa.Array] = {}
    for name in _MAPS:
        view = batch.view(name)
        names = reserved.renamed(view.keys)
        if not names:
            continue
        columns[name] = rename_keys(batch.column(name), names)
        for key in names:
            rejected |= view.has(key)
    if not columns:
        return batch
    types = batch.view("AttributeTypes")
    columns["AttributeTypes"] = rename_keys(
        batch.column("AttributeTypes"), reserved.renamed_types(types.keys)
    )
    return batch.with_columns(columns).flag("claim.rejected", rejected)


class Reserved:
    """The names that a sender may not use."""

    def __init__(self, names: frozenset[str], families: tuple[str, ...]) -> None:
        self._names = names
        self._families = families

    @classmethod
    def of(cls, config: ClaimsConfig) -> "Reserved":
        """Collect them from the registry and the configuration."""
        barred = [name for name, who in ASSERTED_BY.items() if not config.senders & set(who)]
        stems = {_TEMPLATE.sub("", name) for name in (*barred, *config.also)}
        families = tuple(sorted(stem for stem in stems if stem.endswith(".")))
        return cls(frozenset(stems) - set(families), (PREFIX, *families))

    def __contains__(self, key: str) -> bool:
        # Decode renames a repeated key to `k#2`; that must not be a way around.
        stem = _REPEAT.sub("", key)
        return stem in self._names or stem.startswith(self._families)

    def renamed(self, keys: Iterable[str]) -> dict[str, str]:
        """The new names of those keys that are reserved."""
        return {key: PREFIX + key for key in keys if key in self}

    def renamed_types(self, keys: Iterable[str]) -> dict[str, str]:
        """The same for the keys of `AttributeTypes`, which carry their place as a prefix."""
        names: dict[str, str] = {}
        for key in keys:
            match = _TYPE_OF.match(key)
            if match and match[2] in self:
                names[key] = (match[1] or "") + PREFIX + match[2]
        return names
