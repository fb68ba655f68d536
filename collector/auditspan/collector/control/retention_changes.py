"""A change of the days of retention is recorded, and sealed, at the first start with the new ones.

`registry/retention.json` holds those of the last start. The configuration is a file whose author
nobody proves, so the record says what changed and not who did it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from auditspan.collector.control.erasure_kinds import RETENTION_CHANGED
from auditspan.collector.control.records import ControlRecord, Why
from auditspan.identity.files import write_atomic
from auditspan.processors.retention import RetentionConfig

_NAME: Final = "retention.json"


def changed(registry: Path, config: RetentionConfig, at_ns: int) -> ControlRecord | None:
    """The record of a change since the last start; None if there is none, or was no start."""
    before, after = _last(registry), _days(config)
    if before is None or before == after:
        return None
    classes = sorted(before.keys() | after.keys())
    default = before.get("default", 0)
    shorter: list[JsonValue] = [
        name for name in classes if config.days_of(name) < before.get(name, default)
    ]
    body: dict[str, JsonValue] = {
        "before": dict(before),
        "after": dict(after),
        "shorter": shorter,
        "presets": list(config.presets),
        "below": dict(config.below),
    }
    why = Why(requested_by="configuration")
    return ControlRecord(kind=RETENTION_CHANGED, at_ns=at_ns, why=why, body=body)


def keep(registry: Path, config: RetentionConfig) -> None:
    """Remember what holds now. The caller has the record of a change in the spool."""
    if _last(registry) != _days(config):
        write_atomic(registry / _NAME, json.dumps(_days(config)).encode())


def _days(config: RetentionConfig) -> dict[str, int]:
    return {kept.name: kept.days for kept in config.effective()}


def _last(registry: Path) -> Mapping[str, int] | None:
    """None also if the file is damaged: then it is written anew."""
    try:
        found = json.loads((registry / _NAME).read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    return {str(name): days for name, days in found.items() if isinstance(days, int)}
