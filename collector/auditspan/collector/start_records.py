"""What a start puts on record: itself, and other days of retention than those of the last one."""

import hashlib
import time
from importlib.metadata import version

from auditspan.collector.control import records, retention_changes
from auditspan.collector.control.stopped import operator
from auditspan.collector.service import Service


def started(service: Service) -> str:
    """The record of a start: which version with which configuration."""
    digest = hashlib.sha256(service.config.model_dump_json().encode()).hexdigest()
    record = records.started(
        time.time_ns(), version("auditspan"), service.data.instance, f"sha256:{digest}"
    )
    return record.to_json()


async def note_retention(service: Service) -> None:
    """Record other days of retention than those of the last start."""
    registry, config = service.data.folder("registry"), service.config.processors.retention
    record = retention_changes.changed(registry, config, time.time_ns())
    if record is not None:
        await service.admission.submit_control(record.to_json(), operator().to_json())
    retention_changes.keep(registry, config)
