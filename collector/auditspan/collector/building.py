"""The parts of a collector, made of its configuration and its data folder; nothing listens yet."""

import time
from dataclasses import replace

from auditspan.collector.access.authority import Authority
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.anchors.anchoring import anchoring_of
from auditspan.collector.backup.taking import Backups
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.config import CollectorConfig
from auditspan.collector.control.service import open_controls
from auditspan.collector.control.stopped import operator
from auditspan.collector.data_dir import DataDir
from auditspan.collector.engine.messages import Start
from auditspan.collector.engine_process import EngineProcess
from auditspan.collector.forward.drops import Drops
from auditspan.collector.forward.forwarder import Forwarder
from auditspan.collector.front.admission import Admission
from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.budget import Budget
from auditspan.collector.front.commit import Committer
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.metrics import Metrics
from auditspan.collector.front.retransmissions import Retransmissions, in_spool
from auditspan.collector.front.shares import Shares
from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.query.lookups import through_engine
from auditspan.collector.secret_files import Secrets, ensure_secrets
from auditspan.collector.service import Service
from auditspan.collector.signing import signing_of
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.statement import StatementSigner
from auditspan.wire.segments import recover, spooled_bytes
from auditspan.wire.spool import SpoolWriter


def service_of(config: CollectorConfig, data: DataDir, *, recover_log: bool = False) -> Service:
    """Build the parts, wired to each other. Raises `CollectorError` for what they cannot use."""
    secrets, metrics = ensure_secrets(data), Metrics()
    recovered = recover(data.folder("spool"))
    start = replace(_start(config, data, secrets), recover=recover_log)
    engine = EngineProcess(start, lambda message: None)

    async def submit(text: str) -> None:
        await admission.submit_control(text, operator().to_json())

    exporter = config.exporters.otlp
    drops = Drops(exporter.target, submit) if exporter else None
    forwarder = _forwarder(config, data, metrics, drops)
    committer = _committer(config, data, engine, forwarder)
    keys = ApiKeys(data.secret("api_keys.json"))
    authority, authenticator = _authorities(config, data, secrets, keys)
    identities = _identities(config, secrets, authenticator, metrics)
    retransmissions = Retransmissions()
    retransmissions.seed(in_spool(data.folder("spool"), time.time(), recovered))
    metrics.watch_spool(lambda: spooled_bytes(data.folder("spool")))
    shares = Shares(data.folder("spool"), config.service.spool)
    admission = Admission(
        authenticator, identities, committer, retransmissions, metrics, shares=shares,
        max_attributes=config.receivers.otlp.max_attributes,
        budget=Budget(config.receivers.otlp.max_in_flight_mib << 20),
    )  # fmt: skip
    controls = open_controls(
        data.folder("registry"),
        data.secret("api_keys.json"),
        submit,
        config.service.calendar.calendar(),
        lookup=through_engine(data.socket),
    )
    signing = signing_of(config, data, engine)
    service = Service(
        config, data, secrets, metrics, engine, committer, retransmissions,
        authority, authenticator, identities, controls, admission, forwarder, drops,
        AccessLog(admission.submit_control), signing,
        anchoring_of(config.service.integrity.anchors, data, submit, metrics.registry),
        Backups(data, engine, signing, controls.journal),
    )  # fmt: skip
    engine.on_message = service.on_message
    return service


def _start(config: CollectorConfig, data: DataDir, secrets: Secrets) -> Start:
    engine = config.engine(data.folder("store"))
    return Start(
        data_dir=str(data.root),
        config=engine.model_dump(mode="json", exclude_unset=True),
        hmac_key=secrets.hmac_key,
        statement_keys=secrets.statement_jwks,
        socket=str(data.socket),
        instance=data.instance,
    )


def _forwarder(
    config: CollectorConfig, data: DataDir, metrics: Metrics, drops: Drops | None
) -> Forwarder | None:
    if config.exporters.otlp is None:
        return None

    def count(event: str, requests: int) -> None:
        metrics.forwarded(event, requests)
        if event == "dropped" and drops is not None:
            drops.dropped(requests)

    return Forwarder(config.exporters.otlp, data.root, count)


def _committer(
    config: CollectorConfig, data: DataDir, engine: EngineProcess, forwarder: Forwarder | None
) -> Committer:
    spool = config.service.spool
    writer = SpoolWriter(data.folder("spool"), data.instance, spool.limits())

    async def closed(batch_id: str) -> None:
        if forwarder is not None:
            forwarder.closed(batch_id)
        await engine.closed(batch_id)

    return Committer(writer, closed)


def _authorities(
    config: CollectorConfig, data: DataDir, secrets: Secrets, keys: ApiKeys
) -> tuple[Authority, Authenticator]:
    """Who asks, and who sends; both by the same registry in force."""
    registry, auth = RegistryInForce(data.folder("registry")), config.receivers.otlp.authentication
    bindings = bindings_in_force(registry, auth)
    token = secrets.operator_token
    authority = Authority(config.service.access, keys, token, registry, bindings)
    return authority, Authenticator(auth, keys, bindings)


def _identities(
    config: CollectorConfig, secrets: Secrets, authenticator: Authenticator, metrics: Metrics
) -> Identities:
    signer = StatementSigner(secrets.statement_key)
    settings = config.receivers.otlp.identities
    return Identities(settings, authenticator, signer, count=metrics.exchanged)
