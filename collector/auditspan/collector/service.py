"""The collector as a whole: prepares the data folder, wires front to engine, runs until stopped.

Order of start: data folder and its lock, secrets, spool recovered, engine started, ports opened.
Order of stop: ports closed, last segment closed, engine finishes what was acknowledged and ends.
"""

import asyncio
import contextlib
import gc
import hashlib
import logging
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

from starlette.types import ASGIApp

from auditspan.collector import log_lines
from auditspan.collector.access.authority import Authority
from auditspan.collector.access.in_force import RegistryInForce
from auditspan.collector.access.whoami import whoami_routes
from auditspan.collector.anchors.anchored import write_outside
from auditspan.collector.anchors.anchoring import Anchoring, anchoring_of
from auditspan.collector.backup.api import backups_endpoints
from auditspan.collector.backup.taking import Backups
from auditspan.collector.bindings import bindings_in_force
from auditspan.collector.config import CollectorConfig, load
from auditspan.collector.control import api, records, retention_changes
from auditspan.collector.control.http import route
from auditspan.collector.control.service import Controls, open_controls
from auditspan.collector.control.stopped import operator
from auditspan.collector.data_dir import DataDir, locked, prepare, write_front
from auditspan.collector.engine.messages import (
    Asked,
    BatchFailed,
    BatchStored,
    Message,
    Paused,
    Ready,
    Start,
    Warned,
)
from auditspan.collector.engine_process import EngineProcess
from auditspan.collector.errors import ConfigInvalid, LogRefused
from auditspan.collector.forward.drops import Drops
from auditspan.collector.forward.forwarder import Forwarder
from auditspan.collector.front.admission import Admission
from auditspan.collector.front.authentication import Authenticator
from auditspan.collector.front.budget import Budget
from auditspan.collector.front.commit import Committer
from auditspan.collector.front.front import Front, FrontSettings
from auditspan.collector.front.holdings import closed_files, held_in
from auditspan.collector.front.identities import Identities
from auditspan.collector.front.metrics import Metrics
from auditspan.collector.front.own_names import LOOPBACK
from auditspan.collector.front.policies import SignedPoliciesOf, policies_route
from auditspan.collector.front.retransmissions import Retransmissions, in_spool
from auditspan.collector.front.shares import Shares
from auditspan.collector.query.access_log import AccessLog
from auditspan.collector.query.endpoint import endpoint
from auditspan.collector.query.gate import Gate
from auditspan.collector.query.lookups import through_engine
from auditspan.collector.query.reading import Readers
from auditspan.collector.query.runner import RemoteEngine
from auditspan.collector.query.turns import Turns
from auditspan.collector.query.verifying import verification_routes
from auditspan.collector.secret_files import Secrets, ensure_secrets
from auditspan.collector.signing import Signing, signing_of
from auditspan.collector.spare_memory import SpareMemory
from auditspan.identity.api_keys import ApiKeys
from auditspan.identity.statement import StatementSigner
from auditspan.storage import memory
from auditspan.wire.segments import closed_segments, recover, spooled_bytes
from auditspan.wire.spool import SpoolWriter

LOG = logging.getLogger("auditspan.collector")

Announce = Callable[[dict[str, str]], None]


def run(
    config_file: Path | None,
    data_dir: Path,
    announce: Announce = lambda _: None,
    *,
    recover_log: bool = False,
) -> int:
    """Run until SIGTERM or SIGINT. Raises `CollectorError` if it cannot start or go on.

    `announce` gets the addresses once the ports are open: `grpc`, `http`, `query`, `api`. With
    `recover_log` a log that cannot be continued is given up, and a new one states the gap.
    """
    config = load(config_file)
    log_lines.configure(config.service.log_level)
    for library in ("uvicorn", "httpx"):
        logging.getLogger(library).setLevel(logging.WARNING)
    memory.keep()
    data = prepare(data_dir)
    with locked(data):
        service = Service.of(config, data, recover_log=recover_log)
        return asyncio.run(_serve(service, config_file, announce))


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

    @classmethod
    def of(cls, config: CollectorConfig, data: DataDir, *, recover_log: bool = False) -> "Service":
        """Build the parts; nothing listens yet."""
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
            lambda text: admission.submit_control(text, operator().to_json()),
            config.service.calendar.calendar(),
            lookup=through_engine(data.socket),
        )
        signing = signing_of(config, data, engine)
        service = cls(
            config, data, secrets, metrics, engine, committer, retransmissions,
            authority, authenticator, identities, controls, admission, forwarder, drops,
            AccessLog(admission.submit_control), signing,
            _anchoring(config, data, admission, metrics),
            Backups(data, engine, signing, controls.journal),
        )  # fmt: skip
        engine.on_message = service.on_message
        return service

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


async def _serve(service: Service, config_file: Path | None, announce: Announce) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if service.anchoring is not None:
        await service.anchoring.prepare()
    _look_outside(service)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, service.reload, config_file)
    async with _tasks(service), RemoteEngine(service.data.socket) as engine:
        front = _front(service, _query_app(service, engine))
        addresses = await front.start()
        # What was made until now stays, and need not be looked through again and again for waste.
        gc.freeze()
        try:
            write_front(service.data, addresses)
            await service.admission.submit_control(_started(service), operator().to_json())
            await _retention(service)
            announce(addresses)
            await _end(stop, service.engine.gave_up)
            LOG.info("stopping: what was acknowledged is stored first")
        finally:
            await front.stop()
            await service.access_log.close()
            await service.committer.close()
            service.data.front_json.unlink(missing_ok=True)
            await service.engine.stop(service.config.service.drain_seconds)
            _say_what_is_left(service.data)
    if service.engine.gave_up.is_set():
        raise LogRefused(service.engine.trouble)
    return 0


def _say_what_is_left(data: DataDir) -> None:
    spool = data.folder("spool")
    left = len(closed_segments(spool))
    if left:
        LOG.warning("stopped with %d batches (%d bytes) left in the spool: they are acknowledged, "
                    "and stored after the next start", left, spooled_bytes(spool))  # fmt: skip
    else:
        LOG.info("stopped, and nothing is left in the spool")


async def _end(*reasons: asyncio.Event) -> None:
    """Wait for the first of some reasons to stop."""
    waiting = [asyncio.create_task(reason.wait()) for reason in reasons]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def _recall(shares: Shares | None, spool: Path) -> None:
    """Count again what senders hold of the spool, beside the first requests."""
    if shares is not None:
        # Listed before the first new one can be closed, which is counted when it comes.
        before = closed_files(spool)
        shares.recall(await asyncio.to_thread(held_in, before))


@asynccontextmanager
async def _tasks(service: Service) -> AsyncIterator[None]:
    running = [
        asyncio.create_task(service.engine.run()),
        asyncio.create_task(service.authority.keep_fresh()),
        asyncio.create_task(service.authenticator.keep_fresh()),
        asyncio.create_task(service.identities.keep_fresh()),
        asyncio.create_task(service.controls.human.overdue.keep_checking()),
        asyncio.create_task(service.access_log.keep()),
        asyncio.create_task(service.spare.keep()),
        asyncio.create_task(_recall(service.admission.shares, service.data.folder("spool"))),
    ]
    if service.forwarder is not None:
        running.append(asyncio.create_task(service.forwarder.run()))
    if service.drops is not None:
        running.append(asyncio.create_task(service.drops.keep()))
    if service.anchoring is not None:
        running.append(asyncio.create_task(service.anchoring.keep()))
    try:
        # Beside the engine, whose first questions wait for it.
        if service.signing is not None:
            await service.signing.start()
        yield
    finally:
        for task in running:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if service.signing is not None:
            await service.signing.stop()


def _query_app(service: Service, engine: RemoteEngine) -> ASGIApp:
    config = service.config.service
    gate = Gate(service.authority.authenticate, LOOPBACK | set(config.query.hosts))
    return endpoint(gate, Readers(engine, service.access_log, Turns(config.query_limits)))


def _front(service: Service, query: ASGIApp) -> Front:
    config = service.config
    return Front(
        FrontSettings(
            grpc=config.receivers.otlp.grpc,
            http=config.receivers.otlp.http,
            api=config.service.api,
            query=config.service.query,
        ),
        service.admission,
        not_ready=service.not_ready,
        waits=lambda: service.waiting,
        api_routes=[
            *api.routes(service.controls, service.authority),
            *(route(one, service.authority) for one in backups_endpoints(service.backups)),
            *whoami_routes(service.authority),
            *verification_routes(service.authority, service.access_log, service.data.socket),
        ],
        otlp_routes=[policies_route(_policies(service))],
        query_app=query,
    )


def _policies(service: Service) -> SignedPoliciesOf:
    """Signed with the key of identity statements, whose public half agents have or can get."""
    calendar = service.config.service.calendar.model_dump(mode="json")
    return SignedPoliciesOf(
        service.config.receivers.otlp.policies,
        service.authenticator,
        service.secrets.statement_key,
        service.data.folder("registry"),
        service.config.service.integrity.name,
        calendar,
    )


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


def _anchoring(
    config: CollectorConfig, data: DataDir, admission: Admission, metrics: Metrics
) -> Anchoring | None:
    async def submit(text: str) -> None:
        await admission.submit_control(text, operator().to_json())

    return anchoring_of(config.service.integrity.anchors, data, submit, metrics.registry)


def _look_outside(service: Service) -> None:
    """Leave for the engine what anchors have that lie outside of the data folder."""
    integrity = service.config.service.integrity
    write_outside(service.data.folder("anchors"), integrity.anchors.files, f"{integrity.name}/root")


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


async def _retention(service: Service) -> None:
    """Record other days of retention than those of the last start."""
    registry, config = service.data.folder("registry"), service.config.processors.retention
    record = retention_changes.changed(registry, config, time.time_ns())
    if record is not None:
        await service.admission.submit_control(record.to_json(), operator().to_json())
    retention_changes.keep(registry, config)


def _started(service: Service) -> str:
    digest = hashlib.sha256(service.config.model_dump_json().encode()).hexdigest()
    record = records.started(
        time.time_ns(), version("auditspan"), service.data.instance, f"sha256:{digest}"
    )
    return record.to_json()
