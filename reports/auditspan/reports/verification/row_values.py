"""A stored record as the canonical form takes it, out of an answer to the question `rows`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditspan.reports.verification.asking import Ask
from auditspan.reports.verification.window import Window
from auditspan.storage.sealing.recompute_rows import FILTERS
from auditspan.storage.values import Value


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A record with its salts."""

    values: Mapping[str, object]
    """By column, without those that are the default."""
    salt: bytes
    """Of the record; zeros once something was erased."""
    salts: Mapping[str, bytes]
    """What is left of them then, by group."""
    redacted: Mapping[str, bytes]
    """Commitments of what was erased."""
    asked_for: bool
    """Whether it matches the question's filters."""

    @classmethod
    def of(cls, row: dict[str, Any]) -> "StoredRow":
        """One of the answer's rows."""
        salt, salts = row.pop("RecordSalt"), _texts(dict(row.pop("GroupSalts")))
        redacted, asked_for = _texts(dict(row.pop("Redacted"))), bool(row.pop("Shown_"))
        values = {name: _plain(value) for name, value in row.items() if value}
        return cls(values, salt, salts, redacted, asked_for)


def stored_rows(
    ask: Ask,
    log: str,
    first: int,
    end: int,
    *,
    everything: bool,
    window: Window | None = None,
    filters: Mapping[str, Value] | None = None,
) -> list[StoredRow]:
    """Records of a range that match, with `everything` also the others."""
    wanted: dict[str, Value] = {name: list[str]() for name in FILTERS}
    found = ask(
        "rows",
        {
            "log": log,
            "first": first,
            "end": end,
            "all": int(everything),
            **(window or Window()).parameters(),
            **wanted,
            **(filters or {}),
        },
    )
    return [StoredRow.of(row) for row in found.to_pylist()]


def _plain(value: object) -> object:
    """Structs of the engine as tuples."""
    if isinstance(value, list) and isinstance(value[0], dict):
        return [tuple(item.values()) for item in value]
    return value


def _texts(pairs: Mapping[Any, bytes]) -> dict[str, bytes]:
    return {k.decode() if isinstance(k, bytes) else k: bytes(v) for k, v in pairs.items()}
