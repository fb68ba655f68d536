"""A running collector: its parts, what its engine tells it, and whether it is ready."""

import logging
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from auditspan.collector.access.authority import Authority
from auditspan.collector.anchors.anchoring import Anchoring
from auditspan.collector.backup.taking import Backups
from auditspan.collector.config import CollectorConfig, load
from auditspan.collector.control.service import Controls
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.messages import (
    Asked,
    BatchFailed,
    BatchStored,
    Message,
    Paused,
    Ready,
    Warned,
)
from auditspan.collector.engine_process import EngineProcess
from auditspan.collector.errors import ConfigInvalid
from auditspan.collector.forward.drops import Drops
from auditspan.collector.forward.forwarder import Forwarder
from auditspan.collector.front.admission import Admission
from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.commit import Committer
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.metrics import Metrics
from auditspan.collector.front.retransmissions import Retransmissions
from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.secret_files import Secrets
from auditspan.collector.signing import Signing
from auditspan.collector.spare_memory import SpareMemory

LOG = logging.getLogger("auditspan.collector")


@dataclass(slots=True)
class Service:
    """What a running collector consists of."""

    config: CollectorConfig
    data: DataDir
    secrets: Secrets
    metrics: Metrics
    engine: EngineProcess
    committer: Committer
    retransmissions: Retransmissions
    authority: Authority
    authenticator: Authenticator
    identities: Identities
    controls: Controls
    admission: Admission
    forwarder: Forwarder | None
    drops: Drops | None
    access_log: AccessLog
    signing: Signing | None
    anchoring: Anchoring | None
    backups: Backups

    spare: SpareMemory = field(default_factory=SpareMemory)
    waiting: str = ""
    """Which batch cannot be stored now; nothing of what is in it."""

    def on_message(self, message: Message) -> None:
        """What the engine tells."""
        if isinstance(message, Ready):
            # A log is given up once; the next time it is asked about again.
            self.engine.start = replace(self.engine.start, recover=False)
            self.retransmissions.seed(message.recent)
            LOG.info("engine ready, batches that wait in the spool: %d", message.backlog)
        elif isinstance(message, BatchStored):
            self.waiting = ""
            self.spare.tick(message.records)
            if self.admission.shares is not None:
                self.admission.shares.stored(message.oldest_received_at)
            lag = time.time() - message.oldest_received_at / 1e9
            self.metrics.batch_stored(
                message.records,
                message.dead_letters,
                lag if message.oldest_received_at else 0.0,
                message.seconds,
            )
            if message.dead_letters:
                LOG.error("batch %s: %d dead letters, see %s", message.batch_id,
                          message.dead_letters, self.data.folder("dead"))  # fmt: skip
        elif isinstance(message, BatchFailed):
            self.metrics.batch_failed()
            why = "is refused by the store" if message.permanent else "cannot be stored now"
            self.waiting = f"batch {message.batch_id} {why}; the log says more"
            LOG.error("batch %s waits: %s", message.batch_id, message.reason)
        elif isinstance(message, Warned):
            LOG.warning("%s", message.message)
        elif isinstance(message, Paused):
            self.backups.on_paused(message)
        elif isinstance(message, Asked) and self.signing is not None:
            self.signing.pass_on(message)

    def not_ready(self) -> str:
        """Why requests should not come yet; empty if they may."""
        shares = self.admission.shares
        if shares is not None and (low := shares.low()):
            return f"{low}; requests are refused until there is room"
        if self.engine.ready.is_set():
            return ""
        why = f"has trouble ({self.engine.trouble})" if self.engine.trouble else "is starting"
        return f"the engine {why}; requests are accepted into the spool"

    def reload(self, config_file: Path | None) -> None:
        """Take over what of a changed file can change while running, or refuse it as a whole."""
        try:
            fresh = load(config_file)
        except ConfigInvalid as error:
            LOG.error("reload refused, the running configuration stays: %s", error)
            return
        kept = replace_level(fresh, self.config.service.log_level)
        if kept != self.config:
            LOG.error("reload refused, the running configuration stays: only service.log_level "
                      "can change while running; restart for the rest")  # fmt: skip
            return
        logging.getLogger().setLevel(fresh.service.log_level.upper())
        self.config = fresh
        LOG.info("configuration reloaded")


def replace_level(config: CollectorConfig, level: str) -> CollectorConfig:
    """The configuration with another log level."""
    service = config.service.model_copy(update={"log_level": level})
    return config.model_copy(update={"service": service})
